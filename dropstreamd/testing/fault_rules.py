"""Rules for plugins that speak HTTP: what they make of every answer that is none of their platform's own.

Each of these comes in place of an answer, of a request that was applied or that never arrived.
"""

import os
from collections.abc import Awaitable, Callable
from functools import partial
from itertools import count
from typing import Any

import msgspec

from dropstreamd.errors import (
    AuthFailed,
    DropstreamError,
    Misconfigured,
    OutcomeUnknown,
    ProtocolMismatch,
    RateLimited,
    Unreachable,
)
from dropstreamd.platform.contract import Part
from dropstreamd.testing.attempt import Attempt
from dropstreamd.testing.daemon import Kept, Steps, snapshots
from dropstreamd.testing.rig import SinkBench
from dropstreamd.testing.source_rules import FEW, all_there, read
from dropstreamd.testing.stand import ContractBroken, NotApplicable, Stand, broken, ours, require, told

FAULTS_WANTED = "DROPSTREAMD_FAULTS"
"""`all` in the environment: each fault at each exchange. `some`, on slow counterparts too: each once."""
MOST_EXCHANGES = 60
METHODS = (b"GET ", b"POST ", b"PUT ", b"PATCH ", b"DELETE ", b"HEAD ", b"OPTIONS ")
PAGE = b"<!doctype html><html><title>Maintenance</title><body>Back soon</body></html>"

Errors = tuple[type[DropstreamError], ...]


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """An answer, whether the request was applied before it, and the errors that may come of it."""

    name: str
    answer: bytes
    applied: bool
    errors: Errors


def _answer(
    status: str, body: bytes = b"", *headers: str, kind: str = "application/json", more: int = 0
) -> bytes:
    lines = [
        f"HTTP/1.1 {status}",
        f"content-type: {kind}",
        f"content-length: {len(body) + more}",
        "connection: close",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


_OUTAGE: Errors = (Unreachable, OutcomeUnknown)
_NONSENSE: Errors = (ProtocolMismatch, OutcomeUnknown, Unreachable)
_LATER: Errors = (RateLimited, Unreachable, OutcomeUnknown)


def _faults() -> tuple[Fault, ...]:
    web = partial(_answer, body=PAGE, kind="text/html; charset=utf-8")
    both = (
        ("500", _answer("500 Internal Server Error", b"{}"), _OUTAGE),
        ("a web page with 502", web("502 Bad Gateway"), _OUTAGE),
        ("504", web("504 Gateway Timeout"), _OUTAGE),
        ("a web page with 200", web("200 OK"), _NONSENSE),
        ("half an answer", _answer("200 OK", b'{"data":', more=900), _NONSENSE),
        ("an answer of nothing", _answer("200 OK"), _NONSENSE),
    )
    found = [
        Fault(
            name="429",
            answer=_answer("429 Too Many Requests", b"{}", "retry-after: 2"),
            applied=False,
            errors=(RateLimited,),
        ),
        Fault(
            name="503 for a while",
            answer=_answer("503 Service Unavailable", b"{}", "retry-after: 1"),
            applied=False,
            errors=_LATER,
        ),
        Fault(
            name="401",
            answer=_answer("401 Unauthorized", b"{}"),
            applied=False,
            errors=(AuthFailed, Misconfigured),
        ),
    ]
    for name, answer, errors in both:
        for applied in (False, True):
            when = "after it was applied" if applied else "before it was applied"
            found.append(Fault(name=f"{name}, {when}", answer=answer, applied=applied, errors=errors))
    return tuple(found)


FAULTS = _faults()


async def a_push_among_outages_has_its_effect_once(stand: Stand, part: Part) -> None:
    """Every fault at every exchange of a push: one effect in the end, what the sink says of it is true, and
    the error is of the fault's kind."""
    await _require_http(stand)
    bench: SinkBench[Any] = stand.bench(part)
    numbers = count(2, 2)

    async def strike(fault: Fault, at: int) -> bool:
        (item,) = await bench.items(1)
        attempt, steps = Attempt(stand, part, item, next(numbers)), Steps()
        outcome = await attempt.push(steps, strike=partial(_set, stand, fault, at))
        if attempt.struck and not isinstance(attempt.error, OutcomeUnknown | None):
            _judge(fault, at, attempt.error)  # and unknown it may be: something was written before
        try:
            await attempt.settle(outcome, steps)
        except ContractBroken as error:
            raise ContractBroken(f"{fault.name}, in place of answer {at} of a push: {error}") from error
        return attempt.struck

    await _everywhere(strike)


async def a_run_among_outages_loses_nothing(stand: Stand, part: Part) -> None:
    """Every fault at every exchange of a run: an error of the fault's kind or none, and the next run brings
    what is missing."""
    await _require_http(stand)
    bench = stand.bench(part)
    names = await bench.add(FEW)

    async def strike(fault: Fault, at: int) -> bool:
        kept: Kept[Any] = Kept()
        struck = await _run(
            stand, fault, at, lambda session: kept.run(stand, getattr(session, part.attribute))
        )
        await read(stand, part, kept)
        if not kept.marks:
            all_there(bench, kept, names)
        return struck

    await _everywhere(strike)


async def a_snapshot_among_outages_comes_whole(stand: Stand, part: Part) -> None:
    """Every fault at every exchange of a snapshot's reading: an error of the fault's kind or none, and the
    next reading brings it whole."""
    await _require_http(stand)
    units = {"A": 3, "B": 4}
    await stand.bench(part).snapshot(units)

    async def strike(fault: Fault, at: int) -> bool:
        struck = await _run(stand, fault, at, lambda session: snapshots(stand, session.inventory, set()))
        async with stand.session() as session:
            found = await snapshots(stand, session.inventory, set())
        shown = found[-1].units if found and found[-1].whole else {}
        require(units.items() <= shown.items(), f"after {fault.name} a snapshot shows {shown}")
        return struck

    await _everywhere(strike)


async def _everywhere(strike: Callable[[Fault, int], Awaitable[bool]]) -> None:
    """Each fault, at one exchange after the other; where the environment asks for all, each at each
    exchange, until it comes too late to strike."""
    if os.environ.get(FAULTS_WANTED) != "all":
        at = 1
        for fault in FAULTS:
            at = at + 1 if await strike(fault, at) else 1
        return
    for fault in FAULTS:
        for at in range(1, MOST_EXCHANGES):
            if not await strike(fault, at):
                break
        else:
            broken(f"it takes more than {MOST_EXCHANGES} exchanges")


async def _run(stand: Stand, fault: Fault, at: int, run: Callable[[Any], Awaitable[object]]) -> bool:
    """Read in a session of its own, with this fault. Whether it struck."""
    error: Exception | None = None
    try:
        async with stand.session() as session:
            _set(stand, fault, at)
            await run(session)
    except ContractBroken:
        raise
    except Exception as raised:  # noqa: BLE001 - the rule judges it
        error = raised
    struck = stand.proxy.struck.is_set()
    stand.proxy.mend()
    if error is not None:
        _judge(fault, at, error)
        require(
            not isinstance(error, OutcomeUnknown), f"{fault.name}: nothing was written by a run that reads"
        )
    return struck


def _set(stand: Stand, fault: Fault, at: int) -> None:
    stand.proxy.answer_instead(fault.answer, at=at, applied=fault.applied)


def _judge(fault: Fault, at: int, error: BaseException) -> None:
    fits = ours(error) and isinstance(error, fault.errors)
    require(fits, f"{fault.name}, in place of answer {at}, raises {told(error)}")


async def _require_http(stand: Stand) -> None:
    async with stand.session() as session:
        await stand.findings(session, write=False)
    if not stand.rig.quick and not os.environ.get(FAULTS_WANTED):
        raise NotApplicable(f"minutes, on this counterpart: {FAULTS_WANTED} turns it on")
    if not stand.proxy.first_words.startswith(METHODS):
        raise NotApplicable("it does not speak HTTP")
