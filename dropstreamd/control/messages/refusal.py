"""How the API says no: `application/problem+json`, as RFC 9457 has it."""

from typing import Literal

import msgspec

from dropstreamd.control.messages.runs import Backlog
from dropstreamd.errors import Problem

RefusalKind = Literal[
    "bad request",
    "not found",
    "method not allowed",
    "too large",
    "too slow",
    "not supported",
    "disabled",
    "unconfirmed",
    "changed",
    "read-only",
    "config",
    "not possible",
    "unreachable",
    "state full",
    "fault",
]
"""What a client can tell apart: `unconfirmed` (409, with a backlog, or with what is known) asks for
`confirmed` (or the backlog's id), `changed` (409) for reading again, `config` (422) lists problems, `fault`
(500) is a bug of ours."""


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Why a request was not done. `remedy` says what to do; nothing was changed, unless it says so. `known`
    is what a person has to see before he confirms, and `shown` names it: agreed to by that, it is done only
    if nothing of it has changed meanwhile."""

    title: str
    status: int
    kind: RefusalKind
    detail: str
    remedy: str = ""
    problems: tuple[Problem, ...] = ()
    backlog: Backlog | None = None
    known: tuple[str, ...] = ()
    shown: str = ""
