"""What the tests of the Shopify plugin share: accounts, the plugin's own settings, and packages."""

from collections.abc import Mapping

import msgspec

from dropstream_shopify.settings import Settings, pace
from dropstream_shopify.store import ShopifyStore, open_store
from dropstreamd.clock import Clock
from dropstreamd.model.handover import Item
from dropstreamd.model.shipments import Fulfillment
from dropstreamd.platform.limiter import Budget
from tests.fakes.shopify_shop import DOMAIN, HERE, Row
from tests.plugins import things
from tests.plugins.host import StoreAccount, TestHost

Account = StoreAccount[Settings, ShopifyStore]


def settings(**values: object) -> Settings:
    """As decoded from a `[store]` table."""
    table = {
        "shop": DOMAIN,
        "client_id": "client-id",
        "client_secret": {"secret": "client"},
        "locations": {HERE: "main"},
        "allow_private_address": True,
        **values,
    }
    return msgspec.convert(table, Settings)


def account_at(clock: Clock, secrets: Mapping[str, str], chosen: Settings) -> Account:
    host = TestHost("shopify:test", clock, secrets, Budget(pace(chosen)))
    return Account(host, chosen, open_store)


def package(key: str, made: Row, units: int, *tracking: str, line: int = 0) -> Item[Fulfillment]:
    """Units of a line of a fulfillment order."""
    sold = made["lineItems"][line]["lineItem"]["id"]
    number = made["order"]["name"]
    return things.package(key, made["id"], {sold: units}, *tracking, order_number=number, service="")
