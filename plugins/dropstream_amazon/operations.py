"""The operations of the Selling Partner API that are called: where each is, and how often it may be.

Rates and bursts are the defaults of each operation's usage plan; an answer that tells another rate is
believed. A seller may be called by an app so often for each operation, independently of the others ("Usage
Plans and Rate Limits").
"""

from functools import partial

import msgspec

from dropstreamd.platform.limiter import Pace

ORDERS_ROLE = "Inventory and Order Tracking"
ADDRESS_ROLE = "Direct-to-Consumer Shipping (Restricted)"
LISTINGS_ROLE = "Product Listing"


STEADY = 0.98
"""How much of a rate is used: calls do not arrive as evenly as they are sent, and one that comes a moment too
early is refused."""

LEAST_REST_S = 1.0
MOST_REST_S = 30.0


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """`path` has places to be filled in; `role` is what an app needs for it."""

    name: str
    method: str
    path: str
    rate_per_s: float
    burst: float
    role: str

    @property
    def pace(self) -> Pace:
        """What of its plan is used. Where calls follow each other fast, one of the burst is left for those
        that come too early."""
        fast = self.rate_per_s >= 1
        return Pace(rate_per_s=self.rate_per_s * STEADY, burst=self.burst - fast, at_once=4)

    @property
    def rest_s(self) -> float:
        """How long to wait after a call was refused: Amazon does not say. Until there is a call again, as far
        as it is known; for operations that are rarely called it is asked again before."""
        return min(MOST_REST_S, max(LEAST_REST_S, 1 / self.rate_per_s))


def _of(role: str, base: str, name: str, call: str, rate_per_s: float, burst: float) -> Operation:
    """`call` is the method and what of the path follows the base."""
    method, _, rest = call.partition(" ")
    return Operation(
        name=name, method=method, path=f"{base}{rest}", rate_per_s=rate_per_s, burst=burst, role=role
    )


_listings = partial(_of, LISTINGS_ROLE, "/listings/2021-08-01/items/{seller}")
_feeds = partial(_of, LISTINGS_ROLE, "/feeds/2021-06-30")
_SEARCH_ROLE = f"{ORDERS_ROLE}, and {ADDRESS_ROLE} for names and addresses"
_CONFIRM_ROLE = f"{ORDERS_ROLE}, or {ADDRESS_ROLE}"

SEARCH_ORDERS = _of(_SEARCH_ROLE, "/orders/2026-01-01", "searchOrders", "GET /orders", 0.0056, 20)
GET_ORDER = _of(ORDERS_ROLE, "/orders/2026-01-01", "getOrder", "GET /orders/{order}", 0.5, 30)
CONFIRM_SHIPMENT = _of(
    _CONFIRM_ROLE, "/orders/v0", "confirmShipment", "POST /orders/{order}/shipmentConfirmation", 2, 10
)
SEARCH_LISTINGS = _listings("searchListingsItems", "GET", 5, 5)
GET_LISTING = _listings("getListingsItem", "GET /{sku}", 5, 10)
PATCH_LISTING = _listings("patchListingsItem", "PATCH /{sku}", 5, 5)
CREATE_DOCUMENT = _feeds("createFeedDocument", "POST /documents", 0.5, 15)
# Of this type of feed: five in five minutes ("Feed size and rate limit changes for JSON_LISTINGS_FEED").
CREATE_FEED = _feeds("createFeed", "POST /feeds", 5 / 300, 5)
GET_FEED = _feeds("getFeed", "GET /feeds/{feed}", 2, 15)
CANCEL_FEED = _feeds("cancelFeed", "DELETE /feeds/{feed}", 2, 15)
GET_DOCUMENT = _feeds("getFeedDocument", "GET /documents/{document}", 0.0222, 10)

_reports = partial(_of, ORDERS_ROLE, "/reports/2021-06-30")
CREATE_REPORT = _reports("createReport", "POST /reports", 0.0167, 15)
GET_REPORT = _reports("getReport", "GET /reports/{report}", 2, 15)
GET_REPORT_DOCUMENT = _reports("getReportDocument", "GET /documents/{document}", 0.0167, 15)
