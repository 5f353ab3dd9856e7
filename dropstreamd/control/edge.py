"""The edge: from a request's bytes to a handler's arguments, and from whatever it does to an answer."""

from collections.abc import Awaitable, Callable, Iterable
from contextlib import aclosing

import msgspec
import trio
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route as Served
from starlette.types import Receive, Scope, Send

from dropstreamd.control.desk import Desk
from dropstreamd.control.messages.refusal import Refusal
from dropstreamd.control.messages.runs import StreamEvent
from dropstreamd.control.refused import of_error, refusal, refuse
from dropstreamd.control.route import B, Call, Empty, Q, Route, Stream
from dropstreamd.errors import DropstreamError
from dropstreamd.telemetry import get_logger

_log = get_logger(__name__)

BODY_LIMIT_S = 30.0
"""A body must have come by then."""

PEER = "peer"
"""Where the server leaves, in a request's state, whose process asks."""


def application(desk: Desk, routes: Iterable[Route[Q, B]], description: bytes) -> Starlette:
    """The routes as an ASGI application; `description` is served at `/v1/openapi.json`."""

    async def describe(_request: Request) -> Response:
        return _json(200, description)

    served = [Served("/v1/openapi.json", describe, methods=["GET"])]
    served += [Served(route.path, _endpoint(desk, route), methods=[route.method]) for route in routes]
    app = Starlette(routes=served, exception_handlers={404: _no_such_route, 405: _no_such_method})
    app.router.redirect_slashes = False
    return app


def _endpoint(desk: Desk, route: Route[Q, B]) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        try:
            answer = await route.handle(desk, await _decoded(route, request))
        except DropstreamError as error:
            return _refused(of_error(error))
        except ClientDisconnect:
            return Response(status_code=400)  # nobody reads it
        except Exception as error:  # noqa: BLE001 - the request edge: a fault in a handler is its own
            _log.error("request_failed", route=route.name, exc_info=error)
            detail = f"{type(error).__name__} in {route.name}: see the daemon's log"
            return _refused(refusal("fault", detail, remedy="report it"))
        if isinstance(answer, Stream):
            return _EventStream(answer)
        return _json(route.status, msgspec.json.encode(answer))

    return serve


async def _decoded(route: Route[Q, B], request: Request) -> Call[Q, B]:
    """The request as the route's handler takes it. Refused where it cannot be."""
    try:
        query = msgspec.convert(dict(request.query_params), route.query, strict=False)
        body = msgspec.json.decode(await _body(route, request) or b"{}", type=route.body)
    except msgspec.DecodeError as error:  # its words hold no value of the request but an enumeration's
        refuse("bad request", str(error))
    return Call(path=request.path_params, query=query, body=body, who=request.scope["state"][PEER])


async def _body(route: Route[Q, B], request: Request) -> bytes:
    """The whole body, at most as much as the route takes."""
    if route.body is Empty and route.method in ("GET", "DELETE"):
        return b""
    content = bytearray()
    size = 0
    try:
        with trio.fail_after(BODY_LIMIT_S):
            async with aclosing(request.stream()) as chunks:
                async for chunk in chunks:
                    size += len(chunk)
                    if size <= route.limit_bytes:
                        content += chunk
                    elif size > 2 * route.limit_bytes:
                        break  # so far it was read on, so that the client comes to read the refusal
    except trio.TooSlowError:
        refuse("too slow", f"the body did not come within {BODY_LIMIT_S:.0f} s")
    if size > route.limit_bytes:
        refuse("too large", f"at most {route.limit_bytes} bytes are taken here")
    return bytes(content)


# ---- answers


def _json(status: int, content: bytes) -> Response:
    return Response(content, status_code=status, media_type="application/json")


def _refused(told: Refusal) -> Response:
    content = msgspec.json.encode(told)
    return Response(content, status_code=told.status, media_type="application/problem+json")


async def _no_such_route(request: Request, _error: Exception) -> Response:
    detail = f"there is no route {request.url.path[:200]}"
    return _refused(refusal("not found", detail, remedy="see /v1/openapi.json"))


async def _no_such_method(request: Request, _error: Exception) -> Response:
    detail = f"{request.method} {request.url.path[:200]}"
    return _refused(refusal("method not allowed", detail, remedy="see /v1/openapi.json"))


class _EventStream(Response):
    """Server-sent events ("HTML Living Standard", 9.2), until they end or the client goes."""

    def __init__(self, stream: Stream) -> None:
        super().__init__(media_type="text/event-stream", headers={"cache-control": "no-store"})
        del self.headers["content-length"]
        self._stream = stream

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_until_gone, receive, nursery.cancel_scope)
            async with aclosing(self._stream.events) as events:
                async for event in events:
                    await send({"type": "http.response.body", "body": _framed(event), "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            nursery.cancel_scope.cancel()


async def _until_gone(receive: Receive, reading: trio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    reading.cancel()


def _framed(event: StreamEvent | None) -> bytes:
    if event is None:
        return b":\n\n"
    name = type(event).__struct_config__.tag
    return b"event: %s\ndata: %s\n\n" % (str(name).encode(), msgspec.json.encode(event))
