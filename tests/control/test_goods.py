"""The four other channels at the desk: support, work, our catalogue, what is lacking, what is on its way."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from dropstreamd.model.handover import Bad
from dropstreamd.model.purchases import PurchaseLine
from dropstreamd.platform.contract import Part
from tests.channels.plant import asked_back, came_back, order, package, product, purchase
from tests.control.office import START_S, Client, Office, open_client, open_office

EVERYTHING = frozenset(Part) - {Part.ACKNOWLEDGEMENTS}
CHANNELS = ("products", "returns", "catalogs", "purchase_orders")


@pytest.fixture
async def whole() -> AsyncIterator[tuple[Office, Client]]:
    """An office where everything is supported and on."""
    async with open_office(EVERYTHING) as office, open_client(office) as client:
        await client.enable("shop", *CHANNELS)
        yield office, client


async def test_each_channel_can_be_switched_run_and_scheduled(whole: tuple[Office, Client]) -> None:
    _, client = whole
    jobs = [
        "products.update",
        "products.export",
        "returns.sync",
        "catalogs.sync",
        "purchase_orders.import",
        "purchase_orders.status",
    ]
    for job in jobs:
        assert (await client.run(job))["result"] == "done"
        channel, _, name = job.partition(".")
        path = f"/connections/shop/channels/{channel}/jobs/{name}/schedule"
        rules = (await client.get(path))["rules"]
        assert bool(rules) == (job != "products.export")
    [card] = (await client.get("/status/shop"))["connections"]
    assert all(job["supported"] for channel in card["channels"] for job in channel["jobs"])
    runs = (await client.get("/connections/shop/runs"))["runs"]
    assert {f"{run['channel']}.{run['job']}" for run in runs} >= set(jobs)


async def test_what_was_replaced_comes_back_once(whole: tuple[Office, Client]) -> None:
    """The parcel that was lost comes back to the sender, and so does what was sent in its place. The
    store sold one, and knows of one package: it pays back one."""
    office, client = whole
    await client.enable()
    office.stores["shop"].changes.change("o1", order("1", ("A", 1), placed_s=START_S + 60))
    await client.run("sales_orders.import")
    office.ship(package("P1", "SH1", ("A", 1), tracking="1Z1"))
    await client.run("shipments.export")
    asked = {"why": "the parcel was lost", "confirmed": True}
    await client.ask("POST", "/connections/shop/order-replace/1", asked)
    await client.run("sales_orders.import")
    office.ship(package("P2", "SH1-R1", ("A", 1), tracking="1Z2"))
    await client.run("shipments.export")
    for key, reference in (("C1", "SH1"), ("C2", "SH1-R1")):
        office.warehouse.receipts.put(key, came_back(key, ("A", 1, "restock"), order_reference=reference))
        await client.run("returns.sync")
    assert list(office.stores["shop"].received.newest()) == ["C1"]
    [task] = (await client.get("/connections/shop/tasks"))["tasks"]
    assert task["title"] == "1: more came back than was sent"
    assert task["detail"].endswith("order 1, line L1: 1 left, 1 came back before (C1)")


async def test_one_half_of_the_returns_is_enough() -> None:
    parts = frozenset({Part.ORDERS, Part.RECEIPTS, Part.PRODUCTS})
    async with open_office(parts) as office, open_client(office) as client:
        [card] = (await client.get("/status/shop"))["connections"]
        jobs: dict[str, Any] = {
            f"{channel['channel']}.{job['job']}": job
            for channel in card["channels"]
            for job in channel["jobs"]
        }
        supported = {name for name, job in jobs.items() if job["supported"]}
        assert supported == {"sales_orders.import", "returns.sync", "products.update", "products.export"}
        assert jobs["catalogs.sync"]["reason"] == (
            "neither the store's platform, Shop, nor the warehouse's, Wms, offers catalogue"
        )
        path = "/connections/shop/channels/purchase_orders/jobs/import/run"
        status, kind, told = await client.refused("POST", path, {})
        assert (status, kind) == (409, "not supported")
        assert "offers purchase orders" in told["detail"]
        for path in ("catalog", "purchase-orders", "purchase-orders/1"):
            assert (await client.refused("GET", f"/connections/shop/{path}"))[1] == "not supported"


async def test_one_job_of_a_channel_that_is_not_supported_says_why() -> None:
    async with open_office(frozenset({Part.PRODUCTS})) as office, open_client(office) as client:
        await client.enable("shop", "products")
        wms = office.daemon.connections["c-shop"].actors["products"].agendas
        del wms["export"]  # as where the warehouse takes none
        path = "/connections/shop/channels/products/jobs/export/run"
        assert (await client.refused("POST", path, {}))[1] == "not supported"


async def test_what_waits_in_both_directions_of_the_returns_is_shown(whole: tuple[Office, Client]) -> None:
    office, client = whole
    shop = office.stores["shop"]
    for ret in (asked_back("7", asked_s=office.clock.now_s()), asked_back("8", asked_s=START_S - 90_000)):
        shop.asked.change(ret.key, ret)
    shop.received.refuse["C1"] = "closed"
    office.warehouse.receipts.put(
        "ret",
        came_back("C1", ("A", 2, "restock"), reference="RSH7"),
        came_back("C2", ("A", 1, "restock"), reference="NOBODY"),
        Bad(key="C3", place="ret line 3", reason="odd", raw=b"x"),
    )
    await client.run("returns.sync")
    [card] = (await client.get("/status/shop"))["connections"]
    [work] = [channel["work"] for channel in card["channels"] if channel["channel"] == "returns"]
    counts = {what: counted["count"] for what, counted in work.items()}
    assert counts == {"pending": 0, "parked": 1, "held": 1, "in_doubt": 0, "undecodable": 0, "tasks": 1}
    groups = (await client.get("/connections/shop/parked"))["groups"]
    found = {(group["channel"], group["kind"], group["cause"]) for group in groups}
    assert found == {
        ("receipts", "parked", "closed"),
        ("returns", "held", "before-start"),
        ("receipts", "unmatched", "no return"),
        ("receipts", "undecodable", "undecodable"),
    }
    shop.received.refuse.clear()
    release = {"channel": "returns", "cause": "before-start"}
    assert await client.ask("POST", "/connections/shop/release", release) == {"released": 1, "more": False}
    await client.ask("POST", "/connections/shop/release", {"channel": "receipts", "key": "C1"})
    await client.ask("POST", "/connections/shop/release", {"channel": "receipts", "cause": "undecodable"})
    await client.run("returns.sync")
    assert office.warehouse.expected.created() == {"r7": 1, "r8": 1}
    assert shop.received.created() == {"C1": 1}
    [task] = (await client.get("/connections/shop/tasks"))["tasks"]
    assert task["kind"] == "over-returned"
    path = f"/connections/shop/tasks/receipts/{task['key'].replace(' ', '%20')}"
    await client.ask("POST", path, {"revision": task["revision"]})
    assert not (await client.get("/connections/shop/tasks"))["tasks"]


async def test_a_sku_shows_what_the_catalogue_has(whole: tuple[Office, Client]) -> None:
    office, client = whole
    shown = product("A", gtin="00012345678905", vendor_code="V-1", weight_g=200)
    office.stores["shop"].products.change(shown.key, shown)
    await client.run("products.update")
    [found] = (await client.get("/connections/shop/skus/A"))["products"]
    assert (found["product"]["gtin"], found["product"]["vendor_code"]) == ("00012345678905", "V-1")
    assert not found["gone"]


async def test_what_the_store_lacks_is_listed_with_what_may_be_meant(whole: tuple[Office, Client]) -> None:
    office, client = whole
    told = await client.get("/connections/shop/catalog")
    assert told == {"mode": "drafts", "store_known": False, "lacking": [], "more": False}
    for one in (product("tee 1"), product("B")):
        office.stores["shop"].products.change(one.key, one)
    for item in (product("TEE-1"), product("B"), product("C")):
        office.warehouse.items.change(item.key, item)
    office.stores["shop"].drafts.refuse["C"] = "title"
    await client.run("catalogs.sync")
    told = await client.get("/connections/shop/catalog")
    assert told["store_known"]
    assert [(one["item"]["sku"], one["near"], one["state"]) for one in told["lacking"]] == [
        ("C", [], "parked"),
        ("TEE-1", ["tee 1"], "accepted"),
    ]


async def test_purchase_orders_are_shown_line_by_line(whole: tuple[Office, Client]) -> None:
    office, client = whole
    line = PurchaseLine(key="L1", sku="A", expected=24, received=6, damaged=1, unit="case", pack=12)
    for one in (purchase("1", line, status="partially-received"), purchase("2", status="cancelled")):
        office.warehouse.purchases.change(one.key, one)
    await client.run("purchase_orders.import")
    [found] = (await client.get("/connections/shop/purchase-orders"))["purchases"]
    assert (found["purchase"]["number"], found["state"]) == ("1", "accepted")
    assert len((await client.get("/connections/shop/purchase-orders?ended=true"))["purchases"]) == 2
    for named in ("1", "po1"):
        found = await client.get(f"/connections/shop/purchase-orders/{named}")
        assert found["sent"]["lines"][0]["received"] == 6
    assert (await client.refused("GET", "/connections/shop/purchase-orders/9"))[1] == "not found"


async def test_purchase_orders_are_entered_all_or_none(whole: tuple[Office, Client]) -> None:
    office, client = whole
    path = "/connections/shop/purchase-orders"
    one = {"number": "77", "lines": [{"sku": "A", "quantity": 5}], "ordered_on": "2026-03-01"}
    bad = {"number": "78", "lines": []}
    status, kind, told = await client.refused("POST", path, {"purchases": [one, bad]})
    assert (status, kind) == (409, "not possible")
    assert "'78': it has no lines" in told["detail"]
    assert (await client.refused("POST", path, {"purchases": [one, one]}))[2]["detail"].endswith("2 times")
    assert (await client.refused("POST", path, {"purchases": []}))[1] == "bad request"
    assert (await client.get(path))["purchases"] == []
    told = await client.ask("POST", path, {"purchases": [one]})
    assert (told["new"], bool(told["run"])) == (1, True)
    await client.run("purchase_orders.import")
    assert office.warehouse.announced.created() == {"77": 1}
    told = await client.ask("POST", path, {"purchases": [one]})
    assert (told["same"], told["run"]) == (1, "")
    shown = await client.get(f"{path}/77")
    assert (shown["notice"], shown["purchase"]["key"], shown["state"]) == ("accepted", "PSH77", "accepted")


async def test_a_purchase_order_is_changed_only_once_what_changes_was_seen(
    whole: tuple[Office, Client],
) -> None:
    _, client = whole
    path = "/connections/shop/purchase-orders"
    lines = [{"sku": "A", "quantity": 24, "unit": "case", "pack": 12}, {"sku": "B", "quantity": 1}]
    one = {"number": "77", "lines": lines, "supplier": "Mill", "expected_on": "2026-12-24"}
    await client.ask("POST", path, {"purchases": [one]})
    new = {"number": "78", "lines": [{"sku": "A", "quantity": 1}]}
    other = {"number": "77", "lines": [{"sku": "A", "quantity": 12}, {"sku": "C", "quantity": 3}]}
    asked = {"purchases": [new, other]}
    status, kind, told = await client.refused("POST", path, asked)
    assert (status, kind) == (409, "unconfirmed")
    (said,) = told["known"]
    assert said == (
        "77: A: 24 case of 12 → 12 each; B: 1 each → none; C: none → 3 each; "
        "supplier: Mill → none; expected: 2026-12-24 → none"
    )
    assert [each["purchase"]["number"] for each in (await client.get(path))["purchases"]] == ["77"]
    assert (await client.get(f"{path}/77"))["purchase"]["supplier"] == "Mill"
    less = {**other, "lines": [{"sku": "A", "quantity": 11}]}
    status, kind, more = await client.refused(
        "POST", path, {"purchases": [new, less], "shown": told["shown"]}
    )
    assert (status, kind) == (409, "unconfirmed")
    assert more["known"][0].startswith("77: A: 24 case of 12 → 11 each; B:")
    told = await client.ask("POST", path, {**asked, "shown": told["shown"]})
    assert (told["new"], told["changed"]) == (1, 1)
    swapped = {**other, "lines": other["lines"][::-1], "status": "cancelled"}
    told = (await client.refused("POST", path, {"purchases": [swapped]}))[2]
    assert told["known"] == ["77: status: open → cancelled"]
    told = (await client.refused("POST", path, {"purchases": [{**swapped, "status": "open"}]}))[2]
    assert told["known"] == ["77: the order of its lines"]


async def test_purchase_orders_are_entered_only_where_the_warehouse_is_told() -> None:
    async with open_office(frozenset({Part.PURCHASE_ORDERS})) as office, open_client(office) as client:
        body = {"purchases": [{"number": "77", "lines": [{"sku": "A", "quantity": 5}]}]}
        assert (await client.refused("POST", "/connections/shop/purchase-orders", body))[1] == "not supported"


async def test_a_return_and_its_order_show_what_came_back(whole: tuple[Office, Client]) -> None:
    office, client = whole
    shop = office.stores["shop"]
    await client.enable("shop", "sales_orders")
    shop.changes.change("o1", order("1", ("A", 2), placed_s=office.clock.now_s()))
    await client.run("sales_orders.import")
    for ret in (asked_back("7", ("A", 1), asked_s=office.clock.now_s()), asked_back("8", status="waiting")):
        shop.asked.change(ret.key, ret)
    await client.run("returns.sync")
    office.warehouse.receipts.put(
        "ret",
        came_back("C1", ("A", 1, "damaged"), reference="RSH7"),
        came_back("C2", ("A", 1, "restock"), order_reference="SH1", kind="return-to-sender"),
        came_back("C3", ("Z", 1, "restock"), reference="RSH7"),
    )
    await client.run("returns.sync")
    for named in ("7", "RSH7", "r7"):
        found = await client.get(f"/connections/shop/returns/{named}")
        assert (found["number"], found["state"], found["sent"]["order_reference"]) == ("7", "accepted", "SH1")
        states = {one["key"]: (one["state"], one["told"] is not None) for one in found["receipts"]}
        assert states == {"C1": ("accepted", True), "C3": ("parked", False)}
    shown = await client.get("/connections/shop/orders/1")
    assert [(ret["number"], ret["state"]) for ret in shown["returns"]] == [("7", "accepted"), ("8", "held")]
    assert [one["key"] for one in shown["receipts"]] == ["C2"]
    assert (await client.refused("GET", "/connections/shop/returns/9"))[1] == "not found"
