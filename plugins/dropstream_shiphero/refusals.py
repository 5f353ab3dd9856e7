"""Why an order is refused: before ShipHero is asked, by what stands there, and in its own words."""

from collections.abc import Sequence

import msgspec

from dropstream_shiphero import values, wire
from dropstream_shiphero.client import Refusal
from dropstream_shiphero.translate import Wanted, too_long
from dropstreamd.model.handover import Item, Rejected
from dropstreamd.model.orders import OutboundOrder


def wrong(item: Item[OutboundOrder], order: Wanted) -> Rejected | None:
    """Why it is refused without asking ShipHero."""
    key, reference = item.key, order.reference
    if not reference or reference != reference.strip() or len(reference.encode()) > values.MOST_BYTES:
        reason = f"a reference has 1 to {values.MOST_BYTES} bytes, and no blank at its ends"
        return Rejected(key=key, cause="reference", reason=reason)
    if item.cancel:
        return None if item.remote else Rejected(key=key, cause="none", reason="nothing was handed over yet")
    if not order.lines or any(line.quantity < 1 for line in order.lines):
        return Rejected(key=key, cause="lines", reason="it has no line, or one without units")
    if any(not line.sku or len(line.sku.encode()) > values.MOST_BYTES for line in order.lines):
        return Rejected(key=key, cause="sku", reason="a line has no SKU, or one that is too long")
    long = list(too_long(order))
    if long:
        return Rejected(key=key, cause="too-long", reason=f"{'; '.join(long)}: shorten it, nothing is cut")
    return None


def too_late(key: str, live: Sequence[wire.Standing], what: str, *, several: bool = False) -> Rejected | None:
    """Why there is nothing that can still be changed, or stopped."""
    if not live:
        return Rejected(key=key, cause="none", reason=f"ShipHero has no order to be {what}")
    if len(live) > 1 and not several:
        reason = f"{len(live)} orders bear this reference in ShipHero: change them there"
        return Rejected(key=key, cause="several", reason=reason)
    if any(each.shipped for each in live):
        return Rejected(key=key, cause="too-late", reason="something of the order has left ShipHero already")
    return None


def refused(key: str, order: Wanted, refusal: Refusal) -> Rejected:
    """ShipHero's own words, unless they repeat a customer's."""
    said = refusal.message.lower()
    theirs = (
        *msgspec.structs.astuple(order.ship_to),
        *(msgspec.structs.astuple(order.bill_to or order.ship_to)),
    )
    repeats = any(text and len(str(text)) > 2 and str(text).lower() in said for text in theirs)
    words = "" if repeats else f": {refusal.message}"
    for line in order.lines:
        if line.sku.lower() in said:
            return Rejected(key=key, cause=f"sku:{line.sku}", reason=f"ShipHero refuses the order{words}")
    return Rejected(
        key=key,
        cause=f"code-{refusal.code}",
        reason=f"ShipHero refuses the order (code {refusal.code}){words}",
    )


def why(refusal: Refusal) -> str:
    """What it says, and its code."""
    return f"{refusal.message} (code {refusal.code})"
