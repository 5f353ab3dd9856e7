"""The operations of the Selling Partner API that are called: where each is, and how often it may be.

Rates and bursts are the defaults of each operation's usage plan; an answer that tells another rate is
believed. A seller may be called by an app so often for each operation, independently of the others ("Usage
Plans and Rate Limits").
"""

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


SEARCH_ORDERS = Operation(
    name="searchOrders",
    method="GET",
    path="/orders/2026-01-01/orders",
    rate_per_s=0.0056,
    burst=20,
    role=f"{ORDERS_ROLE}, and {ADDRESS_ROLE} for names and addresses",
)
GET_ORDER = Operation(
    name="getOrder",
    method="GET",
    path="/orders/2026-01-01/orders/{order}",
    rate_per_s=0.5,
    burst=30,
    role=ORDERS_ROLE,
)
CONFIRM_SHIPMENT = Operation(
    name="confirmShipment",
    method="POST",
    path="/orders/v0/orders/{order}/shipmentConfirmation",
    rate_per_s=2,
    burst=10,
    role=f"{ORDERS_ROLE}, or {ADDRESS_ROLE}",
)
SEARCH_LISTINGS = Operation(
    name="searchListingsItems",
    method="GET",
    path="/listings/2021-08-01/items/{seller}",
    rate_per_s=5,
    burst=5,
    role=LISTINGS_ROLE,
)
GET_LISTING = Operation(
    name="getListingsItem",
    method="GET",
    path="/listings/2021-08-01/items/{seller}/{sku}",
    rate_per_s=5,
    burst=10,
    role=LISTINGS_ROLE,
)
PATCH_LISTING = Operation(
    name="patchListingsItem",
    method="PATCH",
    path="/listings/2021-08-01/items/{seller}/{sku}",
    rate_per_s=5,
    burst=5,
    role=LISTINGS_ROLE,
)
CREATE_DOCUMENT = Operation(
    name="createFeedDocument",
    method="POST",
    path="/feeds/2021-06-30/documents",
    rate_per_s=0.5,
    burst=15,
    role=LISTINGS_ROLE,
)
CREATE_FEED = Operation(
    # Of this type of feed: five in five minutes ("Feed size and rate limit changes for JSON_LISTINGS_FEED").
    name="createFeed",
    method="POST",
    path="/feeds/2021-06-30/feeds",
    rate_per_s=5 / 300,
    burst=5,
    role=LISTINGS_ROLE,
)
GET_FEED = Operation(
    name="getFeed",
    method="GET",
    path="/feeds/2021-06-30/feeds/{feed}",
    rate_per_s=2,
    burst=15,
    role=LISTINGS_ROLE,
)
CANCEL_FEED = Operation(
    name="cancelFeed",
    method="DELETE",
    path="/feeds/2021-06-30/feeds/{feed}",
    rate_per_s=2,
    burst=15,
    role=LISTINGS_ROLE,
)
GET_DOCUMENT = Operation(
    name="getFeedDocument",
    method="GET",
    path="/feeds/2021-06-30/documents/{document}",
    rate_per_s=0.0222,
    burst=10,
    role=LISTINGS_ROLE,
)
