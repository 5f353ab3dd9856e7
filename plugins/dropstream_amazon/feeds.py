"""Feeds of the type JSON_LISTINGS_FEED: many changes of listings in one, and what became of each.

A feed's document goes to an address that Amazon gives for it, on another host; then the feed is created, and
worked at for minutes ("Feeds API v2021-06-30"). Until it was created nothing has an effect; from then on its
fate is unknown until its processing report was read.
"""

from collections.abc import Mapping, Sequence

import msgspec
import trio

from dropstream_amazon import wire_listings
from dropstream_amazon.client import Api, faults_of
from dropstream_amazon.operations import CANCEL_FEED, CREATE_DOCUMENT, CREATE_FEED, GET_DOCUMENT, GET_FEED
from dropstream_amazon.settings import Settings
from dropstreamd.errors import Hold, OutcomeUnknown, ProtocolMismatch, Wait
from dropstreamd.platform.http import decode
from dropstreamd.platform.rows import UNREADABLE

FEED_TYPE = "JSON_LISTINGS_FEED"
KIND = "application/json; charset=UTF-8"

MOST_MESSAGES = 25_000
"""Of one feed ("Feed size and rate limit changes for the JSON_LISTINGS_FEED")."""

PATIENCE_S = 40 * 60.0
"""How long a feed is waited for, in seconds."""

FIRST_LOOK_S = 10.0
MOST_LOOK_S = 30.0

Message = Mapping[str, object]


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a feed: the codes of the messages that were refused, by their number (from 1).
    `cancelled`: it was never begun, and nothing of it has an effect; `whole`: why it was refused as a
    whole, likewise without any."""

    refused: Mapping[int, tuple[str, ...]] = {}
    cancelled: bool = False
    whole: tuple[str, ...] = ()


class Feeds:
    """Sends feeds, one at a time."""

    def __init__(self, api: Api, settings: Settings) -> None:
        self._api = api
        self._seller = settings.seller

    async def send(self, messages: Sequence[Message], marketplace: str) -> Verdict:
        """Send the messages, and wait until Amazon is through with them. Raises OutcomeUnknown where
        nobody can tell what of them has an effect, ProtocolMismatch where Amazon refused them all unread."""
        content = msgspec.json.encode(
            {
                "header": {"sellerId": self._seller, "version": "2.0", "issueLocale": "en_US"},
                "messages": [{"messageId": number, **each} for number, each in enumerate(messages, 1)],
            }
        )
        document = await self._upload(content)
        feed = await self._create(document, marketplace)
        try:
            verdict = await self._verdict(feed, len(messages))
        except OutcomeUnknown:
            raise
        except (Wait, Hold) as error:
            raise OutcomeUnknown(
                f"feed {feed} was sent to Amazon, and what became of it is not known: {error.message}"
            ) from error
        if verdict.whole:
            raise ProtocolMismatch(
                f"Amazon refused feed {feed} as a whole: {', '.join(verdict.whole)[:200]}",
                remedy="nothing of it was applied; Seller Central shows its report",
            )
        return verdict

    async def _upload(self, content: bytes) -> str:
        answer = await self._api.get(CREATE_DOCUMENT, wire_listings.NewDocument, json={"contentType": KIND})
        response = await self._api.elsewhere("PUT", answer.url, content=content, kind=KIND)
        if not response.ok:
            raise ProtocolMismatch(f"{response.call}: Amazon's storage answered {response.status}")
        return answer.feed_document_id

    async def _create(self, document: str, marketplace: str) -> str:
        body = {"feedType": FEED_TYPE, "marketplaceIds": [marketplace], "inputFeedDocumentId": document}
        response = await self._api.call(CREATE_FEED, json=body, write=True)
        if not response.ok:
            self._api.refuse(CREATE_FEED, response)
        return decode(response, wire_listings.NewFeed).feed_id

    async def _verdict(self, feed: str, count: int) -> Verdict:
        ended = await self._ended(feed)
        if ended.processing_status == "CANCELLED":
            return Verdict(cancelled=True)
        if ended.processing_status == "FATAL":
            raise OutcomeUnknown(
                f"Amazon gave up on feed {feed} (FATAL): some of its levels may be set, and some not"
            )
        return _read(feed, count, await self._report(ended))

    async def _ended(self, feed: str) -> wire_listings.Feed:
        """The feed once it is through, or cancelled since it took too long."""
        until_s, wait_s = trio.current_time() + PATIENCE_S, FIRST_LOOK_S
        while trio.current_time() < until_s:
            await trio.sleep(wait_s)
            wait_s = min(MOST_LOOK_S, wait_s * 1.25)
            try:
                seen = await self._api.get(GET_FEED, wire_listings.Feed, path={"feed": feed})
            except Wait:
                continue  # it goes on without us; it is looked at again
            if seen.processing_status in ("DONE", "FATAL", "CANCELLED"):
                return seen
        response = await self._api.call(CANCEL_FEED, path={"feed": feed}, write=True)
        if response.ok:
            # Whatever has answered: only Amazon's own word is one.
            seen = await self._api.get(GET_FEED, wire_listings.Feed, path={"feed": feed})
            if seen.processing_status == "CANCELLED":
                return seen
        codes = ", ".join(each.code for each in faults_of(response))
        raise OutcomeUnknown(
            f"feed {feed} is not through after {PATIENCE_S / 60:.0f} minutes, and can no longer be "
            f"cancelled ({codes[:80] or response.status})"
        )

    async def _report(self, feed: wire_listings.Feed) -> wire_listings.Report:
        if not feed.result_feed_document_id:
            raise ProtocolMismatch(f"feed {feed.feed_id} is through and has no report")
        answer = await self._api.get(
            GET_DOCUMENT,
            wire_listings.NewDocument,
            path={"document": feed.result_feed_document_id},
            query={"enableContentEncodingUrlHeader": "true"},
        )
        response = await self._api.elsewhere("GET", answer.url)
        if not response.ok:
            raise ProtocolMismatch(f"{response.call}: Amazon's storage answered {response.status}")
        try:
            return msgspec.json.decode(response.body, type=wire_listings.Report)
        except UNREADABLE as error:
            raise ProtocolMismatch(
                f"the report of feed {feed.feed_id} is not as described: {error}"
            ) from error


def _read(feed: str, count: int, report: wire_listings.Report) -> Verdict:
    """What a report says of each message. One that does not add up says nothing."""
    refused: dict[int, tuple[str, ...]] = {}
    general: list[str] = []
    for issue in report.issues:
        if issue.severity != "ERROR":
            continue
        if issue.message_id is None:
            general.append(issue.code or "no code")
        else:
            refused[issue.message_id] = (*refused.get(issue.message_id, ()), issue.code or "no code")
    summary = report.summary
    if general and not summary.messages_accepted:
        return Verdict(whole=tuple(general))
    told = summary.messages_accepted + summary.messages_invalid
    if told != count or summary.messages_invalid > len(refused):
        raise OutcomeUnknown(
            f"the report of feed {feed} does not add up: {count} messages were sent, "
            f"{summary.messages_accepted} are accepted, {summary.messages_invalid} invalid, and errors are "
            f"told of {len(refused)}"
        )
    return Verdict(refused=refused)
