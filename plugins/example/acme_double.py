"""Acme's warehouse in memory, behind its REST API: what the plugin is tried on.

Strict where it matters: a wrong token, an order that is not complete, another order under the same reference.
"""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import trio
from hypercorn.config import Config
from hypercorn.trio import serve
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Json = dict[str, Any]
METHODS = {"GROUND", "AIR"}


class Acme:
    """Its books. `orders` by our reference, `shipments` by Acme's id with the number of their last change."""

    def __init__(self) -> None:
        self.port = 0
        self.token = "acme-token-1"
        self.orders: dict[str, Json] = {}
        self.shipments: dict[str, tuple[int, Json]] = {}
        self.stock: Json = {"as_of": "2026-01-01T00:00:00Z", "rows": []}
        self._seq = 0

    def ship(self, shipment: Json) -> None:
        """A package leaves, or is corrected."""
        self._seq += 1
        self.shipments[shipment["id"]] = (self._seq, shipment)

    def account(self, _request: Request, _body: bytes) -> Response:
        return JSONResponse({"account": "4711"})

    def order(self, request: Request, body: bytes) -> Response:
        order, reference = json.loads(body), request.path_params["reference"]
        if not all(order["ship_to"][field] for field in ("name", "line1", "city", "country")):
            return JSONResponse({"code": "address", "message": "the address is not complete"}, 422)
        if order["method"] not in METHODS:
            return JSONResponse({"code": "method", "message": "there is no such ship method"}, 422)
        if self.orders.setdefault(reference, order) != order:
            return JSONResponse({"code": "reference", "message": "another order has this reference"}, 409)
        return JSONResponse({"id": f"A-{reference}"}, 201)

    def changes(self, request: Request, _body: bytes) -> Response:
        since, limit = int(request.query_params["since"]), int(request.query_params["limit"])
        later = sorted((seq, key) for key, (seq, _) in self.shipments.items() if seq > since)
        rows = [{"seq": seq, "shipment": self.shipments[key][1]} for seq, key in later[:limit]]
        return JSONResponse({"changes": rows, "more": len(later) > limit})

    def inventory(self, _request: Request, _body: bytes) -> Response:
        return JSONResponse(self.stock)

    def route(self, path: str, answer: Callable[[Request, bytes], Response], method: str = "GET") -> Route:
        async def endpoint(request: Request) -> Response:
            if request.headers.get("authorization") != f"Bearer {self.token}":
                return JSONResponse({"code": "token", "message": "no such token"}, 401)
            return answer(request, await request.body())

        return Route(path, endpoint, methods=[method])


@asynccontextmanager
async def acme_double() -> AsyncIterator[Acme]:
    """Serve it on a free port of 127.0.0.1 until the block ends."""
    acme = Acme()
    app = Starlette(
        routes=[
            acme.route("/v1/account", acme.account),
            acme.route("/v1/orders/{reference}", acme.order, "PUT"),
            acme.route("/v1/shipments", acme.changes),
            acme.route("/v1/inventory", acme.inventory),
        ]
    )
    config = Config()
    config.bind = ["127.0.0.1:0"]
    config.accesslog = config.errorlog = None
    async with trio.open_nursery() as nursery:
        (address,) = await nursery.start(partial(serve, app, config))  # type: ignore[arg-type]
        acme.port = int(address.rpartition(":")[2])
        yield acme
        nursery.cancel_scope.cancel()
