"""Test Connection: one authenticated request to each side, and in words what is wrong with it."""

import re
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager

import trio

from dropstreamd.config.schema import Connection
from dropstreamd.control.desk import Desk
from dropstreamd.control.messages.runs import Side
from dropstreamd.control.messages.setup import (
    Failure,
    FailureKind,
    FindingShown,
    SideTested,
    Tested,
    TestSides,
)
from dropstreamd.control.route import Call, Empty, Route
from dropstreamd.errors import (
    AuthFailed,
    DropstreamError,
    Misconfigured,
    OutcomeUnknown,
    ProtocolMismatch,
    RateLimited,
    Unreachable,
)
from dropstreamd.platform.contract import Finding, Session
from dropstreamd.platform.limiter import Priority

DEADLINE_S = 45.0
SIDES: tuple[Side, ...] = ("store", "warehouse")

Open = Callable[[], AbstractAsyncContextManager[Session]]
Ask = Callable[[Session], Awaitable[Sequence[Finding]]]


async def test(desk: Desk, call: Call[Empty, TestSides]) -> Tested:
    """Test one side, or both at once."""
    connection = desk.connection(call.path["c"])
    asked = call.body
    wanted = SIDES if asked.side is None else (asked.side,)
    tested: dict[Side, SideTested] = {}

    async def one(side: Side) -> None:
        tested[side] = await look_at(
            desk, connection, side, lambda session: session.test(write=asked.write), DEADLINE_S
        )

    async with trio.open_nursery() as nursery:
        for side in wanted:
            nursery.start_soon(one, side)
    sides = tuple(tested[side] for side in wanted)
    well = all(side.ok for side in sides)
    words = ", ".join(f"{side.side}: {_outcome(side)}" for side in sides)
    await desk.note(connection, "tested", words, who=call.who)
    return Tested(ok=well, sides=sides)


def _outcome(side: SideTested) -> str:
    if side.failure is not None:
        return side.failure.kind
    return "well" if side.ok else ", ".join(each.name for each in side.findings if not each.ok)


async def look_at(desk: Desk, connection: Connection, side: Side, ask: Ask, deadline_s: float) -> SideTested:
    """Ask one side something; what it found, or what went wrong. It waits for no run: a run that hangs
    is a reason to test."""
    account = connection.store if side == "store" else desk.account_of(connection)
    findings: Sequence[Finding] = ()
    failure: Failure | None = Failure(
        kind="deadline", message=f"no answer within {deadline_s:.0f} s", remedy="is it reachable from here?"
    )
    with trio.move_on_after(deadline_s):
        try:
            async with _opened(desk, connection, side) as session:
                findings = await ask(session)
            failure = None
        except DropstreamError as error:
            failure = failure_of(error)
        except BaseExceptionGroup as group:
            failure = failure_of(known_error(group))
    return SideTested(
        side=side,
        platform=account.platform,
        ok=failure is None and all(each.ok for each in findings),
        findings=tuple(shown(each) for each in findings),
        failure=failure,
    )


def _opened(desk: Desk, connection: Connection, side: Side) -> AbstractAsyncContextManager[Session]:
    accounts = desk.daemon.accounts
    if side == "store":
        return accounts.open_store(connection.store, Priority.ORDERS)
    return accounts.open_warehouse(desk.account_of(connection), Priority.ORDERS)


def known_error(group: BaseExceptionGroup[BaseException]) -> DropstreamError:
    """The error in a group that a library's nursery made; a group that holds anything else is raised."""
    known, rest = group.split(DropstreamError)
    if known is None or rest is not None:
        raise group
    first: BaseException = known
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    if not isinstance(first, DropstreamError):
        raise AssertionError("a split group held something else")
    return first


def shown(finding: Finding) -> FindingShown:
    return FindingShown(name=finding.name, ok=finding.ok, detail=finding.detail, remedy=finding.remedy)


# ---- what an error means to who tests

_WORDS: tuple[tuple[type[DropstreamError], str, FailureKind], ...] = (
    (AuthFailed, r"answered 403|permission|scope|not allowed", "permission"),
    (AuthFailed, "", "credentials"),
    (RateLimited, "", "rate limit"),
    (ProtocolMismatch, "", "protocol"),
    (Misconfigured, r"host.?key", "host key"),
    (Misconfigured, r"\bTLS\b|certificate", "TLS"),
    (Misconfigured, r"permission denied", "permission"),
    (Misconfigured, r"\bsecret\b|\bcredential\b|private key|password", "credentials"),
    (Misconfigured, r"address|redirect|no such file|answered 4|https?://", "address"),
    (Misconfigured, "", "settings"),
    (Unreachable, r"name or service|name resolution|no address|not known", "address"),
    (Unreachable, r"answered 5|calls failed|is down", "outage"),
    (OutcomeUnknown, r"answered 5", "outage"),
)
"""By the kind of error, then by the words of its message, which are ours: the first that fits."""


def failure_of(error: DropstreamError) -> Failure:
    """What is wrong, in a word and in sentences."""
    kind: FailureKind = "network"
    for of, words, named in _WORDS:
        if isinstance(error, of) and re.search(words, error.message, re.IGNORECASE):
            kind = named
            break
    return Failure(kind=kind, message=error.message, remedy=error.remedy)


ROUTES = (
    Route(
        method="POST",
        path="/v1/connections/{c}/test",
        name="test",
        summary="Ask both sides, or one, whether we may work there",
        handle=test,
        query=Empty,
        body=TestSides,
        answer=Tested,
    ),
)
