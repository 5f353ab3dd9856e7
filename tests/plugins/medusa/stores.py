"""What the tests of the Medusa plugin share: an account on a shop, and short forms."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from dropstream_medusa.settings import Settings
from dropstream_medusa.store import MedusaStore, open_store
from dropstreamd.clock import SystemClock, utc
from dropstreamd.model.handover import Item, Outcome, Stamp
from dropstreamd.model.purchases import PurchaseLine, PurchaseOrder, PurchaseStatus
from dropstreamd.model.returns import Condition, ReturnedLine, ReturnReceipt
from dropstreamd.model.shipments import Fulfillment, FulfillmentLine
from dropstreamd.model.stock import Level
from dropstreamd.platform.contract import Sink, Source
from tests.counterparts.medusa.shop import MedusaShop
from tests.plugins.vendure.stores import Steps, TestHost

STAMP = Stamp(attempt="ATTEMPT1", at=utc(0))


def settings(**values: object) -> Settings:
    """As decoded from a `[store]` table."""
    table = {"api_key": {"secret": "key"}, "allow_private_address": True, **values}
    return msgspec.convert(table, Settings)


class Account(msgspec.Struct, frozen=True):
    """A store that sessions can be opened on."""

    host: TestHost
    settings: Settings

    @asynccontextmanager
    async def open(self, **changes: object) -> AsyncIterator[MedusaStore]:
        async with open_store(msgspec.structs.replace(self.settings, **changes), self.host) as store:
            yield store


def account_of(shop: MedusaShop) -> Account:
    host = TestHost(SystemClock(), {"key": shop.server.secret_key})
    return Account(host, settings(url=shop.server.url, sales_channel=shop.channel_id))


class Read(msgspec.Struct, kw_only=True):
    """What a run brought."""

    documents: dict[str, Any] = {}
    bad: dict[str, str] = {}
    cursor: str | None = None


async def read(source: Source[Any], cursor: str | None = None) -> Read:
    """All pages of one run. No document comes twice."""
    found = Read(cursor=cursor)
    while True:
        page = await source.page(found.cursor, lambda _mark: False)
        for each in page.documents:
            assert each.key not in found.documents
            found.documents[each.key] = each
        found.bad |= {bad.key: bad.reason for bad in page.bad}
        found.cursor = page.cursor or found.cursor
        if not page.more:
            return found


async def push(sink: Sink[Any], *items: Item[Any]) -> dict[str, Outcome]:
    """Hand them over as the daemon does; outcomes by key."""
    preparation = sink.prepare(items, STAMP)
    outcomes: dict[str, Outcome] = {each.key: each for each in preparation.rejected}
    for prepared in preparation.prepared:
        told = await sink.push(prepared, Steps())
        assert sorted(each.key for each in told) == sorted(prepared.keys)
        outcomes |= {each.key: each for each in told}
    return outcomes


def package(
    key: str, order: str, lines: Mapping[str, int], *tracking: str, url: str = ""
) -> Item[Fulfillment]:
    fulfillment = Fulfillment(
        order_key=order,
        order_number="1",
        package_key=key,
        lines=tuple(FulfillmentLine(order_line=line, quantity=units) for line, units in lines.items()),
        carrier="UPS",
        service="Ground",
        tracking_numbers=tracking,
        tracking_url=url,
    )
    return Item(key=key, document=fulfillment)


def level(sku: str, units: int) -> Item[Level]:
    return Item(key=sku, document=Level(sku=sku, available=units))


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
