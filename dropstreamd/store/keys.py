"""Ordered keys: tuples of text that LMDB sorts as Python does.

Each part is its UTF-8 bytes and a closing NUL, so that the keys under `("acme",)` never take in those
under `("acme-ebay",)`, and the byte order of keys is the order of their tuples.

A part longer than `MAX_PART_BYTES` (a few SKUs and file names are) is stored as a mark that no UTF-8
text can hold and its SHA-256. Reading it back gives that stand-in, which is accepted wherever the
original was; the original text is not kept here: who stores a value under such a key keeps the text
in the value.
"""

import hashlib
import re
from collections.abc import Iterable
from typing import TypeAlias

Key: TypeAlias = tuple[str, ...]

MAX_KEY_BYTES = 511
"""What LMDB takes."""

MAX_PART_BYTES = 100
"""Five parts always fit a key."""

# Byte 0xFF stands in no UTF-8 text; this is how Python shows it after "surrogateescape".
_MARK = "\udcff"
_STAND_IN = re.compile(_MARK + "[0-9a-f]{64}")

LAST_PART = _MARK + "f" * 64
"""Behind every other part in order: `after` it a scan goes on with the next owner."""


def is_part(text: str) -> bool:
    """Whether `text` may stand in a key. Ask this of whatever comes from outside."""
    if "\0" in text:
        return False
    return text.isascii() or _STAND_IN.fullmatch(text) is not None or _is_unicode(text)


def as_part(text: str) -> str:
    """`text` from outside as it may stand in a key: every sign that may not is replaced, the rest stays."""
    if is_part(text):
        return text
    return text.encode(errors="replace").decode().replace("\0", "\ufffd")


def stored_part(text: str) -> str:
    """`text` as a key read back shows it: itself, or the stand-in of an over-long part."""
    return encode_part(text)[:-1].decode("utf-8", "surrogateescape")


def encode_part(text: str) -> bytes:
    """The bytes of one part with its closing NUL.

    ValueError, a bug of the caller, for what `is_part` denies.
    """
    if "\0" in text:
        raise ValueError(f"a key part holds a NUL: {text!r}")
    try:
        raw = text.encode()
    except UnicodeEncodeError:
        if _STAND_IN.fullmatch(text) is None:
            raise
        return text.encode("utf-8", "surrogateescape") + b"\0"
    if len(raw) > MAX_PART_BYTES:
        return b"\xff" + hashlib.sha256(raw).hexdigest().encode() + b"\0"
    return raw + b"\0"


def encode_key(parts: Iterable[str]) -> bytes:
    """The bytes of a key, or of a prefix of keys (none for the empty prefix).

    ValueError, a bug of the caller, where a part is refused or the whole exceeds `MAX_KEY_BYTES`.
    """
    raw = b"".join([encode_part(part) for part in parts])
    if len(raw) > MAX_KEY_BYTES:
        raise ValueError(f"a key of {len(raw)} bytes: at most {MAX_KEY_BYTES} fit")
    return raw


def decode_key(raw: bytes) -> Key:
    """The parts of a key that `encode_key` made."""
    return tuple(raw[:-1].decode("utf-8", "surrogateescape").split("\0"))


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in text)
