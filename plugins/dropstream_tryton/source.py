"""A source over records that changed: each becomes documents, or is set aside by itself."""

from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar

import msgspec
import trio

from dropstream_tryton import wire
from dropstream_tryton.changes import Changes
from dropstream_tryton.places import House, Places
from dropstreamd.model.handover import Bad
from dropstreamd.platform.contract import Page, Taken
from dropstreamd.platform.rows import UNREADABLE, unreadable_key

MOST_BYTES = 100
"""Of a key, and of a SKU."""

T = TypeVar("T")
R = TypeVar("R")


class Unusable(Exception):
    """A record that gives no document, and why; raised and caught in this plugin's translation alone."""


_id = msgspec.json.Decoder(wire.Id)


class ChangeSource(Generic[R, T]):
    """A `Source[T]`. `translate` gives a record's documents, or raises Unusable."""

    def __init__(
        self,
        changes: Changes,
        places: Places,
        row: type[R],
        what: str,
        translate: Callable[[R, House], Iterable[T]],
    ) -> None:
        self._changes = changes
        self._places = places
        self._decoder = msgspec.json.Decoder(row)
        self._what = what
        self._translate = translate

    async def page(self, cursor: str | None, taken: Taken) -> Page[T]:  # noqa: ARG002 - nothing has a mark
        """The next records that changed."""
        listed = await self._changes.page(cursor)
        house = await self._places.house()
        documents: list[T] = []
        unusable: list[Bad] = []
        for raw in listed.rows:
            try:
                documents.extend(self._translate(self._decoder.decode(raw), house))
            except (*UNREADABLE, Unusable) as error:
                unusable.append(bad(self._what, bytes(raw), str(error)))
        return Page(documents=tuple(documents), bad=tuple(unusable), cursor=listed.cursor, more=listed.more)

    async def confirm(self, marks: Sequence[str]) -> None:  # noqa: ARG002 - nothing has a mark
        await trio.lowlevel.checkpoint()


def bad(what: str, raw: bytes, reason: str) -> Bad:
    """A record that gives no document, under the same key whenever it comes again."""
    try:
        key = f"{what} {_id.decode(raw).id}"
    except UNREADABLE:
        key = unreadable_key(raw)
    return Bad(key=key, place=f"{key} in Tryton", reason=reason, raw=raw)


def units(quantity: float) -> int:
    """A whole number of units. Raises Unusable over a fraction."""
    if not float(quantity).is_integer():
        raise Unusable(f"{quantity:g} is no whole number of units")
    return int(quantity)


def sku(code: str | None) -> str:
    """A product's code as a SKU. Raises Unusable where it cannot be one."""
    if not code:
        raise Unusable("a product of it has no code")
    if len(code.encode()) > MOST_BYTES or "\0" in code:
        raise Unusable(f"a product's code has more than {MOST_BYTES} bytes: {code[:20]}…")
    return code


def reference(text: str | None) -> str:
    """A reference as a part of keys. Raises Unusable where there is none, or a long one."""
    if not text:
        raise Unusable("it has no reference: enter the order's there")
    if len(text.encode()) > MOST_BYTES:
        raise Unusable(f"its reference has more than {MOST_BYTES} bytes")
    return text
