"""What WooCommerce's REST API takes, route by route, for the routes that the plugin uses.

WooCommerce publishes no document of its API for machines: each controller describes itself
(`get_item_schema`, `get_collection_params`, `register_rest_route`), and a shop tells that in answer to
OPTIONS. This is what those descriptions say, written down from the controllers of WooCommerce 10.x (the
extension's from one that speaks as it does) for these routes alone, and not taken from a real shop: every
route, query parameter and property that is not here is refused, although a shop overlooks what it does not
know. Properties that a shop only tells (`readonly`) are not taken.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec

Spec = Mapping[str, Any]
"""As in JSON Schema: `type`, `enum`, `minimum`, `maximum`, `items`, `properties`, `required`."""

STATUSES = (
    *("pending", "processing", "on-hold", "completed", "cancelled", "refunded", "failed"),
    *("checkout-draft", "packing"),
)
"""`packing` is of an extension: shops have such."""

POST_STATUSES = ("draft", "pending", "private", "publish", "future", "trash")
DATE = r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d(:\d\d)?)?"

INTEGER: Spec = {"type": "integer"}
STRING: Spec = {"type": "string"}
BOOLEAN: Spec = {"type": "boolean"}
DATE_TIME: Spec = {"type": "string", "pattern": DATE}
IDS: Spec = {"type": "array", "items": INTEGER}

COLLECTION: dict[str, Spec] = {
    "_fields": {"type": "array", "items": STRING},
    "context": {"type": "string", "enum": ("view", "edit")},
    "page": {"type": "integer", "minimum": 1},
    "per_page": {"type": "integer", "minimum": 1, "maximum": 100},
    "search": STRING,
    "after": DATE_TIME,
    "before": DATE_TIME,
    "modified_after": DATE_TIME,
    "modified_before": DATE_TIME,
    "dates_are_gmt": BOOLEAN,
    "exclude": IDS,
    "include": IDS,
    "offset": {"type": "integer", "minimum": 0},
    "order": {"type": "string", "enum": ("asc", "desc")},
    "orderby": {"type": "string", "enum": ("date", "id", "include", "title", "slug", "modified")},
    "parent": IDS,
    "parent_exclude": IDS,
}
FIELDS = {"_fields": COLLECTION["_fields"], "context": COLLECTION["context"]}
ORDERS = {
    **COLLECTION,
    "status": {"type": "array", "items": {"type": "string", "enum": ("any", "trash", *STATUSES)}},
    "customer": INTEGER,
    "product": INTEGER,
    "dp": INTEGER,
}
PRODUCTS = {
    **COLLECTION,
    "orderby": {"type": "string", "enum": (*COLLECTION["orderby"]["enum"], "menu_order", "price")},
    "slug": STRING,
    "status": {"type": "string", "enum": ("any", *POST_STATUSES)},
    "type": STRING,
    "sku": STRING,
    "featured": BOOLEAN,
    "on_sale": BOOLEAN,
    "stock_status": STRING,
    "virtual": BOOLEAN,
    "global_unique_id": STRING,
}
REFUNDS = {**COLLECTION, "dp": INTEGER}

META: Spec = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"id": INTEGER, "key": STRING, "value": {}},
        "required": ("key", "value"),
    },
}
ORDER: dict[str, Spec] = {
    "status": {"type": "string", "enum": STATUSES},
    "currency": STRING,
    "customer_id": INTEGER,
    "customer_note": STRING,
    "payment_method": STRING,
    "payment_method_title": STRING,
    "transaction_id": STRING,
    "meta_data": META,
    "set_paid": BOOLEAN,
}
PRODUCT: dict[str, Spec] = {
    "name": STRING,
    "slug": STRING,
    "type": {"type": "string", "enum": ("simple", "grouped", "external", "variable")},
    "status": {"type": "string", "enum": (*POST_STATUSES, "auto-draft")},
    "description": STRING,
    "sku": STRING,
    "global_unique_id": STRING,
    "regular_price": STRING,
    "virtual": BOOLEAN,
    "manage_stock": BOOLEAN,
    "stock_quantity": INTEGER,
    "stock_status": {"type": "string", "enum": ("instock", "outofstock", "onbackorder")},
    "backorders": {"type": "string", "enum": ("no", "notify", "yes")},
    "weight": STRING,
    "meta_data": META,
}
VARIATION = {name: spec for name, spec in PRODUCT.items() if name not in ("name", "slug", "type")}


def batch(item: Mapping[str, Spec]) -> dict[str, Spec]:
    """Of `batch_items`: no more than 100 in all, which the double itself counts."""
    entry = {"type": "object", "properties": item}
    changed = {"type": "object", "properties": {"id": INTEGER, **item}, "required": ("id",)}
    return {
        "create": {"type": "array", "items": entry},
        "update": {"type": "array", "items": changed},
        "delete": IDS,
    }


FULFILLMENT: dict[str, Spec] = {
    "status": STRING,
    "is_fulfilled": BOOLEAN,
    "meta_data": META,
    "notify_customer": BOOLEAN,
}
TRACKING: dict[str, Spec] = {
    "tracking_provider": STRING,
    "custom_tracking_provider": STRING,
    "custom_tracking_link": STRING,
    "tracking_number": STRING,
    "date_shipped": {"type": "string", "pattern": r"\d{4}-\d\d-\d\d"},
}
NOTE: dict[str, Spec] = {"note": STRING, "customer_note": BOOLEAN, "added_by_user": BOOLEAN}
NOTES: dict[str, Spec] = {**FIELDS, "type": {"type": "string", "enum": ("any", "customer", "internal")}}


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One endpoint; `path` has `*` for a number or an id."""

    method: str
    path: str
    query: Mapping[str, Spec] = {}
    body: Mapping[str, Spec] | None = None
    required: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


ROUTES = tuple(
    Route(method=method, path=path, query=query, body=body, required=required)
    for method, path, query, body, required in (
        ("GET", "wc/v3", {"context": COLLECTION["context"]}, None, ()),
        ("GET", "wc/v3/orders", ORDERS, None, ()),
        ("GET", "wc/v3/orders/*", FIELDS, None, ()),
        ("POST", "wc/v3/orders/batch", {}, batch(ORDER), ()),
        ("POST", "wc/v3/orders/*", {}, ORDER, ()),
        ("GET", "wc/v3/orders/*/refunds", REFUNDS, None, ()),
        ("GET", "wc/v3/orders/*/notes", NOTES, None, ()),
        ("POST", "wc/v3/orders/*/notes", {}, NOTE, ("note",)),
        ("GET", "wc/v3/orders/*/fulfillments", {}, None, ()),
        ("POST", "wc/v3/orders/*/fulfillments", {}, FULFILLMENT, ("meta_data",)),
        ("POST", "wc/v3/orders/*/fulfillments/*", {}, FULFILLMENT, ("meta_data",)),
        ("GET", "wc/v3/products", PRODUCTS, None, ()),
        ("POST", "wc/v3/products/batch", {}, batch(PRODUCT), ()),
        ("GET", "wc/v3/products/*/variations", PRODUCTS, None, ()),
        ("POST", "wc/v3/products/*/variations/batch", {}, batch(VARIATION), ()),
        ("GET", "wc/v3/variations", PRODUCTS, None, ()),
        ("GET", "wc/v3/settings/products/woocommerce_weight_unit", FIELDS, None, ()),
        ("GET", "wc/v3/data/currencies/current", FIELDS, None, ()),
        ("GET", "wc-shipment-tracking/v3", {"context": COLLECTION["context"]}, None, ()),
        ("GET", "wc-shipment-tracking/v3/orders/*/shipment-trackings", FIELDS, None, ()),
        ("POST", "wc-shipment-tracking/v3/orders/*/shipment-trackings", {}, TRACKING, ("tracking_number",)),
        ("DELETE", "wc-shipment-tracking/v3/orders/*/shipment-trackings/*", {}, None, ()),
    )
)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A request that the description allows."""

    route: Route
    ids: tuple[str, ...]
    query: Mapping[str, Any]
    body: Mapping[str, Any]


def described(method: str, path: str, query: str, body: bytes) -> Asked:
    """The request, read. Raises AssertionError where the description has no such one."""
    for route in ROUTES:
        pattern = re.escape(route.path).replace(r"\*", "([0-9a-f]+)")
        found = re.fullmatch(pattern, path)
        if route.method == method and found:
            return Asked(route=route, ids=found.groups(), query=_query(route, query), body=_body(route, body))
    raise AssertionError(f"WooCommerce describes no {method} {path}")


def _query(route: Route, query: str) -> dict[str, Any]:
    read: dict[str, Any] = {}
    for name, text in parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)):
        assert name in route.query, f"{route.name} knows no parameter {name}"
        assert name not in read, f"{route.name}: {name} stands in it twice"
        read[name] = _parameter(f"{route.name}: {name}", text, route.query[name])
    return read


def _parameter(place: str, text: str, spec: Spec) -> Any:
    match spec["type"]:
        case "array":
            return [_parameter(place, part, spec["items"]) for part in text.split(",")]
        case "integer":
            assert re.fullmatch(r"-?\d+", text), f"{place} is no integer: {text!r}"
            value: Any = int(text)
        case "boolean":
            assert text in ("true", "false", "1", "0"), f"{place} is no boolean: {text!r}"
            value = text in ("true", "1")
        case _:
            value = text
    _checked(place, value, spec)
    return value


def _body(route: Route, body: bytes) -> dict[str, Any]:
    if route.body is None:
        assert not body, f"{route.name} takes no body"
        return {}
    read = msgspec.json.decode(body, type=dict[str, Any])
    _checked(route.name, read, {"type": "object", "properties": route.body, "required": route.required})
    return read


_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list, tuple),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
}


def _checked(place: str, value: Any, spec: Spec) -> None:
    kind = spec.get("type")
    if kind is None:
        return
    right = isinstance(value, _TYPES[kind]) and (kind != "integer" or not isinstance(value, bool))
    assert right, f"{place} is no {kind}: {value!r}"
    assert "enum" not in spec or value in spec["enum"], f"{place} is none of {spec['enum']}: {value!r}"
    assert "pattern" not in spec or re.fullmatch(spec["pattern"], value), f"{place} is no date: {value!r}"
    if kind == "integer":
        assert spec.get("minimum", value) <= value <= spec.get("maximum", value), f"{place} is {value!r}"
    if kind == "array" and "items" in spec:
        for each in value:
            _checked(place, each, spec["items"])
    if kind == "object":
        missing = [name for name in spec.get("required", ()) if name not in value]
        assert not missing, f"{place} lacks {missing}"
        for name, each in value.items():
            assert name in spec["properties"], f"{place} takes no {name}"
            _checked(f"{place}.{name}", each, spec["properties"][name])
