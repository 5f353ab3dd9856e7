"""A WooCommerce shop's own half: orders, refunds, fulfillments, notes, products, and what its controllers
make of a request."""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from .woocommerce_routes import Asked
from .woocommerce_rows import (
    ADDRESS,
    BROKEN,
    ZONE,
    Refused,
    Row,
    bound,
    entry_error,
    gmt,
    has_status,
    paged,
    shown,
)

FIRST_NUMBER = 1000
LISTS = ("wc/v3/orders", "wc/v3/products", "wc/v3/variations", "wc/v3/products/*/variations")


class WooShop:
    """State, and what people and buyers do. Every change takes a second of the shop's time."""

    def __init__(self, now: datetime) -> None:
        self.now = now.astimezone(UTC).replace(microsecond=0)
        self.orders: dict[int, Row] = {}
        self.refunds: dict[int, list[Row]] = {}
        self.fulfillments: dict[int, list[Row]] = {}
        self.trackings: dict[int, list[Row]] = {}
        self.notes: dict[int, list[Row]] = {}
        self.mailed: list[str] = []
        self.products: dict[int, Row] = {}
        self.weight_unit = "kg"
        self.currency = "EUR"
        self.has_fulfillments = True
        self.has_tracking = False
        self.has_variations = True
        self.most_in_batch = 100
        self._number = FIRST_NUMBER
        self._by_sku: dict[str, list[int]] = {}

    def new_id(self) -> int:
        self._number += 1
        return self._number

    def tick(self, seconds: float = 1.0) -> datetime:
        self.now += timedelta(seconds=seconds)
        return self.now

    # ---- what people do

    def add_product(self, sku: str, stock: int | None = 10, **changes: Any) -> Row:
        """A simple product; `stock` None: not managed."""
        made = {
            "id": self.new_id(),
            "parent_id": 0,
            "type": "simple",
            "name": f"A {sku}"[:50],
            "status": "publish",
            "sku": sku,
            "virtual": False,
            "downloadable": False,
            "manage_stock": stock is not None,
            "stock_quantity": stock,
            "backorders": "no",
            "weight": "0.25",
            "price": "9.5",
            "global_unique_id": "",
            "attributes": [],
            "meta_data": [],
            "date_modified_gmt": gmt(self.now),
            **changes,
        }
        self.products[made["id"]] = made
        self._by_sku.setdefault(made["sku"].casefold(), []).append(made["id"])
        return made

    def add_variable(self, sku: str, skus: Iterable[str], **changes: Any) -> Row:
        """A variable product and its variations."""
        parent = self.add_product(sku, None, type="variable", name=f"All {sku}")
        for number, each in enumerate(skus):
            attributes = [{"id": 0, "name": "Size", "option": f"S{number}"}]
            self.add_product(each, parent_id=parent["id"], type="variation", attributes=attributes, **changes)
        return parent

    def product(self, sku: str) -> Row:
        (found,) = [each for each in self.products.values() if each["sku"] == sku]
        return found

    def place(self, units: Mapping[str, int], *, status: str = "processing", **changes: Any) -> Row:
        """An order, as the checkout makes it. It takes no time: many may be placed in one second."""
        lines = [self._line(sku, count) for sku, count in units.items()]
        number = self.new_id()
        made = {
            "id": number,
            "number": str(number),
            "status": status,
            "currency": self.currency,
            "total": f"{sum(float(line['total']) for line in lines):.2f}",
            "date_created_gmt": gmt(self.now),
            "date_modified_gmt": gmt(self.now),
            "date_modified": gmt(self.now.astimezone(ZONE)),
            "customer_note": "",
            "billing": {**ADDRESS, "email": "ann@example.com", "phone": "01904 1"},
            "shipping": {**ADDRESS, "phone": ""},
            "line_items": lines,
            "shipping_lines": [
                {"id": 1, "method_title": "Flat rate", "method_id": "flat_rate", "total": "5"}
            ],
            "refunds": [],
            "meta_data": [],
            **changes,
        }
        self.orders[number] = made
        return made

    def _line(self, sku: str, count: int) -> Row:
        product = next((each for each in self.products.values() if each["sku"] == sku), None)
        variation = product is not None and product["type"] == "variation"
        return {
            "id": self.new_id(),
            "name": product["name"] if product else sku,
            "product_id": 0 if product is None else product["parent_id"] or product["id"],
            "variation_id": product["id"] if product and variation else 0,
            "quantity": count,
            "sku": sku if product else None,
            "total": f"{9.5 * count:.2f}",
            "price": 9.5,
            "meta_data": [],
        }

    def touch(self, order: Row) -> None:
        self.tick()
        order["date_modified_gmt"] = gmt(self.now)
        order["date_modified"] = gmt(self.now.astimezone(ZONE))

    def set_status(self, order: Row, status: str) -> None:
        order["status"] = status
        self.touch(order)

    def refund(self, order: Row, place: int, units: int) -> None:
        """Units of a line, as a person refunds them."""
        line = order["line_items"][place]
        meta = [{"id": 1, "key": "_refunded_item_id", "value": str(line["id"])}]
        made = {
            "id": self.new_id(),
            "amount": "1.00",
            "line_items": [{**line, "id": self.new_id(), "quantity": -units, "meta_data": meta}],
        }
        self.refunds.setdefault(order["id"], []).append(made)
        order["refunds"] = [*order["refunds"], {"id": made["id"], "reason": "", "total": "-1.00"}]
        self.touch(order)

    def fulfill_by_hand(
        self, order: Row, units: Mapping[int, int], number: str, *, draft: bool = False
    ) -> Row:
        items = [{"item_id": line, "qty": count} for line, count in units.items()]
        return self._fulfillment(order, {"_items": items, "_tracking_number": number}, fulfilled=not draft)

    def delete(self, order: Row) -> None:
        """For good: no list has it any more."""
        del self.orders[order["id"]]

    def shipped(self, order: Row) -> list[Row]:
        return [each for each in self.fulfillments.get(order["id"], []) if each["date_deleted"] is None]

    def _fulfillment(self, order: Row, fields: Mapping[str, Any], *, fulfilled: bool) -> Row:
        items = fields.get("_items")
        if not isinstance(items, list) or not items:
            raise Refused(0)
        for item in items:
            if not (item.get("item_id", 0) > 0 and item.get("qty", 0) > 0):
                raise Refused(0)
        made = {
            "id": self.new_id(),
            "entity_type": "WC_Order",
            "entity_id": str(order["id"]),
            "status": "fulfilled" if fulfilled else "unfulfilled",
            "is_fulfilled": fulfilled,
            "date_updated": gmt(self.now.astimezone(ZONE)).replace("T", " "),
            "date_deleted": None,
            "meta_data": [],
        }
        dated = {"_date_fulfilled": made["date_updated"]} if fulfilled else {}
        self._put_meta(made, {**fields, **dated})
        self.fulfillments.setdefault(order["id"], []).append(made)
        self._put_meta(order, {"_fulfillment_status": "partially_fulfilled"})
        self.touch(order)
        return made

    def _put_meta(self, row: Row, fields: Mapping[str, Any]) -> None:
        for key, value in fields.items():
            known = next((meta for meta in row["meta_data"] if meta["key"] == key), None)
            if known is None:
                row["meta_data"].append({"id": self.new_id(), "key": key, "value": value})
            else:
                known["value"] = value

    # ---- the controllers

    def answer(self, asked: Asked) -> tuple[int, Any, dict[str, str]]:
        """Status, body and headers."""
        path = asked.route.path
        kind = path.rpartition("/")[2] if not path.endswith("*") else f"{path.split('/')[-2]}/*"
        if kind == "v3":
            return 200, self._index(path), {}
        if path in LISTS:
            return self._orders(asked) if kind == "orders" else self._products(asked)
        if kind == "batch":
            return 200, self._batch(asked), {}
        if kind in ("woocommerce_weight_unit", "current"):
            return 200, {"id": kind, "value": self.weight_unit, "code": self.currency}, {}
        return self._of_an_order(asked, kind)

    def _index(self, path: str) -> Row:
        if path != "wc/v3":
            if not self.has_tracking:
                raise Refused("rest_no_route", 404)
            routes = ["", "/orders/(?P<order_id>[\\d]+)/shipment-trackings"]
        else:
            routes = ["", "/orders", "/products"]
            routes += ["/orders/(?P<order_id>[\\d]+)/fulfillments"] if self.has_fulfillments else []
            routes += ["/variations"] if self.has_variations else []
        return {"namespace": path, "routes": {f"/{path}{each}": {"methods": ["GET"]} for each in routes}}

    def _orders(self, asked: Asked) -> tuple[int, Any, dict[str, str]]:
        query = asked.query
        wanted = query.get("status", ["any"])
        rows = [row for row in self.orders.values() if has_status(row["status"], wanted)]
        if "include" in query:
            rows = [row for row in rows if row["id"] in query["include"]]
        if "modified_after" in query:
            column = "date_modified_gmt" if query.get("dates_are_gmt") else "date_modified"
            since = bound(query["modified_after"])
            rows = [row for row in rows if row[column] > since]
        return paged(rows, query)

    def _products(self, asked: Asked) -> tuple[int, Any, dict[str, str]]:
        query, path = asked.query, asked.route.path
        rows: Iterable[Row] = self.products.values()
        if query.get("sku") and query["sku"] != "0":
            words = re.sub(r"%[0-9a-fA-F]{2}|<[^>]*>", "", " ".join(query["sku"].split()))
            skus = {*words.split(","), words}
            rows = [self.products[each] for sku in skus for each in self._by_sku.get(sku.casefold(), [])]
        elif path == "wc/v3/products":
            rows = [row for row in rows if row["type"] != "variation"]
        elif path == "wc/v3/variations":
            rows = [row for row in rows if row["type"] == "variation"]
        else:
            rows = [row for row in rows if row["parent_id"] == int(asked.ids[0])]
        if path.endswith("variations"):
            rows = [{key: value for key, value in row.items() if key != "type"} for row in rows]
        if path == "wc/v3/products/*/variations":
            rows = [{**row, "parent_id": int(asked.ids[0])} for row in rows]
        status = query.get("status", "any")
        rows = [row for row in rows if row["status"] != "trash" or status == "trash"]
        if "include" in query:
            rows = [row for row in rows if row["id"] in query["include"]]
        return paged(list(rows), query)

    def _of_an_order(self, asked: Asked, kind: str) -> tuple[int, Any, dict[str, str]]:
        order = self.orders.get(int(asked.ids[0]))
        if order is None or order.get(BROKEN):
            raise Refused("woocommerce_rest_shop_order_invalid_id", 404)
        number, body = order["id"], asked.body
        controllers: dict[tuple[str, str], Callable[[], Any]] = {
            ("GET", "orders/*"): lambda: shown(order, asked.query),
            ("POST", "orders/*"): lambda: self._change_order(order, body),
            ("GET", "notes"): lambda: list(reversed(self.notes.get(number, []))),
            ("POST", "notes"): lambda: self._note(order, body),
            ("GET", "fulfillments"): lambda: self.shipped(order),
            ("POST", "fulfillments"): lambda: self._fulfill(order, body),
            ("POST", "fulfillments/*"): lambda: self._change_fulfillment(order, int(asked.ids[1]), body),
            ("GET", "shipment-trackings"): lambda: list(self.trackings.get(number, [])),
            ("POST", "shipment-trackings"): lambda: self._track(order, body),
            ("DELETE", "shipment-trackings/*"): lambda: self._untrack(order, asked.ids[1]),
        }
        if kind == "refunds":
            query = {"order": "asc", "orderby": "id", **asked.query}
            return paged(self.refunds.get(number, []), query)
        self._needs(self.has_fulfillments or not kind.startswith("fulfillments"))
        self._needs(self.has_tracking or not kind.startswith("shipment-trackings"))
        status = 201 if asked.route.method == "POST" and not kind.endswith("*") else 200
        return status, controllers[asked.route.method, kind](), {}

    def _fulfill(self, order: Row, body: Mapping[str, Any]) -> Row:
        fields = {meta["key"]: meta["value"] for meta in body["meta_data"]}
        made = self._fulfillment(order, fields, fulfilled=body.get("status") == "fulfilled")
        if body.get("notify_customer"):
            self.mailed.append(f"fulfillment {made['id']}")
        return made

    def _needs(self, offered: bool) -> None:
        if not offered:
            raise Refused("rest_no_route", 404)

    def _change_order(self, order: Row, body: Mapping[str, Any]) -> Row:
        if "status" in body:
            if body["status"] == "completed" and order["status"] != "completed":
                self.mailed.append(f"completed {order['id']}")
            order["status"] = body["status"]
        self._put_meta(order, {meta["key"]: meta["value"] for meta in body.get("meta_data", [])})
        self.touch(order)
        return order

    def _note(self, order: Row, body: Mapping[str, Any]) -> Row:
        text = re.sub(r"<[^>]*>", "", body["note"].replace("\\", ""))
        made = {"id": self.new_id(), "note": text, "customer_note": body.get("customer_note", False)}
        self.notes.setdefault(order["id"], []).append(made)
        if made["customer_note"]:
            self.mailed.append(f"note {made['id']}")
        return made

    def _change_fulfillment(self, order: Row, number: int, body: Mapping[str, Any]) -> Row:
        found = [each for each in self.shipped(order) if each["id"] == number]
        if not found:
            raise Refused(0)
        made = found[0]
        fields = {meta["key"]: meta["value"] for meta in body["meta_data"]}
        if not fields.get("_items"):
            raise Refused(0)
        self._put_meta(made, fields)
        made["meta_data"] = [meta for meta in made["meta_data"] if meta["key"] in fields]
        if body.get("notify_customer"):
            self.mailed.append(f"fulfillment {made['id']} again")
        self.touch(order)
        return made

    def _track(self, order: Row, body: Mapping[str, Any]) -> Row:
        custom = body.get("custom_tracking_provider", "")
        made = {
            "tracking_id": hashlib.md5(str(self.new_id()).encode(), usedforsecurity=False).hexdigest(),
            "tracking_provider": custom or body.get("tracking_provider", ""),
            "tracking_link": body.get("custom_tracking_link", ""),
            "tracking_number": body["tracking_number"],
            "date_shipped": body.get("date_shipped", "2026-11-21"),
        }
        self.trackings.setdefault(order["id"], []).append(made)
        return made

    def _untrack(self, order: Row, tracking: str) -> Row:
        entries = self.trackings.get(order["id"], [])
        for made in entries:
            if made["tracking_id"] == tracking:
                entries.remove(made)
                return made
        raise Refused("woocommerce_rest_order_shipment_tracking_invalid_id", 404)

    # ---- batches

    def _batch(self, asked: Asked) -> Any:
        body = asked.body
        if sum(len(body.get(part, ())) for part in ("create", "update", "delete")) > self.most_in_batch:
            raise Refused("woocommerce_rest_request_entity_too_large", 413)
        if not any(body.values()):
            return []
        assert asked.route.path != "wc/v3/orders/batch", "orders are not changed in batches"
        parent = int(asked.ids[0]) if asked.ids else 0
        answer: Row = {}
        if body.get("create"):
            answer["create"] = [self._create(each) for each in body["create"]]
        if body.get("update"):
            answer["update"] = [self._update(each, parent) for each in body["update"]]
        return answer

    def _create(self, body: Row) -> Row:
        gtin = body.get("global_unique_id", "")
        if self._by_sku.get(body.get("sku", "").casefold()):
            return entry_error(0, "product_invalid_sku")
        if gtin and any(each["global_unique_id"] == gtin for each in self.products.values()):
            return entry_error(0, "product_invalid_global_unique_id")
        stock = body.get("stock_quantity") if body.get("manage_stock") else None
        made = {key: value for key, value in body.items() if key not in ("sku", "stock_quantity")}
        return self.add_product(body.get("sku", ""), stock, **{"price": "", "weight": "", **made})

    def _update(self, body: Row, parent: int) -> Row:
        row = self.products.get(body["id"])
        if row is None or row["status"] == "trash":
            return entry_error(body["id"], "woocommerce_rest_product_invalid_id")
        if (row["type"] == "variation") != bool(parent):
            return entry_error(body["id"], "woocommerce_rest_invalid_product_id")
        assert row["parent_id"] == parent, "a variation is changed below another product"
        if "stock_quantity" in body:  # taken without a word where it is not managed
            row["stock_quantity"] = body["stock_quantity"] if row["manage_stock"] is True else None
        return row
