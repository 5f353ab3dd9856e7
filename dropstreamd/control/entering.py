"""Purchase orders entered by a person or an ERP, for a warehouse that is to expect the goods."""

from collections import Counter
from datetime import date, datetime, time
from functools import partial
from itertools import islice
from typing import NoReturn

from dropstreamd.channels import notice_changes, purchases, stock_notices
from dropstreamd.channels.run import Scope
from dropstreamd.control.desk import Desk
from dropstreamd.control.messages.goods import (
    ENTERED_LIMIT,
    EnteredPurchase,
    EnterPurchases,
    PurchasesEntered,
)
from dropstreamd.control.refused import name_of, refuse
from dropstreamd.control.route import Call, Empty, Route
from dropstreamd.errors import Misconfigured
from dropstreamd.model.purchases import PurchaseLine, PurchaseOrder
from dropstreamd.platform.contract import Part
from dropstreamd.store import runs
from dropstreamd.store.base import Writer
from dropstreamd.store.documents import Staged
from dropstreamd.store.runs import Line

LIMIT_BYTES = 4 << 20
SHOWN_PROBLEMS = 20
SHOWN_CHANGES = 50
TEXT_LIMIT = 1_000


async def enter(desk: Desk, call: Call[Empty, EnterPurchases]) -> PurchasesEntered:
    """Take purchase orders, all or none, and have the warehouse told of them. What changes of those that
    are here is confirmed by a person."""
    connection = desk.connection(call.path["c"])
    scope, asked = desk.scope(connection), call.body.purchases
    if Part.STOCK_NOTICES not in scope.warehouse_offers:
        why = "its warehouse takes no stock notices, so that nobody would be told of it"
        refuse("not supported", f"{connection.name}: no purchase order can be entered: {why}")
    if not 0 < len(asked) <= ENTERED_LIMIT:
        refuse("bad request", f"{len(asked)} purchase orders: 1 to {ENTERED_LIMIT} are taken at once")
    orders, now_s = [_order(scope, each) for each in asked], desk.now_s()

    def whole(tx: Writer) -> tuple[Staged, int]:
        _refuse_unusable(tx, scope, orders)
        _refuse_unseen(call.body, notice_changes.changes(tx, connection.id, orders))
        staged = stock_notices.enter(tx, scope=scope, orders=orders, now_s=now_s)
        text = f"{staged.new} purchase orders entered, {staged.changed} changed"
        line = Line(at_s=now_s, event="entered", text=text, channel=purchases.CHANNEL, who=call.who)
        runs.log(tx, connection.id, line)
        return staged, stock_notices.held_back(tx, scope, orders)

    staged, held = await desk.daemon.state.write(whole)
    desk.tell("entered", call.who, connection=connection.name)
    ask = partial(desk.daemon.ask, connection.id, purchases.CHANNEL, "import", who=call.who, agreed=None)
    try:
        run = ask() if staged.new or staged.changed else ""
    except Misconfigured:
        run = ""
    return PurchasesEntered(new=staged.new, changed=staged.changed, same=staged.same, run=run, held=held)


def _refuse_unusable(tx: Writer, scope: Scope, orders: list[PurchaseOrder]) -> None:
    found = [
        f"{order.number[:60]!r}: {why}"
        for order in orders
        if (why := stock_notices.unusable(tx, scope, order))
    ]
    counts = Counter(order.key for order in orders)
    found += [f"{key}: it is there {count} times" for key, count in counts.items() if count > 1]
    if found:
        _refuse_all(found)


def _refuse_unseen(asked: EnterPurchases, found: dict[str, str]) -> None:
    shown = name_of(f"{number}: {what}" for number, what in found.items())
    if found and not asked.confirmed and asked.shown != shown:
        said = [f"{number}: {what}"[:TEXT_LIMIT] for number, what in islice(found.items(), SHOWN_CHANGES)]
        if len(found) > SHOWN_CHANGES:
            said.append(f"and {len(found) - SHOWN_CHANGES} more")
        refuse(
            "unconfirmed",
            f"{len(found)} of these would change what was entered before; nothing was entered",
            remedy="look at what changes, then confirm it",
            known=tuple(said),
            shown=shown,
        )


def _refuse_all(found: list[str]) -> NoReturn:
    more = f"; and {len(found) - SHOWN_PROBLEMS} more" if len(found) > SHOWN_PROBLEMS else ""
    refuse(
        "not possible",
        f"nothing was entered: {'; '.join(found[:SHOWN_PROBLEMS])}{more}",
        remedy="mend these, then enter all of them again",
    )


def _order(scope: Scope, entered: EnteredPurchase) -> PurchaseOrder:
    return PurchaseOrder(
        key=stock_notices.reference_of(scope, entered.number),
        number=entered.number,
        status=entered.status,
        lines=tuple(
            PurchaseLine(
                key=str(number), sku=line.sku, expected=line.quantity, unit=line.unit, pack=line.pack
            )
            for number, line in enumerate(entered.lines, start=1)
        ),
        supplier=entered.supplier,
        ordered_at=_noon(scope, entered.ordered_on),
        expected_at=_noon(scope, entered.expected_on),
        note=entered.note,
        carrier=entered.carrier,
        tracking_numbers=entered.tracking_numbers,
    )


def _noon(scope: Scope, day: date | None) -> datetime | None:
    """So that it is the same day in the warehouse's zone, a few hours away."""
    return None if day is None else datetime.combine(day, time(12), scope.connection.timezone)


ROUTES = (
    Route(
        method="POST",
        path="/v1/connections/{c}/purchase-orders",
        name="enter_purchases",
        summary="Enter purchase orders that the warehouse is to expect",
        handle=enter,
        query=Empty,
        body=EnterPurchases,
        answer=PurchasesEntered,
        limit_bytes=LIMIT_BYTES,
    ),
)
