"""What doubles that speak HTTP share: requests in, replies out, and replies that go wrong."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial

import h11
import msgspec
import trio


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One request. Names in `headers` are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What is answered; one that is not `whole` says that it is longer than it is, one that is `slow` comes
    in small bits."""

    body: bytes
    status: int = 200
    headers: dict[str, str] = {}
    kind: str = "application/json"
    whole: bool = True
    slow: bool = False


Answer = Callable[[Asked], Awaitable[Reply | None]]
"""None: the connection ends without a reply."""


@asynccontextmanager
async def http_double(answer: Answer) -> AsyncIterator[int]:
    """A server on a port of 127.0.0.1, which is given."""

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
    while True:
        asked = await _asked(peer, stream)
        reply = None if asked is None else await answer(asked)
        if reply is None:
            return
        length = len(reply.body) if reply.whole else len(reply.body) + 7
        fields = {**reply.headers, "content-type": reply.kind, "content-length": str(length)}
        head = h11.Response(status_code=reply.status, headers=list(fields.items()))
        await stream.send_all(peer.send(head) or b"")
        for part in _parts(reply):
            await stream.send_all(peer.send(h11.Data(data=part)) or b"")
        if not reply.whole:
            return
        await stream.send_all(peer.send(h11.EndOfMessage()) or b"")
        peer.start_next_cycle()


async def _asked(peer: h11.Connection, stream: trio.SocketStream) -> Asked | None:
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
            headers = {name.decode(): value.decode() for name, value in request.headers}
            return Asked(
                method=request.method.decode(), path=request.target.decode(), headers=headers, body=body
            )
        else:
            return None


def _parts(reply: Reply) -> list[bytes]:
    if not reply.slow:
        return [reply.body]
    head = [reply.body[place : place + 1] for place in range(min(200, len(reply.body)))]
    return [*head, reply.body[200:]] if reply.body[200:] else head
