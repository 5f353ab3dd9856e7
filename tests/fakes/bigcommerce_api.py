"""What each operation of the double does to the store's state, and what it answers."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from math import ceil
from typing import Any

from .bigcommerce_shop import STATUSES, BigCommerceShop, Row

REFUSED = frozenset({400, 404, 409, 422})
Query = Mapping[str, Sequence[str]]
Answer = tuple[int, Any]

MOST_ORDERS = 250
MOST_LEVELS = 1000
MOST_ENTRIES = 2000
LISTED = 50


class Refused(Exception):
    """An answer of 4xx."""

    def __init__(self, status: int, told: Any) -> None:
        super().__init__(status)
        self.status = status
        self.told = told


class Api:
    """One method for each operation, by what its description calls it."""

    def __init__(self, shop: BigCommerceShop) -> None:
        self.shop = shop
        self.most = MOST_ORDERS
        """Orders, and products, of a page, whatever is asked for."""

    def run(self, operation: str, ids: Mapping[str, int], query: Query, body: Any) -> Answer:
        """Raises AssertionError for an operation that no plugin of ours may need."""
        known: dict[str, Callable[[], Answer]] = {
            "getOrders": lambda: self._orders(query),
            "getOrder": lambda: (200, _shown(self._order(ids), query)),
            "getOrderProducts": lambda: _list(self.shop.lines(self._order(ids)), query, MOST_ORDERS),
            "getOrderShipments": lambda: self._shipments(ids, query),
            "createOrderShipments": lambda: self._ship(ids, body),
            "getOrderShipment": lambda: (200, self._shipment(ids)),
            "updateOrderShipment": lambda: self._reship(ids, body),
            "put-absolute-adjustment": lambda: self._adjust(body),
            "get-location-inventory-items": lambda: self._levels(ids, query),
            "getProducts": lambda: self._products(query),
            "createProduct": lambda: self._create(body),
            "getVariants": lambda: self._variants(query),
        }
        assert operation in known, f"{operation} is not what a plugin of ours does"
        return known[operation]()

    # ---- orders

    def _orders(self, query: Query) -> Answer:
        rows = [row for row in self.shop.orders.values() if _fits(row, query)]
        field, _, direction = _one(query, "sort", "id").partition(":")
        order = {"id": lambda row: row["id"], "date_modified": lambda row: row["modified"]}[field]
        rows.sort(key=order, reverse=direction == "desc")
        page = _page(rows, query, MOST_ORDERS)[: self.most]
        return _list([_shown(row, query) for row in page], {}, MOST_ORDERS)

    def _order(self, ids: Mapping[str, int]) -> Row:
        found = self.shop.orders.get(ids["order_id"])
        if found is None:
            raise Refused(404, [{"status": 404, "message": "The requested resource was not found."}])
        return found

    # ---- shipments

    def _shipments(self, ids: Mapping[str, int], query: Query) -> Answer:
        return _list(self.shop.shipments_of(self._order(ids)["id"]), query, MOST_ORDERS)

    def _shipment(self, ids: Mapping[str, int]) -> Row:
        found = self.shop.shipments.get(ids["shipment_id"])
        if found is None or found["order_id"] != self._order(ids)["id"]:
            raise Refused(404, [{"status": 404, "message": "The requested resource was not found."}])
        return found

    def _ship(self, ids: Mapping[str, int], body: Row) -> Answer:
        order = self._order(ids)
        for field in ("order_address_id", "items"):
            if not body.get(field):
                raise _invalid(field)
        to = body["order_address_id"]
        if to not in self.shop.addresses(order):
            raise _invalid("order_address_id")
        there = {line["id"]: line for line in self.shop.lines(order) if line["order_address_id"] == to}
        units: dict[int, int] = {}
        for item in body["items"]:
            line = there.get(item["order_product_id"])
            if line is None:
                raise _invalid("order_product_id")
            units[line["id"]] = units.get(line["id"], 0) + item["quantity"]
            if not 0 < units[line["id"]] <= line["quantity"] - line["quantity_shipped"]:
                raise _invalid("quantity")
        fields = {name: value for name, value in body.items() if name != "items"}
        return 201, self.shop.ship(order, to, units, **fields)

    def _reship(self, ids: Mapping[str, int], body: Row) -> Answer:
        shipment = self._shipment(ids)
        shipment.update(body)
        self.shop.touch(self._order(ids))
        return 200, shipment

    # ---- levels

    def _adjust(self, body: Row) -> Answer:
        if len(body["items"]) > MOST_ENTRIES:
            raise _problem(422, "too many items")
        wanted = [self._entry(item) for item in body["items"]]
        for product, variant, units in wanted:
            self.shop.adjust(product, variant, units)
        return 200, {"transaction_id": f"transaction-{len(self.shop.adjusting)}"}

    def _entry(self, item: Row) -> tuple[int, int | None, int]:
        """What it is set on; one wrong entry refuses the whole call."""
        if item["location_id"] not in self.shop.locations or not 0 <= item["quantity"] <= 2**31 - 1:
            raise _problem(422, "invalid location or quantity")
        variant = item.get("variant_id")
        product = self.shop.products.get(item.get("product_id", 0)) or self.shop.owners.get(variant or 0)
        tracking = "product" if variant is None else "variant"
        if product is None or product["inventory_tracking"] != tracking:
            raise _problem(422, f"[Item with {item} is tracked otherwise]")
        return product["id"], variant, item["quantity"]

    def _levels(self, ids: Mapping[str, int], query: Query) -> Answer:
        if ids["location_id"] not in self.shop.locations:
            raise _problem(404, "no such location")
        self.shop.carry_out()
        wanted = set(map(int, query.get("product_id:in", ())))
        rows = [
            {
                "identity": {
                    "sku": variant["sku"],
                    "variant_id": variant["id"],
                    "product_id": product["id"],
                },
                "available_to_sell": units,
                "total_inventory_onhand": units,
                "settings": {"safety_stock": 0, "is_in_stock": True, "warning_level": 0},
            }
            for product in self.shop.products.values()
            if not wanted or product["id"] in wanted
            for variant in product["variants"]
            for units in [self._units(product, variant)]
            if units is not None
        ]
        return _collection(rows, query, MOST_LEVELS)

    def _units(self, product: Row, variant: Row) -> int | None:
        return self.shop.stock.get((product["id"], variant["id"]), self.shop.stock.get((product["id"], None)))

    # ---- catalogue

    def _products(self, query: Query) -> Answer:
        rows = _fitting(self.shop.products.values(), query)
        rows.sort(key=lambda row: row["id"])
        fields = set(query.get("include_fields", ()))
        variants = "variants" in query.get("include", ())
        shown = [
            {
                name: value
                for name, value in row.items()
                if name == "id" or (variants if name == "variants" else name in fields or not fields)
            }
            for row in rows
        ]
        return _collection(shown, query, MOST_ORDERS, self.most)

    def _variants(self, query: Query) -> Answer:
        """A base variant is found by its product's SKU only."""
        sku = _one(query, "sku", "").casefold()
        rows = [
            variant
            for product in self.shop.products.values()
            for variant in product["variants"]
            if variant["option_values"] and (not sku or str(variant["sku"]).casefold() == sku)
        ]
        return _collection(rows, query, MOST_ORDERS)

    def _create(self, body: Row) -> Answer:
        for field in ("name", "type", "weight", "price"):
            if field not in body:
                raise _problem(422, f"{field} is required")
        names = {row["name"] for row in self.shop.products.values()}
        if body["sku"] == "REFUSED":
            raise _problem(422, "not this one")
        if body["name"] in names or self.shop.things(body["sku"]):
            raise _problem(409, "The product name or SKU is a duplicate")
        made = self.shop.add_product(**{**body, "tracking": body["inventory_tracking"]})
        return 200, {"data": made, "meta": {}}


def _fits(row: Row, query: Query) -> bool:
    least = query.get("min_id")
    status = query.get("status_id")
    since = query.get("min_date_modified")
    return (
        (least is None or row["id"] >= int(least[0]))
        and (status is None or row["status_id"] == int(status[0]))
        and (since is None or row["modified"] >= datetime.fromisoformat(since[0]))
    )


def _fitting(products: Iterable[Row], query: Query) -> list[Row]:
    skus = {each.casefold() for each in [*query.get("sku:in", ()), *query.get("sku", ())]}
    ids = set(map(int, query.get("id:in", ())))
    after = int(_one(query, "id:greater", "0"))
    return [
        row
        for row in products
        if row["id"] > after
        and (not skus or str(row["sku"]).casefold() in skus)
        and (not ids or row["id"] in ids)
    ]


def _shown(row: Row, query: Query) -> Row:
    """An order as it is told: with its lines where they are asked for, else with addresses to ask at."""
    told = {name: value for name, value in row.items() if name not in ("modified", "consignments")}
    told["status"] = STATUSES[row["status_id"]]
    consignments = row["consignments"]
    lines = [line for each in consignments["shipping"] for line in each["line_items"]]
    told["items_total"] = row.get("items_total", sum(line["quantity"] for line in lines))
    if "consignments.line_items" in query.get("include", ()):
        assert query.get("consignment_structure") == ["object"]
        shipping = [{**each, "line_items": each["line_items"][:LISTED]} for each in consignments["shipping"]]
        told["consignments"] = {**consignments, "shipping": shipping}
    return told


def _page(rows: Sequence[Row], query: Query, most: int) -> Sequence[Row]:
    limit, page = int(_one(query, "limit", "50")), int(_one(query, "page", "1"))
    if limit > most:
        raise _problem(413, f"limit is over {most}")
    return rows[(page - 1) * limit : page * limit]


def _list(rows: Iterable[Row], query: Query, most: int) -> Answer:
    """As V2 lists: nothing is told by 204."""
    found = list(rows)
    shown = _page(found, query, most) if query else found
    return (200, shown) if shown else (204, None)


def _collection(rows: Sequence[Row], query: Query, most: int, cut: int = MOST_LEVELS) -> Answer:
    """As V3 lists; `cut` is how many come at most, whatever is asked for."""
    shown = _page(rows, query, most)[:cut]
    limit = min(cut, int(_one(query, "limit", "50")))
    pagination = {
        "total": len(rows),
        "count": len(shown),
        "per_page": limit,
        "current_page": int(_one(query, "page", "1")),
        "total_pages": max(1, ceil(len(rows) / limit)),
    }
    return 200, {"data": list(shown), "meta": {"pagination": pagination}}


def _one(query: Query, name: str, default: str) -> str:
    return query[name][0] if name in query else default


def _invalid(field: str) -> Refused:
    return Refused(400, [{"status": 400, "message": f"The field '{field}' is invalid."}])


def _problem(status: int, title: str) -> Refused:
    return Refused(status, {"status": status, "title": title, "type": "about:blank", "errors": {}})
