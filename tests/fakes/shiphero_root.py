"""The root fields of the double's API: what ShipHero's own checks let through."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from .shiphero_house import WAREHOUSE, House, Row

NOT_KEPT = "NOT-KEPT"
"""A SKU that no product has: orders for it are refused."""


class Server(Protocol):
    """What the fields need of the server."""

    house: House
    user: str
    customers: set[str]
    refusals: dict[str, tuple[str, int]]
    credits: Any


class Refused(Exception):
    """An error of ShipHero's, with its code."""

    def __init__(self, message: str, code: int = 3) -> None:
        super().__init__(message)
        self.code = code


class Root:
    """One request's."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._house = server.house

    # ---- the account

    def me(self, info: Any) -> Row:
        self._may(info, {})
        return _record({"id": "VXNlcjox", "email": self._server.user})

    def account(self, info: Any) -> Row:
        self._may(info, {})
        houses = [
            {"id": WAREHOUSE, "identifier": "Primary"},
            {"id": "V2FyZWhvdXNlOjg=", "identifier": "East"},
        ]
        told = {"id": "QWNjb3VudDox", "email": "owner@acme.example", "status": "active", "is_3pl": False}
        return _record({**told, "warehouses": houses})

    def user_quota(self, _info: Any) -> Row:
        left = self._server.credits
        return {
            "credits_remaining": int(min(left.count(), 2**31 - 1)),
            "max_available": int(min(left.maximum, 2**31 - 1)),
            "increment_rate": int(min(left.rate_per_s, 2**31 - 1)),
        }

    # ---- listings

    def orders(
        self,
        info: Any,
        shop_name: str | None = None,
        partner_order_id: str | None = None,
        updated_from: str | None = None,
        updated_to: str | None = None,
        **given: Any,
    ) -> Row:
        rows = self._rows(info, self._house.orders, given)
        rows = _between(rows, "updated_at", updated_from, updated_to)
        rows = _equal(rows, "shop_name", shop_name)
        return _record(list(_equal(rows, "partner_order_id", partner_order_id)))

    def order(self, info: Any, id: str) -> Row:  # noqa: A002 - ShipHero's name
        return self._one(info, self._house.orders, id, "Order")

    def shipments(
        self,
        info: Any,
        date_from: str | None = None,
        date_to: str | None = None,
        voided: bool | None = None,
        **given: Any,
    ) -> Row:
        rows = self._rows(info, self._house.shipments, given)
        rows = _between(rows, "created_date", date_from, date_to)
        return _record([row for row in rows if voided is None or voided == _is_void(row)])

    def shipment(self, info: Any, id: str) -> Row:  # noqa: A002 - ShipHero's name
        return self._one(info, self._house.shipments, id, "Shipment")

    def products(
        self,
        info: Any,
        sku: str | None = None,
        updated_from: str | None = None,
        updated_to: str | None = None,
        **given: Any,
    ) -> Row:
        rows = _between(self._rows(info, self._house.products, given), "updated_at", updated_from, updated_to)
        return _record(list(_equal(rows, "sku", sku)))

    def warehouse_products(self, info: Any, warehouse_id: str | None = None, **given: Any) -> Row:
        if warehouse_id is not None and not warehouse_id.startswith("V2FyZWhvdXNlO"):
            raise Refused("Warehouse not found", 5)
        return _record(list(_equal(self._rows(info, self._house.stock, given), "warehouse_id", warehouse_id)))

    def purchase_orders(
        self, info: Any, warehouse_id: str | None = None, created_from: str | None = None, **given: Any
    ) -> Row:
        rows = _between(self._rows(info, self._house.purchases, given), "created_at", created_from, None)
        return _record(list(_equal(rows, "warehouse_id", warehouse_id)))

    def purchase_order(self, info: Any, id: str) -> Row:  # noqa: A002 - ShipHero's name
        return self._one(info, self._house.purchases, id, "Purchase order")

    def returns(
        self,
        info: Any,
        order_id: str | None = None,
        warehouse_id: str | None = None,
        date_from: str | None = None,
        **given: Any,
    ) -> Row:
        rows = _between(self._rows(info, self._house.returns, given), "created_at", date_from, None)
        rows = _equal(rows, "warehouse_id", warehouse_id)
        return _record(list(_equal(rows, "order_id", order_id)))

    # ---- orders

    def order_create(self, info: Any, data: Row) -> Row:
        self._may(info, data)
        lines = data.pop("line_items", None) or []
        if any(line["sku"] == NOT_KEPT for line in lines):
            raise Refused(f"Product with sku {NOT_KEPT} not found", 5)
        _apart(lines)
        kept = [self._house.line(**line) for line in lines]
        holds = data.pop("holds", None) or {}
        order = self._house.keep_order(**data, line_items=kept)
        order["holds"] |= holds
        return {"complexity": 1, "order": order}

    def order_update(self, info: Any, data: Row) -> Row:
        order = self._mine(info, data)
        told = {name: each for name, each in data.items() if name not in ("order_id", "customer_account_id")}
        told.pop("skip_address_validation", None)
        order.update(told)
        return self._changed(order)

    def order_add_line_items(self, info: Any, data: Row) -> Row:
        order = self._mine(info, data)
        _apart([*order["line_items"], *data["line_items"]])
        order["line_items"] += [self._house.line(**line) for line in data["line_items"]]
        return self._changed(order)

    def order_update_line_items(self, info: Any, data: Row) -> Row:
        order = self._mine(info, data)
        by_id = {line["id"]: line for line in order["line_items"]}
        for line in data["line_items"]:
            if line["id"] not in by_id:
                raise Refused("Line item not found", 5)
            by_id[line["id"]].update(line)
        return self._changed(order)

    def order_remove_line_items(self, info: Any, data: Row) -> Row:
        order = self._mine(info, data)
        gone = set(data["line_item_ids"])
        order["line_items"] = [line for line in order["line_items"] if line["id"] not in gone]
        return self._changed(order)

    def order_cancel(self, info: Any, data: Row) -> Row:
        order = self._mine(info, data)
        shipped = [row for row in self._house.shipments.values() if row["order_id"] == order["id"]]
        if any(not _is_void(row) for row in shipped) and not data.get("force"):
            raise Refused("The order has valid labels")
        order["fulfillment_status"] = "canceled"
        return self._changed(order)

    # ---- goods

    def product_create(self, info: Any, data: Row) -> Row:
        self._may(info, data)
        if self._house.product(data["sku"]) is not None:
            raise Refused(f"A product with sku {data['sku']} already exists")
        if data["sku"] == "REFUSED":
            raise Refused("The sku is not allowed")
        stocked = data.pop("warehouse_products")
        product = self._house.add_product(on_hand=None, **data)
        for each in stocked:
            self._house.put(product, each["on_hand"], warehouse=each["warehouse_id"])
        return {"complexity": 1, "product": product}

    def product_update(self, info: Any, data: Row) -> Row:
        product = self._product(info, data)
        product.update({name: each for name, each in data.items() if name != "customer_account_id"})
        self._house.touch(product)
        return {"complexity": 1, "product": product}

    def product_add_to_warehouse(self, info: Any, data: Row) -> Row:
        product = self._product(info, data)
        found = self._house.put(product, data.get("on_hand") or 0, warehouse=data["warehouse_id"])
        return {"complexity": 1, "warehouse_product": found}

    def return_create(self, info: Any, data: Row) -> Row:
        order = self._mine(info, data)
        units = {line["sku"]: line["quantity"] for line in data["line_items"]}
        strange = units.keys() - {line["sku"] for line in order["line_items"]}
        if strange:
            raise Refused(f"SKU {sorted(strange)[0]} is not part of the order", 5)
        made = self._house.send_back(order, units, reference=data.get("partner_id"))
        if data.get("tracking_number"):
            made["labels"].append({"tracking_number": data["tracking_number"]})
        return {"complexity": 1, "return": made}

    # ---- checks

    def _rows(self, info: Any, table: Mapping[str, Row], given: Mapping[str, Any]) -> Iterable[Row]:
        """Those of the client that is named, or of the account itself."""
        customer = given.get("customer_account_id")
        self._may(info, given)
        rest = {
            name: each for name, each in given.items() if name != "customer_account_id" and each is not None
        }
        if rest:
            raise AssertionError(f"the double does not filter by {sorted(rest)}")
        return [row for row in table.values() if row["customer_account_id"] == customer]

    def _may(self, info: Any, given: Mapping[str, Any]) -> None:
        if info.field_name in self._server.refusals:
            raise Refused(*self._server.refusals[info.field_name])
        customer = given.get("customer_account_id")
        if customer is not None and customer not in self._server.customers:
            raise Refused("Customer account not found", 5)

    def _one(self, info: Any, table: Mapping[str, Row], key: str, what: str) -> Row:
        self._may(info, {})
        if key not in table:
            raise Refused(f"{what} not found", 5)
        return _record(table[key])

    def _mine(self, info: Any, data: Row) -> Row:
        self._may(info, data)
        order = self._house.orders.get(data["order_id"])
        if order is None or order["customer_account_id"] != data.get("customer_account_id"):
            raise Refused("Order not found", 5)
        return order

    def _changed(self, order: Row) -> Row:
        self._house.touch(order)
        return {"complexity": 1, "order": order}

    def _product(self, info: Any, data: Row) -> Row:
        self._may(info, data)
        product = self._house.product(data["sku"])
        if product is None:
            raise Refused("Product not found", 5)
        return product


def _record(data: Any) -> Row:
    return {"request_id": "0", "complexity": 1, "data": data}


def _between(rows: Iterable[Row], name: str, since: str | None, until: str | None) -> Iterable[Row]:
    return [
        row for row in rows if (since is None or row[name] >= since) and (until is None or row[name] <= until)
    ]


def _equal(rows: Iterable[Row], name: str, wanted: str | None) -> Iterable[Row]:
    return [row for row in rows if wanted is None or row[name] == wanted]


def _is_void(shipment: Row) -> bool:
    labels = shipment["shipping_labels"]
    return bool(labels) and any(label["status"] == "void" for label in labels)


def _apart(lines: Iterable[Row]) -> None:
    ids = [line["partner_line_item_id"] for line in lines]
    if len(set(ids)) != len(ids):
        raise Refused("partner_line_item_id must be unique within the order")
