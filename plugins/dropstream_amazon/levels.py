"""Levels become the quantity of what the merchant ships, and of nothing else.

A quantity for the merchant's channel would turn a listing that Amazon fulfills into one that the merchant
does. So every listing is looked up first, in every marketplace: one is told its quantity only if the
merchant's channel is all that it has in any. The change is a merge, which leaves handling time and restock
date as they are.

Few levels are patched one by one, many go in a feed. A feed that is still under way when its run ends may act
for hours: until then, what is pushed is pushed again.
"""

from collections.abc import Mapping, Sequence

import msgspec
import trio

from dropstream_amazon import wire_listings
from dropstream_amazon.client import Api, faults_of
from dropstream_amazon.feeds import Feeds
from dropstream_amazon.listings import DEFAULT, Channel, Listings
from dropstream_amazon.operations import PATCH_LISTING
from dropstream_amazon.parallel import each_of
from dropstream_amazon.settings import Settings
from dropstreamd.errors import DropstreamError, OutcomeUnknown
from dropstreamd.model.handover import (
    UNTOLD,
    Accepted,
    InDoubt,
    Item,
    Outcome,
    Preparation,
    Prepared,
    Rejected,
    Stamp,
    Untouched,
    Writes,
)
from dropstreamd.model.stock import Level
from dropstreamd.platform.contract import Record
from dropstreamd.platform.http import Response, decode

BATCH = 10_000
"""Levels of one push: with their listings looked up, it stays within minutes."""

FEW = 200
"""So many are patched one by one: that takes less than a minute, and a feed some minutes."""

TAKES_S = 50 * 60.0
LOOKS_S = 5 * 60.0
"""How long a push may take: a feed's patience, and looking 10,000 listings up in each marketplace."""

LINGERS_S = 4 * 3600.0
"""How long a feed that was not waited for may still act, in seconds."""

MOST_SKU = 40
"""Characters of a SKU at Amazon."""

MOST_UNITS = 2**31 - 1

_levels = msgspec.json.Decoder(dict[str, int])


class _Change(msgspec.Struct, frozen=True, kw_only=True):
    channel: Channel
    available: int

    def patch(self) -> dict[str, object]:
        value = [{"fulfillment_channel_code": DEFAULT, "quantity": self.available}]
        return {
            "productType": self.channel.product_type,
            "patches": [{"op": "merge", "path": "/attributes/fulfillment_availability", "value": value}],
        }


class Levels:
    """A `Sink[Level]`: keys are SKUs. Writing a level again does no harm."""

    def __init__(self, api: Api, settings: Settings) -> None:
        self._api = api
        self._listings = Listings(api, settings)
        self._feeds = Feeds(api, settings)
        self._takes_s = TAKES_S + LOOKS_S * len(settings.marketplaces)

    @property
    def writes(self) -> Writes:
        return Writes(repeat="lookup", batch=BATCH, visible_after_s=LINGERS_S, takes_s=self._takes_s)

    def prepare(self, items: Sequence[Item[Level]], stamp: Stamp) -> Preparation:
        """One push for up to `BATCH` SKUs."""
        rejected = [_unfit(item) for item in items if not _fits(item.document)]
        fit = [item for item in items if _fits(item.document)]
        prepared = []
        for start in range(0, len(fit), BATCH):
            some = fit[start : start + BATCH]
            payload = msgspec.json.encode({item.document.sku: item.document.available for item in some})
            name = f"{stamp.attempt}-{start}"
            prepared.append(Prepared(name=name, keys=tuple(item.key for item in some), payload=payload))
        return Preparation(prepared=tuple(prepared), rejected=tuple(rejected))

    async def push(self, prepared: Prepared, record: Record) -> Sequence[Outcome]:  # noqa: ARG002
        """Set those that the merchant ships; by patches or by a feed."""
        levels = _levels.decode(prepared.payload)
        channels = await self._listings.find(list(levels))
        outcomes: list[Outcome] = []
        changes: list[_Change] = []
        for sku, available in levels.items():
            change = _change(sku, available, channels.get(sku))
            if isinstance(change, Rejected):
                outcomes.append(change)
            else:
                changes.append(change)
        if len(changes) <= FEW:
            return [*outcomes, *await self._patch(changes)]
        return [*outcomes, *await self._feed(changes)]

    async def recover(self, prepared: Prepared, step: str, record: Record) -> Sequence[Outcome]:  # noqa: ARG002
        """Nothing is looked up: the newest level is pushed again, whatever became of this one."""
        await trio.lowlevel.checkpoint()
        return [Untouched(key=key) for key in prepared.keys]

    # ---- one by one

    async def _patch(self, changes: list[_Change]) -> list[Outcome]:
        results = await each_of(changes, self._patch_one)
        errors = [each for each in results if isinstance(each, DropstreamError)]
        if errors and not any(isinstance(each, Accepted | Rejected) for each in results):
            lost = [each for each in errors if isinstance(each, OutcomeUnknown)]
            raise (lost or errors)[0]
        outcomes: list[Outcome] = []
        for change, result in zip(changes, results, strict=True):
            key = change.channel.sku
            if isinstance(result, OutcomeUnknown):
                outcomes.append(InDoubt(key=key, why=result.message))
            elif isinstance(result, DropstreamError) or result is None:
                outcomes.append(Untouched(key=key))
            else:
                outcomes.append(result)
        return outcomes

    async def _patch_one(self, change: _Change) -> Outcome:
        sku = change.channel.sku
        query = {"marketplaceIds": change.channel.marketplace, "issueLocale": "en_US"}
        response = await self._api.call(
            PATCH_LISTING, path={"sku": sku}, query=query, json=change.patch(), write=True
        )
        if not response.ok:
            return self._not_patched(sku, response)
        told = decode(response, wire_listings.Submission)
        if told.status == "ACCEPTED":
            return Accepted(key=sku, remote=told.submission_id)
        return _refused(sku, [issue.code for issue in told.issues if issue.severity == "ERROR"])

    def _not_patched(self, sku: str, response: Response) -> Rejected:
        self._api.check_account(PATCH_LISTING, response)
        return _refused(sku, [each.code for each in faults_of(response)] or [f"status {response.status}"])

    # ---- in a feed

    async def _feed(self, changes: list[_Change]) -> list[Outcome]:
        """One feed for each marketplace that listings were found in: a feed is applied to one."""
        outcomes: list[Outcome] = []
        marketplaces = dict.fromkeys(change.channel.marketplace for change in changes)
        for marketplace in marketplaces:
            some = [change for change in changes if change.channel.marketplace == marketplace]
            try:
                outcomes += await self._feed_one(some, marketplace)
            except DropstreamError as error:
                if not outcomes:
                    raise
                # What earlier feeds came to is known; these levels are pushed again.
                outcomes += [InDoubt(key=change.channel.sku, why=error.message) for change in some]
        return outcomes

    async def _feed_one(self, changes: list[_Change], marketplace: str) -> list[Outcome]:
        messages: list[Mapping[str, object]] = [
            {"sku": change.channel.sku, "operationType": "PATCH", **change.patch()} for change in changes
        ]
        verdict = await self._feeds.send(messages, marketplace)
        if verdict.cancelled:
            return [Untouched(key=change.channel.sku) for change in changes]
        outcomes: list[Outcome] = []
        for number, change in enumerate(changes, 1):
            codes = verdict.refused.get(number)
            key = change.channel.sku
            outcomes.append(Accepted(key=key) if codes is None else _refused(key, codes))
        return outcomes


class LevelsShown:
    """A `LevelReader`."""

    def __init__(self, api: Api, settings: Settings) -> None:
        self._listings = Listings(api, settings)

    async def read(self, skus: Sequence[str]) -> Mapping[str, int]:
        """What is offered of those that the merchant ships."""
        found = await self._listings.find([sku for sku in skus if 0 < len(sku) <= MOST_SKU])
        return {
            sku: channel.quantity
            for sku, channel in found.items()
            if channel.is_merchants and channel.quantity is not None
        }


def _fits(level: Level) -> bool:
    return 0 < len(level.sku) <= MOST_SKU and 0 <= level.available <= MOST_UNITS


def _unfit(item: Item[Level]) -> Rejected:
    level = item.document
    if not 0 <= level.available <= MOST_UNITS:
        reason = f"{level.available} units of {level.sku} are no quantity that Amazon can have"
        return Rejected(key=item.key, cause="quantity", reason=reason)
    reason = f"a SKU of Amazon's has 1 to {MOST_SKU} characters, and this one {len(level.sku)}"
    return Rejected(key=item.key, cause=f"sku:{level.sku[:60]}", reason=reason)


def _change(sku: str, available: int, channel: Channel | None) -> _Change | Rejected:
    if channel is None:
        return Rejected(key=sku, cause=f"sku:{sku}", reason=f"the seller has no listing with the SKU {sku}")
    if channel.is_merchants:
        return _Change(channel=channel, available=available)
    if channel.odd:
        reason = (
            f"the listing of {sku} in {channel.marketplace} is not as Amazon describes them: {channel.odd}"
        )
        return Rejected(key=sku, cause=UNTOLD, reason=reason)
    others = ", ".join(sorted(channel.channels - {DEFAULT}))
    if not others:
        reason = (
            f"Amazon does not say who fulfills {sku}, and a quantity might make it the merchant's: set one "
            "by hand in Seller Central, once, if the merchant ships it"
        )
        return Rejected(key=sku, cause="no-channel", reason=reason)
    reason = f"{sku} is fulfilled by Amazon ({others}): a quantity would make it the merchant's to ship"
    return Rejected(key=sku, cause="fulfilled-by-amazon", reason=reason)


def _refused(sku: str, codes: Sequence[str]) -> Rejected:
    """By Amazon's codes; its words are not repeated."""
    told = ", ".join(dict.fromkeys(codes))[:120] or "it does not say why"
    reason = f"Amazon did not take the quantity of {sku}: {told}; Seller Central shows the listing's issues"
    return Rejected(key=sku, cause="refused", reason=reason)
