"""Adjustments of a warehouse's stock: differences to the figures that are known, each counted once.

A snapshot is the last word on what had happened by its own time: adjustments of before are in it, those of
after come on top of it, in whichever order the two are read. An adjustment of a SKU whose figure nobody told
is shown, and makes none up.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec

from dropstreamd.channels import deriving, inventory
from dropstreamd.channels.intake import Account
from dropstreamd.config.schema import WarehouseAccount
from dropstreamd.model.handover import Bad
from dropstreamd.model.stock import MOST_UNITS, Adjustment, StockRow, believable_s
from dropstreamd.store import adjustments, documents, levels, stock
from dropstreamd.store.adjustments import Adjusted
from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.records import Flow
from dropstreamd.store.stock import Generation


def counts(row: StockRow, settings: WarehouseAccount) -> bool:
    """Whether a row's units are among those that the account sells."""
    return (settings.statuses is None or row.status in settings.statuses) and (
        settings.facilities is None or row.facility in settings.facilities
    )


class _Tally(msgspec.Struct, kw_only=True):
    """What the adjustments of a file come to. `older` are in the newest snapshot, `again` known already."""

    units: Counter[str]
    bad: list[Bad]
    at_s: float = 0.0
    older: int = 0
    again: int = 0


def take(
    tx: Writer, *, account: Account, name: str, told: Sequence[Adjustment], generation: str, now_s: float
) -> Generation:
    """Take the adjustments of the file `name`, and have every connection look at what changed. What cannot
    count is shown as undecodable."""
    tally = _Tally(units=Counter(), bad=[])
    for one in told:
        _take_one(tx, account, name, one, tally, generation, now_s)
    changed = _changed(tx, account, tally.units)
    stock.put_figures(tx, account.path, changed, generation)
    scopes = list(account.scopes.values())
    stock.told_to(tx, account.path, [scope.connection.id for scope in scopes])
    for scope in scopes:
        flow = Flow(scope.connection.id, inventory.CHANNEL)
        levels.mark(tx, flow, deriving.concerned(tx, scope.connection, changed))
    documents.park_bad(tx, account.flow(inventory.CHANNEL), tally.bad, now_s=now_s)
    made = Generation(
        id=generation,
        snapshot=name,
        as_of_s=tally.at_s,
        at_s=now_s,
        verdict="adjusted",
        why=_why(tally),
        skus=len(tally.units),
        changed=len(changed),
        units=sum(tally.units[sku] for sku in changed),
        bad_rows=len(tally.bad),
    )
    stock.remember(tx, account.path, made, {})
    return made


def _take_one(
    tx: Writer, account: Account, name: str, one: Adjustment, tally: _Tally, generation: str, now_s: float
) -> None:
    if not documents.may_be_key(one.key):
        tally.bad.append(_bad(name, one, "has a number that is too long, or no text"))
        return
    latest = stock.latest(tx, account.path)
    # One from far ahead of now would come on top of every snapshot until then.
    at_s = believable_s(one.at.timestamp(), now_s)
    made = Adjusted(at_s, _units(one.rows, account.settings), generation)
    tally.at_s = max(tally.at_s, made.at_s)
    known = adjustments.find(tx, account.path, one.key)
    if known is not None:
        tally.again += 1
        if known.units != made.units:
            tally.bad.append(_bad(name, one, "was told before with other lines: the first ones count"))
        return
    newer = latest is None or made.at_s > latest.as_of_s
    adjustments.keep(tx, account.path, one.key, made, newer=newer)
    if newer:
        tally.units.update(made.units)
        tally.bad += _without_figure(tx, account, name, one, made)
    else:
        tally.older += 1


def _units(rows: Sequence[StockRow], settings: WarehouseAccount) -> dict[str, int]:
    """Differences by SKU, of rows that count, in units that are sold."""
    units: Counter[str] = Counter()
    for row in rows:
        if counts(row, settings):
            units[row.sku] += row.quantity * settings.units.get(row.sku, 1)
    return {sku: difference for sku, difference in sorted(units.items()) if difference}


def _changed(tx: Reader, account: Account, units: Counter[str]) -> dict[str, int]:
    changed: dict[str, int] = {}
    for sku, difference in units.items():
        row = _figure(tx, account, sku)
        if row is not None and difference and abs(row + difference) <= MOST_UNITS:
            changed[sku] = row + difference
    return changed


def _figure(tx: Reader, account: Account, sku: str) -> int | None:
    row = stock.reported(tx, account.path, sku) if documents.may_be_key(sku) else None
    return None if row is None else stock.quantity_of(row)


def _without_figure(
    tx: Reader, account: Account, name: str, one: Adjustment, told: Adjusted
) -> Iterator[Bad]:
    for sku, difference in told.units.items():
        row = _figure(tx, account, sku)
        if row is None:
            yield _bad(name, one, f"says {difference:+d} of {sku[:60]!r}, of which no figure is known", sku)
        elif abs(row + difference) > MOST_UNITS:
            yield _bad(name, one, f"says {difference:+d} of {sku[:60]!r}, which is no count of units", sku)


def _bad(name: str, one: Adjustment, what: str, sku: str = "") -> Bad:
    key = f"{one.key} {sku}".strip()
    return Bad(
        key=key, place=name, reason=f"adjustment {one.number[:60]!r} {what}", raw=msgspec.json.encode(one)
    )


def _why(tally: _Tally) -> str:
    said = []
    if tally.older:
        said.append(f"{tally.older} are in the newest snapshot already")
    if tally.again:
        said.append(f"{tally.again} were told before")
    return ", ".join(said)
