"""Tryton's JSON-RPC: what is answered to a call or a login, and what an error says."""

import re

import msgspec

from dropstream_tryton.wire import Wire
from dropstreamd.errors import ProtocolMismatch
from dropstreamd.platform.rows import UNREADABLE

_NOTHING = msgspec.Raw(b"null")
_RECORD = re.compile(r'"[^"]*"')


class Answer(Wire, frozen=True, kw_only=True):
    result: msgspec.Raw = _NOTHING
    error: msgspec.Raw = _NOTHING

    @property
    def refused(self) -> bool:
        return self.error != _NOTHING


class LoginAnswer(Wire, frozen=True, kw_only=True):
    """User id, session and the address of the bus."""

    result: tuple[int, str, str | None] | None = None


class Preferences(Wire, frozen=True, kw_only=True):
    company: int | None = None


def error(raw: msgspec.Raw) -> tuple[str, str, str]:
    """An error's class (or text), message and description, each empty where there is none."""
    try:
        parts = msgspec.json.decode(raw, type=list[msgspec.Raw])
        kind = msgspec.json.decode(parts[0], type=str)
        detail = msgspec.json.decode(parts[1]) if len(parts) > 1 else ""
    except (*UNREADABLE, IndexError) as problem:
        raise ProtocolMismatch("Tryton answered an error that is not described") from problem
    texts = [
        each if isinstance(each, str) else "" for each in (detail if isinstance(detail, list) else [detail])
    ]
    if kind == "UserWarning":
        texts = texts[1:]
    return kind, *(*texts, "", "")[:2]  # type: ignore[return-value]


def nameless(message: str) -> str:
    """A message without what it quotes: the names of records may be a customer's."""
    return _RECORD.sub("…", message)[:300]
