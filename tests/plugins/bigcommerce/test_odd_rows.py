"""One row that is not as described is set aside with its id, and the others go on."""

from datetime import timedelta

import pytest
from trio.testing import MockClock

from dropstreamd.errors import ProtocolMismatch
from dropstreamd.model.handover import Accepted, InDoubt, Item, Rejected
from dropstreamd.model.products import Product
from tests.fakes.bigcommerce import FakeBigCommerce
from tests.fakes.bigcommerce_shop import BigCommerceShop, Row
from tests.plugins.host import Steps
from tests.plugins.things import STAMP, prepared, push, push_levels, refused

from .stores import Account, package
from .test_shipments import line_of

LONG_SKU = "A" * 150
FOREIGN = "answered JSON that is not as described"


async def test_an_odd_order_is_set_aside(
    fake: FakeBigCommerce, account: Account, shop: BigCommerceShop
) -> None:
    status, line, letters, good = (shop.place({"A": units}) for units in (1, 7, 1, 1))
    letters["customer_message"] = "Caf\u00e9"
    fake.spoil("getOrders", b'"status_id":11', b'"status_id":"Awaiting"')
    fake.spoil("getOrders", b'"quantity":7', b'"quantity":null')
    fake.spoil("getOrders", "Caf\u00e9".encode(), b"Caf\xe9")
    found = await account.listing()
    assert found.orders.keys() == {str(good["id"])}
    assert {key: reason.partition(" at ")[2] or reason for key, reason in found.bad.items()} == {
        str(status["id"]): "`$.status_id`",
        str(line["id"]): "`$.consignments.shipping[0].line_items[0].quantity`",
        str(letters["id"]): "'utf-8' codec can't decode byte 0xe9 in position 3: unexpected end of data",
    }


def set_sku(shop: BigCommerceShop, sku: str, *orders: Row) -> None:
    """Of all their lines, as nobody would who changes an order."""
    for order in orders:
        for line in shop.lines(order):
            line["sku"] = sku


async def test_an_order_that_was_odd_is_told_once_it_can_be_read(
    fake: FakeBigCommerce, account: Account, shop: BigCommerceShop
) -> None:
    """However long after, though nobody changed it; at the addresses that it had, whatever was edited."""
    made, over, gone = shop.place({"A": 1}, addresses=2), shop.place({"A": 1}), shop.place({"A": 1})
    first, second = shop.addresses(made)
    shop.set_status(gone, 5)
    before = await account.listing()
    assert before.orders[str(made["id"])].lines[0].key == str(shop.lines(made)[0]["id"])
    set_sku(shop, LONG_SKU, made, over, gone)
    shop.touch(made, over, gone)
    odd = await account.listing(before.cursor)
    bad = {str(made["id"]), f"{made['id']}-{second}", str(over["id"]), str(gone["id"])}
    assert odd.bad.keys() == bad
    shop.set_status(over, 5)
    made["consignments"]["shipping"].pop(0)
    still = await account.listing(odd.cursor)
    assert still.bad.keys() == bad
    shop.now += timedelta(days=1)
    shop.delete(gone)
    fake.asked.clear()
    last = await account.listing(still.cursor)
    assert last.bad.keys() == bad - {str(gone["id"])}, "what was never told and is deleted is nobody's"
    set_sku(shop, "A", made, over)
    told = await account.listing(last.cursor)
    assert told.statuses == {
        str(made["id"]): "cancelled",
        f"{made['id']}-{second}": "open",
        str(over["id"]): "cancelled",
    }
    fake.asked.clear()
    assert (await account.listing(told.cursor)).statuses == {}
    assert fake.asked == ["getOrders"]
    assert first != second


async def test_ten_that_are_odd_are_looked_at_in_a_run(
    fake: FakeBigCommerce, account: Account, shop: BigCommerceShop, patient_clock: MockClock
) -> None:
    """Others each time; and where BigCommerce fails over one of them, it is the last of that run."""
    made = [shop.place({"A": 1}) for _ in range(14)]
    set_sku(shop, LONG_SKU, *made)
    first = await account.listing()
    assert len(first.bad) == 14
    shop.now += timedelta(days=1)
    second = await account.listing((await account.listing(first.cursor)).cursor)
    assert len(second.bad) == 10
    set_sku(shop, "A", *made)
    third = await account.listing(second.cursor)
    assert len(second.bad.keys() & third.orders.keys()) == 6, "those looked at last come last"
    for _ in range(4):
        fake.fail("getOrder", "500")
    fourth = await account.listing(third.cursor)
    assert (len(third.orders), len(fourth.bad), len(fourth.orders)) == (10, 1, 0)
    assert len((await account.listing(fourth.cursor)).orders) == 4


async def test_an_odd_shipment_holds_up_its_order_alone(
    fake: FakeBigCommerce, account: Account, shop: BigCommerceShop
) -> None:
    """It may be the package, or not: a person looks."""
    made, other = shop.place({"A": 3}), shop.place({"A": 1})
    ours = package("P-1", made, 1, "T1")
    async with account.open() as store:
        by_hand = shop.ship(made, shop.addresses(made)[0], {line_of(made): 1})
        assert isinstance(await push(store, ours), Accepted)
        fake.spoil("getOrderShipments", b'"quantity":1', b'"quantity":"one"')
        outcome = await push(store, package("P-2", made, 1, "T2"))
        assert isinstance(outcome, Rejected)
        assert outcome.cause == "shipment-unreadable"
        assert f"shipment {by_hand['id']} of order {made['id']}" in outcome.reason
        assert isinstance(await push(store, ours), Accepted), "it is found, whatever stands beside it"
        assert isinstance(await push(store, package("P-3", other, 1, "T3")), Accepted)
        (told,) = await store.shipments.recover(prepared(store, package("P-2", made, 1)), "creating", Steps())
        assert isinstance(told, InDoubt)
        assert f"shipment {by_hand['id']}" in told.why
    assert len(shop.shipments_of(made["id"])) == 2


async def test_a_shipment_that_became_odd_is_not_changed(
    fake: FakeBigCommerce, account: Account, shop: BigCommerceShop
) -> None:
    made = shop.place({"A": 3})
    async with account.open() as store:
        told = await push(store, package("P-1", made, 1, "T1"))
        assert isinstance(told, Accepted)
        amended = Item(key="P-1", document=package("P-1", made, 1, "T2").document, remote=told.remote)
        fake.spoil("getOrderShipment", b'"quantity":1', b'"quantity":"one"')
        assert refused(await push(store, amended)) == "shipment-unreadable"
        (looked,) = await store.shipments.recover(prepared(store, amended), "changing", Steps())
        assert isinstance(looked, InDoubt)


async def test_an_odd_product_holds_up_its_own_levels_alone(
    fake: FakeBigCommerce, account: Account, shop: BigCommerceShop
) -> None:
    odd = shop.add_product("ODD", 1)
    shop.add_product("GOOD", 1)
    fake.spoil("getProducts", b'"inventory_tracking":"product"', b'"inventory_tracking":null')
    async with account.open() as store:
        outcomes = await push_levels(store, {"GOOD": 5, "ODD": 5})
        assert isinstance(outcomes["GOOD"], Accepted)
        refusal = outcomes["ODD"]
        assert isinstance(refusal, Rejected)
        assert f"product {odd['id']}: Expected `str`" in refusal.reason
        assert refusal.cause == "unreadable", "it may be read by the next run"
        survey = await store.survey()
    assert survey.skus == frozenset({"GOOD"})


async def test_one_without_an_id_does_not_stop_a_walk_through_the_catalogue(
    fake: FakeBigCommerce, account: Account, shop: BigCommerceShop
) -> None:
    names = [f"P-{number}" for number in range(600)]
    shop.add_products(dict.fromkeys(names, 1))
    fake.spoil("getProducts", rb'"id":\d+', b'"id":"?"')
    async with account.open() as store:
        outcomes = await push_levels(store, dict.fromkeys(names, 5))
    assert {sku for sku, each in outcomes.items() if isinstance(each, Rejected)} == {"P-0", "P-250", "P-500"}


async def test_an_odd_variant_is_not_known(
    fake: FakeBigCommerce, account: Account, shop: BigCommerceShop
) -> None:
    shop.add_products(dict.fromkeys((f"P-{number}" for number in range(600)), 1))
    shop.add_product("TEE", tracking="variant", variants={"TEE-S": 1, "TEE-M": 1})
    fake.spoil("getVariants", rb'"id":\d+', b'"id":"?"')
    async with account.open() as store:
        refusal = (await push_levels(store, {"TEE-M": 5}))["TEE-M"]
    assert isinstance(refusal, Rejected)
    assert "unless it is one of 1 that cannot be read (variant unreadable-" in refusal.reason


async def test_an_odd_level_is_left_out_of_what_is_shown(
    fake: FakeBigCommerce, account: Account, shop: BigCommerceShop
) -> None:
    shop.add_products({"ODD": 1, "GOOD": 2})
    fake.spoil("get-location-inventory-items", b'"total_inventory_onhand":1', b'"total_inventory_onhand":"1"')
    async with account.open() as store:
        assert await store.levels.read(["ODD", "GOOD"]) == {"GOOD": 2}


async def test_an_odd_product_is_no_twin_of_a_draft(
    fake: FakeBigCommerce, account: Account, shop: BigCommerceShop
) -> None:
    shop.add_product("ODD", 1)
    fake.spoil("getProducts", b'"sku":"ODD"', b'"sku":5')
    product = Product(key="ODD", sku="ODD", title="A thing")
    async with account.open() as store:
        (one,) = store.catalogue.prepare([Item(key="ODD", document=product)], STAMP).prepared
        (outcome,) = await store.catalogue.push(one, Steps())
    assert refused(outcome) == "conflict", "BigCommerce takes no second one"


async def test_what_is_no_answer_of_bigcommerce_is_told_as_that(
    fake: FakeBigCommerce, account: Account, shop: BigCommerceShop
) -> None:
    made = shop.place({"A": 1})
    shop.add_product("A", 1)
    for operation in ("getOrders", "getOrder", "getProducts"):
        fake.spoil(operation, b".+", b'{"message":"Hello"}')
    async with account.open() as store:
        with pytest.raises(ProtocolMismatch, match=FOREIGN):
            await account.listing()
        with pytest.raises(ProtocolMismatch, match=FOREIGN):
            await push(store, package("P", made, 1))
        with pytest.raises(ProtocolMismatch, match=FOREIGN):
            await push_levels(store, {"A": 1})
        with pytest.raises(ProtocolMismatch, match=FOREIGN):
            await store.products.page(None, lambda _mark: False)
