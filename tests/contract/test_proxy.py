"""The proxy breaks connections where it says."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest
import trio

from dropstreamd.testing import Proxy, proxy_to, unused_port
from dropstreamd.testing.proxy import HOST


class Echo:
    """A server that answers `<x>` to x; `heard` is all that came."""

    def __init__(self) -> None:
        self.heard = b""

    async def serve(self, stream: trio.SocketStream) -> None:
        while data := await stream.receive_some():
            self.heard += data
            await stream.send_all(b"<" + data + b">")


@asynccontextmanager
async def echo() -> AsyncIterator[tuple[Echo, Proxy]]:
    server = Echo()
    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, server.serve, 0, host=HOST))
        async with proxy_to(listeners[0].socket.getsockname()[1]) as proxy:
            yield server, proxy
        nursery.cancel_scope.cancel()


async def say(stream: trio.SocketStream, text: bytes) -> bytes:
    await stream.send_all(text)
    return bytes(await stream.receive_some())


@pytest.mark.parametrize(("at", "heard"), [(1, b"a"), (2, b"ab"), (3, b"ab")])
async def test_a_cut_is_a_reset_before_or_after_the_request_was_applied(at: int, heard: bytes) -> None:
    async with echo() as (server, proxy), await trio.open_tcp_stream(HOST, proxy.port) as stream:
        assert await say(stream, b"a") == b"<a>"
        proxy.cut(at=at)
        if at == 3:
            assert await say(stream, b"b") == b"<b>"
        with pytest.raises(trio.BrokenResourceError):
            await say(stream, b"b" if at < 3 else b"c")
        await proxy.settled()
        await proxy.idle()
        assert proxy.struck.is_set()
        assert server.heard == heard
    assert proxy.accepted == 1


async def test_what_is_held_is_never_passed_on_and_stays_open_until_it_is_let_go() -> None:
    async with echo() as (server, proxy):
        with trio.CancelScope() as scope:
            async with await trio.open_tcp_stream(HOST, proxy.port) as stream:
                proxy.hold(at=1, then=scope.cancel)
                await say(stream, b"a")
        assert scope.cancelled_caught
        assert proxy.clients == 1
        proxy.mend()
        await proxy.idle()
        assert server.heard == b""
        async with await trio.open_tcp_stream(HOST, proxy.port) as stream:
            assert await say(stream, b"b") == b"<b>"


async def test_a_trickle_brings_the_same_bytes() -> None:
    async with echo() as (server, proxy):
        proxy.trickle()
        async with await trio.open_tcp_stream(HOST, proxy.port) as stream:
            await stream.send_all(b"x" * 5000)
            await stream.send_eof()
            came = b"".join([bytes(chunk) async for chunk in stream])
        assert server.heard == b"x" * 5000
        assert came.count(b"x") == 5000


async def test_it_answers_in_the_servers_stead() -> None:
    async with echo() as (server, proxy):
        proxy.answer(b"no")
        async with await trio.open_tcp_stream(HOST, proxy.port) as stream:
            assert await say(stream, b"a") == b"no"
            assert await stream.receive_some() == b""
        assert server.heard == b""


async def test_a_server_that_is_not_there_resets() -> None:
    async with proxy_to(unused_port()) as proxy, await trio.open_tcp_stream(HOST, proxy.port) as stream:
        with pytest.raises(trio.BrokenResourceError):
            await stream.receive_some()


@pytest.mark.parametrize(("applied", "heard"), [(False, b"a"), (True, b"ab")])
async def test_an_answer_instead_comes_of_a_request_that_was_applied_or_not(
    applied: bool, heard: bytes
) -> None:
    async with echo() as (server, proxy), await trio.open_tcp_stream(HOST, proxy.port) as stream:
        proxy.answer_instead(b"no", at=2, applied=applied)
        assert await say(stream, b"a") == b"<a>"
        assert not proxy.struck.is_set()
        assert await say(stream, b"b") == b"no"
        assert await stream.receive_some() == b""
        await stream.aclose()
        await proxy.settled()
        assert proxy.struck.is_set()
        assert server.heard == heard
        async with await trio.open_tcp_stream(HOST, proxy.port) as another:
            assert await say(another, b"c") == b"<c>"
