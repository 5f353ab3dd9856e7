"""What a warehouse received back, told as a private note on the order.

WooCommerce knows no returns but refunds, which are money: they are the merchant's to make. The note tells who
looks at the order what came back, in which condition.
"""

import hashlib
from collections.abc import Sequence

import msgspec

from dropstream_woocommerce import wire
from dropstream_woocommerce.client import Api, Refusal
from dropstream_woocommerce.ways import Notes, plain
from dropstreamd.model.handover import (
    Accepted,
    Item,
    Outcome,
    Preparation,
    Prepared,
    Rejected,
    Stamp,
    Untouched,
    Withdrawn,
    Writes,
)
from dropstreamd.model.returns import ReturnReceipt
from dropstreamd.platform.contract import Record
from dropstreamd.platform.freezing import each_alone

NOTING = "noting"
"""Recorded before the call that adds the note."""

WORDS = {"restock": "back in stock at the warehouse", "damaged": "damaged", "quarantine": "in quarantine"}
MOST_NOTE = 4000


class _Wanted(msgspec.Struct, frozen=True, kw_only=True):
    order: int
    text: str
    mark: str


_wanted = msgspec.json.Decoder(_Wanted)


class Receipts:
    """A `Sink[ReturnReceipt]`. A note's mark is made of the receipt's key: by it the note is found again."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._notes = Notes(api)

    @property
    def writes(self) -> Writes:
        return Writes(repeat="lookup", batch=1, visible_after_s=120.0)

    def prepare(self, items: Sequence[Item[ReturnReceipt]], stamp: Stamp) -> Preparation:
        """One attempt for each receipt."""
        return each_alone(items, stamp, lambda item: _unusable(item) or _frozen(item))

    async def push(self, prepared: Prepared, record: Record) -> Sequence[Outcome]:
        """Add the note, unless it is there."""
        key, wanted = prepared.keys[0], _wanted.decode(prepared.payload)
        there = await self._there(key, wanted)
        if there is not None:
            return [there]
        try:
            await record(NOTING, if_wanted=True)
        except Withdrawn:
            return [Untouched(key=key)]
        added = await self._notes.add(wanted.order, f"{wanted.text} {wanted.mark}", customer=False)
        if not isinstance(added, Refusal):
            return [Accepted(key=key, remote=added)]
        if added.missing:
            return [Rejected(key=key, cause="no-order", reason="WooCommerce has no such order")]
        return [Rejected(key=key, cause="refused", reason=f"WooCommerce did not take the note: {added}")]

    async def recover(self, prepared: Prepared, step: str, record: Record) -> Sequence[Outcome]:  # noqa: ARG002
        """Look the note up by its mark."""
        key, wanted = prepared.keys[0], _wanted.decode(prepared.payload)
        there = await self._there(key, wanted) if step == NOTING else None
        return [there or Untouched(key=key)]

    async def _there(self, key: str, wanted: _Wanted) -> Accepted | None:
        mine: list[wire.Note] = [
            note for note in await self._notes.notes(wanted.order) if wanted.mark in note.note
        ]
        return Accepted(key=key, remote=f"note:{mine[0].id}") if mine else None


def _unusable(item: Item[ReturnReceipt]) -> Rejected | None:
    receipt = item.document
    if receipt.refund or receipt.restock:
        reason = (
            "WooCommerce pays back and restocks by a refund alone, which is the merchant's to make: take "
            "`refund` and `restock` out of [returns]"
        )
        return Rejected(key=item.key, cause="refund", reason=reason)
    if not receipt.order_key.isascii() or not receipt.order_key.isdecimal():
        return Rejected(key=item.key, cause="no-order", reason="its order is none of WooCommerce's")
    if not receipt.lines or any(line.quantity < 1 for line in receipt.lines):
        return Rejected(key=item.key, cause="lines", reason="it has no line, or one without units")
    return None


def _frozen(item: Item[ReturnReceipt]) -> _Wanted:
    receipt = item.document
    what = "A parcel came back undelivered" if receipt.kind == "return-to-sender" else "Goods came back"
    goods = "; ".join(f"{each.quantity} × {each.sku} ({WORDS[each.condition]})" for each in receipt.lines)
    at = "" if receipt.received_at is None else f" on {receipt.received_at.strftime('%Y-%m-%d')}"
    mark = hashlib.blake2b(receipt.receipt_key.encode("utf-8", "replace"), digest_size=8).hexdigest()
    text = plain(f"{what}{at}: {goods}. Nothing was refunded or restocked here by this.")[:MOST_NOTE]
    return _Wanted(order=int(receipt.order_key), text=text, mark=f"[receipt {mark}]")
