"""Values of ShipHero's rows, as ours: instants, counts, SKUs, references.

Instants are ISO 8601, without a zone or with one, and in UTC where there is none.
"""

from datetime import UTC, datetime

from dropstreamd.model.stock import MOST_UNITS

MOST_BYTES = 100
"""Of a key, of a reference, and of a SKU."""


class Unusable(Exception):
    """A record that gives no document, and why; raised and caught in this plugin's translation alone."""


def instant(text: str | None) -> datetime | None:
    """An instant; without a zone it is UTC. Raises Unusable where it is none."""
    if not text:
        return None
    try:
        told = datetime.fromisoformat(text.replace(" ", "T", 1))
    except ValueError as error:
        raise Unusable(f"{text[:40]!r} is no instant") from error
    return told.replace(tzinfo=UTC) if told.tzinfo is None else told.astimezone(UTC)


def iso(at: datetime) -> str:
    """An instant as ShipHero takes it: UTC, to the second, without a zone."""
    return at.astimezone(UTC).replace(tzinfo=None, microsecond=0).isoformat()


def units(quantity: int | None) -> int:
    """A count. Raises Unusable where there is none, or one that nobody can have."""
    if quantity is None or not -MOST_UNITS <= quantity <= MOST_UNITS:
        raise Unusable("it has no quantity, or one beyond all measure")
    return quantity


def sku(text: str | None) -> str:
    """A SKU. Raises Unusable where it cannot be one."""
    if not text:
        raise Unusable("a product of it has no SKU")
    if len(text.encode()) > MOST_BYTES or "\0" in text:
        raise Unusable(f"a SKU has more than {MOST_BYTES} bytes: {text[:20]}…")
    return text


def reference(text: str | None) -> str:
    """A reference as a part of keys. Raises Unusable where there is none, or a long one."""
    if not text:
        raise Unusable("its order has no partner order id")
    if len(text.encode()) > MOST_BYTES or "\0" in text:
        raise Unusable(f"its order's partner order id has more than {MOST_BYTES} bytes")
    return text
