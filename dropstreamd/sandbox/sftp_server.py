"""An SFTP server on loopback, for the demo and for tests: one folder, one user, a host key of its own."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncssh
import msgspec
import trio

from dropstreamd.platform.asyncio_thread import AsyncioThread
from dropstreamd.platform.secrets import Secret

HOST = "127.0.0.1"

SftpFactory = Callable[["asyncssh.SSHServerChannel[bytes]"], asyncssh.SFTPServer]


class SftpAccount(msgspec.Struct, frozen=True, kw_only=True):
    """How to reach a running server; its `/` is `root` on this machine."""

    port: int
    user: str
    password: Secret
    host_key: str
    root: Path

    @property
    def url(self) -> str:
        return f"sftp://{self.user}@{HOST}:{self.port}/"


@asynccontextmanager
async def serve_sftp(
    root: Path, *, user: str, password: Secret, sftp: SftpFactory | None = None
) -> AsyncIterator[SftpAccount]:
    """Serve `root` on a free port of 127.0.0.1 until the block ends, which cuts what is connected.

    `sftp` makes the server of a session, by default one that is locked into `root`.
    """
    server = _Server(
        user, password, sftp or (lambda channel: asyncssh.SFTPServer(channel, chroot=bytes(root)))
    )
    thread = await AsyncioThread.start("sftp-sandbox")
    try:
        port = await thread.call(server.listen, overdue=lambda: None, grace_s=2.0)
        host_key = " ".join(server.host_key.export_public_key().decode().split()[:2])
        yield SftpAccount(port=port, user=user, password=password, host_key=host_key, root=root)
    finally:
        with trio.CancelScope(shield=True):
            await thread.call(server.close, overdue=lambda: None, grace_s=2.0)
            await thread.stop()


class _Server:
    """Lives in the thread's loop."""

    def __init__(self, user: str, password: Secret, sftp: SftpFactory) -> None:
        self.host_key = asyncssh.generate_private_key("ssh-ed25519")
        self._user = user
        self._password = password
        self._sftp = sftp
        self._acceptor: asyncssh.SSHAcceptor | None = None
        self._connections: set[asyncssh.SSHServerConnection] = set()

    async def listen(self) -> int:
        self._acceptor = await asyncssh.listen(
            HOST,
            0,
            config=None,
            server_host_keys=[self.host_key],
            server_factory=lambda: _Gate(self._user, self._password, self._connections),
            sftp_factory=self._sftp,
            allow_scp=False,
            gss_host=None,
            compression_algs=None,
        )
        return self._acceptor.get_port()

    async def close(self) -> None:
        if self._acceptor is None:
            return
        self._acceptor.close()
        connections = list(self._connections)
        for connection in connections:
            connection.abort()
        await asyncio.gather(
            self._acceptor.wait_closed(), *(connection.wait_closed() for connection in connections)
        )


class _Gate(asyncssh.SSHServer):
    """Lets the one user in."""

    def __init__(self, user: str, password: Secret, connections: set[asyncssh.SSHServerConnection]) -> None:
        self._user = user
        self._password = password
        self._connections = connections
        self._connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._connections.add(conn)

    def connection_lost(self, _exc: Exception | None) -> None:
        if self._connection is not None:
            self._connections.discard(self._connection)

    def begin_auth(self, _username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return username == self._user and password == self._password.reveal()
