"""One row that is not as described is set aside with its id, and the others go on."""

import pytest

from dropstreamd.errors import ProtocolMismatch
from dropstreamd.model.handover import Accepted
from tests.fakes.amazon import CANADA, HERE, FakeAmazon
from tests.fakes.amazon_seller import AmazonSeller
from tests.plugins.things import refused

from .stores import Account, package, push, push_levels, stocked


async def test_an_odd_order_is_set_aside(fake: FakeAmazon, account: Account, seller: AmazonSeller) -> None:
    seller.age_s = 600
    odd, letters, good = seller.place({"A": 7}), seller.place({"A": 1}), seller.place({"A": 1})
    fake.spoil("searchOrders", b'"quantityOrdered":7', b'"quantityOrdered":"7"')
    letters["recipient"]["deliveryAddress"]["name"] = "Ren\u00e9e"
    fake.spoil("searchOrders", "\u00e9".encode(), b"\xe9")
    found = await account.listing()
    assert found.orders.keys() == {good["orderId"]}
    assert "quantityOrdered" in found.bad[odd["orderId"]]
    assert "'utf-8' codec" in found.bad[letters["orderId"]]


async def test_an_odd_listing_holds_up_its_own_level_alone(
    fake: FakeAmazon, account: Account, seller: AmazonSeller
) -> None:
    levels = stocked(seller, 4)
    seller.listings["S-0"]["channels"]["DEFAULT"] = 77
    fake.spoil("searchListingsItems", b'"quantity":77', b'"quantity":"many"')
    async with account.open() as store:
        outcomes = await push_levels(store, levels)
        assert refused(outcomes.pop("S-0")) == "unreadable"
        assert all(isinstance(each, Accepted) for each in outcomes.values())
        assert (await store.levels.read(list(levels))).keys() == outcomes.keys()


async def test_what_may_be_a_listing_without_a_sku_is_told_nothing(
    fake: FakeAmazon, account: Account, seller: AmazonSeller
) -> None:
    """Amazon may fulfill it."""
    levels = stocked(seller, 4)
    seller.list_sku("THERE", 1)
    fake.spoil("searchListingsItems", b'"sku":"S-1"', b'"sku":1')
    async with account.open(marketplaces=(HERE, CANADA)) as store:
        outcomes = await push_levels(store, {**levels, "NOT-SOLD": 1, "THERE": 1})
    odd = {sku for sku, each in outcomes.items() if not isinstance(each, Accepted)}
    assert odd == {"S-1", "NOT-SOLD"}
    assert {refused(outcomes[sku]) for sku in odd} == {"unreadable"}


async def test_an_odd_order_holds_up_its_own_packages_alone(
    fake: FakeAmazon, account: Account, seller: AmazonSeller
) -> None:
    odd, good = seller.place({"A": 7}), seller.place({"A": 1})
    fake.spoil("getOrder", b'"quantityOrdered":7', b'"quantityOrdered":"7"')
    async with account.open(marketplaces=(HERE, CANADA)) as store:
        assert refused(await push(store, package("P", odd, 1, "1Z"))) == "order-unreadable"
        assert isinstance(await push(store, package("P", good, 1, "1Z")), Accepted)
        fake.spoil("getOrder", b".+", b'{"order":{"orderId":"another"}}')
        with pytest.raises(ProtocolMismatch, match="not as described"):
            await push(store, package("P", good, 1, "1Z"))
