"""The three ways of telling a shop of a package: WooCommerce's fulfillments, the Shipment Tracking extension,
a note on the order. None of them knows an idempotency key; each finds again what it told."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from dropstream_woocommerce import wire
from dropstream_woocommerce.client import TRACKING, Api, Refusal, begun
from dropstream_woocommerce.packages import ITEMS, NUMBER, PACKAGE, Seen, There, Wanted, field, units_of
from dropstreamd.errors import ProtocolMismatch

URL = "_tracking_url"
PROVIDER = ("_shipment_provider", "_shipping_provider")
"""Where the carrier stands, by version of WooCommerce."""

PROVIDER_NAME = "_provider_name"
MOST_NOTE = 4000
NOTED = "note:"
"""Begins the name of a note, among what stands for a package."""


class Way(Protocol):
    """Tells one package. `keeps_units`: the shop shows of itself which units it held."""

    @property
    def keeps_units(self) -> bool: ...

    async def find(self, seen: Seen, wanted: Wanted) -> There | None:
        """What stands for the package; None for nothing."""
        ...

    async def tell(self, seen: Seen, wanted: Wanted) -> str | Refusal:
        """Tell it, so far as it is not there; what it is called there."""
        ...

    async def change(self, seen: Seen, wanted: Wanted, there: There) -> str | Refusal:
        """Give what is there the tracking that is wanted now."""
        ...


class Fulfillments:
    """By the fulfillments API: the package's key stands in a custom field of the fulfillment."""

    keeps_units = True

    def __init__(self, api: Api) -> None:
        self._api = api

    async def find(self, seen: Seen, wanted: Wanted) -> There | None:
        """Among those that were read with the order."""
        mine = seen.of(wanted)
        if mine is None:
            return None
        whole = all(field(mine, name) == value for name, value in _tracking(wanted).items())
        return There(remote=str(mine.id), whole=whole, units=units_of(mine))

    async def tell(self, seen: Seen, wanted: Wanted) -> str | Refusal:
        items = [{"item_id": line, "qty": units} for line, units in wanted.lines.items()]
        fields: dict[str, object] = {PACKAGE: wanted.package, ITEMS: items, **_tracking(wanted)}
        body = {
            "status": "fulfilled",
            "is_fulfilled": True,
            "notify_customer": wanted.notify,
            "meta_data": [{"id": 0, "key": key, "value": value} for key, value in fields.items()],
        }
        path = f"orders/{seen.order.id}/fulfillments"
        answer = await self._api.write(path, body, wire.Row)
        return answer if isinstance(answer, Refusal) else str(answer.id)

    async def change(self, seen: Seen, wanted: Wanted, there: There) -> str | Refusal:
        """A field that is not sent is removed: all that stand there are sent again."""
        (now,) = [each for each in seen.fulfillments if str(each.id) == there.remote]
        tracking: dict[str, object] = {**dict.fromkeys((NUMBER, URL), ""), **_tracking(wanted)}
        kept = [
            {"id": meta.id or 0, "key": meta.key, "value": tracking.pop(meta.key, meta.value)}
            for meta in now.meta_data
        ]
        added = [{"id": 0, "key": key, "value": value} for key, value in tracking.items() if value]
        body = {
            "status": "fulfilled",
            "is_fulfilled": True,
            "notify_customer": wanted.notify,
            "meta_data": [*kept, *added],
        }
        path = f"orders/{seen.order.id}/fulfillments/{now.id}"
        answer = await self._api.write(path, body, wire.Row)
        return answer if isinstance(answer, Refusal) else there.remote


class Trackings:
    """By the Shipment Tracking extension: each tracking number is an entry of its own, known by itself."""

    keeps_units = False

    def __init__(self, api: Api) -> None:
        self._api = api

    async def find(self, seen: Seen, wanted: Wanted) -> There | None:
        entries = await self._entries(seen.order.id)
        before = _ids(wanted.replaces)
        mine = [each for each in entries if _number(each) in wanted.numbers or each.tracking_id in before]
        if not mine:
            noted = (wanted.replaces or "").startswith(NOTED)  # it had no number when it was told
            return There(remote=wanted.replaces or "", whole=False) if noted else None
        numbers = {_number(each) for each in mine}
        return There(remote=_remote(mine), whole=numbers == set(wanted.numbers))

    async def tell(self, seen: Seen, wanted: Wanted) -> str | Refusal:
        entries = list(await self._entries(seen.order.id))
        there = {_number(each) for each in entries}
        told = [each for each in entries if _number(each) in wanted.numbers]
        for number in wanted.numbers:
            if number in there:
                continue
            answer = await self._add(seen.order.id, wanted, number, begun_already=bool(told))
            if isinstance(answer, Refusal):
                return answer
            told.append(answer)
        return _remote(told)

    async def change(self, seen: Seen, wanted: Wanted, there: There) -> str | Refusal:
        """Add what is new, then take away what was told before."""
        remote = await self.tell(seen, wanted)
        if isinstance(remote, Refusal):
            return remote
        for old in set(_ids(wanted.replaces) or _ids(there.remote)) - set(_ids(remote)):
            with begun(f"the tracking of order {seen.order.id}"):
                path = f"orders/{seen.order.id}/shipment-trackings/{old}"
                answer = await self._api.write(path, None, msgspec.Raw, method="DELETE", space=TRACKING)
            if isinstance(answer, Refusal) and not answer.missing:
                return answer
        return remote

    async def _add(
        self, order: int, wanted: Wanted, number: str, *, begun_already: bool
    ) -> wire.Tracking | Refusal:
        """With an address of ours the carrier is a custom one: for its own the extension makes one."""
        body = {"tracking_number": number}
        if wanted.url:
            body |= {"custom_tracking_provider": wanted.carrier, "custom_tracking_link": wanted.url}
        else:
            body["tracking_provider"] = wanted.carrier
        if wanted.shipped:
            body["date_shipped"] = wanted.shipped
        path = f"orders/{order}/shipment-trackings"
        if begun_already:
            with begun(f"the tracking of order {order}"):
                return await self._api.write(path, body, wire.Tracking, space=TRACKING)
        return await self._api.write(path, body, wire.Tracking, space=TRACKING)

    async def _entries(self, order: int) -> tuple[wire.Tracking, ...]:
        path = f"orders/{order}/shipment-trackings"
        answer = await self._api.find_each(path, {}, wire.Tracking, "tracking", space=TRACKING)
        if isinstance(answer, Refusal):
            raise ProtocolMismatch(f"the Shipment Tracking extension refused to tell an order's: {answer}")
        return answer


class Notes:
    """By a note on the order, which ends with the package's mark; the buyer is mailed it where wanted."""

    keeps_units = False

    def __init__(self, api: Api) -> None:
        self._api = api

    async def find(self, seen: Seen, wanted: Wanted) -> There | None:
        """The newest note with its mark."""
        mine = [note for note in await self.notes(seen.order.id) if _mark(wanted) in note.note]
        if not mine:
            return None
        newest = max(mine, key=lambda note: note.id)
        return There(remote=f"{NOTED}{newest.id}", whole=_words(seen, wanted) in newest.note)

    async def tell(self, seen: Seen, wanted: Wanted) -> str | Refusal:
        text = f"Shipped: {_words(seen, wanted)} {_mark(wanted)}"
        return await self.add(seen.order.id, text, customer=wanted.notify)

    async def change(self, seen: Seen, wanted: Wanted, there: There) -> str | Refusal:  # noqa: ARG002
        text = f"Shipped, as corrected: {_words(seen, wanted)} {_mark(wanted)}"
        return await self.add(seen.order.id, text, customer=wanted.notify)

    async def notes(self, order: int) -> tuple[wire.Note, ...]:
        """All notes of an order; none of one that is gone."""
        answer = await self._api.find_each(f"orders/{order}/notes", {}, wire.Note, "note")
        if isinstance(answer, Refusal):
            if answer.missing:
                return ()
            raise ProtocolMismatch(f"WooCommerce refused to tell the notes of an order: {answer}")
        return answer

    async def add(self, order: int, text: str, *, customer: bool) -> str | Refusal:
        body = {"note": text, "customer_note": customer}
        answer = await self._api.write(f"orders/{order}/notes", body, wire.Row)
        return answer if isinstance(answer, Refusal) else f"{NOTED}{answer.id}"


def same_by_hand(seen: Seen, wanted: Wanted) -> str | None:
    """The fulfillment that somebody entered with the same units under the same tracking number."""
    for each in seen.fulfillments:
        number = field(each, NUMBER)
        if number and number in wanted.numbers and units_of(each) == wanted.lines:
            return str(each.id)
    return None


def plain(text: str) -> str:
    """As a note keeps it: WordPress takes away backslashes, and what looks like HTML."""
    return "".join(letter for letter in text if letter.isprintable() and letter not in "\\<>&")


def _tracking(wanted: Wanted) -> dict[str, str]:
    """A fulfillment holds one tracking number: several stand behind one another in it."""
    found = {NUMBER: ", ".join(wanted.numbers)}
    if wanted.carrier:
        found |= {**dict.fromkeys(PROVIDER, wanted.carrier), PROVIDER_NAME: wanted.carrier}
    if wanted.url:
        found[URL] = wanted.url
    return found


def _number(entry: wire.Tracking) -> str:
    return str(entry.tracking_number or "")


def _remote(entries: Sequence[wire.Tracking]) -> str:
    return "tracking:" + ",".join(sorted({each.tracking_id for each in entries}))


def _ids(remote: str | None) -> tuple[str, ...]:
    kind, _, ids = (remote or "").partition(":")
    return tuple(each for each in ids.split(",") if each) if kind == "tracking" else ()


def _mark(wanted: Wanted) -> str:
    return f"[package {wanted.mark}]"


def _words(seen: Seen, wanted: Wanted) -> str:
    skus = {line.id: line.sku or line.name or str(line.id) for line in seen.order.line_items}
    goods = ", ".join(f"{units} × {skus.get(line, line)}" for line, units in wanted.lines.items())
    how = " ".join(part for part in (wanted.carrier, ", ".join(wanted.numbers)) if part)
    return plain(". ".join(part for part in (goods, how, wanted.url) if part))[:MOST_NOTE]
