"""A client that listens to the office's events, as raw bytes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from tests.control.office import Office


class Ear:
    """A raw client that listens to a stream of events, and may go away at any time."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream
        self._heard = b""

    async def until(self, words: str) -> str:
        """All that was heard up to now, once these words were."""
        while words.encode() not in self._heard:
            more = await self._stream.receive_some()
            assert more, f"the stream ended without {words!r}: {self._heard!r}"
            self._heard += more
        return self._heard.decode()


@asynccontextmanager
async def listening_to(office: Office, path: str) -> AsyncIterator[Ear]:
    async with await trio.open_unix_socket(str(office.socket)) as stream:
        await stream.send_all(f"GET /v1{path} HTTP/1.1\r\nHost: daemon\r\n\r\n".encode())
        yield Ear(stream)
