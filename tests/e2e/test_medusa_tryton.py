"""A Medusa and a Tryton, both worked in by hand: an order's whole life, and every other job."""

import json
from collections import Counter

import pytest

from tests.counterparts.medusa.records import Order
from tests.counterparts.medusa.shop import MedusaShop
from tests.counterparts.tryton.receiving import RETURN
from tests.counterparts.tryton.shipping import OUT, Packed
from tests.counterparts.tryton.warehouse import TrytonWarehouse
from tests.e2e.daemon import Daemon
from tests.e2e.sandbox import ctl
from tests.e2e.sides import add_medusa, add_tryton

pytestmark = [pytest.mark.counterpart, pytest.mark.timeout(900)]

EVERY_CHANNEL = (
    "sales_orders",
    "shipments",
    "inventory",
    "products",
    "returns",
    "catalogs",
    "purchase_orders",
)


def run(daemon: Daemon, job: str) -> Counter[str]:
    """Run a job as an operator does, to its end, which must be a good one; what it counted."""
    ran = ctl(daemon, "run", "acme", job, "--wait", "--json")
    ended = json.loads(ran.out)
    assert ended["result"] == "done"
    return Counter(ended["counts"])


def shipped(order: Order) -> dict[str, int]:
    """Units by SKU that the store shows as shipped."""
    return {line.variant_sku or "": line.detail.shipped_quantity for line in order.items}


def tracking(order: Order) -> set[str]:
    return {label.tracking_number for each in order.fulfillments for label in each.labels}


def line_of(order: Order, sku: str) -> str:
    (line,) = [line.id for line in order.items if line.variant_sku == sku]
    return line


def nothing_waits(daemon: Daemon) -> None:
    """No task, nothing parked, nothing in doubt."""
    assert daemon.ask("GET", "/connections/acme/tasks")["tasks"] == []
    assert daemon.ask("GET", "/connections/acme/in-doubt")["documents"] == []
    assert daemon.ask("GET", "/connections/acme/parked")["groups"] == []


@pytest.mark.cell(
    "medusa",
    "tryton",
    "sales_orders.import",
    "shipments.export",
    "inventory.full",
    "inventory.smart",
    "returns.sync",
)
def test_an_order_is_picked_short_shipped_later_and_comes_back(
    daemon: Daemon, medusa_shop: MedusaShop, tryton_warehouse: TrytonWarehouse
) -> None:
    shop, house = medusa_shop, tryton_warehouse
    tee, cap, mug = (f"{shop.code}-{house.code}-{name}" for name in ("TEE", "CAP", "MUG"))
    others = {f"{shop.code}-{house.code}-{number}": 1 for number in range(5)}
    shop.add_products({tee: 0, cap: 0, mug: 0, **dict.fromkeys(others, 0)})
    house.add_products({tee: 5, cap: 10, mug: 2, **others})
    add_tryton(daemon, house)
    add_medusa(daemon, shop)
    daemon.start()
    assert ctl(daemon, "test", "acme", "--write").status == 0
    daemon.enable("acme", *EVERY_CHANNEL)
    run(daemon, "sales_orders")
    assert run(daemon, "inventory.full")["pushed"] == 8
    assert {sku: shop.sellable(sku) for sku in (tee, cap, mug)} == {tee: 5, cap: 10, mug: 2}

    # Two orders become customer shipments.
    split, ignored = shop.place_order({tee: 4, cap: 1}), shop.place_order({mug: 2})
    assert run(daemon, "sales_orders")["accepted"] == 2
    references = [f"{shop.code}-{shop.order(order).display_id}" for order in (split, ignored)]
    ((first,), (short,)) = (house.shipments(reference) for reference in references)
    assert [each["state"] for each in (first, short)] == ["waiting", "waiting"]
    assert first["carrier."]["rec_name"] == "UPS - Ground"

    # There is less on the shelves than anybody thought: of both a part ships, and the store shows which.
    house.count({tee: 3, mug: 1})
    assert not house.assign(first["id"])
    rest = house.split(first["id"], tee, 3)
    assert house.assign(first["id"])
    assert not house.assign(short["id"])
    house.go_short(short["id"])
    assert run(daemon, "sales_orders")["acknowledged"] >= 2
    for shipment, packages in (
        (first["id"], [Packed(units={tee: 3}, tracking="1Z1"), Packed(units={cap: 1}, tracking="1Z2")]),
        (short["id"], [Packed(units={mug: 1}, tracking="1Z3")]),
    ):
        house.pick(shipment)
        house.pack(shipment, packages)
        house.send(shipment)
    assert run(daemon, "shipments")["accepted"] == 3
    assert shipped(shop.order(split)) == {tee: 3, cap: 1}
    assert tracking(shop.order(split)) == {"1Z1", "1Z2"}
    assert shipped(shop.order(ignored)) == {mug: 1}
    run(daemon, "inventory")
    assert {sku: shop.sellable(sku) for sku in (tee, cap, mug)} == {tee: 0, cap: 9, mug: 0}

    # Stock arrives, and the rest ships: what was split off, and what the staff enters by hand.
    house.count({tee: 6, mug: 3})
    again = house.ship_new(references[1], {mug: 1})
    house.fulfil([rest, again], tracking="1Z4")
    assert run(daemon, "shipments")["accepted"] == 2
    assert shipped(shop.order(split)) == {tee: 4, cap: 1}
    assert tracking(shop.order(split)) == {"1Z1", "1Z2", "1Z4"}
    assert shipped(shop.order(ignored)) == {mug: 2}

    # The buyer sends two back: one is as new, one is damaged.
    line = line_of(shop.order(split), tee)
    shop.ask_return(split, {line: 2})
    assert run(daemon, "returns")["accepted"] == 1
    (expected,) = house.returns()
    assert expected["state"] == "draft"
    assert [(each["product."]["code"], each["quantity"]) for each in expected["incoming_moves."]] == [
        (tee, 2)
    ]
    house.receive_back(expected["id"], {tee: [(1, house.storage), (1, house.damaged)]})
    assert house.state(RETURN, expected["id"]) == "done"
    assert run(daemon, "returns")["accepted"] == 1
    (received,) = shop.returns(split)
    assert received.status == "received"
    detail = next(each.detail for each in shop.order(split).items if each.id == line)
    assert detail.return_received_quantity + detail.return_dismissed_quantity == 2

    # Both sides agree on the stock, nothing is left to be told, and nothing waits for a person.
    run(daemon, "inventory")
    assert {sku: shop.sellable(sku) for sku in (tee, cap, mug)} == {tee: 6, cap: 9, mug: 2}
    assert {sku: house.on_hand(sku) for sku in (tee, cap, mug)} == {tee: 6, cap: 9, mug: 2}
    assert {each["state"] for each in house.shipments()} == {"done"}
    for job in ("sales_orders.import", "shipments.export", "returns.sync", "inventory.smart"):
        counts = daemon.run("acme", job)
        assert counts["accepted"] == counts["pushed"] == 0
    nothing_waits(daemon)
    assert references[0] in ctl(daemon, "order", "acme", references[0]).out
    assert daemon.stop() == 0


@pytest.mark.cell(
    "medusa",
    "tryton",
    "products.update",
    "products.export",
    "catalogs.sync",
    "purchase_orders.import",
    "purchase_orders.status",
    "inventory.full",
    "inventory.smart",
)
def test_what_one_side_has_and_the_other_lacks(
    daemon: Daemon, medusa_shop: MedusaShop, tryton_warehouse: TrytonWarehouse
) -> None:
    shop, house = medusa_shop, tryton_warehouse
    tee, cap, hat = (f"{shop.code}-{house.code}-{name}" for name in ("TEE", "CAP", "HAT"))
    shop.add_products({tee: 0, cap: 0})
    house.add_products({tee: 5, hat: 7})
    add_tryton(daemon, house)
    add_medusa(daemon, shop)
    daemon.start()
    daemon.enable("acme", *EVERY_CHANNEL)
    (card,) = daemon.ask("GET", "/status/acme")["connections"]
    assert all(job["supported"] for channel in card["channels"] for job in channel["jobs"])

    # Products: the warehouse comes to know what the store sells.
    daemon.run("acme", "products.update")
    daemon.run("acme", "products.export")
    names = {row["code"]: row["template."]["name"] for row in house.catalogue()}
    assert names.keys() == {tee, cap, hat}
    assert cap in names[cap]

    # Catalogs: what only the warehouse has becomes a draft, and nothing else is touched.
    (variant,) = shop.variants([tee])
    shop.change_product(variant.product.id, {"title": "The merchant's own words"})
    house.rename(tee, "The warehouse's words")
    assert daemon.run("acme", "catalogs.sync")["accepted"] == 1
    drafts = {each.sku: (each.product.title, each.product.status) for each in shop.variants([tee, cap, hat])}
    assert drafts[hat] == (f"The {hat}", "draft")
    assert drafts[tee] == ("The merchant's own words", "published")
    assert drafts[cap][1] == "published"
    assert daemon.run("acme", "catalogs.sync")["accepted"] == 0
    assert daemon.run("acme", "inventory.full")["pushed"] == 3
    assert {sku: shop.sellable(sku) for sku in (tee, cap, hat)} == {tee: 5, cap: 0, hat: 7}

    # Purchase orders: ten are on their way, four arrive, then seven.
    (purchase,) = house.purchase_many([f"PO{house.code}"], {tee: 10})
    assert daemon.run("acme", "purchase_orders.import")["accepted"] == 1
    assert incoming(shop, tee) == 10
    house.receive_goods(purchase, {tee: 4})
    assert daemon.run("acme", "purchase_orders.status")["accepted"] == 1
    assert incoming(shop, tee) == 6
    house.receive_goods(purchase, {tee: 7})
    assert daemon.run("acme", "purchase_orders.status")["accepted"] == 1
    assert incoming(shop, tee) == 0
    daemon.run("acme", "inventory.smart")
    assert shop.sellable(tee) == house.on_hand(tee) == 16
    (task,) = daemon.ask("GET", "/connections/acme/tasks")["tasks"]
    assert (task["channel"], task["kind"]) == ("purchase_orders", "received-otherwise")


def incoming(shop: MedusaShop, sku: str) -> int:
    """Units that the store expects at its location."""
    return sum(
        level.incoming_quantity
        for level in shop.items([sku])[sku].location_levels
        if level.location_id == shop.location_id
    )


@pytest.mark.cell(
    "medusa", "tryton", "sales_orders.import", "shipments.export", "returns.sync", "inventory.full"
)
def test_orders_are_cancelled_and_a_parcel_comes_back_by_itself(
    daemon: Daemon, medusa_shop: MedusaShop, tryton_warehouse: TrytonWarehouse
) -> None:
    shop, house = medusa_shop, tryton_warehouse
    tee = f"{shop.code}-{house.code}-TEE"
    shop.add_products({tee: 10})
    house.add_products({tee: 10})
    add_tryton(daemon, house)
    add_medusa(daemon, shop)
    daemon.start()
    daemon.enable("acme", "sales_orders", "shipments", "inventory", "returns")
    daemon.run("acme", "sales_orders.import")
    early, late, kept = (shop.place_order({tee: units}) for units in (1, 2, 3))
    assert daemon.run("acme", "sales_orders.import")["accepted"] == 3
    shipments = {
        order: house.shipments(f"{shop.code}-{shop.order(order).display_id}")[0]
        for order in (early, late, kept)
    }

    # Cancelled in the store: in time the warehouse stops it, else a person has to look after it.
    for order in (late, kept):
        assert house.assign(shipments[order]["id"])
    house.pick(shipments[late]["id"])
    for order in (early, late):
        shop.cancel(order)
    daemon.run("acme", "sales_orders.import")
    assert house.state(OUT, shipments[early]["id"]) == "cancelled"
    assert house.state(OUT, shipments[late]["id"]) == "picked"
    (task,) = daemon.ask("GET", "/connections/acme/tasks")["tasks"]
    assert task["number"] == str(shop.order(late).display_id)

    # Nobody asked for a return, but two of three are back: entered under the order's reference.
    house.fulfil([shipments[kept]["id"]], tracking="1Z1")
    assert daemon.run("acme", "shipments.export")["accepted"] == 1
    (back,) = house.return_many([shipments[kept]["reference"]], {tee: 2})
    house.receive_back(back)
    assert daemon.run("acme", "returns.sync")["accepted"] == 1
    (returned,) = shop.returns(kept)
    assert returned.status == "received"
    (line,) = shop.order(kept).items
    assert line.detail.return_dismissed_quantity == 2
    assert daemon.run("acme", "returns.sync")["accepted"] == 0

    # The one that was picked goes back on its shelf: both sides agree.
    house.cancel(shipments[late]["id"])
    daemon.run("acme", "inventory.full")
    assert shop.sellable(tee) == house.on_hand(tee) == 9
