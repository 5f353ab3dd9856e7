"""What a receipt asks of Medusa, what the order shows of it, and why it cannot be taken in."""

from collections import Counter

import msgspec

from dropstream_medusa import wire, wire_returns
from dropstream_medusa.translate import CANCELED
from dropstreamd.model.handover import Rejected


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is frozen of one receipt: units by order line. `asked` is the return, empty where none is."""

    receipt: str
    order: str
    asked: str
    received: dict[str, int]
    dismissed: dict[str, int]

    @property
    def note(self) -> str:
        return f"{wire.MARK} {self.receipt}"

    @property
    def units(self) -> Counter[str]:
        return Counter(self.received) + Counter(self.dismissed)


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What the order shows. `done`: received; `begun`: something of ours stands open."""

    order: wire_returns.StockedOrder
    returned: wire_returns.ReceivedReturn | None
    done: bool
    begun: bool
    others: bool


EDITING = "the order is being edited, or another return taken in, in Medusa: finish that, then release it"


def refused(key: str, wanted: Wanted, found: Found, location: str) -> Rejected | None:
    """Why these units cannot be received."""
    if found.order.status == CANCELED:
        return Rejected(key=key, cause="cancelled", reason="the order is cancelled in Medusa")
    if found.others:
        return Rejected(key=key, cause="order-change", reason=EDITING)
    return _not_asked(key, wanted, found) or _not_held(key, wanted, found, location)


def _not_asked(key: str, wanted: Wanted, found: Found) -> Rejected | None:
    """Why the return that was asked for does not fit."""
    if not wanted.asked:
        return None
    if found.returned is None:
        return Rejected(key=key, cause="no-return", reason="Medusa has no such return of this order")
    if found.returned.status == CANCELED:
        return Rejected(key=key, cause="cancelled", reason="the return is cancelled in Medusa")
    asked = {item.item_id: int(item.quantity) for item in found.returned.items}
    over = [line for line, units in wanted.units.items() if units > asked.get(line, 0)]
    if not over:
        return None
    told = "; ".join(
        f"line {line}: {wanted.units[line]} came back, {asked.get(line, 0)} were asked for" for line in over
    )
    return Rejected(key=key, cause="over-receipt", reason=told)


def _not_held(key: str, wanted: Wanted, found: Found, location: str) -> Rejected | None:
    """Why Medusa would fail over these lines."""
    at = (found.returned.location_id if found.returned else None) or location
    lines = {line.id: line for line in found.order.items}
    for line in wanted.units:
        if line not in lines:
            return Rejected(key=key, cause="no-line", reason=f"the order has no line {line} in Medusa")
        if not _stocked(lines[line], at):
            sku = lines[line].variant_sku
            reason = f"Medusa has no stock level of {sku} at location {at}, and cannot receive it there"
            return Rejected(key=key, cause="no-level", reason=reason)
    return None


def _stocked(line: wire_returns.StockedLine, location: str) -> bool:
    """Whether Medusa can receive the line's units there."""
    if line.variant is None or not line.variant.manage_inventory:
        return True
    items = [part.inventory for part in line.variant.inventory_items if part.inventory is not None]
    return all(item.level(location) is not None for item in items)
