"""The root fields of the double's Admin API: what the shop's own checks let through."""

import base64
import json
import re
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, Protocol

from graphql import GraphQLError, GraphQLResolveInfo, get_directive_values

from .shopify_shop import DOMAIN, Row, ShopifyShop, tracking_info

Info = GraphQLResolveInfo[Any]
MOST_AT_ONCE = 250
MOST_UNITS = 1_000_000_000
_GID = re.compile(r"gid://shopify/[A-Z]\w+/[0-9]+")
_TERM = re.compile(r"""(\w+):(>=)?(?:'([^']*)'|"((?:[^"\\]|\\.)*)"|(\S+))""")


class Server(Protocol):
    """What the fields need of the server."""

    shop: ShopifyShop
    scopes: set[str]
    keys: dict[str, tuple[str, Any]]
    most_terms: int
    stumbles: set[str]


def failure(code: str, message: str = "refused", **extensions: object) -> GraphQLError:
    return GraphQLError(message, extensions={"code": code, **extensions})


def needs(*scopes: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A root field for apps with one of these scopes."""

    def decorate(field: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(field)
        def guarded(self: "Root", info: Info, **arguments: Any) -> Any:
            has = self.server.scopes
            granted = has | {f"read_{each.removeprefix('write_')}" for each in has}
            if not granted & set(scopes):
                needed = " or ".join(f"`{each}`" for each in scopes)
                raise failure(
                    "ACCESS_DENIED",
                    f"Access denied for {info.field_name} field.",
                    documentation="https://shopify.dev/api/usage/access-scopes",
                    requiredAccess=f"{needed} access scope.",
                )
            return field(self, info, **arguments)

        return guarded

    return decorate


def user_error(message: str, *field: str, code: str | None = None) -> Row:
    return {"field": list(field) or None, "message": message, "code": code}


class Root:
    def __init__(self, server: Server) -> None:
        self.server = server
        self.shop_ = server.shop

    # ---- the shop

    def shop(self, _info: Info) -> Row:
        return {"name": "Acme", "myshopifyDomain": DOMAIN, "currencyCode": "USD"}

    def currentAppInstallation(self, _info: Info) -> Row:  # noqa: N802 - the API's names
        return {"accessScopes": [{"handle": each} for each in sorted(self.server.scopes)]}

    @needs("read_locations")
    def locations(self, _info: Info, **arguments: Any) -> Row:
        return by_id(self.shop_.all("Location"), arguments)

    def nodes(self, _info: Info, ids: list[str]) -> list[Row | None]:
        if len(ids) > MOST_AT_ONCE:
            raise failure("MAX_INPUT_SIZE_EXCEEDED", "The input array size of ids is greater than 250")
        if any(not _GID.fullmatch(each) for each in ids):
            raise failure("INVALID_VARIABLE", "Variable $ids of type [ID!]! was provided invalid value")
        if self.server.stumbles & set(ids):
            raise failure("INTERNAL_SERVER_ERROR", "Internal error. Looks like something went wrong.")
        return [self.shop_.rows.get(each) for each in ids]

    # ---- orders

    @needs("read_orders")
    def orders(self, _info: Info, **arguments: Any) -> Row:
        return self._searched(self.shop_.all("Order"), arguments)

    @needs("read_merchant_managed_fulfillment_orders")
    def fulfillmentOrders(self, _info: Info, **arguments: Any) -> Row:  # noqa: N802
        rows = self.shop_.all("FulfillmentOrder")
        if not arguments["includeClosed"]:
            rows = [row for row in rows if row["status"] not in ("CLOSED", "CANCELLED")]
        return self._searched(rows, arguments)

    @needs("read_merchant_managed_fulfillment_orders")
    def fulfillmentOrder(self, _info: Info, id: str) -> Row | None:  # noqa: A002, N802
        return self._one("FulfillmentOrder", id)

    @needs("read_merchant_managed_fulfillment_orders", "read_fulfillments")
    def fulfillment(self, _info: Info, id: str) -> Row | None:  # noqa: A002
        return self._one("Fulfillment", id)

    @needs("write_merchant_managed_fulfillment_orders")
    def fulfillmentCreate(self, _info: Info, fulfillment: Row, message: str = "") -> Row:  # noqa: N802
        def refused(text: str, *field: str) -> Row:
            return {"fulfillment": None, "userErrors": [user_error(text, *(field or ("fulfillment",)))]}

        (group,) = fulfillment["lineItemsByFulfillmentOrder"]
        made = self.shop_.rows.get(group["fulfillmentOrderId"])
        if made is None:
            return refused("Fulfillment order does not exist.")
        if made["status"] not in ("OPEN", "IN_PROGRESS"):
            number, state = made["id"].rpartition("/")[2], made["status"].lower()
            return refused(f"Fulfillment order {number} has an unfulfillable status= {state}.")
        units = {each["id"]: each["quantity"] for each in group.get("fulfillmentOrderLineItems") or []}
        lines = {row["id"]: row["remainingQuantity"] for row in made["lineItems"]}
        for place, count in enumerate(units.values()):
            if count <= 0:
                where = ("fulfillment", "lineItemsByFulfillmentOrder", "0", "fulfillmentOrderLineItems")
                return refused("Quantity must be greater than 0", *where, str(place), "quantity")
        if any(count > lines.get(key, 0) for key, count in units.items()):
            return refused("Invalid fulfillment order line item quantity requested.")
        found = self.shop_.fulfill(made, units or lines, fulfillment.get("trackingInfo"))
        return {"fulfillment": found, "userErrors": []}

    @needs("write_merchant_managed_fulfillment_orders")
    def fulfillmentTrackingInfoUpdate(  # noqa: N802
        self,
        _info: Info,
        fulfillmentId: str,  # noqa: N803
        trackingInfoInput: Row,  # noqa: N803
        notifyCustomer: bool = False,  # noqa: N803
    ) -> Row:
        found = self._one("Fulfillment", fulfillmentId)
        if found is None:
            return {"fulfillment": None, "userErrors": [user_error("Fulfillment does not exist.")]}
        found["trackingInfo"] = tracking_info(trackingInfoInput)
        self.shop_.touch(found)
        return {"fulfillment": found, "userErrors": []}

    # ---- inventory and products

    @needs("read_products")
    def productVariants(self, _info: Info, **arguments: Any) -> Row:  # noqa: N802
        return self._searched(self.shop_.all("ProductVariant"), arguments)

    @needs("read_products")
    def productByIdentifier(self, _info: Info, identifier: Row) -> Row | None:  # noqa: N802
        return next((row for row in self.shop_.all("Product") if row["handle"] == identifier["handle"]), None)

    @needs("write_inventory")
    def inventorySetQuantities(self, info: Info, input: Row) -> Row:  # noqa: A002, N802
        return self._once(info, input, self._set_quantities)

    @needs("write_inventory")
    def inventoryActivate(self, info: Info, **arguments: Any) -> Row:  # noqa: N802
        return self._once(info, arguments, self._activate)

    @needs("write_products")
    def productSet(  # noqa: N802
        self,
        _info: Info,
        input: Row,  # noqa: A002
        synchronous: bool,
        identifier: Row | None = None,
    ) -> Row:
        if not synchronous or identifier is not None:
            raise AssertionError("the double makes new products only, at once")
        if any(row["handle"] == input["handle"] for row in self.shop_.all("Product")):
            error = user_error("Handle already in use", "input", "handle", code="HANDLE_NOT_UNIQUE")
            return {"product": None, "userErrors": [error]}
        (given,) = input["variants"]
        if given["sku"] == "REFUSED":
            error = user_error("Not this one", "input", "variants", code="INVALID_VARIANT")
            return {"product": None, "userErrors": [error]}
        variant = self.shop_.add_variant(given["sku"], None, tracked=given["inventoryItem"]["tracked"])
        product: Row = variant["product"]
        product |= {name: input[name] for name in ("title", "handle", "status", "vendor") if name in input}
        return {"product": product, "userErrors": []}

    # ---- returns

    @needs("read_returns")
    def return_(self, _info: Info, id: str) -> Row | None:  # noqa: A002
        return self._one("Return", id)

    @needs("write_returns")
    def reverseFulfillmentOrderDispose(  # noqa: N802
        self,
        _info: Info,
        dispositionInputs: list[Row],  # noqa: N803
    ) -> Row:
        def refused(text: str) -> Row:
            error = user_error(text, "dispositionInputs", code="INVALID")
            return {"reverseFulfillmentOrderLineItems": None, "userErrors": [error]}

        orders = {
            order["id"]
            for order in self.shop_.all("ReverseFulfillmentOrder")
            for line in order["lineItems"]
            if line["id"] in [each["reverseFulfillmentOrderLineItemId"] for each in dispositionInputs]
        }
        if len(orders) != 1:
            return refused("Cannot dispose items from more than one reverse fulfillment order.")
        lines = []
        for each in dispositionInputs:
            line = self.shop_.rows[each["reverseFulfillmentOrderLineItemId"]]
            done = sum(one["quantity"] for one in line["dispositions"])
            if done + each["quantity"] > line["totalQuantity"]:
                return refused("The quantity is more than there is.")
            line["dispositions"].append({"type": each["dispositionType"], "quantity": each["quantity"]})
            lines.append(line)
        return {"reverseFulfillmentOrderLineItems": lines, "userErrors": []}

    # ---- how they look things up

    def _one(self, kind: str, key: str) -> Row | None:
        if not re.fullmatch(rf"gid://shopify/{kind}/\d+", key):
            raise failure("RESOURCE_NOT_FOUND", "Invalid id")
        return self.shop_.rows.get(key)

    def _once(self, info: Info, given: Any, act: Callable[[Row], Row]) -> Row:
        """`@idempotent`, which these mutations want as of 2026-04."""
        directive = info.schema.get_directive("idempotent")
        if directive is None:
            raise AssertionError("the schema has no @idempotent")
        told = get_directive_values(directive, info.field_nodes[0], info.variable_values)
        if told is None:
            raise failure("BAD_REQUEST", "The @idempotent directive is required for this mutation")
        key, asked = told["key"], json.dumps(given, sort_keys=True)
        if key in self.server.keys:
            before, result = self.server.keys[key]
            if before != asked:
                error = user_error("Another request", code="IDEMPOTENCY_KEY_PARAMETER_MISMATCH")
                return {"userErrors": [error]}
            return dict(result)
        result = act(given)
        if not result["userErrors"]:
            self.server.keys[key] = asked, result
        return result

    def _set_quantities(self, given: Row) -> Row:
        quantities = given["quantities"]
        if len(quantities) > MOST_AT_ONCE:
            raise failure("MAX_INPUT_SIZE_EXCEEDED", "The input array size is greater than 250")
        if given["name"] not in ("available", "on_hand"):
            return {"userErrors": [user_error("no such name", "input", "name", code="INVALID_NAME")]}
        errors = []
        for place, each in enumerate(quantities):
            if "changeFromQuantity" not in each:
                raise failure("INVALID_VARIABLE", "changeFromQuantity is required")
            code, field = self._wrong(each, quantities)
            if code:
                errors.append(user_error(code, "input", "quantities", str(place), field, code=code))
        if errors:
            return {"inventoryAdjustmentGroup": None, "userErrors": errors}
        for each in quantities:
            self.shop_.rows[each["inventoryItemId"]]["levels"][each["locationId"]] = each["quantity"]
        return {
            "inventoryAdjustmentGroup": {"id": "gid://shopify/InventoryAdjustmentGroup/1"},
            "userErrors": [],
        }

    def _wrong(self, each: Row, quantities: list[Row]) -> tuple[str, str]:
        """The code of what is wrong with an entry, and with which field; empty for nothing."""
        item, location = self.shop_.rows.get(each["inventoryItemId"]), each["locationId"]
        levels = {} if item is None else item["levels"]
        expected = each["changeFromQuantity"]
        pairs = [(one["inventoryItemId"], one["locationId"]) for one in quantities]
        checks = (
            (item is None, "INVALID_INVENTORY_ITEM", "inventoryItemId"),
            (location not in self.shop_.rows, "INVALID_LOCATION", "locationId"),
            (location not in levels, "ITEM_NOT_STOCKED_AT_LOCATION", "locationId"),
            (each["quantity"] > MOST_UNITS, "INVALID_QUANTITY_TOO_HIGH", "quantity"),
            (bool(item and item.get("bundle")), "NON_MUTABLE_INVENTORY_ITEM", "inventoryItemId"),
            (
                pairs.count((each["inventoryItemId"], location)) > 1,
                "NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR",
                "locationId",
            ),
            (
                expected is not None and expected != levels.get(location),
                "CHANGE_FROM_QUANTITY_STALE",
                "changeFromQuantity",
            ),
        )
        return next(((code, field) for wrong, code, field in checks if wrong), ("", ""))

    def _activate(self, given: Row) -> Row:
        item = self.shop_.rows[given["inventoryItemId"]]
        item["levels"].setdefault(given["locationId"], given["available"])
        return {"inventoryLevel": {"id": "gid://shopify/InventoryLevel/1"}, "userErrors": []}

    def _searched(self, rows: Iterable[Row], arguments: Row) -> Row:
        """The rows that a search finds, in its order, from a cursor on: by value and id."""
        shop, wanted = self.shop_, _terms(arguments.get("query") or "", self.server.most_terms)
        found = [row for row in rows if not wanted or _matches(row, shop.seen_by_search(row), wanted)]
        if arguments["sortKey"] == "UPDATED_AT":
            times = {row["id"]: shop.seen_by_search(row) or row["updatedAt"] for row in found}
            return paged(found, arguments, lambda row: [times[row["id"]], len(row["id"]), row["id"]])
        return by_id(found, arguments)


def _terms(text: str, most: int) -> dict[str, set[str]]:
    """The alternatives of a search, by field, as many as it looks at; a value is in lower case, as a search
    compares it."""
    wanted: dict[str, set[str]] = {}
    place = 0
    while place < len(text) and sum(map(len, wanted.values())) < most:
        term = _TERM.match(text, place)
        if term is None:
            raise AssertionError(f"the double cannot search for {text[place:]!r}")
        name, operator, single, double, bare = term.groups()
        value = single or (re.sub(r"\\(.)", r"\1", double) if double is not None else None) or bare or ""
        wanted.setdefault(f"{name}{operator or ''}", set()).add(value.lower())
        place = term.end() + len(" OR ")
        if place < len(text) and text[term.end() : place] != " OR ":
            raise AssertionError(f"the double cannot search for {text[term.end() :]!r}")
    return wanted


def _matches(row: Row, seen: str | None, wanted: dict[str, set[str]]) -> bool:
    if seen is None:
        return False
    for name, values in wanted.items():
        if name == "updated_at>=":
            found = any(seen.lower() >= value for value in values)
        elif name == "sku":
            found = str(row["sku"]).lower() in values
        elif name == "return_status":
            found = _return_status(row) in values
        else:
            raise AssertionError(f"the double cannot search for {name}")
        if found:
            return True
    return False


def _return_status(order: Row) -> str:
    states = {each["status"] for each in order["returns"]}
    if "OPEN" in states:
        return "in_progress"
    return "return_requested" if "REQUESTED" in states else "no_return"


def by_id(rows: Iterable[Row], arguments: Row) -> Row:
    return paged(rows, arguments, lambda row: [len(row["id"]), row["id"]])


def paged(rows: Iterable[Row], arguments: Row, place: Callable[[Row], list[Any]]) -> Row:
    """A page of a connection, as Shopify pages: from the place of the last node seen, gone or not."""
    first = arguments.get("first")
    if first is None or not 1 <= first <= MOST_AT_ONCE:
        raise failure("BAD_REQUEST", f"first must be from 1 to {MOST_AT_ONCE}")
    ordered = sorted(rows, key=place, reverse=bool(arguments.get("reverse")))
    if arguments.get("after"):
        after = json.loads(base64.b64decode(arguments["after"]))
        ordered = [row for row in ordered if place(row) > after]
    nodes = ordered[:first]
    end = base64.b64encode(json.dumps(place(nodes[-1])).encode()).decode() if nodes else None
    return {"nodes": nodes, "pageInfo": {"hasNextPage": len(ordered) > first, "endCursor": end}}
