"""Real servers on loopback for the HTTP tests, and certificates of our own."""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import h11
import hypercorn.config
import hypercorn.trio
import msgspec
import trio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from starlette.applications import Starlette


def answer(status: int = 200, body: bytes = b"{}", **headers: str) -> bytes:
    """The bytes of a whole answer; JSON unless `content_type` says otherwise."""
    fields = {"content_type": "application/json", "content_length": str(len(body)), **headers}
    lines = [f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items() if value]
    return f"HTTP/1.1 {status} said\r\n{''.join(lines)}\r\n".encode() + body


class Scripted(msgspec.Struct, kw_only=True):
    """A server that gives one prepared answer to each request, the last one for ever.

    An answer that is None is never given; the connection closes after an answer that is not whole.
    """

    answers: list[bytes | None]
    port: int = 0
    requests: list[bytes] = []
    connections: int = 0

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}/api"

    async def serve(self, stream: trio.abc.Stream) -> None:
        self.connections += 1
        while (request := await _read_request(stream)) is not None:
            self.requests.append(request)
            given = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            if given is None:
                await trio.sleep_forever()
            else:
                await stream.send_all(given)
                if not _whole(given):
                    return


@asynccontextmanager
async def scripted(*answers: bytes | None, tls: ssl.SSLContext | None = None) -> AsyncIterator[Scripted]:
    """A `Scripted` server, up and listening."""
    server = Scripted(answers=list(answers))
    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, _guarded(server, tls), 0, host="127.0.0.1"))
        server.port = listeners[0].socket.getsockname()[1]
        yield server
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def served(app: Starlette) -> AsyncIterator[str]:
    """A starlette application under hypercorn; gives its address."""
    config = hypercorn.config.Config()
    config.bind = ["127.0.0.1:0"]
    config.accesslog = config.errorlog = None
    async with trio.open_nursery() as nursery:
        binds = await nursery.start(partial(hypercorn.trio.serve, app, config))  # type: ignore[arg-type] # it is an ASGI app
        yield binds[0]
        nursery.cancel_scope.cancel()


def certificate(folder: Path, *, host: str = "localhost", days: tuple[int, int] = (-1, 1)) -> Path:
    """A self-signed certificate with its key, in one PEM file; `days` are its validity from now."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=days[0] - 1))
        .not_valid_after(now + timedelta(days=days[1]))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{host}{days[1]}.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


def server_tls(pem: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


def _guarded(server: Scripted, tls: ssl.SSLContext | None) -> Callable[[trio.SocketStream], Awaitable[None]]:
    async def handle(stream: trio.SocketStream) -> None:
        wrapped = trio.SSLStream(stream, tls, server_side=True, https_compatible=True) if tls else stream
        try:
            await server.serve(wrapped)
        except trio.BrokenResourceError:
            return  # the client went away, or did not like the certificate

    return handle


async def _read_request(stream: trio.abc.Stream) -> bytes | None:
    """The next whole request as it came; None at the end of the connection."""
    peer, came = h11.Connection(h11.SERVER), b""
    while True:
        event = peer.next_event()
        if isinstance(event, h11.EndOfMessage):
            return came
        if isinstance(event, h11.ConnectionClosed):
            return None
        if event is h11.NEED_DATA:
            data = await stream.receive_some(65536)
            came += data
            peer.receive_data(bytes(data))


def _whole(given: bytes) -> bool:
    peer = h11.Connection(h11.CLIENT)
    peer.send(h11.Request(method="GET", target="/", headers=[("Host", "x")]))
    peer.send(h11.EndOfMessage())
    peer.receive_data(given)
    try:
        while (event := peer.next_event()) is not h11.NEED_DATA:
            if isinstance(event, h11.EndOfMessage):
                return True
    except h11.RemoteProtocolError:
        pass
    return False
