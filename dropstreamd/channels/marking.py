"""Which levels a run looks at: those whose orders came or went, all where the settings changed or all are
asked for. A snapshot marks those whose figures moved, for the connections that are there: one that was not,
since its file was broken or taken out for a while, looks at all of them once it is back."""

import hashlib
from collections.abc import Mapping
from functools import partial

import msgspec
import trio

from dropstreamd.channels import deriving, places, promises, unsold
from dropstreamd.channels.places import Place
from dropstreamd.channels.promises import Unsent
from dropstreamd.channels.run import Run, Scope
from dropstreamd.config.schema import NO_ALLOCATION
from dropstreamd.store import cursors, levels, stock
from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.keys import is_part
from dropstreamd.store.records import Flow

MARKED_AT_ONCE = 5_000
"""SKUs marked in one transaction."""


async def keep_listings(run: Run) -> None:
    """Keep with the account's orders what their SKUs are listed as: a connection may be away later, and its
    orders are deducted for the others all the same."""
    scope = run.scope
    if run.state.read(partial(promises.are_relisted, account=scope.account, siblings=scope.siblings)):
        await run.state.write(partial(promises.relist, account=scope.account, siblings=scope.siblings))


def unsent_now(run: Run) -> Unsent:
    return run.state.read(partial(promises.deducted, scope=run.scope))


class Basis(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What the levels were derived from besides the figures, at the last run; `at` by facility. `restored_s`
    is when the state was restored last: no level was derived before a snapshot was believed since."""

    settings: bytes
    unsent: dict[str, int]
    at: dict[str, dict[str, int]] = {}
    restored_s: float = 0.0

    def of(self, facility: str | None) -> dict[str, int]:
        return self.unsent if facility is None else self.at.get(facility, {})


def _basis(scope: Scope, here: tuple[Place, ...], unsent: Unsent, restored_s: float) -> Basis:
    whole = any(place.facility is None for place in here)
    return Basis(
        settings=_digest(scope, here),
        unsent=dict(unsent.of(None)) if whole else {},
        at={place.facility: dict(unsent.of(place.facility)) for place in here if place.facility is not None},
        restored_s=restored_s,
    )


async def mark_what_moved(run: Run, here: tuple[Place, ...], unsent: Unsent) -> bool:
    """Look at the SKUs whose orders came or went, and at all if the settings changed; whether so. What a
    store was told since the backup that the state was restored from, nobody knows: all of it is told anew."""
    scope = run.scope
    flow = Flow(scope.connection.id, places.CHANNEL)
    basis = _basis(
        scope, here, unsent, run.state.read(partial(cursors.restored_s, connection=scope.connection.id))
    )
    raw = run.state.read(partial(cursors.get_bytes, flow=flow))
    before = None if raw is None else msgspec.msgpack.decode(raw, type=Basis)
    missed = run.state.read(partial(_missed_some, scope=scope))
    if before == basis and not missed:
        return False
    if basis.restored_s and (before is None or before.restored_s != basis.restored_s):
        await _doubt_all(run, here)
    if before is None or before.settings != basis.settings:
        await mark_all(run, here, forced=False)
    elif missed:
        await _mark_missed(run, here)

    def write(tx: Writer) -> None:
        if missed:
            stock.follow(tx, (scope.account.merchant, scope.account.name), scope.connection.id)
        for place in here:
            now, then = basis.of(place.facility), before.of(place.facility) if before else None
            moved = _moved(now, then)
            skus = deriving.concerned(tx, scope.connection, moved, place)
            levels.mark(tx, places.flow(scope.connection, place), skus)
        cursors.put_bytes(tx, flow, msgspec.msgpack.encode(basis))

    await run.state.write(write)
    return True


def _missed_some(tx: Reader, *, scope: Scope) -> bool:
    """Whether figures may have changed that were not marked for the connection."""
    path = (scope.account.merchant, scope.account.name)
    return stock.latest(tx, path) is not None and scope.connection.id not in stock.following(tx, path)


async def _mark_missed(run: Run, here: tuple[Place, ...]) -> None:
    """Look at every level, by the figures as they stand. Those of a facility that was not counted meanwhile
    are looked at with the snapshot that counts it again: until then nobody knows what it has."""
    account = run.scope.account
    counted = run.state.read(partial(stock.counted, path=(account.merchant, account.name)))
    for place in here:
        if place.facility is None or place.facility in counted:
            await _mark_all_at(run, place, forced=False)


def _moved(now: Mapping[str, int], before: Mapping[str, int] | None) -> list[str]:
    """SKUs of which orders take another number of units than before."""
    every = now.keys() | (before or {}).keys()
    return sorted(
        sku for sku in every if (before is None or now.get(sku) != before.get(sku)) and is_part(sku)
    )


def _digest(scope: Scope, here: tuple[Place, ...]) -> bytes:
    """Of the settings that levels are derived by."""
    connection, account = scope.connection, scope.account
    settings: tuple[object, ...] = (sorted(connection.listings.items()), account.merchant, account.name)
    if here != (places.WHOLE,):
        settings += (tuple((place.location, place.facility) for place in here),)
    if connection.bundles or connection.allocation != NO_ALLOCATION:
        made = sorted((sku, sorted(recipe.items())) for sku, recipe in connection.bundles.items())
        rules = sorted(connection.allocation.overrides.items())
        settings += (made, connection.allocation.default, rules, connection.allocation.share_ppm)
    return hashlib.blake2b(msgspec.msgpack.encode(settings), digest_size=16).digest()


async def _doubt_all(run: Run, here: tuple[Place, ...]) -> None:
    """What the store shows is unknown, as after a push that was never answered."""
    for place in here:
        flow = places.flow(run.scope.connection, place)
        skus = await trio.to_thread.run_sync(run.state.read, partial(levels.told, flow=flow))
        for start in range(0, len(skus), MARKED_AT_ONCE):
            chunk = skus[start : start + MARKED_AT_ONCE]
            await run.state.write(partial(levels.doubt, flow=flow, skus=chunk))
            await run.settled()


async def mark_all(run: Run, here: tuple[Place, ...], *, forced: bool) -> None:
    """Look at every level. What nothing sells any more, and is shown as 0, is left alone."""
    await _judge_the_unsold(run, here, most=run.scope.account.breaker.zeroed_share)
    for place in here:
        await _mark_all_at(run, place, forced=forced)


async def mark_few_unsold(run: Run, here: tuple[Place, ...]) -> None:
    """Where SKUs that nothing sells were so many that they kept their level, look whether they still are: the
    warehouse may have figures of them by now. Left alone they stay unless all but a few are sold, whatever
    their share has come to."""
    connection = run.scope.connection
    if not run.state.read(partial(unsold.were_too_many, connection=connection)):
        return
    found = await _judge_the_unsold(run, here, most=0.0)
    if len(found) <= unsold.FEW:
        for place in here:
            await run.state.write(partial(levels.mark, flow=places.flow(connection, place), skus=found))


async def _judge_the_unsold(run: Run, here: tuple[Place, ...], *, most: float) -> list[str]:
    """Those that nothing sells any more at any place, once it was decided whether they keep their level:
    `most` is the share of all from which on they do."""
    scope = run.scope
    flows = [places.flow(scope.connection, place) for place in here]

    def find(tx: Reader) -> tuple[list[str], int]:
        shown = dict.fromkeys(sku for flow in flows for sku in levels.shown(tx, flow))
        return deriving.unsold_at(tx, scope.connection, scope.account, shown), len(shown)

    found, shown = await trio.to_thread.run_sync(run.state.read, find)
    await run.state.write(
        partial(unsold.judge, connection=scope.connection, unsold=found, shown=shown, most_share=most)
    )
    return found


async def _mark_all_at(run: Run, place: Place, *, forced: bool) -> None:
    scope = run.scope
    flow = places.flow(scope.connection, place)
    path = (scope.account.merchant, scope.account.name)

    def every(tx: Reader) -> tuple[list[str], list[str]]:
        # What the store was told once is among them: its listing may have gone.
        known = dict.fromkeys(
            deriving.channel_skus(scope.connection, stock.figures(tx, path, place.facility))
        )
        refused = [sku for sku in levels.refused(tx, flow) if sku not in known]
        told = [sku for sku in levels.in_store(tx, flow) if sku not in known]
        shown = set(levels.shown(tx, flow))
        none_shown = [sku for sku in told if sku not in shown]
        over = set(deriving.unsold_at(tx, scope.connection, scope.account, none_shown))
        return [*known, *(sku for sku in told if sku not in over)], refused

    skus, refused = await trio.to_thread.run_sync(run.state.read, every)
    for start in range(0, len(refused), MARKED_AT_ONCE):
        chunk = refused[start : start + MARKED_AT_ONCE]
        await run.state.write(partial(levels.forget_refused, flow=flow, skus=chunk))
    for start in range(0, len(skus), MARKED_AT_ONCE):
        chunk = skus[start : start + MARKED_AT_ONCE]
        await run.state.write(partial(levels.mark, flow=flow, skus=chunk, forced=forced))
        await run.settled()
