"""A seller's account at Amazon: orders, listings and feeds, as the strict double keeps them."""

import gzip
import json
from collections.abc import Iterable
from datetime import timedelta

import msgspec

from dropstreamd.clock import Clock

from .amazon_orders import CANADA, HERE, SELLER, Invalid, Row, instant, text
from .amazon_returns import AmazonReturns
from .amazon_schema import Models, Refused

__all__ = ["CANADA", "HERE", "SELLER", "AmazonSeller", "Invalid", "Row"]


class AmazonSeller(AmazonReturns):
    """`converted`: listings of Amazon's that were made the merchant's, which must never be. `fate` is what
    becomes of feeds, `general` the codes that a feed is refused by as a whole."""

    def __init__(self, models: Models, clock: Clock) -> None:
        super().__init__(clock)
        self.models = models
        self.listings: dict[str, Row] = {}
        self.feeds: dict[str, Row] = {}
        self.converted: list[str] = []
        self.invalid: set[str] = set()
        self.fate = "DONE"
        self.feed_s = 90.0
        self.general: list[str] = []

    def list_sku(
        self, sku: str, units: int | None = 0, *, channel: str = "DEFAULT", where: str = HERE
    ) -> Row:
        """A listing that so many are offered of; None for one that shows no quantity."""
        number = self._next()
        created = text(self.now() - timedelta(days=10) + timedelta(milliseconds=number))
        row = {
            "sku": sku,
            "marketplace": where,
            "created": created,
            "updated": created,
            "title": f"A {sku}",
            "status": ["BUYABLE", "DISCOVERABLE"],
            "channels": {channel: units} if channel else {},
            "also": {},
            "handling_days": 3,
        }
        self.listings[sku] = row
        return row

    def list_also(self, sku: str, where: str, units: int | None = 0, *, channel: str = "DEFAULT") -> None:
        """In another marketplace too, where another channel may fulfill it."""
        self.listings[sku]["also"][where] = {channel: units} if channel else {}

    def shown(self, sku: str) -> int | None:
        """What the merchant's channel offers."""
        units = self.listings[sku]["channels"].get("DEFAULT")
        return units if isinstance(units, int) else None

    # ---- listings

    def find(self, asked: Row) -> Row:
        """A page of twenty at most; of more than a thousand, nothing is told."""
        (marketplace,) = self._in_marketplace(asked)
        rows = [row for row in self.listings.values() if marketplace in _channels(row)]
        if "identifiers" in asked:
            if asked.get("identifiersType") != "SKU" or len(asked["identifiers"]) > 20:
                raise Invalid("identifiers")
            if any("\t" in each for each in asked["identifiers"]):
                raise Invalid("an identifier cannot be read")
            rows = [row for row in rows if row["sku"] in asked["identifiers"]]
        if "createdAfter" in asked:
            rows = [row for row in rows if instant(row["created"]) >= instant(asked["createdAfter"])]
        rows.sort(key=lambda row: (row["created"], row["sku"]), reverse=asked.get("sortOrder") != "ASC")
        start, size = int(asked.get("pageToken", 0)), asked.get("pageSize", 10)
        page = rows[start : min(start + size, 1000)]
        answer: Row = {
            "numberOfResults": len(rows),
            "items": [
                self._listed(row, marketplace, asked.get("includedData", ["summaries"])) for row in page
            ],
        }
        if start + size < min(len(rows), 1000):
            answer["pagination"] = {"nextToken": str(start + size)}
        return answer

    def listing(self, sku: str, asked: Row) -> Row | None:
        (marketplace,) = self._in_marketplace(asked)
        row = self.listings.get(sku)
        if row is None or marketplace not in _channels(row):
            return None
        return self._listed(row, marketplace, asked.get("includedData", ["summaries"]))

    def _in_marketplace(self, asked: Row) -> list[str]:
        wanted: list[str] = asked["marketplaceIds"]
        if len(wanted) != 1 or wanted[0] not in self.marketplaces:
            raise Invalid("Invalid 'sellerId' and 'marketplaceId' combination provided.")
        return wanted

    def _listed(self, row: Row, where: str, data: Iterable[str]) -> Row:
        """As one marketplace shows it: of who fulfills it in the others, nothing is told."""
        channels = [
            {"fulfillmentChannelCode": code} | ({} if units is None else {"quantity": units})
            for code, units in _channels(row)[where].items()
        ]
        summary = {
            "marketplaceId": where,
            "asin": "B000000001",
            "productType": "SHIRT",
            "status": row["status"],
            "itemName": row["title"],
            "createdDate": row["created"],
            "lastUpdatedDate": row["updated"],
        }
        price = {"currencyCode": "USD", "amount": "19.99"}
        whole: Row = {
            "summaries": [summary],
            "attributes": {
                "externally_assigned_product_identifier": [{"type": "ean", "value": "0123456789012"}],
                "item_weight": [{"unit": "pounds", "value": 0.5}],
                "bullet_point": [{"value": "soft", "language_tag": "en_US"}],
            },
            "offers": [{"marketplaceId": where, "offerType": "B2C", "price": price}],
            "fulfillmentAvailability": channels,
            "productTypes": [{"marketplaceId": where, "productType": "SHIRT"}],
        }
        return {"sku": row["sku"], **{name: whole[name] for name in data}}

    def patch(self, sku: str, body: Row, asked: Row) -> list[Row]:
        """The issues that it has; where none is an error, it is applied: in every marketplace, whichever is
        named, since a SKU's inventory is one."""
        (marketplace,) = self._in_marketplace(asked)
        row = self.listings.get(sku)
        if row is None or marketplace not in _channels(row) or sku in self.invalid:
            return [issue("90220", "'size' is required but not supplied.")]
        if body["productType"] not in ("SHIRT", "PRODUCT"):
            return [issue("8541", "the product type is another")]
        for patch in body["patches"]:
            if patch["path"] != "/attributes/fulfillment_availability" or patch["op"] not in (
                "merge",
                "replace",
            ):
                raise Refused(f"nothing here patches {patch}")
            for value in patch["value"]:
                code = value["fulfillment_channel_code"]
                before = [each for channels in _channels(row).values() for each in channels]
                if any(each != code for each in before) or not before:
                    self.converted.append(sku)
                row["channels"] = {code: value["quantity"]}
                row["also"] = {where: {code: value["quantity"]} for where in row["also"]}
                if patch["op"] == "replace":
                    row["handling_days"] = None
        row["updated"] = text(self.now())
        return []

    # ---- feeds

    def new_feed(self, body: Row) -> str:
        document = self.documents.get(body["inputFeedDocumentId"])
        if document is None or document["content"] is None or body["feedType"] != "JSON_LISTINGS_FEED":
            raise Invalid("inputFeedDocumentId is invalid")
        if len(body["marketplaceIds"]) != 1 or body["marketplaceIds"][0] not in self.marketplaces:
            raise Invalid("Invalid 'sellerId' and 'marketplaceId' combination provided.")
        key = str(5_000_000 + self._next())
        self.feeds[key] = {
            "feedId": key,
            "feedType": body["feedType"],
            "marketplaceIds": body["marketplaceIds"],
            "createdTime": text(self.now()),
            "processingStatus": "IN_QUEUE",
            "document": document,
        }
        return key

    def process(self, key: str) -> None:
        """Amazon works at a feed, as it is fated."""
        feed = self.feeds[key]
        if self.fate != "DONE" or feed["processingStatus"] == "CANCELLED":
            feed["processingStatus"] = self.fate if feed["processingStatus"] != "CANCELLED" else "CANCELLED"
            return
        document = json.loads(feed["document"]["content"])
        self.models.check_feed(document)
        messages = [] if self.general else document["messages"]
        numbers = [each["messageId"] for each in messages]
        if len(set(numbers)) < len(numbers) or document["header"]["sellerId"] != SELLER:
            raise Refused("the feed's numbers or its seller are wrong")
        issues = [{"severity": "ERROR", "code": code, "message": "No"} for code in self.general]
        for message in messages:
            found = self.patch(message["sku"], message, feed)
            issues += [
                {
                    "messageId": message["messageId"],
                    "sku": message["sku"],
                    **{name: each[name] for name in ("code", "severity", "message")},
                }
                for each in found
            ]
        invalid = len({each.get("messageId") for each in issues} - {None})
        report = {
            "header": {"sellerId": SELLER, "version": "2.0", "feedId": key},
            "issues": issues,
            "summary": {
                "errors": len(issues),
                "warnings": 0,
                "messagesProcessed": len(messages),
                "messagesAccepted": len(messages) - invalid,
                "messagesInvalid": invalid,
            },
        }
        self.models.check_report(report)
        told = self.new_document("application/json")
        self.documents[told["id"]]["content"] = gzip.compress(msgspec.json.encode(report))
        feed |= {"processingStatus": "DONE", "resultFeedDocumentId": told["id"]}


def _channels(row: Row) -> Row:
    """By marketplace, who fulfills a listing there and how many are offered."""
    channels: Row = {row["marketplace"]: row["channels"], **row["also"]}
    return channels


def issue(code: str, message: str, severity: str = "ERROR") -> Row:
    return {"code": code, "message": message, "severity": severity, "categories": ["MISSING_ATTRIBUTE"]}
