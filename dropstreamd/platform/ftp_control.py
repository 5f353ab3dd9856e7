"""FTP's dialogue: one command, one answer, over a connection that may become TLS.

Everything that arrives is bounded in size and time. When anything is amiss between a command and its
answer, the two ends would talk past each other: the connection is then cut and stays so.
"""

import ssl

import msgspec
import trio

from dropstreamd.errors import Misconfigured, Unreachable
from dropstreamd.platform.ftp_tls import Tls, start_tls

ANSWER_S = 60.0  # for a whole answer: a server may look for viruses before it confirms a file
LINE_BYTES = 4096
REPLY_BYTES = 64 << 10
SHOWN_CHARS = 120
CLOSING_DOWN = 421


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What a server answered; `lines` without their ends, the code still in front of the last."""

    code: int
    lines: tuple[str, ...]

    def __str__(self) -> str:
        """The code and the last line's words, short and printable."""
        text = "".join(char for char in self.text if char.isprintable())[:SHOWN_CHARS]
        return f"{self.code} {text}".rstrip()

    @property
    def text(self) -> str:
        return self.lines[-1][4:].strip()

    @property
    def preliminary(self) -> bool:
        return self.code < 200

    @property
    def done(self) -> bool:
        return 200 <= self.code < 300

    @property
    def passing(self) -> bool:
        """A refusal that another time may not meet."""
        return 400 <= self.code < 500


class Control:
    """One control connection. Its methods raise Unreachable, naming what was being done (`doing`)."""

    def __init__(self, stream: trio.SocketStream, where: str) -> None:
        self.where = where
        self.doing = "connecting"
        self.peer = str(stream.socket.getpeername()[0])
        self.tls: Tls | None = None
        self._stream: trio.SocketStream | trio.SSLStream[trio.SocketStream] = stream
        self._buffer = bytearray()
        self._in_step = False
        self._idle_since_s = trio.current_time()

    @property
    def in_step(self) -> bool:
        """Whether every command has had its answer."""
        return self._in_step

    @property
    def idle_s(self) -> float:
        return trio.current_time() - self._idle_since_s

    async def welcome(self) -> Reply:
        """The server's first words."""
        reply = await self._final(await self._reply())
        self._in_step = True
        return reply

    async def command(self, verb: str, argument: str = "") -> Reply:
        """Send a command and return its one answer."""
        await self.send(verb, argument)
        return await self.answer()

    async def send(self, verb: str, argument: str = "") -> None:
        """Send a command whose answers are asked for with `first` and `answer`."""
        if not self._in_step:
            raise Unreachable(f"{self.where}: the connection is closed")
        line = f"{verb} {argument}" if argument else verb
        if any(char in line for char in "\r\n\0"):
            raise Misconfigured(
                f"{self.where}: {self.doing!r}: FTP knows no name or password with a line break in it",
                remedy="take it out",
            )
        self._in_step = False
        raw = line.encode(errors="surrogateescape") + b"\r\n"
        try:
            with trio.fail_after(ANSWER_S):
                await self._stream.send_all(raw)
        except trio.TooSlowError as error:
            raise self.lost(f"it took nothing for {ANSWER_S:g} s") from error
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise self.lost(why(error)) from error

    async def first(self) -> Reply:
        """The first answer to what was sent; a preliminary one promises another."""
        reply = await self._reply()
        self._in_step = not reply.preliminary
        return reply

    async def answer(self) -> Reply:
        """The last answer to what was sent."""
        reply = await self._final(await self._reply())
        self._in_step = True
        return reply

    async def encrypt(self, tls: Tls) -> None:
        """Go on in TLS. Raises Misconfigured where the certificate is not to be trusted."""
        if self._buffer or not isinstance(self._stream, trio.SocketStream):
            raise self.lost("it sent something before the encryption that it agreed to")
        self._in_step = False
        try:
            with trio.fail_after(ANSWER_S):
                self._stream = await start_tls(self._stream, tls, self.where)
        except trio.TooSlowError as error:
            raise self.lost(f"it did not begin TLS within {ANSWER_S:g} s") from error
        self.tls = tls
        self._in_step = True

    @property
    def session(self) -> ssl.SSLSession | None:
        """The TLS session, which data connections resume."""
        return self._stream.session if isinstance(self._stream, trio.SSLStream) else None

    @property
    def version(self) -> str | None:
        """The TLS version, None without TLS."""
        return self._stream.version() if isinstance(self._stream, trio.SSLStream) else None

    def lost(self, reason: str) -> Unreachable:
        """The error that says so; nothing may be sent any more."""
        self._in_step = False
        return Unreachable(f"{self.where}: the connection was lost while {self.doing}: {reason}")

    async def cut(self) -> None:
        """Close it without a word."""
        self._in_step = False
        await trio.aclose_forcefully(self._stream)

    async def _final(self, reply: Reply) -> Reply:
        most = 10
        while reply.preliminary:
            most -= 1
            if not most:
                raise self.lost("it sent one preliminary answer after the other")
            reply = await self._reply()
        self._idle_since_s = trio.current_time()
        return reply

    async def _reply(self) -> Reply:
        try:
            with trio.fail_after(ANSWER_S):
                reply = await self._read_reply()
        except trio.TooSlowError as error:
            raise self.lost(f"no answer within {ANSWER_S:g} s") from error
        if reply.code == CLOSING_DOWN:
            raise self.lost(str(reply))
        return reply

    async def _read_reply(self) -> Reply:
        lines = [await self._line()]
        code = lines[0][:3]
        if not (len(code) == 3 and code.isascii() and code.isdigit() and "100" <= code < "600"):
            raise self.lost("what it says is not FTP")
        held = len(lines[0])
        if lines[0][3:4] == "-":
            while lines[-1][:4] not in {f"{code} ", code} or len(lines) == 1:
                lines.append(await self._line())
                held += len(lines[-1])
                if held > REPLY_BYTES or len(lines) > REPLY_BYTES // 16:
                    raise self.lost("an answer without end")
        return Reply(code=int(code), lines=tuple(lines))

    async def _line(self) -> str:
        while (end := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > LINE_BYTES:
                raise self.lost("a line without end")
            try:
                received = await self._stream.receive_some(LINE_BYTES)
            except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
                raise self.lost(why(error)) from error
            if not received:
                raise self.lost("the server closed it")
            self._buffer += received
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return line.rstrip(b"\r").decode(errors="surrogateescape")


def why(error: BaseException) -> str:
    """A trio error in words: of its cause, where it has one."""
    cause = error.__cause__
    if isinstance(cause, ssl.SSLError):
        return f"TLS: {cause.reason or 'broken'}"
    if isinstance(cause, OSError):
        return cause.strerror or type(cause).__name__
    return str(error) or "it is broken"
