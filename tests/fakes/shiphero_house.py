"""What the double has in its warehouse: rows as ShipHero's API shows them, and what people do there."""

import base64
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

Row = dict[str, Any]

WAREHOUSE = "V2FyZWhvdXNlOjc="
SHOP = "dropstreamd"
NO_HOLDS = {
    f"{name}_hold": False for name in ("fraud", "address", "shipping_method", "operator", "payment", "client")
}


def uuid(kind: str, number: int) -> str:
    """An id as ShipHero makes them."""
    return base64.b64encode(f"{kind}:{number}".encode()).decode()


class House:
    """One account's warehouse. `now_s` tells the server's time, kept to the second."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._made = 0
        self.orders: dict[str, Row] = {}
        self.shipments: dict[str, Row] = {}
        self.products: dict[str, Row] = {}
        self.stock: dict[str, Row] = {}
        self.purchases: dict[str, Row] = {}
        self.returns: dict[str, Row] = {}

    @property
    def now(self) -> str:
        return datetime.fromtimestamp(int(self._now_s()), UTC).replace(tzinfo=None).isoformat()

    def trace(self) -> object:
        """Everything that it holds."""
        tables = (self.orders, self.shipments, self.products, self.stock, self.purchases, self.returns)
        return [{key: _flat(row) for key, row in table.items()} for table in tables]

    # ---- what its people do

    def order(self, reference: str, units: Mapping[str, int], *, shop: str = SHOP) -> Row:
        """An order as it came over the API."""
        lines = [
            self.line(sku=sku, quantity=count, partner_line_item_id=f"{reference}-{number}", price="1.00")
            for number, (sku, count) in enumerate(units.items(), 1)
        ]
        return self.keep_order(
            order_number=reference, partner_order_id=reference, shop_name=shop, line_items=lines
        )

    def keep_order(self, **told: Any) -> Row:
        given = dict.fromkeys(
            (
                "customer_account_id",
                "email",
                "gift_note",
                "packing_note",
                "required_ship_date",
                "shipping_lines",
                "shipping_address",
                "billing_address",
                "profile",
                "currency",
            )
        )
        row: Row = {
            **given,
            "id": self._id("Order"),
            "fulfillment_status": "pending",
            "holds": dict(NO_HOLDS),
            "created_at": self.now,
            "updated_at": self.now,
            **told,
        }
        self.orders[row["id"]] = row
        return row

    def line(self, **told: Any) -> Row:
        return {"id": self._id("LineItem"), "quantity_shipped": 0, "product_name": told["sku"], **told}

    def ship(self, order: Row, units: Mapping[str, int] | None = None, *labels: str) -> Row:
        """Pack units of an order under labels, the first of which takes all of them."""
        shipment: Row = {
            "id": self._id("Shipment"),
            "customer_account_id": order["customer_account_id"],
            "created_date": self.now,
            "warehouse_id": WAREHOUSE,
            "order": order,
            "order_id": order["id"],
            "shipping_labels": [self.label(number) for number in labels],
            "line_items": [],
        }
        first = shipment["shipping_labels"][0]["id"] if labels else None
        wanted = units or {line["sku"]: line["quantity"] for line in order["line_items"]}
        for line in order["line_items"]:
            if line["sku"] in wanted:
                self.pack(shipment, line, wanted[line["sku"]], first)
        self.shipments[shipment["id"]] = shipment
        if all(line["quantity_shipped"] >= line["quantity"] for line in order["line_items"]):
            order["fulfillment_status"] = "fulfilled"
        self.touch(order)
        return shipment

    def pack(self, shipment: Row, line: Row, count: int, label: str | None) -> None:
        line["quantity_shipped"] += count
        shipment["line_items"].append(
            {
                "id": self._id("ShipmentLineItem"),
                "quantity": count,
                "shipping_label_id": label,
                "line_item_id": line["id"],
                "line_item": line,
            }
        )

    def label(self, tracking: str, carrier: str = "ups", method: str = "ups-ground") -> Row:
        return {
            "id": self._id("ShippingLabel"),
            "status": "valid",
            "refunded": False,
            "tracking_number": tracking,
            "tracking_url": f"https://track.example.com/{tracking}",
            "carrier": carrier,
            "shipping_name": "UPS Ground",
            "shipping_method": method,
            "created_date": self.now,
        }

    def void(self, label: Row) -> None:
        label["status"] = "void"
        label["refunded"] = True

    def touch(self, row: Row) -> None:
        row["updated_at"] = self.now

    def add_product(self, sku: str, *, name: str = "", on_hand: int | None = 0, **told: Any) -> Row:
        row: Row = {
            "id": self._id("Product"),
            "customer_account_id": None,
            "sku": sku,
            "name": name or f"A {sku}",
            "barcode": None,
            "country_of_manufacture": None,
            "tariff_code": None,
            "active": True,
            "created_at": self.now,
            "updated_at": self.now,
            "dimensions": {"weight": "8.00", "height": "1", "width": "1", "length": "1"},
            "warehouse_products": [],
            **told,
        }
        self.products[row["id"]] = row
        if on_hand is not None:
            self.put(row, on_hand)
        return row

    def put(self, product: Row, on_hand: int, *, warehouse: str = WAREHOUSE) -> Row:
        """Units of a product in the warehouse, none of them promised."""
        found = next(
            (each for each in product["warehouse_products"] if each["warehouse_id"] == warehouse), None
        )
        if found is None:
            found = {
                "id": self._id("WarehouseProduct"),
                "customer_account_id": product["customer_account_id"],
                "sku": product["sku"],
                "warehouse_id": warehouse,
                "reserve_inventory": 0,
                "non_sellable_quantity": 0,
                "allocated": 0,
                "active": True,
            }
            product["warehouse_products"].append(found)
            self.stock[found["id"]] = found
        found |= {"on_hand": on_hand, "available": on_hand - found["allocated"], "updated_at": self.now}
        return found

    def product(self, sku: str) -> Row | None:
        return next((row for row in self.products.values() if row["sku"] == sku), None)

    def count(self, units: Mapping[str, int]) -> None:
        """These are in stock from now on."""
        for sku, on_hand in units.items():
            product = self.product(sku)
            if product is None:
                self.add_product(sku, on_hand=on_hand)
            else:
                self.put(product, on_hand)

    def purchase(self, number: str, units: Mapping[str, int]) -> Row:
        row: Row = {
            "id": self._id("PurchaseOrder"),
            "customer_account_id": None,
            "warehouse_id": WAREHOUSE,
            "po_number": number,
            "created_at": self.now,
            "po_date": self.now,
            "fulfillment_status": "pending",
            "po_note": None,
            "vendor": {"name": "Mill & Sons"},
            "line_items": [
                {
                    "id": self._id("PurchaseOrderLineItem"),
                    "sku": sku,
                    "quantity": count,
                    "quantity_received": 0,
                    "quantity_rejected": 0,
                    "updated_at": self.now,
                }
                for sku, count in units.items()
            ],
        }
        self.purchases[row["id"]] = row
        return row

    def send_back(self, order: Row, units: Mapping[str, int], *, reference: str | None = None) -> Row:
        """A return that is expected."""
        by_sku = {line["sku"]: line for line in order["line_items"]}
        row: Row = {
            "id": self._id("Return"),
            "customer_account_id": order["customer_account_id"],
            "warehouse_id": WAREHOUSE,
            "partner_id": reference,
            "status": "pending",
            "created_at": self.now,
            "order": order,
            "order_id": order["id"],
            "labels": [],
            "line_items": [
                {
                    "id": self._id("ReturnItem"),
                    "quantity": count,
                    "quantity_received": 0,
                    "restock": 0,
                    "condition": None,
                    "line_item": by_sku[sku],
                }
                for sku, count in units.items()
            ],
        }
        self.returns[row["id"]] = row
        return row

    def _id(self, kind: str) -> str:
        self._made += 1
        return uuid(kind, self._made)


def _flat(row: Row) -> str:
    """A row in text, others that it leads to by their ids."""
    return repr({name: _shown(value) for name, value in row.items()})


def _shown(value: Any) -> Any:
    if isinstance(value, dict) and "id" in value:
        leads = {name: each for name, each in value.items() if not isinstance(each, dict | list)}
        return sorted(leads.items(), key=repr)
    return [_shown(each) for each in value] if isinstance(value, list) else value


def lines_of(rows: Iterable[Row]) -> dict[str, int]:
    """Units by SKU."""
    units: dict[str, int] = {}
    for row in rows:
        units[row["sku"]] = units.get(row["sku"], 0) + row["quantity"]
    return units
