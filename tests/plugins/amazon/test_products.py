"""Listings become products; a search that brings a thousand is followed by another."""

from datetime import timedelta
from decimal import Decimal

import pytest
from trio.testing import MockClock

from dropstreamd.errors import ProtocolMismatch
from dropstreamd.model.money import Money
from dropstreamd.model.products import Product
from tests.fakes.amazon import CANADA, HERE, FakeAmazon
from tests.fakes.amazon_orders import text
from tests.fakes.amazon_seller import AmazonSeller

from .stores import Account


async def all_of(account: Account, **changes: object) -> tuple[list[Product], list[str]]:
    products: list[Product] = []
    bad: list[str] = []
    async with account.open(**changes) as store:
        more = True
        while more:
            page = await store.products.page(None, lambda _mark: False)
            products += page.documents
            bad += [each.reason for each in page.bad]
            more = page.more
    return products, bad


async def test_a_product_has_what_a_listing_tells(account: Account, seller: AmazonSeller) -> None:
    seller.list_sku("A", 1)
    seller.list_sku("OLD", 1)["status"] = ["DISCOVERABLE"]
    (product, old), _ = await all_of(account)
    assert (product.key, product.sku, product.title) == ("A", "A", "A A")
    assert (product.gtin, product.vendor_code, product.weight_g) == ("0123456789012", "B000000001", 227)
    assert product.price == Money(amount=Decimal("19.99"), currency="USD")
    assert product.active
    assert not old.active


async def test_what_amazon_alone_fulfills_is_left_out(account: Account, seller: AmazonSeller) -> None:
    seller.list_sku("FBA", None, channel="AMAZON_NA")
    seller.list_sku("BOTH", 1)["channels"]["AMAZON_NA"] = None
    seller.list_sku("NEW", None, channel="")
    seller.list_sku("MINE-THERE", None, channel="AMAZON_NA")
    seller.list_also("MINE-THERE", CANADA, 1)
    products, _ = await all_of(account)
    assert [each.sku for each in products] == ["BOTH", "NEW"]
    products, _ = await all_of(account, marketplaces=(HERE, CANADA))
    assert [each.sku for each in products] == ["BOTH", "NEW", "MINE-THERE"]


async def test_each_marketplace_is_read_and_each_sku_told_once(
    account: Account, seller: AmazonSeller
) -> None:
    seller.list_sku("A", 1)
    seller.list_sku("B", 1, where=CANADA)
    seller.list_sku("X" * 150, 1)
    products, bad = await all_of(account, marketplaces=(HERE, CANADA))
    assert [each.sku for each in products] == ["A", "B"]
    assert bad == ["its SKU is empty, or has more than 100 bytes"]


async def test_more_than_a_thousand_take_another_search(
    fake: FakeAmazon, account: Account, seller: AmazonSeller, quick_clock: MockClock
) -> None:
    for number in range(1130):
        seller.list_sku(f"S-{number}", 1)
    created = text(seller.now() - timedelta(days=9))
    for number in range(990, 1010):  # created at one instant, on both sides of the thousandth
        seller.listings[f"S-{number}"]["created"] = created
    products, _ = await all_of(account)
    assert len(products) == len({each.sku for each in products}) == 1130
    assert fake.asked.count("searchListingsItems") < 62
    assert not fake.throttled


async def test_more_than_a_thousand_of_one_instant_are_too_many(
    account: Account, seller: AmazonSeller, quick_clock: MockClock
) -> None:
    created = text(seller.now() - timedelta(days=9))
    for number in range(1050):
        seller.list_sku(f"S-{number}", 1)["created"] = created
    with pytest.raises(ProtocolMismatch, match="more than 1000 listings were created at one instant"):
        await all_of(account)
