"""What a seller has on eBay: orders, fulfillments, inventory items and offers."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

SELLER = "acme-store"
REVISIONS_A_DAY = 250

Row = dict[str, Any]


def written(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


class EbayShop:
    """`now` is its clock, moved by `pass_time`. Quantities of items and offers are in `items` and `offers`;
    `revised` counts how often each listing was revised."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.orders: dict[str, Row] = {}
        self.fulfillments: dict[str, list[Row]] = {}
        self.items: dict[str, Row] = {}
        self.offers: dict[str, Row] = {}
        self.revised: dict[str, int] = {}
        self.zero_allowed = True
        self._made = 0

    def pass_time(self, **duration: float) -> None:
        self.now += timedelta(**duration)

    def number(self) -> int:
        self._made += 1
        return self._made

    # ---- orders

    def place(self, units: Mapping[str, int], *, at: datetime | None = None, price: str = "20.00") -> Row:
        """An order that is paid for; its lines by SKU."""
        number = self.number()
        when = written(at or self.now)
        key = f"12-{number:05d}-{10_000 + number}"
        order: Row = {
            "orderId": key,
            "creationDate": when,
            "lastModifiedDate": when,
            "orderFulfillmentStatus": "NOT_STARTED",
            "orderPaymentStatus": "PAID",
            "sellerId": SELLER,
            "buyer": {"username": "somebody"},
            "cancelStatus": {"cancelState": "NONE_REQUESTED", "cancelRequests": []},
            "fulfillmentHrefs": [],
            "fulfillmentStartInstructions": [instructions()],
            "pricingSummary": {"total": {"value": "59.98", "currency": "USD"}},
            "paymentSummary": {"payments": [], "refunds": []},
            "lineItems": [self._line(sku, count, price) for sku, count in units.items()],
        }
        self.orders[key] = order
        self.fulfillments[key] = []
        return order

    def _line(self, sku: str, count: int, price: str) -> Row:
        cents = int(price.replace(".", "")) * count
        return {
            "lineItemId": f"{9_000_000 + self.number()}",
            "legacyItemId": "110012345678",
            "sku": sku,
            "title": f"A {sku}",
            "quantity": count,
            "lineItemCost": {"value": f"{cents // 100}.{cents % 100:02d}", "currency": "USD"},
            "lineItemFulfillmentStatus": "NOT_STARTED",
            "listingMarketplaceId": "EBAY_US",
            "purchaseMarketplaceId": "EBAY_US",
            "soldFormat": "FIXED_PRICE",
            "lineItemFulfillmentInstructions": {
                "shipByDate": written(self.now + timedelta(days=2)),
                "maxEstimatedDeliveryDate": written(self.now + timedelta(days=6)),
                "guaranteedDelivery": False,
            },
            "appliedPromotions": [],
            "taxes": [],
            "refunds": [],
        }

    def touch(self, order: Row) -> None:
        """It is modified by now."""
        order["lastModifiedDate"] = written(self.now)

    def cancel(self, order: Row) -> None:
        order["cancelStatus"] = {"cancelState": "CANCELED", "cancelRequests": []}
        order["orderPaymentStatus"] = "FULLY_REFUNDED"
        self.touch(order)

    def ship(self, order: Row, made: Mapping[str, Any]) -> str:
        """A fulfillment, as somebody asks for it; its id."""
        tracking = made.get("trackingNumber", "")
        lines = {line["lineItemId"]: line["quantity"] for line in order["lineItems"]}
        row: Row = {
            "fulfillmentId": tracking or "999",
            "lineItems": [
                {
                    "lineItemId": each["lineItemId"],
                    "quantity": each.get("quantity", lines[each["lineItemId"]]),
                }
                for each in made["lineItems"]
            ],
            "shippedDate": made.get("shippedDate", written(self.now)),
        }
        if tracking:
            row["shipmentTrackingNumber"] = tracking
            row["shippingCarrierCode"] = made["shippingCarrierCode"]
        made_before = self.fulfillments[order["orderId"]]
        made_before.append(row)
        for line in order["lineItems"]:
            gone = sum(
                each["quantity"]
                for one in made_before
                for each in one["lineItems"]
                if each["lineItemId"] == line["lineItemId"]
            )
            line["lineItemFulfillmentStatus"] = _standing(gone, line["quantity"])
        states = {line["lineItemFulfillmentStatus"] for line in order["lineItems"]}
        order["orderFulfillmentStatus"] = states.pop() if len(states) == 1 else "IN_PROGRESS"
        self.touch(order)
        return str(row["fulfillmentId"])

    # ---- inventory

    def add_item(
        self, sku: str, quantity: int, *, offer: int | None = None, status: str = "PUBLISHED"
    ) -> Row:
        """An inventory item, and where `offer` is given an offer of it with that quantity."""
        item: Row = {
            "sku": sku,
            "locale": "en_US",
            "condition": "NEW",
            "availability": {"shipToLocationAvailability": {"quantity": quantity}},
            "product": {"title": f"A {sku}", "brand": "Acme", "mpn": f"M-{sku}", "upc": ["012345678905"]},
            "packageWeightAndSize": {"weight": {"value": 2.0, "unit": "POUND"}},
        }
        self.items[sku] = item
        if offer is not None:
            self.add_offer(sku, offer, status=status)
        return item

    def add_offer(
        self, sku: str, quantity: int, *, status: str = "PUBLISHED", form: str = "FIXED_PRICE"
    ) -> Row:
        key = f"{7_000_000 + self.number()}"
        row: Row = {
            "offerId": key,
            "sku": sku,
            "marketplaceId": "EBAY_US",
            "format": form,
            "availableQuantity": quantity,
            "status": status,
        }
        if status == "PUBLISHED":
            row["listing"] = {"listingId": f"11{key}", "listingStatus": "ACTIVE", "soldQuantity": 0}
        self.offers[key] = row
        return row

    def offers_of(self, sku: str) -> list[Row]:
        return [row for row in self.offers.values() if row["sku"] == sku]

    def quantity(self, sku: str) -> int:
        """Of the item."""
        return int(self.items[sku]["availability"]["shipToLocationAvailability"]["quantity"])

    def shown(self, sku: str) -> int:
        """What its listings show: the lower of item and offer."""
        offers = [int(row["availableQuantity"]) for row in self.offers_of(sku) if row["format"] != "AUCTION"]
        return min([self.quantity(sku), *offers])


def instructions(**step: Any) -> Row:
    """Where an order goes to."""
    return {
        "fulfillmentInstructionsType": "SHIP_TO",
        "minEstimatedDeliveryDate": "2026-11-25T08:00:00.000Z",
        "maxEstimatedDeliveryDate": "2026-11-28T08:00:00.000Z",
        "ebaySupportedFulfillment": False,
        "shippingStep": {
            "shippingCarrierCode": "USPS",
            "shippingServiceCode": "USPSPriority",
            "shipTo": {
                "fullName": "Jo Doe",
                "email": "abc123@members.ebay.com",
                "primaryPhone": {"phoneNumber": "+1 555 0100"},
                "contactAddress": {
                    "addressLine1": "1 Main St",
                    "addressLine2": "Apt 2",
                    "city": "Austin",
                    "stateOrProvince": "TX",
                    "postalCode": "78701",
                    "countryCode": "US",
                },
            },
            **step,
        },
    }


def _standing(gone: int, whole: int) -> str:
    if gone <= 0:
        return "NOT_STARTED"
    return "FULFILLED" if gone >= whole else "IN_PROGRESS"
