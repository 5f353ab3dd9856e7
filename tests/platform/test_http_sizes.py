"""Answers that are too large, or packed: bounded as promised."""

import contextlib
import gzip

import pytest
import trio

from dropstreamd.errors import (
    OutcomeUnknown,
    ProtocolMismatch,
    Unreachable,
)
from dropstreamd.platform.http import Http, HttpLimits, decode
from tests.platform.calls import LOCAL, ask
from tests.platform.servers import answer, scripted


@pytest.mark.parametrize(
    "given",
    [
        answer(body=b"x" * 2001),
        answer(body=b"", content_length="", transfer_encoding="chunked") + b"3e8\r\n" + b"x" * 1000 + b"\r\n"
        b"3e9\r\n" + b"x" * 1001 + b"\r\n0\r\n\r\n",
        answer(body=gzip.compress(b"\0" * 5_000_000, mtime=0)[:]),
        answer(body=gzip.compress(b"\0" * 1_900_000, mtime=0), content_encoding="gzip"),
    ],
    ids=["declared", "chunked", "packed but not said so", "bomb"],
)
async def test_an_answer_larger_than_allowed_is_dropped(http: Http, given: bytes) -> None:
    async with scripted(given) as server:
        with pytest.raises(ProtocolMismatch, match="larger than 2000 bytes"):
            await ask(http, server, limits=HttpLimits(response_bytes=2000, retries=0))
        with pytest.raises(OutcomeUnknown, match="larger than 2000 bytes"):
            await ask(http, server, applied="write", limits=HttpLimits(response_bytes=2000))


async def test_an_endless_answer_is_cut_at_the_limit(http: Http) -> None:
    async def endless(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await stream.send_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        with contextlib.suppress(trio.BrokenResourceError):
            while True:
                await stream.send_all(b"400\r\n" + b"x" * 1024 + b"\r\n")

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(trio.serve_tcp, endless, 0)
        base = f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}"
        limits = HttpLimits(response_bytes=100_000, retries=0)
        async with http.client(base, settings=LOCAL, limits=limits) as client:
            with pytest.raises(ProtocolMismatch, match="larger than 100000 bytes"):
                await client.request("GET", applied="safe")
        nursery.cancel_scope.cancel()


async def test_a_packed_answer_is_unpacked(http: Http) -> None:
    body = gzip.compress(b'{"a": 1}', mtime=0)
    async with scripted(answer(body=body, content_encoding="gzip")) as server:
        assert decode(await ask(http, server), dict[str, int]) == {"a": 1}


@pytest.mark.parametrize(
    ("body", "packing", "says"),
    [
        (b"{}", "gzip", "is not"),
        (b"{}", "br", "packed by 'br'"),
        (gzip.compress(b"{}", mtime=0) + b"more", "gzip", "bytes follow"),
    ],
)
async def test_a_wrongly_packed_answer_is_refused(http: Http, body: bytes, packing: str, says: str) -> None:
    async with scripted(answer(body=body, content_encoding=packing)) as server:
        with pytest.raises(ProtocolMismatch, match=says):
            await ask(http, server)
        with pytest.raises(OutcomeUnknown, match=says):
            await ask(http, server, applied="write")


async def test_a_packed_answer_that_is_cut_short_is_lost(http: Http) -> None:
    async with scripted(answer(body=gzip.compress(b"[1, 2, 3]" * 9)[:-9], content_encoding="gzip")) as server:
        with pytest.raises(Unreachable, match="cut short"):
            await ask(http, server)
