"""The sandbox shop behind HTTP on loopback: it answers the calls of the plugin `vendure`.

It is no GraphQL server: it knows the operations that the plugin sends by their names, and answers with
everything that they ask for. The tests hold the plugin against the real one.
"""

import re
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial

import msgspec
import trio
from hypercorn.config import Config
from hypercorn.trio import serve
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dropstreamd.platform.secrets import Secret
from dropstreamd.sandbox.lists import Json, listed
from dropstreamd.sandbox.shop import LOCATION, Fulfillment, Order, SandboxShop, Variant

USER = "demo"
TOKEN_HEADER = "vendure-auth-token"  # noqa: S105 - a header's name
BODY_LIMIT = 100 * 1024

_OPERATION = re.compile(r"\s*(?:query|mutation)\s+(\w+)")


class _Asked(msgspec.Struct, frozen=True):
    query: str
    variables: Json = {}


class SandboxStore:
    """One shop's API. `password` logs the user `demo` in."""

    def __init__(self, shop: SandboxShop, password: Secret) -> None:
        self.shop = shop
        self._password = password
        self._session = secrets.token_hex(16)
        self._operations: Mapping[str, Callable[[Json], Json]] = {
            "Shop": self._shop,
            "Readable": self._readable,
            "Orders": self._orders,
            "OrderIds": self._orders,
            "OrderCount": self._orders,
            "Fulfillments": self._fulfillments,
            "Fulfill": self._fulfill,
            "Ship": self._ship,
            "Cancel": self._cancel,
            "Locations": self._locations,
            "Variants": self._variants,
            "Skus": self._variants,
            "Products": self._products,
            "ReadLevels": self._variants,
            "SetLevels": self._set_levels,
            "ShipMethods": self._methods,
        }

    async def answer(self, request: Request) -> Response:
        """One call."""
        body = await request.body()
        if len(body) > BODY_LIMIT:
            return JSONResponse({"message": "request entity too large"}, 500)
        asked = msgspec.json.decode(body, type=_Asked)
        named = _OPERATION.match(asked.query)
        name = named[1] if named else ""
        if name == "Login":
            return self._login(asked.variables)
        if request.headers.get("authorization") != f"Bearer {self._session}":
            return JSONResponse({"errors": [_error("FORBIDDEN")], "data": None}, headers={TOKEN_HEADER: ""})
        operation = self._operations.get(name)
        if operation is None:
            return JSONResponse({"errors": [_error("GRAPHQL_VALIDATION_FAILED")]}, 400)
        return JSONResponse({"data": operation(asked.variables)})

    def _login(self, given: Json) -> Response:
        if (given.get("username"), given.get("password")) != (USER, self._password.reveal()):
            refused = {"__typename": "InvalidCredentialsError", "errorCode": "INVALID_CREDENTIALS_ERROR"}
            return JSONResponse({"data": {"login": refused}})
        rights = {"token": "demo", "permissions": ["Authenticated", "SuperAdmin", *PERMISSIONS]}
        user = {"__typename": "CurrentUser", "channels": [rights]}
        return JSONResponse({"data": {"login": user}}, headers={TOKEN_HEADER: self._session})

    # ---- operations

    def _shop(self, _given: Json) -> Json:
        process = [{"name": name} for name in STATES]
        config = {"moneyStrategyPrecision": 2, "orderProcess": process}
        settings = {"trackInventory": True, "outOfStockThreshold": 0, "serverConfig": config}
        channel = {
            "id": "1",
            "code": "demo",
            "token": "demo",
            "defaultLanguageCode": "en",
            "defaultCurrencyCode": CURRENCY,
        }
        return {"activeChannel": channel, "globalSettings": settings}

    def _readable(self, _given: Json) -> Json:
        orders, variants = ({"totalItems": len(each)} for each in (self.shop.orders, self.shop.variants))
        return {
            "activeChannel": {"code": "demo"},
            "orders": orders,
            "productVariants": variants,
            "stockLocations": {"totalItems": 1},
        }

    def _orders(self, given: Json) -> Json:
        return {"orders": listed(map(_order, self.shop.orders.values()), given)}

    def _fulfillments(self, given: Json) -> Json:
        order = self.shop.orders.get(given["order"])
        arguments = [{"name": "method"}, {"name": "trackingCode"}]
        handlers = [{"code": "manual-fulfillment", "args": arguments}]
        return {"order": _order(order) if order else None, "fulfillmentHandlers": handlers}

    def _fulfill(self, given: Json) -> Json:
        values = {each["name"]: each["value"] for each in given["input"]["handler"]["arguments"]}
        lines = {each["orderLineId"]: each["quantity"] for each in given["input"]["lines"]}
        made = self.shop.fulfill(lines, values.get("method", ""), values.get("trackingCode", ""))
        if made is None:
            refused = {
                "__typename": "ItemsAlreadyFulfilledError",
                "errorCode": "ITEMS_ALREADY_FULFILLED_ERROR",
            }
            return {"addFulfillmentToOrder": refused}
        return {"addFulfillmentToOrder": {"__typename": "Fulfillment", "id": made.id, "state": made.state}}

    def _ship(self, given: Json) -> Json:
        return _moved(self.shop.ship(given["id"]))

    def _cancel(self, given: Json) -> Json:
        return _moved(self.shop.cancel(given["id"]))

    def _locations(self, _given: Json) -> Json:
        return {"stockLocations": {"totalItems": 1, "items": [{"id": LOCATION, "name": "Demo"}]}}

    def _variants(self, given: Json) -> Json:
        wanted = given.get("skus")
        found = [v for v in self.shop.variants.values() if wanted is None or v.sku in wanted]
        return {"productVariants": listed(map(_variant, found), given)}

    def _products(self, given: Json) -> Json:
        rows = [
            {
                "id": each.id,
                "sku": each.sku,
                "name": each.name,
                "enabled": True,
                "price": 1000,
                "currencyCode": CURRENCY,
                "product": {"name": each.name, "enabled": True},
            }
            for each in self.shop.variants.values()
        ]
        return {"productVariants": listed(rows, given)}

    def _set_levels(self, given: Json) -> Json:
        done = [
            self.shop.set_on_hand(change["id"], level["stockOnHand"])
            for change in given["changes"]
            for level in change["stockLevels"]
        ]
        return {"updateProductVariants": [_variant(each) if each else None for each in done]}

    def _methods(self, given: Json) -> Json:
        return {"shippingMethods": listed([METHOD], given)}


STATES = (
    "PaymentAuthorized",
    "PaymentSettled",
    "PartiallyShipped",
    "Shipped",
    "PartiallyDelivered",
    "Delivered",
)
PERMISSIONS = ("ReadOrder", "UpdateOrder", "ReadCatalog", "UpdateCatalog", "ReadStockLocation")
CURRENCY = "USD"
METHOD = {"id": "1", "code": "standard", "name": "Standard"}
ADDRESS = {
    "fullName": "Demo Buyer",
    "streetLine1": "1 Example Street",
    "city": "Springfield",
    "province": "IL",
    "postalCode": "62701",
    "countryCode": "US",
}


def _error(code: str) -> Json:
    return {"message": "refused", "extensions": {"code": code}}


def _moved(found: Fulfillment | None) -> Json:
    result = {"__typename": "Fulfillment", "id": found.id, "state": found.state} if found else None
    return {"transitionFulfillmentToState": result}


def _variant(variant: Variant) -> Json:
    level = {"stockLocationId": LOCATION, "stockOnHand": variant.on_hand, "stockAllocated": variant.allocated}
    return {"id": variant.id, "sku": variant.sku, "trackInventory": "TRUE", "stockLevels": [level]}


def _order(order: Order) -> Json:
    return {
        "id": order.id,
        "code": order.code,
        "state": order.state,
        "updatedAt": order.placed,
        "orderPlacedAt": order.placed,
        "currencyCode": CURRENCY,
        "totalWithTax": 1000,
        "customer": {"firstName": "Demo", "lastName": "Buyer", "emailAddress": "buyer@example.com"},
        "shippingAddress": ADDRESS,
        "billingAddress": ADDRESS,
        "shippingLines": [{"shippingMethod": METHOD}],
        "lines": [
            {
                "id": line.id,
                "quantity": line.quantity,
                "unitPrice": 1000,
                "productVariant": {"sku": line.variant.sku, "name": line.variant.name},
            }
            for line in order.lines
        ],
        "fulfillments": [
            {
                "id": each.id,
                "state": each.state,
                "method": each.method,
                "trackingCode": each.tracking,
                "lines": [{"orderLineId": key, "quantity": units} for key, units in each.lines.items()],
            }
            for each in order.fulfillments
        ],
    }


@asynccontextmanager
async def serve_store(store: SandboxStore) -> AsyncIterator[str]:
    """Serve the shop on a free port of 127.0.0.1 until the block ends; the address of its API."""
    app = Starlette(routes=[Route("/admin-api", store.answer, methods=["POST"])])
    config = Config()
    config.accesslog = None
    config.errorlog = None
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    port = listener.getsockname()[1]
    config.bind = [f"fd://{listener.detach()}"]  # Hypercorn's from now on: it closes it
    ended = trio.Event()
    async with trio.open_nursery() as nursery:
        await nursery.start(partial(serve, app, config, shutdown_trigger=ended.wait))  # type: ignore[arg-type]
        yield f"http://127.0.0.1:{port}/admin-api"
        nursery.cancel_scope.cancel()
