"""What a warehouse says of an order before it ships: taken, refused, stopped, or closed short."""

from datetime import datetime
from typing import Literal

import msgspec

Verdict = Literal["received", "accepted", "rejected", "cancelled", "not-cancelled", "closed-short"]
"""`received`: it has arrived (a functional acknowledgement). `accepted`: it will be shipped. `rejected`:
it will not, as it is. `cancelled`, `not-cancelled`: the answer to a cancellation of ours. `closed-short`:
what has not left by now will not be sent, and is not kept on backorder."""


class Acknowledgement(msgspec.Struct, frozen=True, kw_only=True):
    """One such word. `key` is unique within the warehouse account and the same whenever it is read
    again; `reference` is the order's, `codes` the warehouse's own codes of what is wrong, `name` what
    was answered (`Prepared.name`), where it is known."""

    key: str
    reference: str
    verdict: Verdict
    codes: tuple[str, ...] = ()
    reason: str = ""
    name: str = ""
    at: datetime | None = None
