"""A package beside its fulfillment order as Shopify tells it: what stands for it there, what is open."""

from collections import Counter
from collections.abc import Iterable

import msgspec

from dropstream_shopify import wire_goods
from dropstreamd.model.handover import Item, Rejected
from dropstreamd.model.shipments import Fulfillment

FELL_THROUGH = ("CANCELLED", "ERROR", "FAILURE")
"""States of a fulfillment whose units are open again."""

_FULFILLMENT = "gid://shopify/Fulfillment/"


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is frozen of one fulfillment: units by the order's line. `replaces` is the fulfillment whose
    tracking is to be changed; None for a package that Shopify was not told of."""

    package: str
    order: str
    lines: dict[str, int]
    company: str
    numbers: tuple[str, ...]
    url: str
    notify: bool
    replaces: str | None = None

    def tracking(self) -> dict[str, object]:
        """As Shopify takes it ("FulfillmentTrackingInput"): an address only with one number alone."""
        found: dict[str, object] = {}
        if self.company:
            found["company"] = self.company
        if len(self.numbers) == 1:
            found["number"] = self.numbers[0]
            if self.url:
                found["url"] = self.url
        elif self.numbers:
            found["numbers"] = list(self.numbers)
        return found


def frozen(item: Item[Fulfillment], *, notify: bool) -> Wanted | Rejected:
    """The document as it will be sent."""
    document = item.document
    lines: Counter[str] = Counter()
    for line in document.lines:
        lines[line.order_line] += line.quantity
    if not lines or any(line.quantity < 1 for line in document.lines):
        return Rejected(key=item.key, cause="lines", reason="it has no line, or one without units")
    return Wanted(
        package=document.package_key,
        order=document.order_key,
        lines=dict(lines),
        company=document.carrier.strip(),
        numbers=tuple(dict.fromkeys(each.strip() for each in document.tracking_numbers if each.strip())),
        url=document.tracking_url.strip(),
        notify=notify,
        replaces=item.remote,
    )


def number_of(fulfillment: str) -> int:
    """The number in a fulfillment's id: a later one has a greater."""
    digits = fulfillment.removeprefix(_FULFILLMENT)
    return int(digits) if digits.isdecimal() else 0


def newest(order: wire_goods.Fulfillable) -> int:
    """The number of the last fulfillment, 0 for none."""
    return max((number_of(each.id) for each in order.fulfillments.nodes), default=0)


def same(order: wire_goods.Fulfillable, wanted: Wanted, *, after: int = 0) -> list[wire_goods.Fulfillment]:
    """Fulfillments made after that one with the package's units and tracking numbers, whatever became of
    them."""
    return [
        each
        for each in order.fulfillments.nodes
        if number_of(each.id) > after and units_of(each) == wanted.lines and _numbers(each) == wanted.numbers
    ]


def standing(fulfillments: Iterable[wire_goods.Fulfillment]) -> list[wire_goods.Fulfillment]:
    return [each for each in fulfillments if each.status not in FELL_THROUGH]


def units_of(fulfillment: wire_goods.Fulfillment) -> dict[str, int]:
    units: Counter[str] = Counter()
    for line in fulfillment.fulfillment_line_items.nodes:
        units[line.line_item.id] += line.quantity or 0
    return {line: count for line, count in units.items() if count}


def shows(fulfillment: wire_goods.Fulfillment, wanted: Wanted) -> bool:
    """Whether it has the wanted tracking. Shopify adds an address of its own where it knows the carrier."""
    company = {(each.company or "").casefold() for each in fulfillment.tracking_info}
    urls = {each.url or "" for each in fulfillment.tracking_info}
    return (
        _numbers(fulfillment) == wanted.numbers
        and (not wanted.company or not wanted.numbers or company == {wanted.company.casefold()})
        and (not wanted.url or len(wanted.numbers) != 1 or wanted.url in urls)
    )


def _numbers(fulfillment: wire_goods.Fulfillment) -> tuple[str, ...]:
    return tuple(each.number for each in fulfillment.tracking_info if each.number)


def no_order(key: str) -> Rejected:
    return Rejected(key=key, cause="no-order", reason="Shopify has no such fulfillment order")


def refusal(key: str, order: wire_goods.Fulfillable, wanted: Wanted) -> Rejected | None:
    """Why these units cannot be fulfilled."""
    open_units = {line.line_item.id: line.remaining_quantity for line in order.line_items.nodes}
    unknown = sorted(wanted.lines.keys() - open_units.keys())
    if unknown:
        reason = f"the fulfillment order has no line {', '.join(unknown)} (any more)"
        return Rejected(key=key, cause="no-line", reason=reason)
    if order.order.cancelled_at is not None or order.status in ("CANCELLED", "INCOMPLETE"):
        return Rejected(key=key, cause="cancelled", reason="it is cancelled in Shopify")
    short = [line for line, units in wanted.lines.items() if units > open_units[line]]
    if short or order.status == "CLOSED":
        told = "; ".join(
            f"line {line}: {wanted.lines[line]} left the warehouse, {open_units[line]} are open"
            for line in short or wanted.lines
        )
        state = ", where it is closed" if order.status == "CLOSED" else ""
        return Rejected(key=key, cause="already-fulfilled", reason=f"{told} in Shopify{state}")
    if order.status in ("ON_HOLD", "SCHEDULED"):
        reason = "the package has left, and Shopify holds its fulfillment order: release the hold there"
        return Rejected(key=key, cause="on-hold", reason=reason)
    return None
