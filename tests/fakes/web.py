"""A small HTTP server in this process, for doubles of platforms: one function answers, and may misbehave."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from urllib.parse import parse_qsl, unquote, urlsplit

import h11
import msgspec
import trio


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A request. `path` is as it was sent, `query` and `headers` decoded; header names are in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def segments(self) -> list[str]:
        """The parts of the path, decoded."""
        return [unquote(part) for part in self.path.strip("/").split("/")]


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What is answered; one that is not `whole` says that it is longer than it is."""

    body: bytes = b"{}"
    status: int = 200
    headers: Mapping[str, str] = {}
    kind: str = "application/json"
    whole: bool = True
    slow: bool = False


Answer = Callable[[Asked], Awaitable[Reply | None]]
"""None: the connection ends without an answer."""


def json(content: object, status: int = 200, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status=status, body=msgspec.json.encode(content), headers=named)


@asynccontextmanager
async def web(answer: Answer) -> AsyncIterator[int]:
    """Serves on a port of 127.0.0.1 until the block ends."""

    async def handle(stream: trio.SocketStream) -> None:
        async with stream:
            try:
                await _serve(stream, answer)
            except (trio.BrokenResourceError, h11.RemoteProtocolError):
                return  # the client went away, within a request perhaps

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, handle, 0, host="127.0.0.1"))
        yield listeners[0].socket.getsockname()[1]
        nursery.cancel_scope.cancel()


async def _serve(stream: trio.SocketStream, answer: Answer) -> None:
    peer = h11.Connection(h11.SERVER)
    while (asked := await _request(peer, stream)) is not None:
        reply = await answer(asked)
        if reply is None:
            return
        length = len(reply.body) if reply.whole else len(reply.body) + 7
        fields = {**reply.headers, "content-length": str(length)}
        if reply.body or reply.kind != "application/json":
            fields["content-type"] = reply.kind
        head = h11.Response(status_code=reply.status, headers=list(fields.items()))
        await stream.send_all(peer.send(head) or b"")
        for part in _parts(reply):
            await stream.send_all(peer.send(h11.Data(data=part)) or b"")
        if not reply.whole:
            return
        await stream.send_all(peer.send(h11.EndOfMessage()) or b"")
        peer.start_next_cycle()


def _parts(reply: Reply) -> list[bytes]:
    if not reply.slow:
        return [reply.body]
    head = [reply.body[place : place + 1] for place in range(min(200, len(reply.body)))]
    return [*head, reply.body[200:]] if reply.body[200:] else head


async def _request(peer: h11.Connection, stream: trio.SocketStream) -> Asked | None:
    request, body = None, b""
    while True:
        event = peer.next_event()
        if event is h11.NEED_DATA:
            peer.receive_data(await stream.receive_some(65536))
        elif isinstance(event, h11.Request):
            request = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage) and request is not None:
            return _asked(request, body)
        else:
            return None


def _asked(request: h11.Request, body: bytes) -> Asked:
    address = urlsplit(request.target.decode())
    return Asked(
        method=request.method.decode(),
        path=address.path,
        query=dict(parse_qsl(address.query, keep_blank_values=True, strict_parsing=bool(address.query))),
        headers={name.decode().lower(): value.decode() for name, value in request.headers},
        body=body,
    )
