"""Inventory: the warehouse's figures become the store's levels, by Smart Sync or Full Sync."""

from functools import partial

from dropstreamd.channels import after_restore, deriving, orders, places, unsold
from dropstreamd.channels.look import Look
from dropstreamd.channels.marking import (
    keep_listings,
    mark_all,
    mark_few_unsold,
    mark_what_moved,
    unsent_now,
)
from dropstreamd.channels.places import Place
from dropstreamd.channels.pushing import push_levels
from dropstreamd.channels.run import Run
from dropstreamd.errors import DropstreamError, Hold, Incomplete, Unfinished, Wait
from dropstreamd.store import adjustments, stock, switches
from dropstreamd.store.base import Reader

CHANNEL = deriving.CHANNEL

AGAIN_S = 900.0
"""After so many seconds, at the earliest, a run that could not see all orders is made anew for that alone."""


async def smart(run: Run) -> None:
    """Fetch the warehouse's figures and push what changed."""
    unfinished = await _look_at_orders(run)
    trouble = await _fetch(run)
    here = _places(run)
    await keep_listings(run)
    unsent = unsent_now(run)
    await mark_what_moved(run, here, unsent)
    await mark_few_unsold(run, here)
    await push_levels(run, here, unsent)
    if trouble is not None:
        raise trouble
    _assert_fresh(run)
    _assert_counted(run)
    unsold.assert_few(run)
    if unfinished is not None:
        raise unfinished


async def full(run: Run) -> None:
    """Fetch the warehouse's figures and push every level; without them, what orders take alone.

    Where not all of the store's orders could be seen, what changed alone: every level would offer again what
    the store took off by itself for those, and so would every run that is made again for them.
    """
    unfinished = await _look_at_orders(run)
    trouble = await _fetch(run)
    here = _places(run)
    await keep_listings(run)
    unsent = unsent_now(run)
    await mark_what_moved(run, here, unsent)
    if trouble is None and unfinished is None:
        await mark_all(run, here, forced=True)
    await push_levels(run, here, unsent)
    if trouble is not None:
        raise trouble
    _assert_fresh(run)
    _assert_counted(run)
    unsold.assert_few(run)
    if unfinished is not None:
        raise unfinished


def _places(run: Run) -> tuple[Place, ...]:
    scope = run.scope
    return run.state.read(partial(places.now, connection=scope.connection, account=scope.account))


def _assert_fresh(run: Run) -> None:
    """A warehouse that tells no figures any more, or only such as are held, must not go unnoticed."""
    account = run.scope.account
    path = (account.merchant, account.name)
    latest = run.state.read(partial(stock.latest, path=path))
    if latest is None:
        _assert_told_soon(run)
        return
    told_s = max(latest.as_of_s, run.state.read(partial(adjustments.newest_s, path=path)))
    age_s = run.now_s() - told_s
    if age_s > account.breaker.stale_after_s:
        raise Incomplete(
            f"the newest stock figures believed, {latest.snapshot}, are {age_s / 3600:.0f} hours old",
            remedy=f"see that warehouse {account.name} writes them, and whether one is held for approval",
        )


def _assert_told_soon(run: Run) -> None:
    """Nor must one that never told any: its files may be looked for where none are."""
    account = run.scope.account
    enabled = partial(switches.enabled_since_s, connection=run.scope.connection.id, channel=CHANNEL)
    since_s = run.state.read(enabled)
    if since_s is not None and run.now_s() - since_s > account.breaker.stale_after_s:
        raise Incomplete(
            f"no stock figures of warehouse {account.name} were believed since inventory was enabled, "
            f"{(run.now_s() - since_s) / 3600:.0f} hours ago",
            remedy="see that it writes them where its settings say, and whether one is held for approval",
        )


def _assert_counted(run: Run) -> None:
    """A location of whose facility nothing is known must not wait unnoticed."""
    scope = run.scope
    missing = run.state.read(partial(places.uncounted, connection=scope.connection, account=scope.account))
    if missing:
        raise Incomplete(
            f"no stock figures were counted yet at {', '.join(missing)}: their locations are not told any",
            remedy="it is done with the warehouse's next snapshot; if one is held, look at it and approve it",
        )


async def _fetch(run: Run) -> DropstreamError | None:
    """Why the warehouse could not be asked, if so. Its stores sell on meanwhile: what their orders take is
    deducted from the figures at hand all the same, and the run fails afterwards. Raises NotYet, or that
    trouble, where no level may follow them."""
    try:
        fetched = await run.scope.feed.fetch_stock()
    except (Wait, Hold) as error:
        if after_restore.waits(run):
            raise
        return error
    for made in fetched:
        run.count("adjustments" if made.verdict == "adjusted" else f"snapshots_{made.verdict}")
        if made.verdict != "unreadable":
            run.count("undecodable", made.bad_rows)
    after_restore.hold_levels(run)
    return None


async def _look_at_orders(run: Run) -> Unfinished | None:
    """Stage the store's newest orders first, where they are imported at all: a level that does not
    know of them would offer their units again. Why not all of them could be seen, if so: levels are pushed
    all the same, as what the warehouse shipped otherwise would be offered for as long, and the run ends
    unfinished."""
    connection = run.scope.connection
    since_s = run.state.read(partial(_imported_since_s, connection=connection.id))
    if not connection.deduct_unsent or since_s is None:
        return None
    try:
        unfinished = await Look(run, orders.book(run.scope), since_s).at_changes()
    except Unfinished as error:
        unfinished = error
    if unfinished is None:
        return None
    return Unfinished(
        f"the newest orders are not deducted from levels yet: {unfinished.message}",
        again_s=max(AGAIN_S, unfinished.again_s),
        remedy=unfinished.remedy,
    )


def _imported_since_s(tx: Reader, connection: str) -> float | None:
    """Since when orders are imported; None while they are not."""
    if not switches.get(tx, connection, orders.CHANNEL).on:
        return None
    return switches.started_s(tx, connection, orders.CHANNEL)
