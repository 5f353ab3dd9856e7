"""Orders as a seller's account at Amazon has them, for the strict double."""

import copy
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from dropstreamd.clock import Clock, utc

Row = dict[str, Any]

SELLER = "A1SELLER1TOKEN"
HERE = "ATVPDKIKX0DER"
CANADA = "A2EUQ1WTGCTBG2"

NAMES = {HERE: "Amazon.com", CANADA: "Amazon.ca"}
PII = {
    "deliveryAddress": ("name", "addressLine1", "addressLine2", "addressLine3", "postalCode", "phone"),
}
DATA = {
    "BUYER": ("buyer",),
    "RECIPIENT": ("recipient",),
    "PROCEEDS": ("proceeds",),
    "CANCELLATION": ("cancellation",),
    "FULFILLMENT": ("fulfillment",),
    "PACKAGES": ("packages",),
}
"""The fields, of an order or of its items, that are told only where they are asked for."""


class Invalid(Exception):
    """A call that is answered by 400."""


class AmazonOrders:
    """`age_s`: how long ago everything happens that happens now, so that a test need not wait for it to be
    told."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.age_s = 0.0
        self.orders: dict[str, Row] = {}
        self.sees_addresses = True
        self.marketplaces = [HERE, CANADA]
        self._made = 0

    def now(self) -> datetime:
        return utc(self.clock.now_s() - self.age_s)

    def _next(self) -> int:
        self._made += 1
        return self._made

    # ---- as the buyer, the seller or Amazon would act

    def place(
        self, units: Mapping[str, int], *, status: str = "UNSHIPPED", at: datetime | None = None
    ) -> Row:
        """An order of so many units by SKU."""
        number = self._next()
        order_id = f"111-{number:07}-{number % 10_000_000:07}"
        placed = text(at or self.now())
        items = [
            self._item(f"{number:06}{place:02}", sku, each) for place, (sku, each) in enumerate(units.items())
        ]
        total = sum(each * 1000 for each in units.values())
        order: Row = {
            "orderId": order_id,
            "createdTime": placed,
            "lastUpdatedTime": placed,
            "programs": [],
            "salesChannel": {"channelName": "AMAZON", "marketplaceId": HERE, "marketplaceName": NAMES[HERE]},
            "buyer": {"buyerEmail": "x@marketplace.amazon.com", "buyerPurchaseOrderNumber": f"PO-{number}"},
            "recipient": {"deliveryAddress": address(), "deliveryPreference": {}},
            "proceeds": {"grandTotal": money(total)},
            "fulfillment": {
                "fulfillmentStatus": status,
                "fulfilledBy": "MERCHANT",
                "fulfillmentServiceLevel": "STANDARD",
                "shipByWindow": {"latestDateTime": "2027-01-30T07:59:59Z"},
                "deliverByWindow": {"latestDateTime": "2027-02-04T07:59:59Z"},
            },
            "orderItems": items,
            "packages": [],
        }
        self.orders[order_id] = order
        return order

    def _item(self, key: str, sku: str, units: int) -> Row:
        return {
            "orderItemId": key,
            "quantityOrdered": units,
            "product": {
                "asin": "B000000001",
                "title": f"A {sku}",
                "sellerSku": sku,
                "price": {"unitPrice": money(1000)},
            },
            "cancellation": {},
            "fulfillment": {"quantityFulfilled": 0, "quantityUnfulfilled": units},
        }

    def touch(self, order: Row, at: datetime | None = None) -> None:
        order["lastUpdatedTime"] = text(at or self.now())

    def set_status(self, order: Row, status: str) -> None:
        order["fulfillment"]["fulfillmentStatus"] = status
        self.touch(order)

    def cancel(self, order: Row) -> None:
        """Whole."""
        for item in order["orderItems"]:
            item["fulfillment"]["quantityUnfulfilled"] = 0
            item["cancellation"]["cancellationExecution"] = {"cancelledBy": "BUYER"}
        self.set_status(order, "CANCELLED")

    def ask_to_cancel(self, order: Row) -> None:
        """The buyer asks for it."""
        order["orderItems"][0]["cancellation"]["cancellationRequest"] = {"requester": "BUYER"}
        self.touch(order)

    # ---- orders

    def search(self, asked: Row) -> Row:
        """A page, by time and id; a token goes on behind the last one that it brought."""
        clock = "createdTime" if "createdAfter" in asked else "lastUpdatedTime"
        stem = clock.removesuffix("Time")
        if ("createdAfter" in asked) == ("lastUpdatedAfter" in asked):
            raise Invalid("exactly one of createdAfter and lastUpdatedAfter")
        other = "lastUpdatedBefore" if stem == "created" else "createdBefore"
        before = asked.get(f"{stem}Before")
        if other in asked or set(asked.get("marketplaceIds", ())) - set(self.marketplaces):
            raise Invalid("Invalid marketplaceIds or dates")
        latest = utc(self.clock.now_s()) - timedelta(minutes=2)
        if before is not None and instant(before) > latest:
            raise Invalid(f"{stem}Before must be two minutes ago")
        size = asked.get("maxResultsPerPage", 100)
        if not 1 <= size <= 100:
            raise Invalid("maxResultsPerPage")
        place = self._place(asked)
        after, until = instant(asked[f"{stem}After"]), instant(before) if before else latest
        rows = sorted(
            (row for row in self.orders.values() if self._fits(row, asked, after, until, clock)),
            key=lambda row: (instant(row[clock]), row["orderId"]),
        )
        rows = [row for row in rows if (text(instant(row[clock])), row["orderId"]) > place]
        page = rows[:size]
        answer: Row = {"orders": [self._told(row, asked.get("includedData", ())) for row in page]}
        if len(rows) > size:
            last = (text(instant(page[-1][clock])), page[-1]["orderId"])
            answer["pagination"] = {"nextToken": json.dumps([*last, _query(asked), self.clock.now_s()])}
        return answer

    def _place(self, asked: Row) -> tuple[str, str]:
        token = asked.get("paginationToken")
        if token is None:
            return "", ""
        at, order_id, query, made_s = json.loads(token)
        if query != _query(asked) or self.clock.now_s() - made_s > 86_400:
            raise Invalid("paginationToken is invalid or expired")
        return at, order_id

    def _fits(self, row: Row, asked: Row, after: datetime, until: datetime, clock: str) -> bool:
        fulfillment = row["fulfillment"]
        where = row["salesChannel"].get("marketplaceId", HERE)
        return (
            after <= instant(row[clock]) <= until
            and where in asked.get("marketplaceIds", self.marketplaces)
            and fulfillment.get("fulfilledBy", "MERCHANT") in asked.get("fulfilledBy", ["AMAZON", "MERCHANT"])
            and fulfillment["fulfillmentStatus"]
            in asked.get("fulfillmentStatuses", [fulfillment["fulfillmentStatus"]])
        )

    def _told(self, row: Row, data: Iterable[str]) -> Row:
        told: Row = copy.deepcopy(row)
        left_out = {field for name, fields in DATA.items() if name not in data for field in fields}
        for each in (told, *told["orderItems"]):
            for field in left_out & each.keys():
                del each[field]
        status = row["fulfillment"]["fulfillmentStatus"]
        recipient = told.get("recipient", {}).get("deliveryAddress", {})
        if not self.sees_addresses or status.startswith("PENDING"):
            for field in PII["deliveryAddress"]:
                recipient.pop(field, None)
        return told

    def order(self, order_id: str, asked: Row) -> Row | None:
        if order_id not in self.orders:
            return None
        return {"order": self._told(self.orders[order_id], asked.get("includedData", ()))}

    def confirm(self, order_id: str, body: Row) -> None:
        """A package; under a number that the order knows already, it takes that one's place."""
        order, detail = self.orders.get(order_id), body["packageDetail"]
        number = detail["packageReferenceId"]
        if order is None or order["salesChannel"]["marketplaceId"] != body["marketplaceId"]:
            raise Invalid("The order id you have requested is not valid")
        if not number.isdecimal() or int(number) < 1:
            raise Invalid("check the fields with invalid type [packageDetail.packageReferenceId]")
        if detail["carrierCode"] == "Other" and not detail.get("carrierName"):
            raise Invalid("carrierName is required")
        if order["fulfillment"]["fulfillmentStatus"] not in ("UNSHIPPED", "PARTIALLY_SHIPPED", "SHIPPED"):
            raise Invalid("the order is not ready to be shipped")
        if "FBM_SHIP_PLUS" in order["programs"]:
            raise Invalid("Ship+ orders need no confirmation")
        if instant(detail["shipDate"]) > utc(self.clock.now_s() + 60):
            raise Invalid("shipDate is in the future")
        items = {item["orderItemId"]: item for item in order["orderItems"]}
        others = [each for each in order["packages"] if each["packageReferenceId"] != number]
        gone = [each for each in [*others, _package(detail)] for each in each["packageItems"]]
        shipped = {key: sum(each["quantity"] for each in gone if each["orderItemId"] == key) for key in items}
        if any(each["orderItemId"] not in items for each in gone):
            raise Invalid("orderItemId is not of this order")
        cancelled = {key: _cancelled(item) for key, item in items.items()}
        if any(shipped[key] > item["quantityOrdered"] - cancelled[key] for key, item in items.items()):
            raise Invalid("Unable to find package to update (PackageToUpdateNotFound)")
        before = copy.deepcopy(order)
        order["packages"] = [*others, _package(detail)]
        order["packages"].sort(key=lambda each: int(each["packageReferenceId"]))
        for key, item in items.items():
            left = item["quantityOrdered"] - cancelled[key] - shipped[key]
            item["fulfillment"] = {**item["fulfillment"], "quantityFulfilled": shipped[key]}
            item["fulfillment"]["quantityUnfulfilled"] = left
        left = sum(item["fulfillment"]["quantityUnfulfilled"] for item in items.values())
        order["fulfillment"]["fulfillmentStatus"] = "PARTIALLY_SHIPPED" if left else "SHIPPED"
        if order != before:
            self.touch(order)


def address() -> Row:
    return {
        "name": "Ada Example",
        "addressLine1": "1 Main St",
        "city": "Springfield",
        "stateOrRegion": "IL",
        "postalCode": "62701",
        "countryCode": "US",
        "phone": "555-0100",
        "addressType": "RESIDENTIAL",
    }


def money(cents: int) -> Row:
    return {"amount": f"{cents / 100:.2f}", "currencyCode": "USD"}


def text(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def instant(told: str) -> datetime:
    return datetime.fromisoformat(told)


def _query(asked: Row) -> str:
    return json.dumps(
        {name: value for name, value in asked.items() if name != "paginationToken"}, sort_keys=True
    )


def _cancelled(item: Row) -> int:
    done = item["fulfillment"]["quantityFulfilled"] + item["fulfillment"]["quantityUnfulfilled"]
    return int(item["quantityOrdered"] - done)


def _package(detail: Row) -> Row:
    return {
        "packageReferenceId": detail["packageReferenceId"],
        "carrier": detail.get("carrierName") or detail["carrierCode"],
        "trackingNumber": detail["trackingNumber"],
        "shipTime": detail["shipDate"],
        "packageItems": detail["orderItems"],
    }
