"""The sandbox shop's own figures and lists, as the plugin for Vendure reads them."""

from dropstreamd.clock import SystemClock
from dropstreamd.platform.secrets import Secret
from dropstreamd.sandbox.shop import Order, SandboxShop
from dropstreamd.sandbox.store import USER, SandboxStore, serve_store
from tests.plugins.vendure.stores import account_at, settings


def ship(shop: SandboxShop, order: Order) -> None:
    made = shop.fulfill({line.id: line.quantity for line in order.lines}, "UPS", "1Z")
    assert made is not None
    shop.ship(made.id)


async def test_it_counts_and_filters_as_it_is_asked() -> None:
    clock = SystemClock()
    shop = SandboxShop(clock, {"A": 9, "B": 9})
    placed = [shop.buy({"A": 1}) for _ in range(3)]
    ship(shop, placed[0])
    password = "a password"
    async with serve_store(SandboxStore(shop, Secret(password))) as url:
        account = account_at(clock, {"password": password}, settings(url=url, username=USER, channel="demo"))
        async with account.open() as store:
            [found] = await store.test(write=False)
            assert found.detail == "demo: 3 orders, 2 variants"
            survey = await store.survey()
            details = {each.name: each.detail for each in survey.findings}
            assert details["open orders"].startswith("2 orders of the last ")
            assert survey.skus == frozenset({"A", "B"})
        listing = await account.listing()
        assert [each.key for each in listing.told] == [each.id for each in placed[1:]]
        ship(shop, placed[1])
        again = await account.listing(listing.cursor)
        assert {each.key: each.status for each in again.told} == {
            placed[1].id: "closed",
            placed[2].id: "open",
        }
