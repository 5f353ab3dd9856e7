"""An FTP server that says what a test tells it to, for answers that no real one gives on demand."""

import re
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial

import trio

from dropstreamd.platform.ftp import Ftp, FtpAddress, connect_ftp
from dropstreamd.platform.secrets import Secret

HOST = "127.0.0.1"
PASSWORD = "correct horse"
USUAL = {
    "USER": b"331 And the password?\r\n",
    "PASS": b"230 Welcome.\r\n",
    "AUTH": b"234 Go ahead.\r\n",
    "PBSZ": b"200 Yes.\r\n",
    "PROT": b"200 Yes.\r\n",
    "FEAT": b"211-Features:\r\n MDTM\r\n SIZE\r\n211 End\r\n",
    "TYPE": b"200 Binary.\r\n",
    "PWD": b'257 "/home" is here.\r\n',
    "CWD": b"250 There.\r\n",
    "SIZE": b"550 No such file.\r\n",
    "MDTM": b"550 No such file.\r\n",
    "NOOP": b"200 Yes.\r\n",
    "RNFR": b"350 And to?\r\n",
    "RNTO": b"250 Renamed.\r\n",
    "DELE": b"250 Gone.\r\n",
    "QUIT": b"221 Goodbye.\r\n",
}
TRANSFERS = {"NLST", "MLSD", "RETR", "STOR"}
DONE = b"226 Done.\r\n"

Stream = trio.SocketStream | trio.SSLStream[trio.SocketStream]


class FtpDouble:
    """`answers` by command, or by command and argument; None hangs up, b"" says nothing for ever.

    `data` is what a transfer sends, None for nothing and no end; the answer of a transfer is its last
    one. `said` are the commands that came, `uploads` what a STOR brought, `later` what it answers after
    a command.
    """

    def __init__(
        self,
        answers: Mapping[str, bytes | None],
        data: Mapping[str, bytes | None],
        *,
        greeting: bytes,
        tls: ssl.SSLContext | None,
    ) -> None:
        self.port = 0
        self.said: list[str] = []
        self.uploads: list[bytes] = []
        self.later: dict[str, dict[str, bytes | None]] = {}
        self.answers = {**USUAL, **answers}
        self._data = data
        self._greeting = greeting
        self._tls = tls
        self._passive: trio.SocketListener | None = None

    async def serve(self, plain: trio.SocketStream) -> None:
        """One control connection."""
        stream: Stream = plain
        try:
            await stream.send_all(self._greeting)
            buffer = b""
            while True:
                while b"\r\n" not in buffer:
                    received = await stream.receive_some(4096)
                    if not received:
                        return
                    buffer += received
                line, _, buffer = buffer.partition(b"\r\n")
                if not await self._answer(stream, line.decode()):
                    return
                if line.startswith(b"AUTH") and self._tls is not None:
                    stream = trio.SSLStream(plain, self._tls, server_side=True, https_compatible=True)
        except trio.BrokenResourceError:
            return  # the client hung up
        finally:
            await self._close_passive()
            await trio.aclose_forcefully(stream)

    async def _answer(self, stream: Stream, line: str) -> bool:
        """Whether the connection goes on."""
        self.said.append(line)
        verb = line.partition(" ")[0]
        answer = self.answers.get(line, self.answers.get(verb, DONE if verb in TRANSFERS else None))
        self.answers |= self.later.pop(verb, {})
        if verb in {"EPSV", "PASV"} and verb not in self.answers:
            answer = await self._listen(verb)
        if answer is None:
            return False
        if verb in TRANSFERS and not re.match(rb"[45]", answer):
            await stream.send_all(b"150 Here it comes.\r\n")
            await self._transfer(verb)
        if not answer:
            await trio.sleep_forever()
        await stream.send_all(answer)
        return True

    async def _listen(self, verb: str) -> bytes:
        await self._close_passive()
        (self._passive,) = await trio.open_tcp_listeners(0, host=HOST)
        port = self._passive.socket.getsockname()[1]
        if verb == "EPSV":
            return f"229 Come in (|||{port}|)\r\n".encode()
        # An address that nobody may be sent to.
        return f"227 Come in (192,0,2,1,{port >> 8},{port & 255}).\r\n".encode()

    async def _transfer(self, verb: str) -> None:
        assert self._passive is not None
        async with await self._passive.accept() as data:
            try:
                if verb == "STOR":
                    self.uploads.append(b"".join([bytes(piece) async for piece in data]))
                elif (content := self._data.get(verb, b"")) is None:
                    await trio.sleep_forever()
                else:
                    await data.send_all(content)
            except trio.BrokenResourceError:
                return  # the client has enough

    async def _close_passive(self) -> None:
        passive, self._passive = self._passive, None
        if passive is not None:
            await trio.aclose_forcefully(passive)


@asynccontextmanager
async def ftp_double(
    answers: Mapping[str, bytes | None] | None = None,
    data: Mapping[str, bytes | None] | None = None,
    *,
    greeting: bytes = b"220 Hello.\r\n",
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[FtpDouble]:
    """A double, up and listening."""
    double = FtpDouble(answers or {}, data or {}, greeting=greeting, tls=tls)
    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, double.serve, 0, host=HOST))
        double.port = listeners[0].socket.getsockname()[1]
        yield double
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def connected(double: FtpDouble, *, one_step_rename: bool = False) -> AsyncIterator[Ftp]:
    """A session in the folder /acme, unencrypted."""
    at = FtpAddress(host=HOST, port=double.port, user="acme", folder="/acme")
    async with connect_ftp(at, Secret(PASSWORD), tls=None, one_step_rename=one_step_rename) as ftp:
        yield ftp


@asynccontextmanager
async def opened(
    answers: Mapping[str, bytes | None] | None = None, data: Mapping[str, bytes | None] | None = None
) -> AsyncIterator[tuple[Ftp, FtpDouble]]:
    """A session, and the double that it is with."""
    async with ftp_double(answers, data) as double, connected(double) as ftp:
        yield ftp, double
