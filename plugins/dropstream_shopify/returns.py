"""Returns that are asked for in Shopify.

There is no list of returns and no time of their change: a run lists the orders that have some under way, and
reads these returns by their ids, with those that were told before and are no longer listed.
"""

from collections.abc import Sequence

import msgspec
import trio

from dropstream_shopify import documents_goods, wire, wire_goods
from dropstream_shopify.client import Api
from dropstream_shopify.settings import Settings
from dropstream_shopify.translate import MOST_KEY_BYTES, row_key
from dropstreamd.errors import ProtocolMismatch
from dropstreamd.model.handover import Bad
from dropstreamd.model.returns import Return, ReturnLine, ReturnStatus
from dropstreamd.platform.contract import Page, Taken
from dropstreamd.platform.rows import UNREADABLE

PAGE = 10
UNDER_WAY = " OR ".join(
    f"return_status:{status}" for status in ("return_requested", "in_progress", "inspection_complete")
)
STATUSES: dict[str, ReturnStatus] = {
    "REQUESTED": "waiting",
    "OPEN": "open",
    "CLOSED": "closed",
    "CANCELED": "cancelled",
    "DECLINED": "cancelled",
}

_return = msgspec.json.Decoder(wire_goods.Return)
_told = msgspec.json.Decoder(tuple[str, ...])


class _Run(msgspec.Struct, kw_only=True):
    """A run that is going on. `told` were told as open or waiting; `left` are still to be read."""

    told: set[str]
    listed: set[str] = set()
    left: list[str] = []
    after: str | None = None
    listing: bool = True


class Returns:
    """A `Source[Return]`. A return is ours where a line of it was shipped from a mapped location."""

    def __init__(self, api: Api, settings: Settings) -> None:
        self._api = api
        self._ours = frozenset(settings.location_ids)
        self._run: _Run | None = None

    async def page(self, cursor: str | None, taken: Taken) -> Page[Return]:  # noqa: ARG002 - nothing has a mark
        """The next ten returns, after the list of them."""
        run = self._run
        if run is None:
            run = self._run = _Run(told=_read(cursor))
        found: list[Return] = []
        bad: list[Bad] = []
        if run.listing:
            bad += await self._list(run)
        else:
            some, run.left = run.left[:PAGE], run.left[PAGE:]
            answer = await self._api.query(documents_goods.RETURNS_BY_ID, {"ids": some}, wire.ById)
            for row in answer.nodes:
                told = self._translated(bytes(row), run)
                if isinstance(told, Bad):
                    bad.append(told)
                elif told is not None:
                    found.append(told)
        more = run.listing or bool(run.left)
        if not more:
            self._run = None
        kept = msgspec.json.encode(sorted(run.told)).decode()
        return Page(documents=tuple(found), bad=tuple(bad), cursor=kept, more=more)

    async def confirm(self, marks: Sequence[str]) -> None:  # noqa: ARG002 - nothing has a mark
        await trio.lowlevel.checkpoint()

    async def _list(self, run: _Run) -> list[Bad]:
        variables = {"after": run.after, "query": UNDER_WAY}
        answer = await self._api.query(documents_goods.OPEN_RETURNS, variables, wire_goods.OpenReturns)
        bad = []
        for order in answer.orders.nodes:
            if order.returns.page_info.has_next_page:
                reason = f"it has more than {len(order.returns.nodes)} returns: the others are not looked at"
                bad.append(Bad(key=order.id, place=order.id, reason=reason, raw=b""))
            run.listed.update(each.id for each in order.returns.nodes if each.status in ("REQUESTED", "OPEN"))
        run.after = answer.orders.page_info.end_cursor
        run.listing = answer.orders.page_info.has_next_page
        if not run.listing:
            run.left = sorted(run.listed | run.told)
        return bad

    def _translated(self, raw: bytes, run: _Run) -> Return | Bad | None:
        if raw == b"null":
            return None
        key = row_key(raw)
        try:
            ret = _return.decode(raw)
        except UNREADABLE as error:
            return Bad(key=key, place=key, reason=str(error), raw=raw)
        wrong = _fault(ret)
        if wrong:
            return Bad(key=key, place=f"return {ret.name[:40]}", reason=wrong, raw=raw)
        order = self._order_of(ret)
        told = key in run.told
        if order is None and not told:
            return None
        found = _as_known(ret, order or ret.order.id)
        if found.status in ("open", "waiting"):
            run.told.add(key)
        elif not told:
            return None
        else:
            run.told.discard(key)
        return found

    def _order_of(self, ret: wire_goods.Return) -> str | None:
        """The fulfillment order, at a location of ours, of the first line that has one."""
        for line in ret.return_line_items.nodes:
            sold = line.fulfillment_line_item.line_item.id if line.fulfillment_line_item else ""
            for order in ret.order.fulfillment_orders.nodes:
                if order.at in self._ours and any(
                    each.line_item.id == sold for each in order.line_items.nodes
                ):
                    return order.id
        return None


def _fault(ret: wire_goods.Return) -> str:
    if ret.status not in STATUSES:
        return f"its status is {ret.status[:40]!r}"
    if ret.return_line_items.page_info.has_next_page:
        return f"it has more than {len(ret.return_line_items.nodes)} lines"
    for line in ret.return_line_items.nodes:
        sku = (line.fulfillment_line_item.line_item.sku if line.fulfillment_line_item else "") or ""
        if len(sku.encode("utf-8", "replace")) > MOST_KEY_BYTES or "\0" in sku:
            return f"a SKU of it has more than {MOST_KEY_BYTES} bytes: {sku[:20]}…"
    return ""


def _as_known(ret: wire_goods.Return, order: str) -> Return:
    times = (ret.created_at, ret.request_approved_at, ret.closed_at)
    parcels = [
        each.deliverable.tracking
        for one in ret.reverse_fulfillment_orders.nodes
        for each in one.reverse_deliveries.nodes
        if each.deliverable is not None and each.deliverable.tracking is not None
    ]
    return Return(
        key=ret.id,
        number=ret.name,
        order_key=order,
        order_number=ret.order.name,
        status=STATUSES[ret.status],
        requested_at=ret.created_at,
        updated_at=max(time for time in times if time is not None),
        lines=tuple(
            ReturnLine(
                key=line.id,
                order_line=line.fulfillment_line_item.line_item.id,
                sku=line.fulfillment_line_item.line_item.sku or "",
                quantity=line.quantity,
                reason=_reason(line),
            )
            for line in ret.return_line_items.nodes
            if line.fulfillment_line_item is not None
        ),
        carrier=next((each.carrier_name for each in parcels if each.carrier_name), ""),
        tracking_numbers=tuple(dict.fromkeys(each.number for each in parcels if each.number)),
        note="; ".join(line.customer_note for line in ret.return_line_items.nodes if line.customer_note),
    )


def _reason(line: wire_goods.ReturnLine) -> str:
    name = line.return_reason_definition.name if line.return_reason_definition else ""
    return ": ".join(part for part in (name, line.return_reason_note) if part)


def _read(cursor: str | None) -> set[str]:
    if cursor is None:
        return set()
    try:
        return set(_told.decode(cursor))
    except msgspec.DecodeError as error:
        raise ProtocolMismatch("the stored cursor is not one of this plugin's") from error
