"""Serves the API: accepts on the Unix socket, and gives each connection to Hypercorn.

Hypercorn's own way to a Unix socket removes whatever stands at the path (a running daemon's socket too),
sets its mode by the umask of the whole process, does not tell who connects, and writes to a client that
has stopped reading for as long as that one likes, which would keep the daemon from ending. So accepting
is done here, and Hypercorn's server for one connection does the rest.
"""

import logging
from pathlib import Path
from typing import NoReturn, cast

import msgspec
import trio
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ASGIFramework, ConnectionState

from dropstreamd.control.desk import Desk
from dropstreamd.control.edge import PEER, application
from dropstreamd.control.openapi import document
from dropstreamd.control.routes import ROUTES
from dropstreamd.control.unix_socket import listening, user_of
from dropstreamd.telemetry import get_logger

_log = get_logger(__name__)

CLIENTS_LIMIT = 64
"""Connections at once; one more is closed unanswered."""

SEND_LIMIT_S = 20.0
"""A client that takes nothing for so long is let go."""

IDLE_LIMIT_S = 30
HEAD_LIMIT_BYTES = 16 * 1024


class ControlServer:
    """The API on `socket_path`, which those may open whom `mode` and `group` let (None: the daemon's
    own group)."""

    def __init__(self, desk: Desk, socket_path: Path, mode: int, group: str | None) -> None:
        described = msgspec.json.encode(document(ROUTES, version=desk.version))
        self._app = ASGIWrapper(cast("ASGIFramework", application(desk, ROUTES, described)))
        self._path = socket_path
        self._mode = mode
        self._group = group
        self._config = _config()
        self._streams: set[trio.SocketStream] = set()

    async def run(
        self, *, task_status: trio.TaskStatus[list[trio.SocketListener]] = trio.TASK_STATUS_IGNORED
    ) -> NoReturn:
        """Serve until cancelled, which cuts requests short; started once clients can connect.

        Raises Misconfigured where the socket cannot be made.
        """
        with listening(self._path, self._mode, self._group) as made:
            listener = trio.SocketListener(trio.socket.from_stdlib_socket(made))
            async with trio.open_nursery() as clients:
                try:
                    await trio.serve_listeners(
                        self._serve, [listener], handler_nursery=clients, task_status=task_status
                    )
                finally:
                    # Hypercorn shields its writes: one that waits for its client ends only so.
                    for stream in self._streams:
                        stream.socket.close()

    async def _serve(self, stream: trio.SocketStream) -> None:
        if len(self._streams) >= CLIENTS_LIMIT:
            _log.warning("control_client_turned_away", clients=CLIENTS_LIMIT)
            await trio.aclose_forcefully(stream)
            return
        self._streams.add(stream)
        try:
            who = await trio.to_thread.run_sync(user_of, stream.socket)
            state = ConnectionState({PEER: who})
            context = WorkerContext(None)
            guarded = cast("trio.SSLStream[trio.SocketStream]", _Guarded(stream, context))
            await TCPServer(self._app, self._config, context, state, guarded).run()
        except* (OSError, trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # the client went away
        except* Exception as faults:  # noqa: BLE001 - the request edge: it ends this client alone
            _log.error("control_client_failed", exc_info=faults)
        finally:
            self._streams.discard(stream)
            await trio.aclose_forcefully(stream)


class _Guarded:
    """A client's stream, as Hypercorn uses one, that gives a client up which reads nothing.

    `context` is that client's own: it is told when the client has gone, since Hypercorn would keep the
    connection until its idle limit.
    """

    def __init__(self, stream: trio.SocketStream, context: WorkerContext) -> None:
        self._stream = stream
        self._context = context
        self.socket = stream.socket

    async def send_all(self, data: bytes) -> None:
        with trio.move_on_after(SEND_LIMIT_S) as sending:
            await self._stream.send_all(data)
        if sending.cancelled_caught:
            await trio.aclose_forcefully(self._stream)
            raise trio.BrokenResourceError("the client reads nothing")

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        received = b""
        try:
            received = bytes(await self._stream.receive_some(max_bytes))
        finally:
            if not received:
                await self._context.terminated.set()  # it never waits
        return received

    async def send_eof(self) -> None:
        await self._stream.send_eof()

    async def aclose(self) -> None:
        await self._stream.aclose()


def _config() -> Config:
    config = Config()
    config.accesslog = None
    config.errorlog = logging.getLogger("hypercorn.error")
    config.include_server_header = False
    config.keep_alive_timeout = IDLE_LIMIT_S
    config.h11_max_incomplete_size = HEAD_LIMIT_BYTES
    return config
