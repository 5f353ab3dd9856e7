"""What the tests of the Medusa plugin share: accounts, the plugin's own settings, and documents."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from dropstream_medusa.settings import Settings
from dropstream_medusa.store import MedusaStore, open_store
from dropstreamd.clock import SystemClock
from dropstreamd.model.handover import Item
from dropstreamd.model.purchases import PurchaseLine, PurchaseOrder, PurchaseStatus
from dropstreamd.model.returns import Condition, ReturnedLine, ReturnReceipt
from dropstreamd.platform.contract import Source
from dropstreamd.platform.limiter import Budget, Pace
from tests.counterparts.medusa.shop import MedusaShop
from tests.plugins import runs
from tests.plugins.host import StoreAccount, TestHost

Account = StoreAccount[Settings, MedusaStore]


def settings(**values: object) -> Settings:
    """As decoded from a `[store]` table."""
    table = {"api_key": {"secret": "key"}, "allow_private_address": True, **values}
    return msgspec.convert(table, Settings)


def account_at(url: str, api_key: str = "sk_1", **values: object) -> Account:
    """It hurries, one call at a time."""
    budget = Budget(Pace(rate_per_s=1000, burst=1000, at_once=1))
    host = TestHost("medusa:test", SystemClock(), {"key": api_key}, budget)
    return Account(host, settings(url=url, **values), open_store)


def account_of(shop: MedusaShop) -> Account:
    return account_at(shop.server.url, shop.server.secret_key, sales_channel=shop.channel_id)


async def read(source: Source[Any], cursor: str | None = None) -> runs.Run[Any]:
    """All pages of one run. No document comes twice."""
    return await runs.read(source, cursor, once=True)


def receipt(
    key: str,
    order: str,
    lines: Sequence[tuple[str, int, Condition]],
    *,
    returned: str = "",
    restock: bool = False,
    refund: bool = False,
) -> Item[ReturnReceipt]:
    document = ReturnReceipt(
        receipt_key=key,
        order_key=order,
        order_number="1",
        return_key=returned,
        lines=tuple(
            ReturnedLine(order_line=line, sku="A", quantity=units, condition=condition)
            for line, units, condition in lines
        ),
        restock=restock,
        refund=refund,
    )
    return Item(key=key, document=document)


def purchase(
    key: str, expected: Mapping[str, int], *, status: PurchaseStatus = "open", remote: str | None = None
) -> Item[PurchaseOrder]:
    lines = tuple(
        PurchaseLine(key=str(number), sku=sku, expected=units)
        for number, (sku, units) in enumerate(expected.items())
    )
    return Item(
        key=key, document=PurchaseOrder(key=key, number=key, status=status, lines=lines), remote=remote
    )
