"""One row that is not as described is set aside with its id, and the others go on."""

import msgspec
import pytest

from dropstream_woocommerce import orders
from dropstreamd.errors import ProtocolMismatch
from dropstreamd.model.handover import Accepted, InDoubt, Rejected
from tests.fakes.woocommerce import FakeWooCommerce
from tests.fakes.woocommerce_shop import WooShop
from tests.plugins.host import Steps
from tests.plugins.things import STAMP, push_levels, refused

from .stores import Account, package


@pytest.mark.parametrize("kind", ["refunds", "fulfillments"])
async def test_an_order_with_an_odd_refund_or_fulfillment_stands_alone(
    fake: FakeWooCommerce, account: Account, shop: WooShop, kind: str
) -> None:
    shop.add_product("TEE")
    odd, good = shop.place({"TEE": 3}), shop.place({"TEE": 1})
    shop.refund(odd, 0, 1)
    assert isinstance(await account.push(package("P1", odd, 1, "1Z1")), Accepted)
    fake.spoil(f"GET wc/v3/orders/*/{kind}", rb'"(line_items|meta_data)":', b'"x":')
    found = await account.listing()
    assert str(good["id"]) in found.orders
    (reason,) = (found.bad[str(odd["id"])],)
    assert reason.startswith(f"{kind[:-1]} ")
    assert "is not as described: Object missing required field" in reason


@pytest.mark.parametrize("what", ["/*/refunds", ""])
async def test_an_order_that_was_odd_is_told_once_it_can_be_read(
    fake: FakeWooCommerce, account: Account, shop: WooShop, what: str
) -> None:
    """However long after, though nobody changed it, and what becomes of it then is told."""
    shop.add_product("TEE")
    odd = shop.place({"TEE": 3})
    shop.refund(odd, 0, 1)
    for call in {f"orders{what}", f"orders{what or '/*'}"}:
        fake.spoil(f"GET wc/v3/{call}", b'"line_items":', b'"x":')
    first = await account.listing()
    assert str(odd["id"]) in first.bad
    shop.tick(86_400)
    shop.place({"TEE": 1})
    second = await account.listing(first.cursor)
    async with account.open() as store:
        assert [bad.key for bad in (await store.orders_again.read([str(odd["id"])])).bad] == [str(odd["id"])]
    fake.spoil.forget()
    async with account.open() as store:
        (told,) = (await store.orders_again.read([str(odd["id"])])).documents
    assert [line.quantity for line in told.lines] == [2]
    third = await account.listing(second.cursor)
    assert str(odd["id"]) not in third.orders
    shop.set_status(odd, "cancelled")
    assert (await account.listing(third.cursor)).statuses[str(odd["id"])] == "cancelled"


async def test_of_those_that_can_never_be_read_the_newest_are_followed(
    account: Account, shop: WooShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are told of whenever somebody changes them, as long as they may go."""
    monkeypatch.setattr(orders, "MOST_ODD", 2)
    shop.add_product("TEE")
    made = [shop.place({"TEE": 1}) for _ in range(4)]
    for row in made:
        row["line_items"][0]["quantity"] = 1.5
    first = await account.listing()
    assert first.bad.keys() == {str(row["id"]) for row in made}
    assert msgspec.json.decode(first.cursor or "")["again"] == [row["id"] for row in made[2:]]
    for row in made:
        row["line_items"][0]["quantity"] = 1
        shop.set_status(row, "cancelled")
    second = await account.listing(first.cursor)
    assert second.statuses == {str(row["id"]): "cancelled" for row in made[2:]}
    assert msgspec.json.decode(second.cursor or "")["again"] == []


async def test_what_an_older_cursor_looked_at_again_is_followed(account: Account, shop: WooShop) -> None:
    shop.add_product("TEE")
    odd, good = shop.place({"TEE": 3}), shop.place({"TEE": 1})
    shop.tick(86_400)
    old = {"since": "2026-11-20T23:00:00Z", "told": [good["id"]], "again": [odd["id"]]}
    shop.set_status(odd, "cancelled")
    found = await account.listing(msgspec.json.encode(old).decode())
    assert found.statuses == {str(odd["id"]): "cancelled", str(good["id"]): "open"}


async def test_an_odd_product_stops_no_order(fake: FakeWooCommerce, account: Account, shop: WooShop) -> None:
    """It is known as little as one that is gone."""
    shop.add_product("TEE", virtual=True)
    shop.add_product("CAP", virtual=True)
    made = shop.place({"TEE": 1, "CAP": 1})
    fake.spoil("GET wc/v3/products", b'"virtual":true', b'"virtual":"yes"')
    found = await account.listing()
    assert not found.bad
    assert [line.sku for line in found.orders[str(made["id"])].lines] == ["TEE"]


@pytest.mark.parametrize("spoiled", [(b'"virtual":false', b'"virtual":"no"'), (b'"id":', b'"x":')])
async def test_a_sku_that_may_be_its_parents_is_not_told(
    fake: FakeWooCommerce, account: Account, shop: WooShop, spoiled: tuple[bytes, bytes]
) -> None:
    """A variation without a SKU shows its parent's: what is shipped under that is not what was bought."""
    shop.add_variable("TEE", ["TEE-M"])
    made = shop.place({"TEE-M": 1})
    shop._by_sku.pop("tee-m")
    shop.product("TEE-M")["sku"] = ""
    made["line_items"][0]["sku"] = "TEE"
    fake.spoil("GET wc/v3/products", *spoiled)
    found = await account.listing()
    assert found.orders[str(made["id"])].lines[0].sku == ""


async def test_an_odd_product_holds_up_its_own_level_alone(
    fake: FakeWooCommerce, account: Account, shop: WooShop
) -> None:
    made = shop.add_product("ODD")
    shop.add_product("GOOD")
    fake.spoil("GET wc/v3/products", b'"stock_quantity":10', b'"stock_quantity":"ten"')
    async with account.open() as store:
        outcomes = await push_levels(store, {"ODD": 3, "GOOD": 3})
        assert isinstance(outcomes["GOOD"], Accepted)
        assert refused(outcomes["ODD"]) == "unreadable"
        assert f"product {made['id']} is not as described" in str(outcomes["ODD"])
        assert await store.levels.read(["ODD", "GOOD"]) == {"GOOD": 3}
    fake.spoil("GET wc/v3/products", b'"sku":"ODD"', b'"sku":7')
    async with account.open() as store:
        outcomes = await push_levels(store, {"ODD": 3, "GOOD": 4})
        assert isinstance(outcomes["GOOD"], Accepted)
        assert refused(outcomes["ODD"]) == "unreadable"
        assert f"unless it is this: product {made['id']} is not" in str(outcomes["ODD"])


@pytest.mark.parametrize("what", ["orders/*", "orders/*/fulfillments"])
async def test_an_odd_order_holds_up_its_own_packages_alone(
    fake: FakeWooCommerce, account: Account, shop: WooShop, what: str
) -> None:
    shop.add_product("TEE")
    odd = shop.place({"TEE": 3})
    assert isinstance(await account.push(package("P1", odd, 1, "1Z1")), Accepted)
    fake.spoil(f"GET wc/v3/{what}", rb'"(line_items|meta_data)":', b'"x":')
    outcome = await account.push(package("P2", odd, 1, "1Z2"))
    assert isinstance(outcome, Rejected)
    assert outcome.cause == "unreadable"
    assert len(shop.fulfillments[odd["id"]]) == 1
    async with account.open() as store:
        (one,) = store.shipments.prepare([package("P2", odd, 1, "1Z2")], STAMP).prepared
        (told,) = await store.shipments.recover(one, "telling", Steps())
    assert isinstance(told, InDoubt)


async def test_what_is_no_answer_of_the_shop_is_told_as_that(
    fake: FakeWooCommerce, account: Account, shop: WooShop
) -> None:
    shop.add_product("TEE")
    made = shop.place({"TEE": 1})
    for name in ("orders", "orders/*", "products"):
        fake.spoil(f"GET wc/v3/{name}", b".+", b'{"hello":1}')
    with pytest.raises(ProtocolMismatch):
        await account.listing()
    with pytest.raises(ProtocolMismatch, match=f"something that is not order {made['id']}"):
        await account.push(package("P", made, 1, "1Z1"))
    async with account.open() as store:
        with pytest.raises(ProtocolMismatch):
            await push_levels(store, {"TEE": 1})
