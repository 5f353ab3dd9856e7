"""A shop as Shopify keeps it: orders with their fulfillment orders, stock, products and returns.

Rows are as the API tells them; tests may change them. What a search finds lags behind by `lag`.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

Row = dict[str, Any]

HERE, ELSEWHERE = "gid://shopify/Location/11", "gid://shopify/Location/12"
DOMAIN = "acme.myshopify.com"

ADDRESS = {
    "firstName": "Ada",
    "lastName": "Example",
    "company": "Example Ltd",
    "address1": "1 Test Street",
    "address2": "Floor 2",
    "city": "Springfield",
    "province": "Illinois",
    "zip": "62701",
    "phone": "+1 555 0100",
}


class ShopifyShop:
    """One shop, with what a merchant and buyers do in it."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.lag = timedelta()
        self.rows: dict[str, Row] = {}
        """Everything that has an id, by it."""
        self.indexed: dict[str, list[tuple[datetime, str]]] = {}
        """When a search comes to see an object as changed at which time."""
        self._number = 1000
        for key, name in ((HERE, "Warehouse"), (ELSEWHERE, "Boutique")):
            self.rows[key] = {
                "__typename": "Location",
                "id": key,
                "name": name,
                "isActive": True,
                "fulfillsOnlineOrders": True,
                "isFulfillmentService": False,
            }

    def all(self, kind: str) -> list[Row]:
        return [row for row in self.rows.values() if row["__typename"] == kind]

    def new(self, kind: str, **fields: object) -> Row:
        self._number += 1
        key = f"gid://shopify/{kind}/{self._number}"
        row = {"__typename": kind, "id": key, **fields}
        self.rows[key] = row
        return row

    def touch(self, *rows: Row) -> None:
        """They change now."""
        self.now += timedelta(seconds=1)
        self.touch_now(*rows)

    def touch_now(self, *rows: Row) -> None:
        """They change in this same second."""
        for row in rows:
            row["updatedAt"] = stamp(self.now)
            self.indexed.setdefault(row["id"], []).append((self.now + self.lag, row["updatedAt"]))

    def seen_by_search(self, row: Row) -> str | None:
        """The time of change that a search knows of it; None where it does not know it yet."""
        times = [at for visible, at in self.indexed.get(row["id"], []) if visible <= self.now]
        return times[-1] if times else None

    # ---- products and stock

    def add_products(self, stock: Mapping[str, int], *, tracked: bool = True) -> list[Row]:
        return [self.add_variant(sku, units, tracked=tracked) for sku, units in stock.items()]

    def add_variant(self, sku: str, units: int | None, *, tracked: bool = True) -> Row:
        """Stocked at the warehouse with so many; not stocked there for None."""
        product = self.new(
            "Product", title=f"Product {sku}", vendor="Acme", status="ACTIVE", handle=sku.lower()
        )
        item = self.new(
            "InventoryItem",
            tracked=tracked,
            requiresShipping=True,
            harmonizedSystemCode="610910",
            countryCodeOfOrigin="PT",
            measurement={"weight": {"value": 0.25, "unit": "KILOGRAMS"}},
            levels={} if units is None else {HERE: units},
        )
        variant = self.new(
            "ProductVariant",
            sku=sku,
            barcode="0123456789012",
            price="10.00",
            title="Default Title",
            product=product,
            inventoryItem=item,
        )
        self.touch(variant)
        return variant

    def variants(self, sku: str) -> list[Row]:
        return [row for row in self.all("ProductVariant") if row["sku"] == sku]

    def stock(self, sku: str, location: str = HERE) -> int | None:
        units: int | None = self.variants(sku)[0]["inventoryItem"]["levels"].get(location)
        return units

    # ---- orders

    def place(self, units: Mapping[str, int], *, location: str = HERE, **order: object) -> Row:
        """A paid order; its fulfillment order."""
        self._number += 1
        made = self.new(
            "Order",
            name=f"#{self._number}",
            processedAt=stamp(self.now),
            cancelledAt=None,
            test=False,
            note=None,
            poNumber=None,
            email="ada@example.com",
            phone=None,
            displayFinancialStatus="PAID",
            displayFulfillmentStatus="UNFULFILLED",
            customAttributes=[],
            totalPriceSet=money("35.00"),
            shippingLine={"title": "Standard", "code": "STD"},
            shippingAddress={**ADDRESS, "provinceCode": "IL", "countryCodeV2": "US"},
            billingAddress={**ADDRESS, "provinceCode": "IL", "countryCodeV2": "US"},
            localizedFields=[],
            fulfillmentOrders=[],
            fulfillments=[],
            returns=[],
            **order,
        )
        lines = [self._order_line(sku, count) for sku, count in units.items()]
        return self.add_fulfillment_order(made, {line["id"]: line["quantity"] for line in lines}, location)

    def _order_line(self, sku: str, count: int) -> Row:
        return self.new(
            "LineItem",
            sku=sku,
            quantity=count,
            currentQuantity=count,
            originalUnitPriceSet=money("10.00"),
            lineItemGroup=None,
            variant=next(iter(self.variants(sku)), None),
        )

    def add_fulfillment_order(self, order: Row, units: Mapping[str, int], location: str = HERE) -> Row:
        lines = []
        for key, count in units.items():
            line = self.rows[key]
            lines.append(
                self.new(
                    "FulfillmentOrderLineItem",
                    totalQuantity=count,
                    remainingQuantity=count,
                    requiresShipping=True,
                    sku=line["sku"],
                    productTitle=f"Product {line['sku']}",
                    variantTitle=None,
                    weight={"value": 0.5, "unit": "POUNDS"},
                    shippingLine=None,
                    lineItem=line,
                )
            )
        made = self.new(
            "FulfillmentOrder",
            status="OPEN",
            requestStatus="UNSUBMITTED",
            createdAt=stamp(self.now),
            fulfillBy=None,
            assignedLocation={"location": self.rows[location]},
            deliveryMethod={
                "methodType": "SHIPPING",
                "presentedName": "Standard",
                "serviceCode": "STD",
                "maxDeliveryDateTime": None,
                "additionalInformation": None,
            },
            destination={**ADDRESS, "countryCode": "US", "email": "ada@example.com"},
            internationalDuties=None,
            order=order,
            lineItems=lines,
            fulfillments=[],
        )
        order["fulfillmentOrders"].append(made)
        self.touch(order, made)
        return made

    def pay(self, made: Row, status: str = "PAID") -> None:
        """It changes the order, and not its fulfillment orders."""
        made["order"]["displayFinancialStatus"] = status
        self.touch(made["order"])

    def set_status(self, made: Row, status: str) -> None:
        """Held, scheduled or opened: that changes the fulfillment order, and not the order."""
        made["status"] = status
        self.touch(made)

    def refund(self, made: Row, line: int, units: int) -> None:
        """Take units off before they were shipped."""
        row = made["lineItems"][line]
        row["totalQuantity"] -= units
        row["remainingQuantity"] -= units
        row["lineItem"]["currentQuantity"] -= units
        self.touch(made, made["order"])

    def cancel(self, made: Row) -> None:
        """The whole order; what it holds stays as it was, as a real shop has it."""
        order = made["order"]
        order["cancelledAt"] = stamp(self.now)
        for each in order["fulfillmentOrders"]:
            each["status"] = "CLOSED"
        self.touch(order, *order["fulfillmentOrders"])

    def move(self, made: Row, location: str) -> None:
        """All of it: it keeps its id."""
        made["assignedLocation"] = {"location": self.rows[location]}
        self.touch(made)

    def move_some(self, made: Row, line: int, units: int, location: str) -> Row:
        """Units of a line: they make another fulfillment order."""
        row = made["lineItems"][line]
        row["totalQuantity"] -= units
        row["remainingQuantity"] -= units
        self.touch(made)
        return self.add_fulfillment_order(made["order"], {row["lineItem"]["id"]: units}, location)

    # ---- fulfillments

    def fulfill(self, made: Row, units: Mapping[str, int], tracking: Row | None) -> Row:
        """`units` by line of the fulfillment order; by hand, or for the API after its checks."""
        lines = []
        for row in made["lineItems"]:
            count = units.get(row["id"], 0)
            if count:
                row["remainingQuantity"] -= count
                lines.append(self.new("FulfillmentLineItem", quantity=count, lineItem=row["lineItem"]))
        found = self.new(
            "Fulfillment",
            status="SUCCESS",
            createdAt=stamp(self.now),
            trackingInfo=tracking_info(tracking),
            fulfillmentLineItems=lines,
        )
        made["fulfillments"].append(found)
        made["order"]["fulfillments"].append(found)
        left = any(row["remainingQuantity"] for row in made["lineItems"])
        made["status"] = "IN_PROGRESS" if left else "CLOSED"
        made["order"]["displayFulfillmentStatus"] = "PARTIALLY_FULFILLED" if left else "FULFILLED"
        self.touch(made, made["order"], found)
        return found

    def cancel_fulfillment(self, made: Row, fulfillment: Row) -> Row:
        """Its units are open again: of a fulfillment order that was closed in another one."""
        fulfillment["status"] = "CANCELLED"
        self.now += timedelta(seconds=1)
        units = {line["lineItem"]["id"]: line["quantity"] for line in fulfillment["fulfillmentLineItems"]}
        made["order"]["displayFulfillmentStatus"] = "UNFULFILLED"
        if made["status"] == "CLOSED":
            return self.add_fulfillment_order(made["order"], units)
        for row in made["lineItems"]:
            row["remainingQuantity"] += units.get(row["lineItem"]["id"], 0)
        made["status"] = "OPEN"
        self.touch(made, made["order"])
        return made

    # ---- returns

    def ask_back(self, made: Row, units: int = 1, status: str = "OPEN") -> Row:
        """A return of the first line of a fulfillment order that was shipped."""
        sent = made["fulfillments"][0]["fulfillmentLineItems"][0]
        order = made["order"]
        line = self.new(
            "ReturnLineItem",
            quantity=units,
            returnReasonNote="",
            customerNote=None,
            returnReasonDefinition={"name": "Too small"},
            fulfillmentLineItem=sent,
        )
        reverse = self.new(
            "ReverseFulfillmentOrder",
            status="OPEN",
            lineItems=[
                self.new(
                    "ReverseFulfillmentOrderLineItem",
                    totalQuantity=units,
                    fulfillmentLineItem=sent,
                    dispositions=[],
                )
            ],
            reverseDeliveries=[],
        )
        ret = self.new(
            "Return",
            name=f"{order['name']}-R{len(order['returns']) + 1}",
            status=status,
            createdAt=stamp(self.now),
            requestApprovedAt=None,
            closedAt=None,
            order=order,
            returnLineItems=[line],
            reverseFulfillmentOrders=[reverse],
        )
        order["returns"].append(ret)
        self.touch(order)
        return ret


def money(amount: str) -> Row:
    return {"shopMoney": {"amount": amount, "currencyCode": "USD"}}


def tracking_info(given: Row | None) -> list[Row]:
    """As a fulfillment shows it: one for each number."""
    if not given:
        return []
    numbers = given.get("numbers") or [given.get("number")]
    urls = given.get("urls") or [given.get("url")]
    found = []
    for place, number in enumerate(numbers):
        url = urls[place] if place < len(urls) else None
        found.append({"number": number, "company": given.get("company"), "url": url})
    return [each for each in found if any(each.values())]


def stamp(at: datetime) -> str:
    """As Shopify writes instants: UTC, in seconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
