"""What the tests of the BigCommerce plugin share: accounts, the plugin's own settings, and packages."""

from collections.abc import Mapping
from typing import Any

import msgspec

from dropstream_bigcommerce.settings import Settings, pace
from dropstream_bigcommerce.store import BigCommerceStore, open_store
from dropstreamd.clock import Clock
from dropstreamd.model.handover import Item
from dropstreamd.model.shipments import Fulfillment
from dropstreamd.platform.limiter import Budget
from tests.fakes.bigcommerce_shop import STORE, Row
from tests.plugins import things
from tests.plugins.host import StoreAccount, TestHost

Account = StoreAccount[Settings, BigCommerceStore]


def settings(**values: object) -> Settings:
    """As decoded from a `[store]` table."""
    table = {
        "store_hash": STORE,
        "access_token": {"secret": "store"},
        "weight_unit": "lb",
        "currency": "USD",
        "allow_private_address": True,
        **values,
    }
    return msgspec.convert(table, Settings)


def account_at(clock: Clock, secrets: Mapping[str, str], chosen: Settings) -> Account:
    host = TestHost("bigcommerce:test", clock, secrets, Budget(pace(chosen)))
    return Account(host, chosen, open_store)


def package(
    key: str, made: Row, units: int, *tracking: str, address: int = 0, **changes: Any
) -> Item[Fulfillment]:
    """Units of the first line that goes to one of an order's addresses."""
    line = made["consignments"]["shipping"][address]["line_items"][0]
    number = str(made["id"])
    order = f"{number}-{line['order_address_id']}" if address else number
    fields = {"order_number": number, "service": "", **changes}
    return things.package(key, order, {str(line["id"]): units}, *tracking, **fields)
