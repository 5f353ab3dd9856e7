"""The plan of a Full Sync: the levels that a store would be told."""

from dropstreamd.channels import deriving, places
from dropstreamd.channels.promises import Unsent
from dropstreamd.channels.run import Scope
from dropstreamd.control.preflight import level_changes
from dropstreamd.store import levels
from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.plans import PlanItem


def planned(tx: Reader, scope: Scope) -> tuple[list[PlanItem], int]:
    """Those that would change, and how many would not."""
    changes, looked_at = level_changes(tx, scope)
    items = [
        PlanItem(
            key=each.sku,
            number=each.sku,
            before="unknown" if each.before is None else str(each.before),
            after=str(each.after),
            mark=str(each.after).encode(),
            location=each.location,
        )
        for each in changes
    ]
    return items, looked_at - len(items)


def push_again(tx: Writer, scope: Scope, deducted: Unsent, item: PlanItem) -> str:
    """Have one pushed by the next run; else why it is not what it was."""
    connection, account = scope.connection, scope.account
    here = {place.location or "": place for place in places.now(tx, connection, account)}
    place = here.get(item.location)
    if place is None:
        return "its location is not mapped as it was"
    derived = deriving.derive(connection, account, deducted.of(place.facility), tx, item.key, place)
    now = "unknown" if derived is None else str(derived.available)
    if now.encode() != item.mark:
        return f"it would be {now} by now, not {item.after}"
    levels.mark(tx, places.flow(connection, place), [item.key], forced=True)
    return ""
