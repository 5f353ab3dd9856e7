"""What the doubles of platforms share: an HTTP server in this process, which may misbehave."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qsl

import h11
import msgspec
import trio

from .spoil import Spoil

JSON = "application/json"
BODY_LIMIT_BYTES = 16 * 1024 * 1024
NO_CONTENT = 204

F = TypeVar("F", bound=str)
D = TypeVar("D", bound="Double[Any]")


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A request. `target` is as it was sent; names in `headers` are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        """As it was sent, without what is asked."""
        return self.target.partition("?")[0]

    @property
    def question(self) -> str:
        """What is asked, as it was sent: all behind the first question mark."""
        return self.target.partition("?")[2]

    @property
    def query(self) -> dict[str, str]:
        """What is asked, decoded; of what comes twice, the last. Raises ValueError where it is none."""
        return dict(parse_qsl(self.question, keep_blank_values=True, strict_parsing=bool(self.question)))


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What is answered. Without a `kind`, it is of the kind that the server's answers are of.

    One that is not `whole` says that it is longer than it is, one that is `slow` comes in small bits.
    """

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = {}
    kind: str = ""
    whole: bool = True
    slow: bool = False


Answer = Callable[[Asked], Awaitable[Reply | None]]
"""None: the connection ends without an answer."""


def json(content: object, status: int = 200) -> Reply:
    return Reply(status=status, body=msgspec.json.encode(content))


async def misbehaved(reply: Reply, fault: str | None) -> Reply | None:
    """What comes of the reply to something that was applied.

    `lost`: nothing, ever. `after`: the connection ends without it. `truncated`: the connection ends within
    it. `slow`: it comes in small bits. Any other fault, and none, leaves it as it is.
    """
    if fault == "lost":
        await trio.sleep_forever()
    if fault == "after":
        return None
    return msgspec.structs.replace(reply, whole=fault != "truncated", slow=fault == "slow")


class Double(Generic[F]):
    """A platform's server, as its tests see it: `answer` is its subclass's.

    `asked` are the names of the calls that came, in order. What is in `before` under such a name is called,
    once, before the next of these calls is looked at; what is in `faults`, each once, hits the next of them;
    what `spoil` is told becomes of the answers to all of them.
    """

    kind = JSON

    def __init__(self) -> None:
        self.port = 0
        self.asked: list[str] = []
        self.faults: dict[str, list[F]] = {}
        self.before: dict[str, Callable[[], object]] = {}
        self.spoil = Spoil()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def fail(self, name: str, *faults: F) -> None:
        """The next calls of this name go wrong."""
        self.faults.setdefault(name, []).extend(faults)

    def called(self, name: str) -> F | None:
        """A call has come; the fault that hits it."""
        self.asked.append(name)
        queue = self.faults.get(name, [])
        fault = queue.pop(0) if queue else None
        if name in self.before:
            self.before.pop(name)()
        return fault

    async def answer(self, asked: Asked) -> Reply | None:
        """None: the connection ends without an answer."""
        raise NotImplementedError


@asynccontextmanager
async def serving(double: D) -> AsyncIterator[D]:
    """The double, up and listening until the block ends."""
    async with web(double.answer, kind=double.kind) as port:
        double.port = port
        yield double


@asynccontextmanager
async def web(answer: Answer, *, kind: str = JSON) -> AsyncIterator[int]:
    """Serves on a port of 127.0.0.1, which is given, until the block ends. What `answer` raises ends the
    block, and is raised by it. `kind`: what replies are that do not say."""
    wrong: list[Exception] = []

    async def handle(stream: trio.SocketStream) -> None:
        async with stream:
            try:
                await _serve(stream, answer, kind)
            except (trio.BrokenResourceError, h11.RemoteProtocolError):
                return  # the client went away, within a request perhaps
            except Exception as error:
                wrong.append(error)  # to close the stream is a checkpoint: a cancellation there would hide it
                raise

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, handle, 0, host="127.0.0.1"))
        yield listeners[0].socket.getsockname()[1]
        nursery.cancel_scope.cancel()
    if wrong:
        raise wrong[0]


async def _serve(stream: trio.SocketStream, answer: Answer, kind: str) -> None:
    """One connection."""
    peer = h11.Connection(h11.SERVER)
    while (asked := await _asked(peer, stream)) is not None:
        reply = await answer(asked)
        if reply is None:
            return
        head = h11.Response(status_code=reply.status, headers=_headers(reply, kind))
        await stream.send_all(peer.send(head) or b"")
        for part in _parts(reply):
            await stream.send_all(peer.send(h11.Data(data=part)) or b"")
        if not reply.whole:
            return
        await stream.send_all(peer.send(h11.EndOfMessage()) or b"")
        peer.start_next_cycle()


async def _asked(peer: h11.Connection, stream: trio.SocketStream) -> Asked | None:
    """The next request; None at the connection's end."""
    request, body = None, bytearray()
    while True:
        event = peer.next_event()
        if event is h11.NEED_DATA:
            peer.receive_data(await stream.receive_some(65536))
        elif isinstance(event, h11.Request):
            request = event
        elif isinstance(event, h11.Data):
            body += event.data
            assert len(body) <= BODY_LIMIT_BYTES, f"over {BODY_LIMIT_BYTES} bytes came in one request"
        elif isinstance(event, h11.EndOfMessage) and request is not None:
            return Asked(
                method=request.method.decode(),
                target=request.target.decode(),
                headers={name.decode().lower(): value.decode() for name, value in request.headers},
                body=bytes(body),
            )
        else:
            return None


def _headers(reply: Reply, kind: str) -> list[tuple[str, str]]:
    """Of what has no body, no kind is told; of what has no content, no length either."""
    fields = dict(reply.headers)
    if reply.body or reply.kind:
        fields["content-type"] = reply.kind or kind
    if reply.status != NO_CONTENT:
        fields["content-length"] = str(len(reply.body) if reply.whole else len(reply.body) + 7)
    return list(fields.items())


def _parts(reply: Reply) -> list[bytes]:
    if not reply.slow:
        return [reply.body]
    head = [reply.body[place : place + 1] for place in range(min(200, len(reply.body)))]
    return [*head, reply.body[200:]] if reply.body[200:] else head
