"""A TCP proxy on loopback that breaks connections where it is told to.

It counts what it passes on, in both directions, as *steps*: cut at step n, everything before n has
arrived and nothing from n on does. A cut before an answer is a reset after the request was applied.
Of counterparts that are asked and answer in turn it counts *exchanges* too, and can answer in their place.
"""

import socket
import struct
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from functools import partial
from typing import Literal

import trio

HOST = "127.0.0.1"
CHUNK_BYTES = 65536
TRICKLED_BYTES = 4096
DRAIN_S = 20.0
FIRST_WORD_S = 1.0

_Mode = Literal["pass", "cut", "hold", "trickle", "answer", "instead"]
_End = Literal["cut", "hold", "gone", "instead"]
_GONE = (trio.BrokenResourceError, trio.ClosedResourceError)


class Proxy:
    """Stands between a plugin and its counterpart. At most one fault is set; it strikes once."""

    def __init__(self, target_port: int) -> None:
        self.port = 0
        self.struck = trio.Event()
        self.accepted = 0
        self._target_port = target_port
        self._mode: _Mode = "pass"
        self._at = 0
        self._steps = 0
        self._exchanges = 0
        self._applied = False
        self._canned = b""
        self.first_words = b""
        self._then: Callable[[], object] = self.mend
        self._released = trio.Event()
        self._clients = 0
        self._busy = 0
        self._moved = trio.Event()

    # ---- faults

    def mend(self) -> None:
        """No fault from now on; what is held is let go."""
        self._set("pass")

    def cut(self, *, at: int) -> None:
        """Reset the connection before step `at`, counted from now (from 1)."""
        self._set("cut", at=at)

    def hold(self, *, at: int, then: Callable[[], object]) -> None:
        """Pass nothing on from step `at`, and keep the connection open until `mend`; call `then`."""
        self._set("hold", at=at)
        self._then = then

    def trickle(self) -> None:
        """Pass the first bytes of everything one by one."""
        self._set("trickle")

    def answer(self, content: bytes) -> None:
        """Answer whoever connects with these bytes once he has said something, or has waited for the
        server's first word for a second; then hang up."""
        self._set("answer")
        self._canned = content

    def answer_instead(self, content: bytes, *, at: int, applied: bool) -> None:
        """Answer exchange `at`, counted from now (from 1), with these bytes and hang up. `applied`: the
        counterpart has had the request, and its own answer is dropped; else it never hears of it."""
        self._set("instead", at=at)
        self._canned = content
        self._applied = applied

    # ---- what can be seen

    @property
    def clients(self) -> int:
        """Connections that the plugin has open."""
        return self._clients

    async def settled(self) -> None:
        """Return when the counterpart is through with what reached it over broken connections."""
        while self._busy:
            await self._moved.wait()

    async def idle(self) -> None:
        """Return when the plugin has no connection open."""
        while self._clients:
            await self._moved.wait()

    # ---- at work

    async def serve(self, client: trio.SocketStream) -> None:
        """One connection of the plugin's, until both ends are done with it."""
        self.accepted += 1
        self._clients += 1
        try:
            async with client:
                if self._mode == "answer":
                    await self._say(client)
                    return
                try:
                    target = await trio.open_tcp_stream(HOST, self._target_port)
                except OSError:
                    _reset(client)
                    return
                async with target:
                    await self._join(client, target)
        finally:
            self._left()

    async def _join(self, client: trio.SocketStream, target: trio.SocketStream) -> None:
        ends: list[_End] = []
        turns = _Turns()
        async with trio.open_nursery() as nursery:

            async def pump(source: trio.SocketStream, sink: trio.SocketStream, *, asks: bool) -> None:
                end = await self._pass_on(source, sink, partial(self._turn, turns, asks=asks))
                if end is not None:
                    ends.append(end)
                    nursery.cancel_scope.cancel()

            nursery.start_soon(partial(pump, client, target, asks=True))
            nursery.start_soon(partial(pump, target, client, asks=False))
        if ends:
            await self._break(ends[0], client, target)

    async def _break(self, end: _End, client: trio.SocketStream, target: trio.SocketStream) -> None:
        self._busy += 1
        try:
            if end in ("cut", "gone"):
                _reset(client)
            if end != "gone":
                self.struck.set()
            if end == "instead":
                await _part_with(client, self._canned)
            if end == "hold":
                self._then()
                await self._released.wait()
            await _finish(target)
        finally:
            self._busy -= 1
            self._move()
        if end == "hold":
            await _drain(client)

    def _turn(self, turns: "_Turns", chunk: bytes, *, asks: bool) -> bool:
        """Count an exchange where one begins. Whether this is where the counterpart's answer is replaced:
        at the request's first bytes, or at those of the answer."""
        begins = asks is not turns.asking
        turns.asking = asks
        if asks and begins:
            self._exchanges += 1
            turns.number = self._exchanges
            self.first_words = chunk[:32]
        due = turns.number >= self._at and not self.struck.is_set()
        return self._mode == "instead" and begins and due and asks is not self._applied

    async def _pass_on(
        self, source: trio.SocketStream, sink: trio.SocketStream, turn: Callable[[bytes], bool]
    ) -> _End | None:
        """Until its end (None), or until one end is gone or the fault strikes."""
        try:
            async with aclosing(_chunks(source)) as chunks:
                async for chunk in chunks:
                    mode = self._mode
                    self._steps += 1
                    if turn(chunk):
                        return "instead"
                    due = self._steps >= self._at and not self.struck.is_set()
                    if mode == "cut" and due:
                        return "cut"
                    if mode == "hold" and due:
                        return "hold"
                    head = chunk[:TRICKLED_BYTES] if mode == "trickle" else b""
                    for byte in head:
                        await sink.send_all(bytes([byte]))
                    await sink.send_all(chunk[len(head) :])
            await sink.send_eof()
        except _GONE:
            return "gone"
        return None

    async def _say(self, client: trio.SocketStream) -> None:
        with suppress(*_GONE):
            with trio.move_on_after(FIRST_WORD_S):
                await client.receive_some(CHUNK_BYTES)
            await client.send_all(self._canned)

    def _set(self, mode: _Mode, *, at: int = 0) -> None:
        self._mode, self._at, self._steps, self._exchanges = mode, at, 0, 0
        self.struck = trio.Event()
        self._released.set()
        self._released = trio.Event()

    def _left(self) -> None:
        self._clients -= 1
        self._move()

    def _move(self) -> None:
        self._moved.set()
        self._moved = trio.Event()


class _Turns:
    """Who speaks on one connection, and the number of the exchange."""

    def __init__(self) -> None:
        self.asking = False
        self.number = 0


@asynccontextmanager
async def proxy_to(port: int) -> AsyncIterator[Proxy]:
    """A proxy to this port of 127.0.0.1, up and listening on `Proxy.port`."""
    proxy = Proxy(port)
    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, proxy.serve, 0, host=HOST))
        proxy.port = listeners[0].socket.getsockname()[1]
        yield proxy
        nursery.cancel_scope.cancel()


def unused_port() -> int:
    """A port of 127.0.0.1 where nobody listens."""
    with socket.socket() as held:
        held.bind((HOST, 0))
        return int(held.getsockname()[1])


async def _chunks(source: trio.SocketStream) -> AsyncGenerator[bytes, None]:
    while chunk := await source.receive_some(CHUNK_BYTES):
        yield bytes(chunk)


def _reset(stream: trio.SocketStream) -> None:
    """Close it so that the other end meets a reset."""
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    stream.socket.close()


async def _finish(target: trio.SocketStream) -> None:
    """Tell the counterpart that nothing more comes, and wait until it is through with what it has."""
    with suppress(*_GONE):
        await target.send_eof()
        await _drain(target)


async def _part_with(client: trio.SocketStream, words: bytes) -> None:
    """Say these words and nothing more; closed with unread bytes, the client would not hear them."""
    with suppress(*_GONE):
        await client.send_all(words)
    await _finish(client)


async def _drain(stream: trio.SocketStream) -> None:
    with suppress(*_GONE), trio.move_on_after(DRAIN_S):
        while await stream.receive_some(CHUNK_BYTES):
            pass
