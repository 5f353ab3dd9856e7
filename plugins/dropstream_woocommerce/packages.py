"""A package beside its order as WooCommerce tells it: what stands for it there, what is open."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec

from dropstream_woocommerce import wire
from dropstream_woocommerce.client import Api, Offers, Params, Refusal
from dropstream_woocommerce.goods import Goods
from dropstream_woocommerce.settings import MOST_AT_ONCE, Settings
from dropstream_woocommerce.translate import refunded, status_of, text_of
from dropstreamd.errors import ProtocolMismatch
from dropstreamd.model.handover import Item, Rejected
from dropstreamd.model.shipments import Fulfillment
from dropstreamd.platform.rows import UNREADABLE

RECORD = "_dropstream_package_"
"""Begins the name of an order's custom field that says which units of it a package held; the mark follows."""

PACKAGE = "_dropstream_package"
"""The custom field of a fulfillment that holds the package's key."""

ITEMS = "_items"
NUMBER = "_tracking_number"
FULFILLMENT_STATUS = "_fulfillment_status"
"""The custom field of an order that has fulfillments."""

ORDER_FIELDS = "id,number,status,currency,total,date_created_gmt,line_items,refunds,meta_data"

_items = msgspec.json.Decoder(tuple[wire.Item, ...])


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is frozen of one package: units by line of the order. `replaces` is what the shop was told of it
    before; None for a package that it was not told of."""

    package: str
    order: int
    lines: dict[int, int]
    carrier: str
    numbers: tuple[str, ...]
    url: str
    shipped: str
    notify: bool
    replaces: str | None = None

    @property
    def mark(self) -> str:
        """Stands for the package's key where that might not survive."""
        return hashlib.blake2b(self.package.encode("utf-8", "replace"), digest_size=8).hexdigest()

    @property
    def record(self) -> dict[str, str]:
        """The custom field of the order that tells its units."""
        return {"key": RECORD + self.mark, "value": ",".join(f"{line}:{n}" for line, n in self.lines.items())}


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """An order as it is now, with its fulfillments where the shop knows any, and those of them that stand for
    goods (`of_goods`)."""

    order: wire.Order
    fulfillments: tuple[wire.Fulfillment, ...] = ()
    counted: tuple[wire.Fulfillment, ...] = ()

    @property
    def told(self) -> Counter[int]:
        """Units by line that the shop knows to have left."""
        return recorded(self.order) + in_fulfillments(self.counted)

    def recorded(self, wanted: Wanted) -> bool:
        """Whether the order says what this package held."""
        return any(meta.key == RECORD + wanted.mark for meta in self.order.meta_data)

    def of(self, wanted: Wanted) -> wire.Fulfillment | None:
        """The fulfillment that bears the package's key."""
        return next((each for each in self.fulfillments if field(each, PACKAGE) == wanted.package), None)

    def holds(self, wanted: Wanted) -> bool:
        """Whether the package's units are among those told."""
        return self.recorded(wanted) or self.of(wanted) is not None


class There(msgspec.Struct, frozen=True, kw_only=True):
    """What stands for a package in the shop. `whole`: all of it, with the tracking that is wanted; `units`,
    where that tells them."""

    remote: str
    whole: bool
    units: Mapping[int, int] | None = None


def frozen(item: Item[Fulfillment], *, notify: bool) -> Wanted | Rejected:
    """The document as it will be sent."""
    document = item.document
    lines: Counter[int] = Counter()
    if not document.order_key.isascii() or not document.order_key.isdecimal():
        return Rejected(key=item.key, cause="no-order", reason="its order is none of WooCommerce's")
    for line in document.lines:
        if not line.order_line.isascii() or not line.order_line.isdecimal():
            return Rejected(key=item.key, cause="no-line", reason="a line of it is none of WooCommerce's")
        lines[int(line.order_line)] += line.quantity
    if not lines or any(line.quantity < 1 for line in document.lines):
        return Rejected(key=item.key, cause="lines", reason="it has no line, or one without units")
    return Wanted(
        package=document.package_key,
        order=int(document.order_key),
        lines=dict(lines),
        carrier=document.carrier.strip(),
        numbers=tuple(dict.fromkeys(each.strip() for each in document.tracking_numbers if each.strip())),
        url=document.tracking_url.strip(),
        shipped="" if document.shipped_at is None else document.shipped_at.strftime("%Y-%m-%d"),
        notify=notify,
        replaces=item.remote,
    )


def recorded(order: wire.Order) -> Counter[int]:
    """Units by line of the packages that stand in the order's own custom fields."""
    units: Counter[int] = Counter()
    for meta in order.meta_data:
        if meta.key.startswith(RECORD):
            for pair in text_of(meta.value).split(","):
                line, _, count = pair.partition(":")
                if line.isdecimal() and count.isdecimal():
                    units[int(line)] += int(count)
    return units


def in_fulfillments(fulfillments: Iterable[wire.Fulfillment]) -> Counter[int]:
    """Units by line of all of them, drafts too: WooCommerce itself takes them for dealt with."""
    units: Counter[int] = Counter()
    for each in fulfillments:
        units.update(units_of(each))
    return units


def units_of(fulfillment: wire.Fulfillment) -> dict[int, int]:
    units: Counter[int] = Counter()
    for meta in fulfillment.meta_data:
        if meta.key == ITEMS:
            try:
                items = _items.decode(meta.value)
            except UNREADABLE:
                continue  # of another make: it counts for nothing
            for item in items:
                units[item.item_id] += int(item.qty)
    return dict(units)


def field(fulfillment: wire.Fulfillment, key: str) -> str:
    """A custom field of it, empty where there is none."""
    return next((text_of(meta.value) for meta in fulfillment.meta_data if meta.key == key), "")


async def refunded_units(api: Api, order: int) -> dict[int, int]:
    """Units of an order that were refunded, by line."""
    params: Params = {"per_page": MOST_AT_ONCE, "_fields": "id,line_items"}
    answer = await api.find_each(f"orders/{order}/refunds", params, wire.Refund, "refund")
    if isinstance(answer, Refusal):
        if answer.missing:
            return {}
        raise ProtocolMismatch(f"WooCommerce refused to tell the refunds of an order: {answer}")
    if len(answer) >= MOST_AT_ONCE:
        raise ProtocolMismatch(f"order {order} has {MOST_AT_ONCE} refunds or more")
    return refunded(answer)


async def fulfillments_of(api: Api, order: int) -> tuple[wire.Fulfillment, ...]:
    """Those of an order that nobody deleted."""
    answer = await api.find_each(f"orders/{order}/fulfillments", {}, wire.Fulfillment, "fulfillment")
    if isinstance(answer, Refusal):
        if answer.missing:
            return ()
        raise ProtocolMismatch(f"WooCommerce refused to tell the fulfillments of an order: {answer}")
    return tuple(each for each in answer if each.date_deleted is None)


async def of_goods(
    goods: Goods, order: wire.Order, fulfillments: Iterable[wire.Fulfillment]
) -> tuple[wire.Fulfillment, ...]:
    """Less those that WooCommerce makes by itself once an order is paid, of all that can be downloaded: some
    of that is shipped too."""
    nobodys = {
        each.id: units_of(each) for each in fulfillments if not (field(each, NUMBER) or field(each, PACKAGE))
    }
    lines = {line.id: line for line in order.line_items}
    await goods.learn(lines[line] for units in nobodys.values() for line in units if line in lines)
    automatic = {
        number
        for number, units in nobodys.items()
        if units and all(line in lines and goods.facts(lines[line]).downloadable for line in units)
    }
    return tuple(each for each in fulfillments if each.id not in automatic)


async def shipped_units(api: Api, offers: Offers, goods: Goods, order: wire.Order) -> dict[int, int]:
    """Units by line of an order that the shop knows to have left."""
    units = recorded(order)
    if any(meta.key == FULFILLMENT_STATUS for meta in order.meta_data) and await offers.fulfillments():
        there = await of_goods(goods, order, await fulfillments_of(api, order.id))
        units += in_fulfillments(there)
    return dict(units)


def no_order(key: str) -> Rejected:
    return Rejected(key=key, cause="no-order", reason="WooCommerce has no such order")


def refusal(key: str, seen: Seen, wanted: Wanted, settings: Settings) -> Rejected | None:
    """Why these units cannot be told. WooCommerce would take any: what is open is our own to mind. What was
    refunded after it had left has left all the same."""
    ordered = {line.id: int(line.quantity) for line in seen.order.line_items}
    unknown = sorted(wanted.lines.keys() - ordered.keys())
    if unknown:
        reason = f"the order has no line {', '.join(map(str, unknown))} in WooCommerce (any more)"
        return Rejected(key=key, cause="no-line", reason=reason)
    if status_of(seen.order, settings) == "cancelled":
        reason = f"the package has left, and its order is {seen.order.status} in WooCommerce"
        return Rejected(key=key, cause="cancelled", reason=reason)
    told = seen.told
    short = [line for line, units in wanted.lines.items() if units > ordered[line] - told[line]]
    if not short:
        return None
    parts = "; ".join(
        f"line {line}: {wanted.lines[line]} left the warehouse, {max(0, ordered[line] - told[line])} are open"
        for line in short
    )
    others = ", ".join(str(each.id) for each in seen.fulfillments)
    by_whom = f" (fulfillments {others})" if others else ""
    return Rejected(key=key, cause="already-fulfilled", reason=f"{parts} in WooCommerce{by_whom}")
