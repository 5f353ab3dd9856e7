"""What the tests of the Amazon plugin share: accounts, the plugin's own settings, and packages."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec

from dropstream_amazon.levels import FEW
from dropstream_amazon.settings import Settings, pace
from dropstream_amazon.store import AmazonStore, open_store
from dropstreamd.clock import Clock
from dropstreamd.model.handover import Item
from dropstreamd.model.shipments import Fulfillment
from dropstreamd.platform.limiter import Budget
from tests.fakes.amazon import HERE, SELLER
from tests.fakes.amazon_seller import AmazonSeller, Row
from tests.plugins import things
from tests.plugins.host import StoreAccount, TestHost

Account = StoreAccount[Settings, AmazonStore]


def settings(**values: object) -> Settings:
    """As decoded from a `[store]` table."""
    table = {
        "region": "na",
        "seller": SELLER,
        "marketplaces": [HERE],
        "client_id": "amzn1.application-oa2-client.1",
        "client_secret": {"secret": "app"},
        "refresh_token": {"secret": "grant"},
        "allow_private_address": True,
        **values,
    }
    return msgspec.convert(table, Settings)


def account_at(clock: Clock, secrets: Mapping[str, str], chosen: Settings) -> Account:
    """Its circuit hardly ever opens."""
    host = TestHost("amazon:test", clock, secrets, Budget(pace(chosen)), threshold=1000)
    return Account(host, chosen, open_store)


async def no_steps(step: str, *, if_wanted: bool = False) -> None:
    """A `Record` of a sink that records nothing."""
    raise AssertionError(step)


push = partial(things.push, record=no_steps)
push_levels = partial(things.push_levels, record=no_steps)


def package(key: str, order: Row, units: int, *tracking: str, **changes: Any) -> Item[Fulfillment]:
    """Units of the first item of an order."""
    number, sold = order["orderId"], order["orderItems"][0]["orderItemId"]
    fields = {"order_number": number, "service": "", **changes}
    return things.package(key, number, {sold: units}, *tracking, **fields)


# ---- levels

MANY = FEW + 1
"""Levels that go in a feed."""


def stocked(seller: AmazonSeller, count: int, units: int = 1) -> dict[str, int]:
    """So many listings, and a level for each."""
    for number in range(count):
        seller.list_sku(f"S-{number}", units)
    return {f"S-{number}": 5 + number % 7 for number in range(count)}
