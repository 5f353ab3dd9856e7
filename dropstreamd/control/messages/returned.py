"""Returns and what came back, as far as both sides know of them."""

import msgspec

from dropstreamd.model.returns import OutboundReturn, Receipt, Return, ReturnReceipt


class ReceiptShown(msgspec.Struct, frozen=True, kw_only=True):
    """A receipt as the warehouse tells it, and what its store was told, or is to be."""

    key: str
    state: str
    cause: str
    reason: str
    receipt: Receipt
    told: ReturnReceipt | None


class ReturnStep(msgspec.Struct, frozen=True, kw_only=True):
    """One step in a return's life."""

    at_s: float
    run: str
    text: str


class ReturnShown(msgspec.Struct, frozen=True, kw_only=True):
    """One return: as the store tells it, as the warehouse was told, what came back, and every step in
    between. `state` and `standing` as in `look.OrderShown`; `accepted` is the revision that the warehouse
    has, 0 for none."""

    connection: str
    key: str
    number: str
    reference: str
    state: str
    standing: str
    cause: str
    reason: str
    revision: int
    accepted: int
    remote: str
    handed_s: float
    asked: Return
    sent: OutboundReturn | None
    receipts: tuple[ReceiptShown, ...]
    history: tuple[ReturnStep, ...]
