"""Rows that another side told, each decoded by itself: one that is not as described is set aside, and its
neighbours go on."""

import hashlib
from collections.abc import Callable
from typing import TypeVar

import msgspec

from dropstreamd.errors import ProtocolMismatch

T = TypeVar("T")

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding raises of bytes that are not as described. Their words name a place and a type, and quote
nothing but a value outside an enumeration, or a byte that is no text."""


class OddRow(ProtocolMismatch):
    """One row of an answer is not as described, and the answer is: whoever asked sets aside what the row
    belongs to. Where nobody does, it is a ProtocolMismatch as any."""


def read_row(raw: bytes, read: Callable[[bytes], T], what: str) -> T:
    """The row as `read` makes it. Raises OddRow, which names the row by `what` it is, and its id."""
    try:
        return read(raw)
    except UNREADABLE as error:
        raise OddRow(f"{what} {row_id(raw) or 'without an id'} is not as described: {error}") from error


def row_id(raw: bytes) -> str:
    """Its field `id`; empty where it has none that can be read."""
    try:
        return str(_named.decode(raw).id)
    except UNREADABLE:
        return ""


def unreadable_key(raw: bytes) -> str:
    """What stands for a row whose own key cannot be read: the same whenever the same bytes come again."""
    return f"unreadable-{hashlib.blake2b(raw, digest_size=12).hexdigest()}"


class _Named(msgspec.Struct, frozen=True):
    id: int | str


_named = msgspec.json.Decoder(_Named)
