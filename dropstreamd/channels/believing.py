"""The end of a snapshot: its figures are believed, held for a person, or left as too old."""

from collections.abc import Sequence

import msgspec

from dropstreamd.channels import adjusting, deriving, facilities, inventory, places, promises
from dropstreamd.channels.breaker import Difference, judge
from dropstreamd.channels.intake import Account
from dropstreamd.channels.snapshot import Snapshot, with_newer
from dropstreamd.model.stock import Adjustment
from dropstreamd.store import adjustments, cursors, documents, levels, stock
from dropstreamd.store.base import Writer
from dropstreamd.store.stock import Generation


def conclude(
    tx: Writer,
    *,
    account: Account,
    snapshot: Snapshot,
    generation: str,
    mark: str | None,
    now_s: float,
    told: Sequence[Adjustment] = (),
) -> Generation:
    """The one transaction that a snapshot ends in: believe it, hold it, or leave it as too old. Adjustments
    that were `told` with it are taken after it."""
    path = account.path
    if mark is not None:
        cursors.take(tx, *path, mark)
    known = stock.figures(tx, path)
    figures, bad = snapshot.kept(known, adjustments.newer(tx, path, snapshot.as_of_s))
    flow = account.flow(inventory.CHANNEL)
    latest = stock.latest(tx, path)
    located: stock.Located = stock.NOWHERE
    made = Generation(
        id=generation,
        snapshot=snapshot.name,
        as_of_s=snapshot.as_of_s,
        at_s=now_s,
        verdict="applied",
        skus=len(figures),
        units=sum(figures.values()),
        bad_rows=len(bad),
    )
    if latest is not None and snapshot.as_of_s < latest.as_of_s:
        why = f"{latest.snapshot} is newer"
        made = msgspec.structs.replace(made, verdict="superseded", why=why)
    else:
        # What could not be read before does not matter any more: this is the newest word on every SKU.
        documents.forget_bad(tx, flow, keep={each.key for each in bad})
        gone = stock.gone(tx, path)
        difference = Difference(known, figures, gone)
        breaker = account.settings.breaker
        why = judge(difference, breaker, age_s=now_s - snapshot.as_of_s)
        before = facilities.known(tx, path, snapshot.counted.figures)
        located = snapshot.located(before, figures)
        why = why or facilities.judge(before, located, breaker)
        waiting = stock.held(tx, path)
        if why and waiting is not None and stock.knows_until_s(waiting) > made.as_of_s:
            why = f"{waiting.snapshot}, which is held, is newer"
            made = msgspec.structs.replace(made, verdict="superseded", why=why)
        elif why:
            made = msgspec.structs.replace(made, verdict="held", why=why)
        else:
            made = apply(tx, account, made, difference, located)
    documents.park_bad(tx, flow, bad, now_s=now_s)
    stock.remember(tx, path, made, figures, located)
    if told:
        adjusting.take(
            tx,
            account=account,
            name=f"{snapshot.name} adjustments",
            told=told,
            generation=f"{generation}a",
            now_s=now_s,
        )
    return made


def apply(
    tx: Writer, account: Account, made: Generation, difference: Difference, located: stock.Located
) -> Generation:
    """Believe the figures: write those that changed, and have every connection look at them."""
    changed = difference.changed
    if account.settings.missing == "zero":
        changed = {**changed, **{sku: 0 for sku in difference.missing if difference.known[sku] != 0}}
    stock.put_figures(tx, account.path, changed, made.id)
    stock.put_gone(tx, account.path, difference.missing)
    promises.forget_gone(tx, account.settings, stock.knows_until_s(made))
    adjustments.settle(tx, account.path, made.as_of_s)
    fresh = facilities.fresh(tx, account.path, located)
    gone = difference.missing if account.settings.missing == "zero" else ()
    before = facilities.known(tx, account.path, located)
    moved = facilities.believe(
        tx, account.path, before, located, missing=gone, mapped=account.counts(tx), generation=made.id
    )
    scopes = list(account.scopes.values())
    stock.told_to(tx, account.path, [scope.connection.id for scope in scopes])
    for scope in scopes:
        for place in places.now(tx, scope.connection, account.settings):
            flow = places.flow(scope.connection, place)
            skus = changed if place.facility is None else moved.get(place.facility, ())
            levels.mark(tx, flow, deriving.concerned(tx, scope.connection, skus, place))
            if place.facility in fresh:
                levels.mark(tx, flow, levels.in_store(tx, flow))
    missing = len(difference.missing)
    kept = sum(1 for sku in difference.missing if sku not in changed and difference.known[sku] > 0)
    return msgspec.structs.replace(made, changed=len(changed), missing=missing, kept=kept)


def approve(
    tx: Writer, *, account: Account, now_s: float, generation: str | None = None
) -> Generation | None:
    """Believe the held snapshot after all; None where there is none, or another one than `generation`."""
    made = stock.held(tx, account.path)
    if made is None or generation not in (None, made.id):
        return None
    since = adjustments.newer(tx, account.path, made.as_of_s, after=made.id)
    figures = with_newer(stock.held_figures(tx, account.path), since)
    located = stock.held_located(tx, account.path)
    # A time ahead of when it was read was wrong: kept, it would make every later snapshot too old.
    as_of_s = min(made.as_of_s, made.at_s)
    why = f"approved: {made.why}"
    approved = msgspec.structs.replace(made, verdict="applied", why=why, at_s=now_s, as_of_s=as_of_s)
    applied = apply(tx, account, approved, Difference(stock.figures(tx, account.path), figures), located)
    stock.remember(tx, account.path, applied, figures)
    return applied
