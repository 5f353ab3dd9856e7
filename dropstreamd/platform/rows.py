"""Rows that another side told, each decoded by itself: one that is not as described is set aside, and its
neighbours go on."""

import hashlib

import msgspec

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding raises of bytes that are not as described. Their words name a place and a type, and quote
nothing but a value outside an enumeration, or a byte that is no text."""


def unreadable_key(raw: bytes) -> str:
    """What stands for a row whose own key cannot be read: the same whenever the same bytes come again."""
    return f"unreadable-{hashlib.blake2b(raw, digest_size=12).hexdigest()}"
