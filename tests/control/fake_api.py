"""A strict stand-in for the control API on a real Unix socket: it answers what a test laid out, in
order (the last of a kind again and again), and remembers what it was asked. Anything else is answered
404 and fails the test."""

import io
import os
import socketserver
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import ClassVar, TextIO

import msgspec

from dropstreamd.control.cli.terminal import Terminal
from dropstreamd.control.client import run
from dropstreamd.control.messages.refusal import Refusal
from dropstreamd.control.messages.runs import StreamEvent

UNCLOSED = "ignore:unclosed <socket:ResourceWarning"
"""httpcore 1.0 leaves its socket to the garbage collector where it cannot connect."""

Stream = Callable[[Callable[[bytes], None]], None]
"""Writes an event stream by the function it is given; the stream ends as it returns."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One request, as `POST /v1/reload?x=1`, and its body."""

    line: str
    body: bytes

    def read(self, expected: type) -> object:
        return msgspec.json.decode(self.body, type=expected)


class FakeApi:
    """`answer` lays out an answer for the next request of that method and target."""

    def __init__(self, socket: Path) -> None:
        self.socket = socket
        self.asked: list[Asked] = []
        self.unexpected: list[str] = []
        self.otherwise: Refusal | None = None
        """What answers all that no answer was laid out for."""
        self._answers: dict[str, list[tuple[int, bytes] | Stream]] = {}

    def answer(self, line: str, content: msgspec.Struct | Stream | bytes, status: int = 200) -> None:
        if isinstance(content, Refusal):
            status = content.status
        if isinstance(content, msgspec.Struct):
            content = msgspec.json.encode(content)
        laid = (status, content) if isinstance(content, bytes) else content
        self._answers.setdefault(line, []).append(laid)

    def take(self, asked: Asked) -> tuple[int, bytes] | Stream:
        self.asked.append(asked)
        answers = self._answers.get(asked.line)
        if not answers and self.otherwise is not None:
            return self.otherwise.status, msgspec.json.encode(self.otherwise)
        if not answers:
            self.unexpected.append(asked.line)
            return 404, msgspec.json.encode(refusal("not found", 404, f"no answer for {asked.line}"))
        return answers.pop(0) if len(answers) > 1 else answers[0]

    @property
    def lines(self) -> list[str]:
        return [asked.line for asked in self.asked]


def refusal(kind: str, status: int, detail: str, **more: object) -> Refusal:
    fields = {"title": kind, "status": status, "kind": kind, "detail": detail, **more}
    return msgspec.convert(fields, Refusal)


def events(*happened: StreamEvent) -> Stream:
    """A stream of these events, as the daemon writes them."""

    def write(send: Callable[[bytes], None]) -> None:
        send(b": here\n\n")
        for event in happened:
            send(sse(event))

    return write


def sse(event: StreamEvent) -> bytes:
    tag = str(event.__struct_config__.tag)
    return b"event: " + tag.encode() + b"\ndata: " + msgspec.json.encode(event) + b"\n\n"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    api: ClassVar[FakeApi]

    def _serve(self) -> None:
        length = int(self.headers.get("content-length", 0))
        answer = self.api.take(Asked(line=f"{self.command} {self.path}", body=self.rfile.read(length)))
        if isinstance(answer, tuple):
            status, body = answer
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        else:
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.send_header("connection", "close")
            self.end_headers()
            answer(self._send)
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - the library's names

    def _send(self, data: bytes) -> None:
        try:
            self.wfile.write(data)
            self.wfile.flush()
        except BrokenPipeError:
            self.close_connection = True  # the client has read enough

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        pass


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    block_on_close = False
    address_family = socketserver.UnixStreamServer.address_family


@contextmanager
def fake_api(folder: Path) -> Iterator[FakeApi]:
    """Serve until the block ends; nothing may have been asked that no answer was laid out for."""
    api = FakeApi(folder / "control.sock")
    handler = type("Handler", (_Handler,), {"api": api})
    with _Server(str(api.socket), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield api
        finally:
            server.shutdown()
            thread.join()
    assert api.unexpected == []


class _Stream(io.TextIOWrapper):
    """A text stream in memory, which may say that it is a terminal."""

    def __init__(self, content: bytes = b"", *, is_terminal: bool = False) -> None:
        super().__init__(io.BytesIO(content), encoding="utf-8", write_through=True)
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal

    def text(self) -> str:
        assert isinstance(self.buffer, io.BytesIO)
        return self.buffer.getvalue().decode()


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What a command said."""

    code: int
    out: str
    err: str


def terminal(
    typed: str | bytes = "", *, is_terminal: bool = False, environ: Mapping[str, str] | None = None
) -> tuple[Terminal, Callable[[int], Told]]:
    """A terminal in memory, and what was said on it, given the exit code."""
    content = typed.encode() if isinstance(typed, str) else typed
    streams: list[TextIO] = [_Stream(content, is_terminal=is_terminal)]
    out, err = _Stream(is_terminal=is_terminal), _Stream(is_terminal=is_terminal)
    made = Terminal(streams[0], out, err, environ or {})
    return made, lambda code: Told(code=code, out=out.text(), err=err.text())


def ctl(
    api: FakeApi | Path,
    *argv: str,
    typed: str | bytes = "",
    is_terminal: bool = False,
    environ: Mapping[str, str] | None = None,
) -> Told:
    """Run one command against the socket, in this process."""
    socket = api if isinstance(api, Path) else api.socket
    seen, told = terminal(typed, is_terminal=is_terminal, environ={"NO_COLOR": "1", **(environ or {})})
    try:
        return told(run(["--socket", os.fspath(socket), *argv], seen, {}))
    except SystemExit as stopped:
        return told(int(stopped.code or 0))


def golden(name: str, out: str) -> None:
    """`out` is what a person agreed to see: `golden/NAME.txt`."""
    assert out == (Path(__file__).parent / "golden" / f"{name}.txt").read_text(encoding="utf-8")
