"""`/metrics` and `/healthz` over plain HTTP, for Prometheus and for load balancers.

The only TCP port that the daemon may open, off unless configured, and read-only: it shows names of
connections and counts, nothing else. It answers only to an address, or to a name that it was told
of, so that no web page can read it through a name that points here.
"""

import errno
import ipaddress
from collections.abc import Callable, Collection
from typing import NoReturn

import h11
import msgspec
import trio

from dropstreamd.errors import Misconfigured
from dropstreamd.telemetry import CONTENT_TYPE, Metrics

CLIENTS_LIMIT = 8
HEAD_LIMIT_BYTES = 8_192
READ_LIMIT_S = 5
TOTAL_LIMIT_S = 60

_REASONS = {
    errno.EADDRINUSE: "another process listens there already",
    errno.EADDRNOTAVAIL: "this machine has no such address",
    errno.EACCES: "the daemon's user may not listen there",
}

Health = Callable[[], str | None]
"""None while the daemon is well, else what is wrong, in words for a person."""


class _Answer(msgspec.Struct, frozen=True):
    status: int
    body: bytes
    content_type: str = "text/plain; charset=utf-8"
    allow: str | None = None


class MetricsEndpoint:
    """Serves one daemon's metrics and health.

    `host` and `port` say where to listen; `names` are further names by which clients may ask (an
    address and `localhost` always do). At most eight clients are served at once, one request a
    connection, each within a minute; one more is closed unanswered.
    """

    def __init__(
        self, metrics: Metrics, health: Health, *, host: str, port: int, names: Collection[str] = ()
    ) -> None:
        self._metrics = metrics
        self._health = health
        self._host = host
        self._port = port
        self._names = {"localhost", *(name.lower() for name in (host, *names))}
        self._clients = 0

    async def run(
        self, *, task_status: trio.TaskStatus[list[trio.SocketListener]] = trio.TASK_STATUS_IGNORED
    ) -> NoReturn:
        """Serve until cancelled; started with its listeners, which it closes.

        Raises Misconfigured where the address cannot be listened on.
        """
        try:
            listeners = await trio.open_tcp_listeners(self._port, host=self._host, backlog=CLIENTS_LIMIT)
        except OSError as error:
            raise _not_listening(self._host, self._port, error) from error
        await trio.serve_listeners(self._serve, listeners, task_status=task_status)

    async def _serve(self, stream: trio.SocketStream) -> None:
        async with stream:
            if self._clients >= CLIENTS_LIMIT:
                return
            self._clients += 1
            try:
                with trio.move_on_after(TOTAL_LIMIT_S):
                    await self._converse(stream)
            except trio.BrokenResourceError:
                return  # the client went away; it asks again at its next scrape
            finally:
                self._clients -= 1

    async def _converse(self, stream: trio.SocketStream) -> None:
        http = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_LIMIT_BYTES)
        request: h11.Request | None = None
        try:
            with trio.move_on_after(READ_LIMIT_S) as reading:
                request = await _read_request(http, stream)
        except h11.RemoteProtocolError as error:
            refusal = _Answer(error.error_status_hint, b"this request cannot be read\n")
            await _send(http, stream, refusal, body=True)
            return
        if reading.cancelled_caught:
            await _send(http, stream, _Answer(408, b"the request did not come in time\n"), body=True)
        elif request is not None:
            await _send(http, stream, await self._answer(request), body=request.method != b"HEAD")

    async def _answer(self, request: h11.Request) -> _Answer:
        if not self._is_addressed(request):
            return _Answer(421, b"ask by address, or by a name that is configured\n")
        if request.method not in (b"GET", b"HEAD"):
            return _Answer(405, b"read only\n", allow="GET, HEAD")
        match request.target.partition(b"?")[0]:
            case b"/metrics":
                # In a thread: with a thousand connections it takes seconds.
                return _Answer(200, await trio.to_thread.run_sync(self._metrics.render), CONTENT_TYPE)
            case b"/healthz":
                ill = self._health()
                return _Answer(200, b"ok\n") if ill is None else _Answer(503, f"{ill}\n".encode())
            case _:
                return _Answer(404, b"there are /metrics and /healthz\n")

    def _is_addressed(self, request: h11.Request) -> bool:
        """Whether the client asked for us; HTTP/1.0, which no browser speaks, may leave it open."""
        asked = next((value for name, value in request.headers if name == b"host"), None)
        return asked is None or _is_address(_host_of(asked)) or _host_of(asked) in self._names


def _not_listening(host: str, port: int, error: OSError) -> Misconfigured:
    shown = f"[{host}]" if ":" in host else host
    why = _REASONS.get(error.errno or 0, f"it cannot be listened on: {error.strerror or error}")
    other = "set metrics to a free port of an address of this machine, or to false for none"
    if error.errno == errno.EADDRINUSE:
        other = "stop that one, or set metrics to a free port, or to false for none"
    return Misconfigured(f'metrics = "{shown}:{port}" in dropstreamd.toml: {why}', remedy=other)


def _host_of(header: bytes) -> str:
    """`name:port`, `address:port` or `[address]:port` without the port, in lower case."""
    text = header.decode("ascii", "replace").lower()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0]


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


async def _read_request(http: h11.Connection, stream: trio.SocketStream) -> h11.Request | None:
    """The request's head; None where the client closed without asking."""
    while True:
        event = http.next_event()
        if isinstance(event, h11.Request):
            return event
        if isinstance(event, h11.ConnectionClosed):
            return None
        http.receive_data(await stream.receive_some(HEAD_LIMIT_BYTES))


async def _send(http: h11.Connection, stream: trio.SocketStream, answer: _Answer, *, body: bool) -> None:
    headers = [
        ("content-type", answer.content_type),
        ("content-length", str(len(answer.body))),
        ("x-content-type-options", "nosniff"),
        ("connection", "close"),
    ]
    if answer.allow is not None:
        headers.append(("allow", answer.allow))
    head = http.send(h11.Response(status_code=answer.status, headers=headers))
    await stream.send_all(head + answer.body if body else head)
