"""SFTP for trio: one SSH connection with a pinned host key, in a thread of its own.

Nothing of the machine's user is consulted: no SSH configuration, agent, key or known host but those
that are given here.
"""

import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

import asyncssh
import msgspec
import trio

from dropstreamd.errors import Misconfigured, Unreachable
from dropstreamd.platform import sftp_calls
from dropstreamd.platform.asyncio_thread import AsyncioThread
from dropstreamd.platform.files import Entry
from dropstreamd.platform.sftp_errors import ABSENT, connecting, working
from dropstreamd.platform.sftp_login import HostKey, Password, PrivateKey, pin, private_key

T = TypeVar("T")

KEEPALIVE_S = 15.0  # three unanswered ones end the connection
GRACE_S = 2.0


class SftpAddress(msgspec.Struct, frozen=True, kw_only=True):
    """A folder of a user on a server; `folder` is where relative paths begin ("": the login's)."""

    host: str
    port: int = 22
    user: str
    folder: str = ""

    def __str__(self) -> str:
        """For people, also in logs: USER@HOST is taken for an e-mail address there, and hidden."""
        return f"{self.user} at {self.host}:{self.port}"

    def path(self, relative: str) -> str:
        """`relative` as the server knows it."""
        if not self.folder:
            return relative or "."
        return f"{self.folder.rstrip('/')}/{relative}" if relative else self.folder


@asynccontextmanager
async def connect_sftp(
    address: SftpAddress,
    auth: Password | PrivateKey,
    *,
    host_keys: Sequence[str],
    connect_timeout_s: float = 30.0,
) -> AsyncIterator["Sftp"]:
    """An SFTP session, closed at the end of the block (two seconds, then the connection is cut).

    `host_keys` are lines such as `ssh-ed25519 AAAA…`: the server must have one of them. It opens no
    nursery, so that errors leave the block as they are. Raises Unreachable, AuthFailed, Misconfigured.
    """
    sftp = Sftp(address, await AsyncioThread.start("sftp"))
    try:
        with trio.move_on_after(connect_timeout_s) as patience:
            await sftp.open(auth, host_keys)
        if patience.cancelled_caught:
            raise Unreachable(f"{address}: no answer within {connect_timeout_s:g} s")
        yield sftp
    finally:
        with trio.CancelScope(shield=True):
            await sftp.aclose()


class Sftp:
    """A `FileServer` over SFTP. A cancelled request gets two seconds, then the connection is cut."""

    def __init__(self, address: SftpAddress, thread: AsyncioThread) -> None:
        self._address = address
        self._thread = thread
        self._connection: asyncssh.SSHClientConnection | None = None
        self._client: asyncssh.SFTPClient | None = None
        self._atomic: bool | None = None

    async def open(self, auth: Password | PrivateKey, host_keys: Sequence[str]) -> None:
        """Connect. After it, whatever its outcome, `aclose` must be called."""
        where = str(self._address)
        pins = [pin(where, line) for line in host_keys]
        stream = await _connect_tcp(self._address)
        raw = socket.socket(fileno=stream.socket.detach())
        seen = HostKey(where, pins)
        try:
            with connecting(where):
                await self._call(self._handshake, raw, auth, pins, seen)
        except Unreachable:
            if seen.refusal is not None:
                raise seen.refusal from None
            raise
        finally:
            if self._connection is None:
                raw.close()

    async def aclose(self) -> None:
        """Close the connection and end the thread; to be shielded by its caller."""
        if self._connection is not None:
            connection, self._connection, self._client = self._connection, None, None
            goodbye = sftp_calls.goodbye
            await self._thread.call(goodbye, connection, GRACE_S, overdue=connection.abort, grace_s=GRACE_S)
        await self._thread.stop()

    async def listdir(
        self,
        folder: str,
        *,
        limit: int,
        exact: Callable[[str], bool] | None = None,  # noqa: ARG002 (SFTP tells all at no cost)
    ) -> list[Entry]:
        path = self._address.path(folder)
        with working(str(self._address), path, "listing"):
            entries = await self._call(sftp_calls.listdir, self._sftp, path, limit)
        if entries is None:
            raise Misconfigured(
                f"{self._address}: {path} holds more than {limit} files",
                remedy="move old files out of the folder",
            )
        return entries

    async def size(self, path: str) -> int | None:
        full = self._address.path(path)
        with working(str(self._address), full, "looking at"):
            return await self._call(sftp_calls.size, self._sftp, full)

    async def read(self, path: str, *, limit_bytes: int) -> bytes | None:
        content = bytearray()
        found = await self.download(path, content.extend, limit_bytes=limit_bytes)
        return None if found is None else bytes(content)

    async def download(self, path: str, into: Callable[[bytes], object], *, limit_bytes: int) -> int | None:
        full = self._address.path(path)
        with working(str(self._address), full, "reading"):
            count = await self._call(sftp_calls.download, self._sftp, full, into, limit_bytes)
        if count is not None and count > limit_bytes:
            raise Misconfigured(
                f"{self._address}: {full} is larger than {limit_bytes} bytes",
                remedy="raise the limit or split the file",
            )
        return count

    async def write(self, path: str, content: bytes) -> None:
        full = self._address.path(path)
        with working(str(self._address), full, "writing"):
            await self._call(sftp_calls.write, self._sftp, full, content)

    async def atomic_rename(self) -> bool:
        """True where the server offers posix-rename@openssh.com (or SFTP 5's overwriting rename).

        Asked by renaming a name that does not exist: a server without it refuses before it looks.
        """
        if self._atomic is None:
            absent = self._address.path(".dropstreamd-no-such-file")
            with working(str(self._address), absent, "renaming"):
                self._atomic = await self._call(sftp_calls.offers_posix_rename, self._sftp, absent)
        return self._atomic

    async def rename(self, source: str, target: str) -> bool:
        atomic = await self.atomic_rename()
        old, new = self._address.path(source), self._address.path(target)
        function = self._sftp.posix_rename if atomic else self._sftp.rename
        with working(str(self._address), f"{old} to {new}", "renaming", unknown=True), suppress(*ABSENT):
            await self._call(function, sftp_calls.raw(old), sftp_calls.raw(new))
            return True
        return False

    async def remove(self, path: str) -> bool:
        full = self._address.path(path)
        with working(str(self._address), full, "removing"), suppress(*ABSENT):
            await self._call(self._sftp.remove, sftp_calls.raw(full))
            return True
        return False

    async def mkdir(self, folder: str) -> None:
        full = self._address.path(folder)
        with working(str(self._address), full, "making folder"):
            await self._call(sftp_calls.mkdir, self._sftp, full)

    @property
    def _sftp(self) -> asyncssh.SFTPClient:
        if self._client is None:
            raise Unreachable(f"{self._address}: the connection is closed")
        return self._client

    async def _call(self, function: Callable[..., Coroutine[Any, Any, T]], *args: object) -> T:
        return await self._thread.call(function, *args, overdue=self._abort, grace_s=GRACE_S)

    def _abort(self) -> None:
        if self._connection is not None:
            self._connection.abort()

    async def _handshake(
        self, raw: socket.socket, auth: Password | PrivateKey, pins: list[asyncssh.SSHKey], seen: "HostKey"
    ) -> None:
        pinned = [name.decode() for pin in pins for name in pin.sig_algorithms]
        usual = [name.decode() for name in asyncssh.public_key.get_default_public_key_algs()]
        self._connection = await asyncssh.connect(
            self._address.host,
            self._address.port,
            sock=raw,
            config=None,
            username=self._address.user,
            known_hosts=([], [], []),
            client_factory=lambda: seen,
            # Ours first, so that a server with several keys shows the one that is pinned.
            server_host_key_algs=list(dict.fromkeys([*pinned, *usual])),
            x509_trusted_certs=None,
            agent_path=None,
            gss_host=None,
            client_keys=[private_key(auth)] if isinstance(auth, PrivateKey) else None,
            password=auth.password.reveal() if isinstance(auth, Password) else None,
            compression_algs=None,
            keepalive_interval=KEEPALIVE_S,
        )
        self._client = await self._connection.start_sftp_client()


async def _connect_tcp(address: SftpAddress) -> trio.SocketStream:
    try:
        return await trio.open_tcp_stream(address.host, address.port)
    except socket.gaierror as error:
        raise Unreachable(
            f"{address}: the name {address.host} cannot be resolved: {error.strerror}"
        ) from error
    except OSError as error:
        raise Unreachable(f"{address}: no connection to port {address.port}: {error}") from error
