"""A shop as Vendure keeps it: orders, fulfillments and stock, with Vendure's own rules and gaps.

It has the methods of `counterparts.vendure.VendureShop`, so that one test can use either.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from tests.counterparts.vendure.records import MadeProduct, NewOrder, Placed, SoldVariant, VariantStock
from tests.counterparts.vendure.records import Order as OrderRecord

LOCATION = "7"
Row = dict[str, Any]


def rejection(typename: str, code: str, **more: object) -> Row:
    """One of a mutation's error results."""
    return {"__typename": typename, "errorCode": code, "message": "refused", **more}


class FakeShop:
    """One channel. Rows are as the API tells them; tests may change them."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.orders_by_id: dict[str, Row] = {}
        self.products: dict[str, Row] = {}
        self.variants: dict[str, Row] = {}
        self.fulfillments: dict[str, Row] = {}
        self.locations = [{"id": LOCATION, "name": "Main"}]
        self.precision = 2
        self.threshold = 0
        self.states = ["PaymentAuthorized", "PaymentSettled", "PartiallyShipped", "Shipped", "Delivered"]
        self.states += ["PartiallyDelivered", "Modifying", "ArrangingAdditionalPayment", "Cancelled"]
        self.handlers = {"manual-fulfillment": ["method", "trackingCode"]}
        self.currency = "USD"
        self.refused_moves: set[str] = set()
        """States that no fulfillment is let into."""
        self.refused_skus: set[str] = set()
        """SKUs that no variant is created with."""
        self._number = 0

    def new_id(self) -> str:
        self._number += 1
        return str(self._number)

    # ---- what a merchant and buyers do, as `VendureShop`

    def add_products(self, stock: Mapping[str, int]) -> None:
        for sku, units in stock.items():
            name = f"Product {sku}"
            product = self._product(name, f"slug-{sku}".lower(), enabled=True)
            self._variant(product, sku, name, units=units, price=1000, enabled=True)

    def sold(self, skus: Sequence[str]) -> list[SoldVariant]:
        found = [each for each in self.variants.values() if each["sku"] in skus]
        return [msgspec.convert(each, SoldVariant) for each in found]

    def made(self, name: str | None = None) -> list[MadeProduct]:
        found = [each for each in self.products.values() if name in (None, each["name"])]
        return [msgspec.convert(self.with_variants(each), MadeProduct) for each in found]

    def update_product(self, sku: str, changes: Mapping[str, Any]) -> None:
        variant = next(each for each in self.variants.values() if each["sku"] == sku)
        product = variant["product"]
        product["enabled"] = changes.get("enabled", product["enabled"])
        for each in changes.get("translations", ()):
            product["name"] = each["name"]

    def update_variants(self, changes: Sequence[Mapping[str, Any]]) -> None:
        for change in changes:
            self.variants[change["id"]] |= change

    def remove(self, sku: str) -> None:
        (key,) = [key for key, each in self.variants.items() if each["sku"] == sku]
        del self.variants[key]

    def place_orders(self, orders: Sequence[NewOrder]) -> list[Placed]:
        return [self._place(order) for order in orders]

    def _place(self, order: NewOrder) -> Placed:
        key = self.new_id()
        self.now += timedelta(seconds=1)
        at = stamp(self.now)
        state = "PaymentSettled" if order.payment == "card" else "PaymentAuthorized"
        lines = [self._line(sku, units) for sku, units in order.units.items()]
        method = {"code": order.shipping_method, "name": "Standard Shipping"}
        self.orders_by_id[key] = {
            "id": key,
            "code": order.code or f"CODE{key}",
            "type": "Regular",
            "state": state,
            "active": False,
            "updatedAt": at,
            "orderPlacedAt": at,
            "currencyCode": "USD",
            "totalWithTax": 500 + 1000 * sum(order.units.values()),
            "customer": {
                "firstName": "Ada",
                "lastName": "Example",
                "emailAddress": "ada@example.com",
                "phoneNumber": None,
            },
            "shippingAddress": dict(ADDRESS),
            "billingAddress": dict.fromkeys(ADDRESS),
            "shippingLines": [{"shippingMethod": method}],
            "lines": lines,
            "fulfillments": [],
        }
        return Placed(id=key, code=self.orders_by_id[key]["code"], state=state)

    def _line(self, sku: str, units: int) -> Row:
        variant = next(each for each in self.variants.values() if each["sku"] == sku)
        variant["stockLevels"][0]["stockAllocated"] += units
        return {
            "id": self.new_id(),
            "quantity": units,
            "orderPlacedQuantity": units,
            "unitPrice": 1000,
            "productVariant": variant,
        }

    def cancel(self, order_id: str, units: Mapping[str, int] | None = None) -> None:
        order = self.orders_by_id[order_id]
        for line in order["lines"]:
            some = line["quantity"] if units is None else units.get(line["id"], 0)
            line["quantity"] -= some
            line["productVariant"]["stockLevels"][0]["stockAllocated"] -= some
        if not any(line["quantity"] for line in order["lines"]):
            order["state"] = "Cancelled"

    def transition(self, order_id: str, state: str) -> None:
        self.orders_by_id[order_id]["state"] = state

    def set_on_hand(self, levels: Mapping[str, int]) -> None:
        for variant in self.variants.values():
            if variant["sku"] in levels:
                variant["stockLevels"][0]["stockOnHand"] = levels[variant["sku"]]

    def fulfill(self, order_id: str, units: Mapping[str, int], *, method: str, tracking: str) -> str:
        lines = [{"orderLineId": line, "quantity": some} for line, some in units.items()]
        made = self.create_fulfillment(lines, method, tracking)
        return str(made["id"])

    def order(self, order_id: str) -> OrderRecord:
        return msgspec.convert(self.orders_by_id[order_id], OrderRecord)

    def stock(self, skus: Sequence[str] | None = None) -> dict[str, VariantStock]:
        chosen = [each for each in self.variants.values() if skus is None or each["sku"] in skus]
        return {each["sku"]: msgspec.convert(each, VariantStock) for each in chosen}

    # ---- what the API does, with its gaps

    def with_variants(self, product: Row) -> Row:
        """A product with its variants; it may have none."""
        return {
            **product,
            "variants": [each for each in self.variants.values() if each["product"] is product],
        }

    def create_product(self, given: Row) -> Row:
        """A slug that another product has gets a number behind it."""
        (text,) = given["translations"]
        slugs = {each["slug"] for each in self.products.values()}
        slug, number = text["slug"], 1
        while slug in slugs:
            number += 1
            slug = f"{text['slug']}-{number}"
        return self._product(text["name"], slug, enabled=given.get("enabled", True))

    def create_variants(self, given: list[Row]) -> list[Row] | str:
        """All of them, or none and the error's code. A product without options has one variant at most."""
        for each in given:
            product = self.products.get(each["productId"])
            if product is None:
                return "ENTITY_NOT_FOUND"
            if self.with_variants(product)["variants"] or each["sku"] in self.refused_skus:
                return "USER_INPUT_ERROR"
        return [
            self._variant(
                self.products[each["productId"]],
                each["sku"],
                each["translations"][0]["name"],
                units=0,
                price=each.get("price", 0),
                enabled=each.get("enabled", True),
                tracked=each.get("trackInventory", "INHERIT"),
            )
            for each in given
        ]

    def _product(self, name: str, slug: str, *, enabled: bool) -> Row:
        key = self.new_id()
        self.products[key] = {"id": key, "name": name, "slug": slug, "enabled": enabled}
        return self.products[key]

    def _variant(
        self,
        product: Row,
        sku: str,
        name: str,
        *,
        units: int,
        price: int,
        enabled: bool,
        tracked: str = "TRUE",
    ) -> Row:
        key = self.new_id()
        level = {"stockLocationId": LOCATION, "stockOnHand": units, "stockAllocated": 0}
        self.variants[key] = {
            "id": key,
            "sku": sku,
            "name": name,
            "enabled": enabled,
            "price": price,
            "currencyCode": self.currency,
            "product": product,
            "trackInventory": tracked,
            "stockLevels": [level],
        }
        return self.variants[key]

    def create_fulfillment(self, lines: list[Row], method: str, tracking: str) -> Row:
        """Checked as Vendure does it: each input line for itself, not their sum, nor the order's state."""
        if not lines or not sum(line["quantity"] for line in lines):
            return rejection("EmptyOrderLineSelectionError", "EMPTY_ORDER_LINE_SELECTION_ERROR")
        orders = {self._order_of(line["orderLineId"])["id"] for line in lines}
        for line in lines:
            if line["quantity"] > self._open_units(line["orderLineId"]):
                return rejection("ItemsAlreadyFulfilledError", "ITEMS_ALREADY_FULFILLED_ERROR")
        for line in lines:
            level = self._line_of(line["orderLineId"])["productVariant"]["stockLevels"][0]
            if level["stockOnHand"] < line["quantity"]:
                return rejection(
                    "InsufficientStockOnHandError",
                    "INSUFFICIENT_STOCK_ON_HAND_ERROR",
                    stockOnHand=level["stockOnHand"],
                )
        made: Row = {
            "__typename": "Fulfillment",
            "id": self.new_id(),
            "state": "Pending",
            "method": method,
            "trackingCode": tracking,
            "lines": lines,
        }
        for line in lines:
            level = self._line_of(line["orderLineId"])["productVariant"]["stockLevels"][0]
            level["stockOnHand"] -= line["quantity"]
            level["stockAllocated"] -= line["quantity"]
        self.fulfillments[made["id"]] = made
        for order in orders:
            self.orders_by_id[order]["fulfillments"].append(made)
        return made

    def move_fulfillment(self, key: str, state: str) -> Row | None:
        """Pending → Shipped → Delivered, any of them → Cancelled; None where there is no such one. What
        is cancelled comes back on hand and is allocated again; the order's state stays."""
        found = self.fulfillments.get(key)
        if found is None:
            return None
        allowed = {
            "Pending": ["Shipped", "Delivered", "Cancelled"],
            "Shipped": ["Delivered", "Cancelled"],
            "Delivered": ["Cancelled"],
        }
        if state not in allowed.get(found["state"], []) or state in self.refused_moves:
            return rejection(
                "FulfillmentStateTransitionError",
                "FULFILLMENT_STATE_TRANSITION_ERROR",
                fromState=found["state"],
                toState=state,
                transitionError="no",
            )
        found["state"] = state
        if state == "Cancelled":
            for line in found["lines"]:
                level = self._line_of(line["orderLineId"])["productVariant"]["stockLevels"][0]
                level["stockOnHand"] += line["quantity"]
                level["stockAllocated"] += line["quantity"]
        for order in self.orders_by_id.values():
            if (
                found in order["fulfillments"]
                and state == "Shipped"
                and order["state"] != "PaymentAuthorized"
            ):
                whole = not any(self._open_units(line["id"]) for line in order["lines"])
                order["state"] = "Shipped" if whole else "PartiallyShipped"
        return found

    def set_levels(self, changes: list[Row]) -> list[Row] | None:
        """All of them, or none and None where a variant is not there."""
        if any(change["id"] not in self.variants for change in changes):
            return None
        for change in changes:
            for level in change["stockLevels"]:
                rows = self.variants[change["id"]]["stockLevels"]
                there = [row for row in rows if row["stockLocationId"] == level["stockLocationId"]]
                if not there:
                    there = [{"stockLocationId": level["stockLocationId"], "stockAllocated": 0}]
                    rows.extend(there)
                there[0]["stockOnHand"] = level["stockOnHand"]
        return [self.variants[change["id"]] for change in changes]

    def _order_of(self, line: str) -> Row:
        return next(
            each for each in self.orders_by_id.values() if line in [one["id"] for one in each["lines"]]
        )

    def has_line(self, line: str) -> bool:
        return any(line == one["id"] for each in self.orders_by_id.values() for one in each["lines"])

    def _line_of(self, line: str) -> Row:
        found: Row = next(each for each in self._order_of(line)["lines"] if each["id"] == line)
        return found

    def _open_units(self, line: str) -> int:
        done: int = sum(
            one["quantity"]
            for each in self._order_of(line)["fulfillments"]
            if each["state"] != "Cancelled"
            for one in each["lines"]
            if one["orderLineId"] == line
        )
        return int(self._line_of(line)["quantity"] - done)


def stamp(at: datetime) -> str:
    """As Vendure writes instants: UTC, with milliseconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


ADDRESS = {
    "fullName": "Ada Example",
    "company": "Example Ltd",
    "streetLine1": "1 Test Street",
    "streetLine2": "Floor 2",
    "city": "Springfield",
    "province": "IL",
    "postalCode": "62701",
    "countryCode": "US",
    "phoneNumber": "+1 555 0100",
}
