"""Looking things up and deciding about them: orders, SKUs, parked work, tasks, snapshots."""

from msgspec.structs import replace

from tests.channels.plant import order, package
from tests.control.office import START_S, Client, Office, bad
from tests.fakes.sinks import Fault

NEW_S = START_S + 60
SHOP = "/connections/shop"


# ---- an order


async def test_an_order_by_any_of_its_names(office: Office, client: Client) -> None:
    office.stores["shop"].changes.change("o1", order("1001", ("A", 2), placed_s=NEW_S))
    await client.enable()
    await client.run("sales_orders.import")
    office.ship(package("P1", "SH1001", ("A", 1), tracking="1Z9"))
    await client.run("shipments.export")
    shown = await client.get(f"{SHOP}/orders/1001")
    assert shown == await client.get(f"{SHOP}/orders/SH1001") == await client.get(f"{SHOP}/orders/o1001")
    assert (shown["key"], shown["reference"], shown["state"]) == ("o1001", "SH1001", "accepted")
    assert shown["order"]["lines"][0]["sku"] == "A"
    assert shown["sent"]["ship_method"] == "GND"
    [sent] = shown["packages"]
    assert (sent["key"], sent["state"], sent["package"]["tracking_numbers"]) == ("P1", "accepted", ["1Z9"])
    assert [step["text"] for step in shown["history"]][::2] == ["first seen", "accepted"]
    assert shown["attempt"] is None


async def test_an_order_that_waits_says_what_keeps_it_and_until_when(office: Office, client: Client) -> None:
    office.stores["shop"].changes.change("o1", order("1", placed_s=NEW_S))
    office.warehouse.taken.faults.append(Fault.WAIT)
    await client.enable()
    ended = await client.run("sales_orders.import")
    goes, fails = (await client.get(f"{SHOP}/orders/1"))["explained"]
    assert goes == "it goes with the next run of sales_orders.import"
    assert fails.startswith(f"sales_orders.import failed: {ended['error']}; it is tried again at 2026-03-02 ")
    office.report({"A": 5})
    office.stores["shop"].levels.faults.append(Fault.WAIT)
    ended = await client.run("inventory.smart")
    steps = (await client.get(f"{SHOP}/skus/A"))["steps"]
    assert f"inventory.smart failed: {ended['error']}; it is tried again at " in steps[-1]
    office.stores["shop"].changes.allowed = 0
    await client.run("sales_orders.import")
    waits = (await client.get(f"{SHOP}/orders/1"))["explained"][1]
    assert waits.startswith("sales_orders.import is unfinished: its budget is used up; it is tried again at ")


async def test_orders_that_were_never_sent_are_found_by_their_number(office: Office, client: Client) -> None:
    changes = office.stores["shop"].changes
    changes.change("o1", order("1/7", method="Express", placed_s=NEW_S))
    changes.change("o2", order("2", placed_s=START_S - 60))
    changes.change("o3", order("3", placed_s=NEW_S, status="waiting"))
    await client.enable()
    await client.run("sales_orders.import")
    assert (await client.get(f"{SHOP}/orders/1%2F7"))["cause"] == "method:Express"
    assert (await client.get(f"{SHOP}/orders/2"))["state"] == "held"
    changes.change("o3", order("3", placed_s=NEW_S, status="cancelled"))
    await client.run("sales_orders.import")
    assert (await client.get(f"{SHOP}/orders/3"))["state"] == "void"


async def test_an_order_of_another_connection_is_not_this_ones(office: Office, client: Client) -> None:
    office.stores["ebay"].changes.change("o1", order("1001", placed_s=NEW_S))
    await client.enable("ebay")
    await client.run("sales_orders.import", "ebay")
    assert (await client.get("/connections/ebay/orders/1001"))["reference"] == "EB1001"
    for named in ("1001", "EB1001", "o1001"):
        assert (await client.refused("GET", f"{SHOP}/orders/{named}"))[0] == 404


# ---- a SKU


async def test_a_sku_is_explained_figure_by_figure(office: Office, client: Client) -> None:
    office.write(
        "shop",
        (office.conf / "connections.d" / "shop.toml").read_text() + '[listings]\n"TEE/RED" = "100"\n',
    )
    await client.ask("POST", "/reload")
    office.stores["shop"].changes.change("o1", order("1", ("TEE/RED", 2), placed_s=NEW_S, method="Express"))
    office.stores["ebay"].changes.change("o9", order("9", ("100", 1), placed_s=NEW_S, method="Express"))
    office.report({"100": 10})
    for name in ("shop", "ebay"):
        await client.enable(name)
        await client.run("sales_orders.import", name)
    ended = await client.run("inventory.smart")
    shown = await client.get(f"{SHOP}/skus/TEE%2FRED")
    assert (shown["warehouse_sku"], shown["reported"], shown["unsent"]) == ("100", 10, 3)
    assert (shown["derived"], shown["accepted"], shown["accepted_run"]) == (7, 7, ended["id"])
    promised = {(each["connection"], each["number"], each["units"]) for each in shown["promises"]}
    assert promised == {("shop", "1", 2), ("ebay", "9", 1)}
    assert not shown["pending"]
    assert shown["snapshot"] == "stock-0001"
    steps = " | ".join(shown["steps"])
    assert "TEE/RED is listed as the warehouse's 100" in steps
    assert "3 of them are promised to 2 orders" in steps
    assert "so the store is to show 7" in steps
    assert "the store took 7 at 2026-" in steps
    own = (await client.get(f"{SHOP}/skus/100"))["steps"]
    assert own[-2] == "the store was never told a level"
    assert own[-1].startswith("its stock is listed as TEE/RED: where the store sells it under its own name")
    assert own[-1].endswith('"100" = "100"')
    status, _, told = await client.refused("GET", f"{SHOP}/skus/PLANT")
    assert (status, "after a run of products.update" in told["remedy"]) == (404, True)


async def test_a_bundle_is_explained_step_by_step(office: Office, client: Client) -> None:
    path = office.conf / "merchants.d" / "acme.toml"
    selling = """
[bundles]
GIFT = { TEE = 2, MUG = 1 }
[allocation]
safety_stock = "10%"
[allocation.overrides]
GIFT = { maximum = 3, minimum = 1, safety_stock = 1, fixed = 6 }
[allocation.share]
shop = "75%"
ebay = "25%"
"""
    path.write_text(path.read_text() + selling)
    await client.ask("POST", "/reload")
    office.stores["ebay"].changes.change("o9", order("9", ("GIFT", 2), placed_s=NEW_S, method="Express"))
    office.report({"TEE": 21, "MUG": 9})
    for name in ("shop", "ebay"):
        await client.enable(name)
        await client.run("sales_orders.import", name)
    await client.run("inventory.smart")
    shown = await client.get(f"{SHOP}/skus/GIFT")
    parts = [tuple(part.values()) for part in shown["components"]]
    assert parts == [("TEE", 2, 21, 4, 3, 14, 7), ("MUG", 1, 9, 2, 1, 6, 6)]
    assert (shown["bundle"], shown["built"], shown["derived"], shown["accepted"]) == (True, 6, 3, 3)
    assert [tuple(step.values()) for step in shown["allocation"]] == [
        ("safety stock", "1", 5),
        ("fixed", "6", 5),
        ("share", "75%", 3),
        ("maximum", "3", 3),
        ("minimum", "1", 3),
    ]
    assert [(each["number"], each["units"], each["deducted"]) for each in shown["promises"]] == [
        ("9", 6, True)
    ]
    assert shown["steps"][:4] == [
        "2 × TEE each: 21 reported, less 4 unsent and 3 held back, enough for 7",
        "1 × MUG each: 9 reported, less 2 unsent and 1 held back, enough for 6",
        "so 6 can be built, by its scarcest component MUG",
        "1 are held back as safety stock, which leaves 5",
    ]
    single = await client.get(f"{SHOP}/skus/TEE")
    assert (single["reported"], single["unsent"], single["derived"]) == (21, 4, 10)
    assert [step["rule"] for step in single["allocation"]] == ["safety stock", "share"]


async def test_a_refused_level_says_why_and_is_released(office: Office, client: Client) -> None:
    office.report({"A": 5})
    office.stores["shop"].levels.refuse["A"] = "sku:A"
    await client.enable()
    await client.run("inventory.smart")
    shown = await client.get(f"{SHOP}/skus/A")
    assert shown["refusal"] == {"cause": "sku:A", "reason": "it is not taken", "level": 5}
    assert shown["accepted"] is None
    [group] = (await client.get(f"{SHOP}/parked"))["groups"]
    assert (group["channel"], group["cause"], group["count"]) == ("inventory", "sku:A", 1)
    office.stores["shop"].levels.refuse.clear()
    released = await client.ask("POST", f"{SHOP}/release", {"channel": "inventory", "cause": "sku:A"})
    assert released["released"] == 1
    await client.run("inventory.smart")
    assert (await client.get(f"{SHOP}/skus/A"))["accepted"] == 5
    request = {"channel": "inventory", "key": "A"}
    assert (await client.refused("POST", f"{SHOP}/release", request))[0] == 404


async def test_a_sku_that_nobody_has(office: Office, client: Client) -> None:
    office.report({"TEE-RED": 5})
    await client.enable()
    await client.run("inventory.smart")
    status, _, told = await client.refused("GET", f"{SHOP}/skus/TEE-RDE")
    assert (status, told["remedy"]) == (404, 'did you mean "TEE-RED"?')


# ---- parked


async def test_parked_work_by_cause_with_examples(office: Office, client: Client) -> None:
    changes = office.stores["shop"].changes
    for number in range(7):
        changes.change(f"e{number}", order(f"E{number}", method="Express", placed_s=NEW_S))
    changes.change("w", order("W", placed_s=NEW_S, status="waiting"))
    changes.change("old", order("OLD", placed_s=START_S - 60))
    changes.change("torn", bad("torn"))
    office.ship(package("P1", "XX9", ("A", 1)), bad("P2", "no reference"))
    await client.enable()
    await client.run("sales_orders.import")
    await client.run("shipments.export")
    told = await client.get(f"{SHOP}/parked")
    groups = {
        (each["account"], each["channel"], each["kind"], each["cause"]): each for each in told["groups"]
    }
    assert {key: group["count"] for key, group in groups.items()} == {
        ("", "sales_orders", "parked", "method:Express"): 7,
        ("", "sales_orders", "held", "waiting"): 1,
        ("", "sales_orders", "undecodable", "undecodable"): 1,
        ("acme/main", "shipments", "undecodable", "undecodable"): 1,
        ("acme/main", "shipments", "unmatched", "no order"): 1,
    }
    express = groups["", "sales_orders", "parked", "method:Express"]
    assert [each["number"] for each in express["examples"]] == ["E0", "E1", "E2", "E3", "E4"]
    assert (
        express["examples"][0]["reason"]
        == "ship method 'Express' is not mapped: add it to [shipping] methods, then reload"
    )
    assert told["groups"][0] == express
    assert told["backlog"]["numbers"] == ["OLD"]


async def test_what_cannot_be_read_is_grouped_by_reason_and_can_be_forgotten(
    office: Office, client: Client
) -> None:
    office.ship(bad("P1", "no reference"), bad("P2", "no number"), bad("P3", "no reference"))
    await client.enable()
    await client.run("shipments.export")
    groups = (await client.get(f"{SHOP}/parked"))["groups"]
    assert [(each["count"], each["kind"], each["cause"]) for each in groups] == [
        (2, "undecodable", "undecodable"),
        (1, "undecodable", "undecodable"),
    ]
    assert [each["key"] for each in groups[0]["examples"]] == ["P1", "P3"]
    assert {each["reason"] for each in groups[0]["examples"]} == {"no reference"}
    assert [each["reason"] for each in groups[1]["examples"]] == ["no number"]
    request = {"channel": "shipments", "cause": "undecodable"}
    assert await client.ask("POST", f"{SHOP}/release", request) == {"released": 3, "more": False}
    assert (await client.get(f"{SHOP}/parked"))["groups"] == []
    assert (await client.refused("POST", f"{SHOP}/release", request))[0] == 404


async def test_a_parked_order_is_released_by_cause_or_by_key(office: Office, client: Client) -> None:
    office.warehouse.taken.refuse.update({"o1": "odd", "o2": "odd"})
    for number in ("1", "2"):
        office.stores["shop"].changes.change(f"o{number}", order(number, placed_s=NEW_S))
    await client.enable()
    await client.run("sales_orders.import")
    released = await client.ask("POST", f"{SHOP}/release", {"channel": "sales_orders", "key": "o1"})
    assert released == {"released": 1, "more": False}
    released = await client.ask("POST", f"{SHOP}/release", {"channel": "sales_orders", "cause": "odd"})
    assert released["released"] == 1
    office.warehouse.taken.refuse.clear()
    assert (await client.run("sales_orders.import"))["counts"]["accepted"] == 2
    lines = (await client.get(f"{SHOP}/log"))["lines"]
    assert [line["text"] for line in lines if line["event"] == "released"] == [
        "released 1 of sales_orders: o1",
        "released 1 of sales_orders: cause odd",
    ]


async def test_what_may_not_be_released(office: Office, client: Client) -> None:
    office.stores["shop"].changes.change("w", order("W", placed_s=NEW_S, status="waiting"))
    office.stores["shop"].changes.change("old", order("OLD", placed_s=START_S - 60))
    office.stores["shop"].changes.change("o1", order("1", placed_s=NEW_S))
    await client.enable()
    await client.run("sales_orders.import")

    async def refused(**asked: object) -> tuple[int, str]:
        return (await client.refused("POST", f"{SHOP}/release", {"channel": "sales_orders", **asked}))[:2]

    assert await refused(key="oW") == (409, "not possible")
    assert await refused(key="o1") == (409, "not possible")
    assert await refused(cause="before-start") == (409, "not possible")
    assert await refused(cause="waiting") == (404, "not found")
    assert await refused(key="none") == (404, "not found")
    assert await refused() == (400, "bad request")
    assert await refused(key="x", cause="y") == (400, "bad request")
    old = await client.ask("POST", f"{SHOP}/release", {"channel": "sales_orders", "key": "oOLD"})
    assert old["released"] == 1


# ---- tasks


async def test_a_task_is_done_only_as_it_was_read(office: Office, client: Client) -> None:
    placed = order("1", ("A", 1), placed_s=NEW_S)
    office.stores["shop"].changes.change("o1", placed)
    await client.enable()
    await client.run("sales_orders.import")
    more = replace(placed, lines=(replace(placed.lines[0], quantity=2),))
    office.stores["shop"].changes.change("o1", more)
    await client.run("sales_orders.import")
    [task] = (await client.get(f"{SHOP}/tasks"))["tasks"]
    assert (task["channel"], task["key"], task["kind"], task["revision"]) == (
        "sales_orders",
        "o1",
        "changed",
        2,
    )
    assert "1 were ordered, now 2 are" in task["detail"]
    assert (await client.get(f"{SHOP}/orders/1"))["tasks"] == [task]
    path = f"{SHOP}/tasks/sales_orders/o1"
    assert (await client.refused("POST", path, {"revision": 1}))[:2] == (409, "changed")
    await client.ask("POST", path, {"revision": 2})
    assert (await client.get(f"{SHOP}/tasks"))["tasks"] == []
    assert (await client.refused("POST", path, {"revision": 2}))[:2] == (404, "not found")


# ---- snapshots


async def test_a_held_snapshot_is_approved(office: Office, client: Client) -> None:
    path = "/warehouses/acme/main/approve"
    await client.enable()
    for stock in ({"A": 5, "B": 3}, {"A": 5}):
        office.report(stock)
        await client.run("inventory.smart")
    [account] = (await client.get("/status"))["accounts"]
    held = {"generation": account["held"]["id"]}
    assert (await client.refused("POST", path, {"generation": "01J"}))[:2] == (409, "changed")
    told = await client.ask("POST", path, held)
    assert told["snapshot"] == "stock-0002"
    assert told["why"].startswith("approved: 1 of 2 SKUs are missing")
    assert (await client.refused("POST", path, held))[:2] == (404, "not found")
    lines = (await client.get("/connections/ebay/log"))["lines"]
    assert [line["event"] for line in lines] == ["approved"]
    assert (await client.refused("POST", "/warehouses/acme/mian/approve", held))[0] == 404


async def test_a_sku_tells_the_time_of_the_snapshot_that_it_names(office: Office, client: Client) -> None:
    """Not when a person approved it, nor that of a later one in which the figure stayed."""
    await client.enable()
    office.report({"A": 5, "B": 3})
    await client.run("inventory.smart")
    office.clock.step(3600)
    office.report({"A": 7})
    reported_s = office.clock.now_s()
    await client.run("inventory.smart")
    [account] = (await client.get("/status"))["accounts"]
    office.clock.step(7200)
    held = {"generation": account["held"]["id"]}
    await client.ask("POST", "/warehouses/acme/main/approve", held)
    for later in ({}, {"A": 7, "C": 1}):
        if later:
            office.clock.step(600)
            office.report(later)
            await client.run("inventory.smart")
        shown = await client.get(f"{SHOP}/skus/A")
        assert (shown["snapshot"], shown["reported"]) == ("stock-0002", 7)
        assert abs(shown["as_of_s"] - reported_s) < 5
        assert "the warehouse reports 7 available, since 2026-03-02 05:00:" in shown["steps"][0]
