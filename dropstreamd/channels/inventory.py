"""Inventory: the warehouse's figures become the store's levels, by Smart Sync or Full Sync."""

import hashlib
from collections.abc import Mapping
from functools import partial

import msgspec
import trio

from dropstreamd.channels import deriving, orders, promises
from dropstreamd.channels.course import Course
from dropstreamd.channels.deliver import PUSH_DEADLINE_S
from dropstreamd.channels.run import Run, Scope
from dropstreamd.config.schema import NO_ALLOCATION
from dropstreamd.errors import Hold, Misconfigured, OutcomeUnknown, ProtocolMismatch, Wait
from dropstreamd.model.handover import Outcome, Prepared, Writes
from dropstreamd.model.stock import Level
from dropstreamd.platform.contract import Sink
from dropstreamd.store import adjustments, cursors, levels, stock, switches
from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.keys import is_part
from dropstreamd.store.records import Attempt, Flow

CHANNEL = deriving.CHANNEL
MARKED_AT_ONCE = 5_000
"""SKUs marked in one transaction."""

LOOK_AGAIN_S = 60.0
"""How often a run that pushes looks at what orders take, in seconds."""


async def smart(run: Run) -> None:
    """Fetch the warehouse's figures and push what changed."""
    await _fetch(run)
    unsent = _unsent(run)
    await _mark_what_moved(run, unsent)
    await _push_levels(run, unsent)
    _assert_fresh(run)


async def full(run: Run) -> None:
    """Fetch the warehouse's figures and push every level."""
    await _fetch(run)
    unsent = _unsent(run)
    await _mark_what_moved(run, unsent)
    await _mark_all(run, forced=True)
    await _push_levels(run, unsent)
    _assert_fresh(run)


def _assert_fresh(run: Run) -> None:
    """A warehouse that tells no figures any more, or only such as are held, must not go unnoticed."""
    account = run.scope.account
    path = (account.merchant, account.name)
    latest = run.state.read(partial(stock.latest, path=path))
    if latest is None:
        return
    told_s = max(latest.as_of_s, run.state.read(partial(adjustments.newest_s, path=path)))
    age_s = run.now_s() - told_s
    if age_s > account.breaker.stale_after_s:
        raise Misconfigured(
            f"the newest stock figures believed, {latest.snapshot}, are {age_s / 3600:.0f} hours old",
            remedy=f"see that warehouse {account.name} writes them, and whether one is held for approval",
        )


async def _fetch(run: Run) -> None:
    await _look_at_orders(run)
    for made in await run.scope.feed.fetch_stock():
        run.count("adjustments" if made.verdict == "adjusted" else f"snapshots_{made.verdict}")
        if made.verdict != "unreadable":
            run.count("undecodable", made.bad_rows)


async def _look_at_orders(run: Run) -> None:
    """Stage the store's newest orders first, where they are imported at all: a level that does not
    know of them would offer their units again."""
    connection = run.scope.connection
    since_s = run.state.read(partial(_imported_since_s, connection=connection.id))
    if connection.deduct_unsent and since_s is not None:
        await orders.pull(run, orders.book(run.scope), since_s)


def _imported_since_s(tx: Reader, connection: str) -> float | None:
    """Since when orders are imported; None while they are not."""
    if not switches.get(tx, connection, orders.CHANNEL).on:
        return None
    return switches.started_s(tx, connection, orders.CHANNEL)


def _unsent(run: Run) -> dict[str, int]:
    scope = run.scope
    if not scope.connection.deduct_unsent:
        return {}
    return dict(run.state.read(partial(promises.unsent, account=scope.account, siblings=scope.siblings)))


class _Basis(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What the levels were derived from besides the figures, at the last run."""

    settings: bytes
    unsent: dict[str, int]


async def _mark_what_moved(run: Run, unsent: dict[str, int]) -> bool:
    """Look at the SKUs whose orders came or went, and at all if the settings changed; whether so."""
    scope = run.scope
    flow = Flow(scope.connection.id, CHANNEL)
    basis = _Basis(settings=_digest(scope), unsent=unsent)
    raw = run.state.read(partial(cursors.get_bytes, flow=flow))
    before = None if raw is None else msgspec.msgpack.decode(raw, type=_Basis)
    if before == basis:
        return False
    if before is None or before.settings != basis.settings:
        await _mark_all(run, forced=False)
    moved = {
        sku
        for sku in unsent.keys() | (before.unsent if before else {}).keys()
        if (before is None or unsent.get(sku) != before.unsent.get(sku)) and is_part(sku)
    }

    def write(tx: Writer) -> None:
        levels.mark(tx, flow, deriving.concerned(tx, scope.connection, sorted(moved)))
        cursors.put_bytes(tx, flow, msgspec.msgpack.encode(basis))

    await run.state.write(write)
    return True


def _digest(scope: Scope) -> bytes:
    """Of the settings that levels are derived by."""
    connection, account = scope.connection, scope.account
    settings: tuple[object, ...] = (sorted(connection.listings.items()), account.merchant, account.name)
    if connection.bundles or connection.allocation != NO_ALLOCATION:
        made = sorted((sku, sorted(recipe.items())) for sku, recipe in connection.bundles.items())
        rules = sorted(connection.allocation.overrides.items())
        settings += (made, connection.allocation.default, rules, connection.allocation.share_ppm)
    return hashlib.blake2b(msgspec.msgpack.encode(settings), digest_size=16).digest()


async def _mark_all(run: Run, *, forced: bool) -> None:
    scope = run.scope
    flow = Flow(scope.connection.id, CHANNEL)
    path = (scope.account.merchant, scope.account.name)

    def every(tx: Reader) -> tuple[list[str], list[str]]:
        # What the store was told once is among them: its listing may have gone.
        known = dict.fromkeys(deriving.channel_skus(scope.connection, stock.figures(tx, path)))
        unsold = [sku for sku in levels.refused(tx, flow) if sku not in known]
        return list(dict.fromkeys([*known, *levels.in_store(tx, flow)])), unsold

    skus, unsold = await trio.to_thread.run_sync(run.state.read, every)
    for start in range(0, len(unsold), MARKED_AT_ONCE):
        chunk = unsold[start : start + MARKED_AT_ONCE]
        await run.state.write(partial(levels.forget_refused, flow=flow, skus=chunk))
    for start in range(0, len(skus), MARKED_AT_ONCE):
        chunk = skus[start : start + MARKED_AT_ONCE]
        await run.state.write(partial(levels.mark, flow=flow, skus=chunk, forced=forced))
        await run.settled()


async def _push_levels(run: Run, unsent: Mapping[str, int]) -> None:
    """Push what is marked, what falls first. It may take hours: what orders take meanwhile is looked at every
    minute, and levels that were pushed too high by then are pushed again."""
    flow = Flow(run.scope.connection.id, CHANNEL)
    if not run.state.read(partial(levels.has_work, flow=flow)):
        return
    async with run.open_store() as store:
        if store.inventory is None:
            raise ProtocolMismatch("the store's plugin takes no inventory")
        await _recover(run, flow, store.inventory)
        course = Course(run, flow, unsent, store.inventory.writes.batch)
        takes_s = max(PUSH_DEADLINE_S, store.inventory.writes.takes_s)
        looked_s = run.now_s()
        while not course.done:
            await run.settled()
            if abs(run.now_s() - looked_s) >= LOOK_AGAIN_S:
                looked_s, unsent = run.now_s(), _unsent(run)
                if await _mark_what_moved(run, unsent):
                    course = Course(run, flow, unsent, store.inventory.writes.batch)
            with trio.CancelScope(
                shield=takes_s <= PUSH_DEADLINE_S, deadline=trio.current_time() + takes_s
            ) as scope:
                await _next_batch(run, flow, store.inventory, course)
            if scope.cancelled_caught:
                raise OutcomeUnknown("a push of levels took too long and was cut; they are pushed again")


async def _recover(run: Run, flow: Flow, sink: Sink[Level]) -> None:
    after_s = sink.writes.visible_after_s
    recover = partial(levels.recover, flow=flow, now_s=run.now_s(), visible_after_s=after_s)
    run.count("recovered", await run.state.write(recover))


async def _next_batch(run: Run, flow: Flow, sink: Sink[Level], course: Course) -> None:
    opened = await course.open_next(sink, run.stamp())
    if opened is None:
        return
    run.count("unchanged", opened.unchanged)
    run.count("not_at_warehouse", opened.unknown)
    run.count("refused", opened.refused)
    run.count("waiting", opened.waiting)
    for attempt_id, attempt in opened.attempts:
        await _push(run, flow, sink, attempt_id, attempt)


async def _push(run: Run, flow: Flow, sink: Sink[Level], attempt_id: str, attempt: Attempt) -> None:
    keys = tuple(tried.key for tried in attempt.keys)
    outcomes: tuple[Outcome, ...] = ()
    try:
        prepared = Prepared(name=attempt.name, keys=keys, payload=attempt.payload)
        outcomes = tuple(await sink.push(prepared, _no_steps))
    except (Wait, Hold) as error:
        lost = isinstance(error, OutcomeUnknown)
        await _settle(run, flow, attempt_id, (), sink.writes, visible_after_s=None if lost else 0.0)
        raise
    await _settle(run, flow, attempt_id, outcomes, sink.writes)


async def _no_steps(step: str, *, if_wanted: bool = False) -> None:  # noqa: ARG001 - a level has no steps
    """A level's steps are not kept: what is not settled is pushed again."""
    await trio.lowlevel.checkpoint()


async def _settle(
    run: Run,
    flow: Flow,
    attempt_id: str,
    outcomes: tuple[Outcome, ...],
    writes: Writes,
    *,
    visible_after_s: float | None = None,
) -> None:
    """`visible_after_s` None: as the sink's writes say."""
    settled = await run.state.write(
        partial(
            levels.settle,
            flow=flow,
            attempt_id=attempt_id,
            outcomes=outcomes,
            now_s=run.now_s(),
            run=run.id,
            visible_after_s=writes.visible_after_s if visible_after_s is None else visible_after_s,
            remembers=writes.remembers,
        )
    )
    run.count("pushed", settled.accepted)
    run.count("refused", settled.refused)
    run.count("again", settled.again)
