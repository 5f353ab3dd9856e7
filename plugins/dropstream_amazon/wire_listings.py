"""Listings (Listings Items v2021-08-01) and feeds (v2021-06-30) as Amazon tells them."""

from datetime import datetime

import msgspec

from dropstream_amazon.wire import Money, Pagination, Wire


class Summary(Wire, frozen=True, kw_only=True):
    """What a marketplace shows of a listing."""

    marketplace_id: str
    asin: str = ""
    product_type: str = ""
    status: tuple[str, ...] = ()
    item_name: str = ""
    created_date: datetime | None = None
    last_updated_date: datetime | None = None


class Availability(Wire, frozen=True, kw_only=True):
    """`fulfillment_channel_code` is DEFAULT where the merchant ships, else a network of Amazon's."""

    fulfillment_channel_code: str
    quantity: int | None = None


class ProductType(Wire, frozen=True, kw_only=True):
    marketplace_id: str
    product_type: str


class Offer(Wire, frozen=True, kw_only=True):
    marketplace_id: str
    offer_type: str
    price: Money


class Attribute(msgspec.Struct, frozen=True, kw_only=True):
    """One value of an attribute, as far as it is a plain one."""

    value: str | float | None = None
    type: str = ""
    unit: str = ""


class Attributes(msgspec.Struct, frozen=True, kw_only=True):
    """Those of a listing's attributes that are used."""

    externally_assigned_product_identifier: tuple[Attribute, ...] = ()
    item_weight: tuple[Attribute, ...] = ()
    country_of_origin: tuple[Attribute, ...] = ()
    brand: tuple[Attribute, ...] = ()


class Issue(Wire, frozen=True, kw_only=True):
    code: str
    severity: str
    message: str = ""


class ListingHead(Wire, frozen=True, kw_only=True):
    """So much of a listing as tells which it is."""

    sku: str


class Listing(Wire, frozen=True, kw_only=True):
    sku: str
    summaries: tuple[Summary, ...] = ()
    fulfillment_availability: tuple[Availability, ...] = ()
    product_types: tuple[ProductType, ...] = ()
    offers: tuple[Offer, ...] = ()
    attributes: Attributes = Attributes()


class Found(Wire, frozen=True, kw_only=True):
    """A page of a search."""

    number_of_results: int
    items: tuple[msgspec.Raw, ...]
    pagination: Pagination | None = None

    @property
    def next_token(self) -> str:
        """Where the next page is; empty on the last."""
        return (self.pagination.next_token if self.pagination else "") or ""


class Submission(Wire, frozen=True, kw_only=True):
    """What became of a patch."""

    sku: str
    status: str
    submission_id: str
    issues: tuple[Issue, ...] = ()


# ---- feeds


class NewDocument(Wire, frozen=True, kw_only=True):
    feed_document_id: str
    url: str


class NewFeed(Wire, frozen=True, kw_only=True):
    feed_id: str


class Feed(Wire, frozen=True, kw_only=True):
    feed_id: str
    processing_status: str
    result_feed_document_id: str = ""


class ReportIssue(Wire, frozen=True, kw_only=True):
    """`message_id` is None where the feed itself is at fault."""

    severity: str
    message_id: int | None = None
    sku: str = ""
    code: str = ""


class ReportSummary(Wire, frozen=True, kw_only=True):
    errors: int
    messages_processed: int
    messages_accepted: int
    messages_invalid: int


class Report(Wire, frozen=True, kw_only=True):
    """What became of a feed's messages ("Listings Feed Processing Report", v2)."""

    issues: tuple[ReportIssue, ...]
    summary: ReportSummary
