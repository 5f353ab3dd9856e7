"""What a store on BigCommerce holds: orders, shipments, products, levels; and what people do there."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import trio

Row = dict[str, Any]

STORE = "abc123xyz9"
HERE = 1
STATUSES = {
    0: "Incomplete",
    1: "Pending",
    2: "Shipped",
    3: "Partially Shipped",
    4: "Refunded",
    5: "Cancelled",
    6: "Declined",
    7: "Awaiting Payment",
    8: "Awaiting Pickup",
    9: "Awaiting Shipment",
    10: "Completed",
    11: "Awaiting Fulfillment",
    12: "Manual Verification Required",
    13: "Disputed",
    14: "Partially Refunded",
}


def stamp(at: datetime) -> str:
    """As V2 writes instants."""
    return format_datetime(at.astimezone(UTC))


class BigCommerceShop:
    """The state. `lag_s` is how long an adjustment takes to be seen."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.orders: dict[int, Row] = {}
        self.shipments: dict[int, Row] = {}
        self.products: dict[int, Row] = {}
        self.owners: dict[int, Row] = {}
        self.locations = {HERE}
        self.stock: dict[tuple[int, int | None], int] = {}
        self.adjusting: list[tuple[float, tuple[int, int | None], int]] = []
        self.lag_s = 5.0
        self._ids = {
            "order": 100,
            "address": 50,
            "consignment": 800,
            "line": 200,
            "shipment": 0,
            "product": 0,
            "variant": 1000,
        }

    def new_id(self, kind: str) -> int:
        self._ids[kind] += 1
        return self._ids[kind]

    # ---- products and stock

    def add_products(self, stock: Mapping[str, int], *, tracking: str = "product") -> list[Row]:
        return [self.add_product(sku, units, tracking=tracking) for sku, units in stock.items()]

    def add_product(
        self,
        sku: str,
        units: int = 0,
        *,
        tracking: str = "product",
        variants: Mapping[str, int] | None = None,
        **fields: object,
    ) -> Row:
        """A simple product, or one with variants of these SKUs."""
        number = self.new_id("product")
        made: Row = {
            "id": number,
            "name": f"Product {sku}",
            "type": "physical",
            "sku": sku,
            "weight": 0.5,
            "price": 10,
            "upc": "012345678901",
            "mpn": "",
            "inventory_tracking": tracking,
            "is_visible": True,
            "availability": "available",
            "date_modified": self.now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00"),
            "variants": [],
            **fields,
        }
        self.products[number] = made
        for one, count in (variants or {sku: units}).items():
            self.add_variant(made, one, count, label=one if variants else None)
        if tracking == "product":
            self.stock[number, None] = units
        return made

    def add_variant(self, product: Row, sku: str, units: int, *, label: str | None = None) -> Row:
        number = self.new_id("variant")
        made: Row = {
            "id": number,
            "product_id": product["id"],
            "sku": sku,
            "upc": "",
            "price": None,
            "weight": None,
            "calculated_price": product["price"],
            "calculated_weight": product["weight"],
            "purchasing_disabled": False,
            "option_values": [] if label is None else [{"id": number, "option_id": 1, "label": label}],
        }
        product["variants"].append(made)
        self.owners[number] = product
        if product["inventory_tracking"] == "variant":
            self.stock[product["id"], number] = units
        return made

    def things(self, sku: str) -> list[Row]:
        """Products that have the SKU, themselves or by a variant, whatever the case of its letters."""
        wanted = sku.casefold()
        return [
            product
            for product in self.products.values()
            if wanted in {str(each["sku"]).casefold() for each in (product, *product["variants"])}
        ]

    def shown(self, sku: str, *, settled: bool = False) -> int | None:
        """The units of a SKU; `settled`: once all adjustments are carried out."""
        self.carry_out(everything=settled)
        for product in self.products.values():
            for variant in product["variants"]:
                if variant["sku"] == sku:
                    return self.stock.get(
                        (product["id"], variant["id"]), self.stock.get((product["id"], None))
                    )
        return None

    def adjust(self, product: int, variant: int | None, units: int) -> None:
        self.adjusting.append((trio.current_time() + self.lag_s, (product, variant), units))

    def carry_out(self, *, everything: bool = False) -> None:
        due = [each for each in self.adjusting if everything or each[0] <= trio.current_time()]
        for each in due:
            self.stock[each[1]] = each[2]
            self.adjusting.remove(each)

    # ---- orders

    def place(self, units: Mapping[str, int], *, addresses: int = 1, **fields: object) -> Row:
        """A paid order. What was ordered is sent to each of its addresses."""
        number = self.new_id("order")
        made: Row = {
            "id": number,
            "status_id": 11,
            "date_created": stamp(self.now),
            "date_shipped": "",
            "total_ex_tax": "30.0000",
            "total_inc_tax": "32.4600",
            "is_deleted": False,
            "is_tax_inclusive_pricing": False,
            "currency_code": "USD",
            "default_currency_code": "USD",
            "channel_id": 1,
            "customer_id": 0,
            "customer_message": "",
            "items_shipped": 0,
            "payment_status": "captured",
            "billing_address": {**address(), "email": "buyer@example.com"},
            "consignments": {
                "shipping": [self.address(number, units) for _ in range(addresses)],
                "pickups": [],
                "downloads": [],
                "email": {"gift_certificates": []},
            },
            **fields,
        }
        self.orders[number] = made
        self.touch_now(made)
        return made

    def address(self, order: int, units: Mapping[str, int]) -> Row:
        number = self.new_id("address")
        return {
            "id": self.new_id("consignment"),
            **address(),
            "email": "buyer@example.com",
            "shipping_method": "Ship by Weight",
            "line_items": [self.line(order, number, sku, count) for sku, count in units.items()],
        }

    def line(self, order: int, to: int, sku: str, units: int, **fields: object) -> Row:
        return {
            "id": self.new_id("line"),
            "order_id": order,
            "product_id": 77,
            "order_address_id": to,
            "name": f"Product {sku}",
            "sku": sku,
            "upc": "012345678901",
            "type": "physical",
            "price_ex_tax": "10.0000",
            "price_inc_tax": "10.8200",
            "quantity": units,
            "quantity_shipped": 0,
            "quantity_refunded": 0,
            "is_refunded": False,
            "weight": "0.5000",
            "wrapping_message": "",
            "parent_order_product_id": None,
            "is_bundled_product": False,
            **fields,
        }

    def addresses(self, order: Row) -> list[int]:
        """The ids of an order's addresses: not those of its consignments."""
        return [each["line_items"][0]["order_address_id"] for each in order["consignments"]["shipping"]]

    def lines(self, order: Row) -> list[Row]:
        return [line for each in order["consignments"]["shipping"] for line in each["line_items"]]

    def touch(self, *orders: Row) -> None:
        """They change now, a second later than what was before."""
        self.now += timedelta(seconds=1)
        self.touch_now(*orders)

    def touch_now(self, *orders: Row) -> None:
        """They change in this same second."""
        for order in orders:
            order["modified"] = self.now
            order["date_modified"] = stamp(self.now)

    def set_status(self, order: Row, status: int) -> None:
        order["status_id"] = status
        self.touch(order)

    def delete(self, order: Row) -> None:
        """For good, which nobody can by hand."""
        del self.orders[order["id"]]

    def refund(self, order: Row, line: int, units: int) -> None:
        sold = self.lines(order)[line]
        sold["quantity_refunded"] += units
        self.set_status(order, 14)

    # ---- shipments

    def ship(self, order: Row, to: int, units: Mapping[int, int], **fields: object) -> Row:
        """A shipment; the order's status follows."""
        number = self.new_id("shipment")
        made: Row = {
            "id": number,
            "order_id": order["id"],
            "customer_id": 0,
            "order_address_id": to,
            "date_created": stamp(self.now),
            "tracking_number": "",
            "shipping_provider": "",
            "tracking_carrier": "",
            "tracking_link": "",
            "shipping_method": "",
            "comments": "",
            "items": [
                {"order_product_id": line, "product_id": 0, "quantity": count}
                for line, count in units.items()
            ],
            **fields,
        }
        self.shipments[number] = made
        for line in self.lines(order):
            line["quantity_shipped"] += units.get(line["id"], 0)
        whole = all(line["quantity_shipped"] >= line["quantity"] for line in self.lines(order))
        if whole:
            order["date_shipped"] = stamp(self.now)
        self.set_status(order, 2 if whole else 3)
        return made

    def shipments_of(self, order: int) -> list[Row]:
        return [each for each in self.shipments.values() if each["order_id"] == order]


def address() -> Row:
    return {
        "first_name": "Jane",
        "last_name": "Doe",
        "company": "",
        "street_1": "123 Main Street",
        "street_2": "",
        "city": "Austin",
        "state": "Texas",
        "zip": "78751",
        "country": "United States",
        "country_iso2": "US",
        "phone": "5125550100",
    }
