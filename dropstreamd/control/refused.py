"""Requests that are not done, and why: what a handler raises, and what every error means to a client."""

import hashlib
from collections.abc import Iterable
from typing import NoReturn

import msgspec

from dropstreamd.control.messages.refusal import Refusal, RefusalKind
from dropstreamd.control.messages.runs import Backlog
from dropstreamd.errors import (
    ConfigError,
    DropstreamError,
    Hold,
    ReadOnly,
    Stale,
    StateFull,
    Wait,
)

_STATUS: dict[RefusalKind, tuple[int, str]] = {
    "bad request": (400, "The request cannot be understood"),
    "not found": (404, "There is no such thing"),
    "method not allowed": (405, "This cannot be done here"),
    "too slow": (408, "The request did not come in time"),
    "not supported": (409, "Not supported"),
    "disabled": (409, "Disabled"),
    "unconfirmed": (409, "A person has to confirm this"),
    "changed": (409, "It has changed since it was read"),
    "read-only": (409, "The file is managed elsewhere"),
    "not possible": (409, "Not possible as things are"),
    "too large": (413, "The request is too large"),
    "config": (422, "The configuration would not be sound"),
    "fault": (500, "A fault in dropstreamd"),
    "unreachable": (503, "The other side cannot be reached"),
    "state full": (507, "The state is full"),
}


class Refused(DropstreamError):
    """A request that is not done; `refusal` is its answer."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.detail, remedy=refusal.remedy)
        self.refusal = refusal


def refusal(
    kind: RefusalKind,
    detail: str,
    *,
    remedy: str = "",
    backlog: Backlog | None = None,
    known: tuple[str, ...] = (),
    shown: str = "",
) -> Refusal:
    """The answer for one kind of no."""
    status, title = _STATUS[kind]
    return Refusal(
        title=title,
        status=status,
        kind=kind,
        detail=detail,
        remedy=remedy,
        backlog=backlog,
        known=known,
        shown=shown,
    )


def refuse(
    kind: RefusalKind,
    detail: str,
    *,
    remedy: str = "",
    backlog: Backlog | None = None,
    known: tuple[str, ...] = (),
    shown: str = "",
) -> NoReturn:
    """Raises Refused."""
    raise Refused(refusal(kind, detail, remedy=remedy, backlog=backlog, known=known, shown=shown))


def name_of(said: Iterable[str]) -> str:
    """Names what a person was shown: as soon as anything of it is another, so is this."""
    return hashlib.blake2b(msgspec.json.encode(tuple(said)), digest_size=16).hexdigest()


def of_error(error: DropstreamError) -> Refusal:
    """What one of our errors means to a client."""
    match error:
        case Refused():
            return error.refusal
        case ConfigError():
            return _of_config(error)
        case StateFull():
            return refusal("state full", error.message, remedy=error.remedy)
        case Wait():
            return refusal("unreachable", error.message, remedy=error.remedy)
        case Hold():
            return refusal("not possible", error.message, remedy=error.remedy)
        case _:
            return refusal("fault", error.message, remedy=error.remedy)


def _of_config(error: ConfigError) -> Refusal:
    kind: RefusalKind = "config"
    if isinstance(error, ReadOnly):
        kind = "read-only"
    elif isinstance(error, Stale):
        kind = "changed"
    status, title = _STATUS[kind]
    count = len(error.problems)
    detail = str(error.problems[0]) if count == 1 else f"{count} problems"
    return Refusal(title=title, status=status, kind=kind, detail=detail, problems=tuple(error.problems))
