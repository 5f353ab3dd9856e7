"""Packages and levels, and documents on their way into a sink as the daemon takes them there."""

from collections.abc import Mapping
from typing import Any, Protocol, TypeVar

import msgspec

from dropstreamd.clock import utc
from dropstreamd.model.handover import Item, Outcome, Prepared, Rejected, Stamp
from dropstreamd.model.shipments import Fulfillment, FulfillmentLine
from dropstreamd.model.stock import Level
from dropstreamd.platform.contract import Record, Sink
from tests.plugins.host import NOW_S, Steps

STAMP = Stamp(attempt="ATTEMPT1", at=utc(NOW_S))

T = TypeVar("T")


def package(
    key: str, order: str, lines: Mapping[str, int], *tracking: str, **changes: Any
) -> Item[Fulfillment]:
    """Units of an order's lines, by UPS Ground; `changes` are other fields of it."""
    fulfillment = Fulfillment(
        order_key=order,
        order_number="1001",
        package_key=key,
        lines=tuple(FulfillmentLine(order_line=line, quantity=units) for line, units in lines.items()),
        carrier="UPS",
        service="Ground",
        tracking_numbers=tracking,
    )
    return Item(key=key, document=msgspec.structs.replace(fulfillment, **changes))


def level(sku: str, units: int, *, location: str | None = None) -> Item[Level]:
    return Item(key=sku, document=Level(sku=sku, available=units, location=location))


def refused(outcome: Outcome) -> str:
    """The cause; there is a reason too."""
    assert isinstance(outcome, Rejected), outcome
    assert outcome.reason
    return outcome.cause


# ---- into any sink


async def hand_over_all(sink: Sink[T], *items: Item[T], record: Record | None = None) -> dict[str, Outcome]:
    """Outcomes by key, also of what is refused before anything is sent."""
    preparation = sink.prepare(items, STAMP)
    outcomes: dict[str, Outcome] = {each.key: each for each in preparation.rejected}
    for one in preparation.prepared:
        told = await sink.push(one, record or Steps())
        assert sorted(each.key for each in told) == sorted(one.keys)
        outcomes |= {each.key: each for each in told}
    return outcomes


async def hand_over(sink: Sink[T], item: Item[T], record: Record | None = None) -> Outcome:
    """The outcome of one."""
    return (await hand_over_all(sink, item, record=record))[item.key]


# ---- into a store


class Shop(Protocol):
    """A store that takes packages and levels."""

    @property
    def shipments(self) -> Sink[Fulfillment]: ...
    @property
    def inventory(self) -> Sink[Level]: ...


def prepared(store: Shop, item: Item[Fulfillment]) -> Prepared:
    """One package, frozen."""
    (one,) = store.shipments.prepare([item], STAMP).prepared
    return one


async def push(store: Shop, item: Item[Fulfillment], record: Record | None = None) -> Outcome:
    """One package, which the plugin has no reason to refuse before it asks."""
    (outcome,) = await store.shipments.push(prepared(store, item), record or Steps())
    return outcome


async def push_levels(
    store: Shop, levels: Mapping[str, int], *, location: str | None = None, record: Record | None = None
) -> dict[str, Outcome]:
    """Outcomes by SKU."""
    items = [level(sku, units, location=location) for sku, units in levels.items()]
    return await hand_over_all(store.inventory, *items, record=record)
