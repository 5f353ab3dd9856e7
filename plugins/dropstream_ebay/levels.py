"""Levels become quantities: of the item in the Inventory API, and of each of its offers.

What a listing shows is the lower of the two ("bulkUpdatePriceQuantity"), so that both are set. Each listing
can be revised 250 times a day; what shows the wanted figure already is therefore left alone. 25 items are
looked at with one call and set with another. Which offers an item has is looked up one SKU at a time, the
first time; from then on they are remembered with the level that was accepted. An item may have been set and
an offer of it refused: that an item shows the figure tells of its offers only where this is the level that
was accepted.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

import msgspec
import trio

from dropstream_ebay import wire
from dropstream_ebay.client import INVENTORY, SYSTEM_ERRORS, Api, errors_of, read
from dropstream_ebay.items import Told, items_of
from dropstream_ebay.offers import live_offers
from dropstreamd.model.handover import (
    UNTOLD,
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
from dropstreamd.model.stock import Level
from dropstreamd.platform.contract import Record
from dropstreamd.platform.rows import OddRow

BATCH = 25
MOST_SKU = 50
MOST_UNITS = 2**31 - 1
ROUNDS = 2
"""Of an offer that is gone: looked up again, and set once more."""

SETTING = "setting"
"""Recorded before the call that sets."""

_NO_ITEM = frozenset({25702, 25710})
_NO_OFFER = 25713
_ZERO = 25004
_REVISIONS = re.compile(r"revis", re.IGNORECASE)
_LIMIT = re.compile(r"limit|exceed|maximum|too many|times|calendar day", re.IGNORECASE)


class _Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """The level of a SKU; the one that was accepted last, and the offers that it was accepted with."""

    available: int
    accepted: int | None = None
    offers: tuple[str, ...] = ()


_levels = msgspec.json.Decoder(dict[str, _Wanted])


class _Change(msgspec.Struct, frozen=True, kw_only=True):
    """One SKU, its level, and the offers that are to show it."""

    sku: str
    available: int
    offers: tuple[str, ...]

    def request(self) -> dict[str, object]:
        """`PriceQuantity`."""
        made: dict[str, object] = {
            "sku": self.sku,
            "shipToLocationAvailability": {"quantity": self.available},
        }
        if self.offers:
            made["offers"] = [{"offerId": each, "availableQuantity": self.available} for each in self.offers]
        return made

    def accepted(self) -> Accepted:
        remote = f"{self.available}@{','.join(self.offers)}" if self.offers else ""
        return Accepted(key=self.sku, remote=remote)

    def with_offers(self, offers: Iterable[wire.Offer]) -> "_Change":
        ids = tuple(each.offer_id for each in offers)
        return _Change(sku=self.sku, available=self.available, offers=ids)


class Levels:
    """A `Sink[Level]`, and the `LevelReader` beside it. An accepted one's `remote` are the level and its
    offers' ids."""

    def __init__(self, api: Api) -> None:
        self._api = api

    @property
    def writes(self) -> Writes:
        return Writes(repeat="lookup", batch=BATCH, visible_after_s=60.0, remembers=True)

    def prepare(self, items: Sequence[Item[Level]], stamp: Stamp) -> Preparation:
        """Attempts of 25."""
        rejected: list[Rejected] = []
        fit: list[Item[Level]] = []
        for item in items:
            refused = _unfit(item)
            if refused is None:
                fit.append(item)
            else:
                rejected.append(refused)
        prepared = [
            _prepared(fit[at : at + BATCH], f"{stamp.attempt}-{at // BATCH}")
            for at in range(0, len(fit), BATCH)
        ]
        return Preparation(prepared=tuple(prepared), rejected=tuple(rejected))

    async def push(self, prepared: Prepared, record: Record) -> Sequence[Outcome]:
        """Look at the items and their offers, and set those that show another figure."""
        wanted = _levels.decode(prepared.payload)
        outcomes: dict[str, Outcome] = {}
        told = await items_of(self._api, wanted)
        for sku in wanted:
            item = told.get(sku)
            if isinstance(item, OddRow):
                outcomes[sku] = _odd(sku, item)
            elif item is None:  # of one that was not told at all, nothing is known: it is pushed again
                outcomes[sku] = _not_there(sku) if sku in told else Untouched(key=sku)
        items = _there(told)
        changes = await self._changes({sku: wanted[sku] for sku in items}, items, outcomes)
        if changes:
            try:
                await record(SETTING, if_wanted=True)
            except Withdrawn:
                outcomes |= {change.sku: Untouched(key=change.sku) for change in changes}
                changes = []
        for _ in range(ROUNDS):
            if not changes:
                break
            changes = await self._set(changes, outcomes)
        outcomes |= {change.sku: Untouched(key=change.sku) for change in changes}
        return [outcomes[key] for key in prepared.keys]

    async def recover(self, prepared: Prepared, step: str, record: Record) -> Sequence[Outcome]:  # noqa: ARG002
        """Nothing is looked up: the newest level is pushed again, whatever became of this one."""
        await trio.lowlevel.checkpoint()
        return [Untouched(key=key) for key in prepared.keys]

    async def read(self, skus: Sequence[str]) -> Mapping[str, int]:
        """What each item's listings show: the lower of item and offer; of an item that is not listed, its
        own figure."""
        items: dict[str, wire.Item] = {}
        known = [sku for sku in skus if 0 < len(sku) <= MOST_SKU]
        for at in range(0, len(known), BATCH):
            items |= _there(await items_of(self._api, known[at : at + BATCH]))
        offers = await live_offers(self._api, items)
        return {
            sku: min([items[sku].quantity, *(_shown(offer, items[sku]) for offer in several)])
            for sku, several in offers.items()
            if not isinstance(several, OddRow)
        }

    # ---- calls

    async def _changes(
        self, wanted: Mapping[str, _Wanted], items: Mapping[str, wire.Item], outcomes: dict[str, Outcome]
    ) -> list[_Change]:
        """What is to be set; the others show it. Where offers are remembered the item tells, if it shows
        another figure, or the one that was accepted with them; else the offers are looked at too."""
        asked = [sku for sku, each in wanted.items() if _asks_offers(each, items[sku])]
        found = await live_offers(self._api, asked)
        changes: list[_Change] = []
        for sku, each in wanted.items():
            offers = found.get(sku)
            if isinstance(offers, OddRow):
                outcomes[sku] = _odd(sku, offers)
                continue
            if offers is None and not each.offers:
                outcomes[sku] = _not_there(sku)
                continue
            ids = each.offers if offers is None else tuple(offer.offer_id for offer in offers)
            shown = [items[sku].quantity, *(offer.available_quantity for offer in offers or ())]
            change = _Change(sku=sku, available=each.available, offers=ids)
            told = offers is not None or sku not in asked
            if told and all(quantity == each.available for quantity in shown):
                outcomes[sku] = change.accepted()
            else:
                changes.append(change)
        return changes

    async def _set(self, changes: Sequence[_Change], outcomes: dict[str, Outcome]) -> list[_Change]:
        """Set them; those that are to be tried again, with the offers that there are by now."""
        body = {"requests": [change.request() for change in changes]}
        answer = await self._api.post(f"{INVENTORY}/bulk_update_price_quantity", body)
        again: list[_Change] = []
        if not answer.ok and len(changes) > 1:  # refused whole: none of them is to sink the others
            for change in changes:
                again += await self._set([change], outcomes)
            return again
        whole = () if answer.ok else errors_of(answer)
        told = read(answer, wire.Updates).responses if answer.ok else ()
        gone: list[_Change] = []
        for change in changes:
            parts = [each for each in told if each.sku == change.sku or each.offer_id in change.offers]
            failed = [each for each in parts if each.status_code >= 300]
            errors = [*whole, *(error for each in failed for error in each.errors)]
            if parts and not failed:
                outcomes[change.sku] = change.accepted()
            elif any(error.error_id == _NO_OFFER for error in errors):
                gone.append(change)
            else:
                outcomes[change.sku] = _refused(change, errors, failed)
        offers = await live_offers(self._api, [change.sku for change in gone])
        again = []
        for change in gone:
            now = offers.get(change.sku, ())
            if isinstance(now, OddRow):
                outcomes[change.sku] = _odd(change.sku, now)
            else:
                again.append(change.with_offers(now))
        return again


def _unfit(item: Item[Level]) -> Rejected | None:
    sku, available = item.document.sku, item.document.available
    if not 0 < len(sku) <= MOST_SKU:
        reason = f"a SKU on eBay has at most {MOST_SKU} characters, so that {sku[:20]}… is none"
        return Rejected(key=item.key, cause=f"sku:{sku[:MOST_SKU]}", reason=reason)
    if item.key != sku:
        return Rejected(key=item.key, cause="key", reason="its key is not its SKU")
    if not 0 <= available <= MOST_UNITS:
        reason = f"{available} units of {sku} are no quantity that eBay can have"
        return Rejected(key=item.key, cause="quantity", reason=reason)
    return None


def _prepared(items: Sequence[Item[Level]], name: str) -> Prepared:
    wanted = {item.key: _wanted(item) for item in items}
    return Prepared(name=name, keys=tuple(wanted), payload=msgspec.json.encode(wanted))


def _wanted(item: Item[Level]) -> _Wanted:
    accepted, _, offers = (item.remote or "").rpartition("@")
    return _Wanted(
        available=item.document.available,
        accepted=int(accepted) if accepted.isdecimal() else None,
        offers=tuple(offers.split(",")) if offers else (),
    )


def _asks_offers(wanted: _Wanted, item: wire.Item) -> bool:
    return not wanted.offers or item.quantity == wanted.available != wanted.accepted


def _there(items: Mapping[str, Told]) -> dict[str, wire.Item]:
    return {sku: item for sku, item in items.items() if isinstance(item, wire.Item)}


def _shown(offer: wire.Offer, item: wire.Item) -> int:
    return item.quantity if offer.available_quantity is None else offer.available_quantity


def _odd(sku: str, odd: OddRow) -> Rejected:
    return Rejected(key=sku, cause=UNTOLD, reason=f"{sku}: {odd.message}")


def _not_there(sku: str) -> Rejected:
    reason = (
        f"{sku} is not in the Inventory API: eBay has no such SKU, or its listing was made elsewhere"
        " and has to be migrated"
    )
    return Rejected(key=sku, cause=f"sku:{sku}", reason=reason)


def _refused(change: _Change, errors: Sequence[wire.Error], failed: Sequence[wire.Updated]) -> Outcome:
    """By eBay's codes; its words are not repeated."""
    codes = {error.error_id for error in errors}
    if codes & _NO_ITEM:
        return _not_there(change.sku)
    untold = not errors and not failed
    if untold or codes & SYSTEM_ERRORS or any(each.status_code >= 500 for each in failed):
        return Untouched(key=change.sku)  # nothing was told of it, or eBay stumbled: it is pushed again
    if any(_is_revision_limit(error) for error in errors):
        # A refusal would stand until the figure changes: this one ends with the day.
        return Untouched(key=change.sku)
    if change.available == 0 and _ZERO in codes:
        reason = (
            f"eBay does not set {change.sku} to 0: switch on the out-of-stock option in the seller's"
            " preferences, or end the listing; until then it may be bought"
        )
        return Rejected(key=change.sku, cause="zero", reason=reason)
    said = ", ".join(map(str, sorted(codes))) or "it does not say why"
    reason = f"eBay did not set the level of {change.sku}: {said}"
    return Rejected(key=change.sku, cause="refused", reason=reason)


def _is_revision_limit(error: wire.Error) -> bool:
    """eBay has no code of its own for it: a user error, whose words tell."""
    words = " ".join((error.message, error.long_message, *(each.value or "" for each in error.parameters)))
    return bool(_REVISIONS.search(words) and _LIMIT.search(words))
