"""The server that the doubles stand on."""

import pytest
import trio

from .web import Asked, Reply, web

REQUEST = b"GET /nowhere HTTP/1.1\r\nhost: x\r\n\r\n"


async def no_such_path(asked: Asked) -> Reply | None:
    raise AssertionError(f"there is no {asked.path}")


async def test_a_refused_request_fails_a_test_that_ends_at_once() -> None:
    with pytest.RaisesGroup(
        pytest.RaisesExc(AssertionError, match="there is no /nowhere"),
        allow_unwrapped=True,
        flatten_subgroups=True,
    ):
        async with web(no_such_path) as port, await trio.open_tcp_stream("127.0.0.1", port) as stream:
            await stream.send_all(REQUEST)
            assert await stream.receive_some() == b""  # it ends without an answer, and so does the test
