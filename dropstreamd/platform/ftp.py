"""FTP, and FTPS with explicit TLS, on trio itself.

Neither a thread nor a library is between: FTP's dialogue is short, and so cancellation and time-outs
act at once, on every wait.
"""

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import msgspec
import trio

from dropstreamd.errors import Misconfigured, OutcomeUnknown, Unreachable
from dropstreamd.platform import ftp_data, ftp_listing
from dropstreamd.platform.files import Entry
from dropstreamd.platform.ftp_control import Control, Reply
from dropstreamd.platform.ftp_errors import NO_FILE, not_permitted, refused
from dropstreamd.platform.ftp_login import Abilities, log_in
from dropstreamd.platform.ftp_tls import Tls
from dropstreamd.platform.secrets import Secret

GRACE_S = 2.0
IDLE_S = 45.0  # after it the connection is tried before it is used
GOES_ON = 350


class FtpAddress(msgspec.Struct, frozen=True, kw_only=True):
    """A folder of a user on a server; `folder` is where relative paths begin ("": the login's)."""

    host: str
    port: int = 21
    user: str
    folder: str = ""

    def __str__(self) -> str:
        """For people, also in logs: USER@HOST is taken for an e-mail address there, and hidden."""
        return f"{self.user} at {self.host}:{self.port}"

    def path(self, home: str, relative: str) -> str:
        """`relative` as an absolute path; `home` is where the login landed."""
        folder = self.folder if self.folder.startswith("/") else f"{home.rstrip('/')}/{self.folder}"
        return f"{folder.rstrip('/')}/{relative}".rstrip("/") or "/"


@asynccontextmanager
async def connect_ftp(
    address: FtpAddress,
    password: Secret,
    *,
    tls: Tls | None,
    one_step_rename: bool,
    connect_timeout_s: float = 30.0,
) -> AsyncIterator["Ftp"]:
    """A session, closed at the end of the block (two seconds, then the connection is cut).

    Without `tls`, the password and every file travel unencrypted. `one_step_rename` is what the
    server's people say: FTP itself cannot tell. It opens no nursery, so that errors leave the block
    as they are. Raises Unreachable, AuthFailed, Misconfigured.
    """
    ftp = Ftp(address, password, tls, one_step_rename=one_step_rename, connect_timeout_s=connect_timeout_s)
    try:
        await ftp.open()
        yield ftp
    finally:
        with trio.CancelScope(shield=True):
            await ftp.aclose()


class Ftp:
    """A `FileServer` over FTP. What is cancelled, or meets a fault, ends the connection at once."""

    def __init__(
        self,
        address: FtpAddress,
        password: Secret,
        tls: Tls | None,
        *,
        one_step_rename: bool,
        connect_timeout_s: float,
    ) -> None:
        self._address = address
        self._password = password
        self._tls = tls
        self._one_step_rename = one_step_rename
        self._connect_timeout_s = connect_timeout_s
        self._control: Control | None = None
        self._abilities = Abilities(home="/", mlsd=False)
        self._lock = trio.Lock()

    async def open(self) -> Control:
        """Connect and log in. After it, whatever its outcome, `aclose` must be called."""
        address = self._address
        try:
            with trio.fail_after(self._connect_timeout_s):
                control = self._control = Control(await _connect_tcp(address), str(address))
                self._abilities = await log_in(control, address.user, self._password, self._tls)
                return control
        except trio.TooSlowError as error:
            raise Unreachable(f"{address}: no answer within {self._connect_timeout_s:g} s") from error

    async def aclose(self) -> None:
        """Take leave, for two seconds at most, and close; to be shielded by its caller."""
        control, self._control = self._control, None
        if control is None:
            return
        if control.in_step:
            with trio.move_on_after(GRACE_S):
                await _goodbye(control)
        await control.cut()

    @property
    def encryption(self) -> str | None:
        """The TLS version, None without TLS."""
        return None if self._control is None else self._control.version

    async def listdir(
        self, folder: str, *, limit: int, exact: Callable[[str], bool] | None = None
    ) -> list[Entry]:
        async with self._turn("listing", folder) as (control, path):
            reply = await control.command("CWD", path)
            if not reply.done:
                raise self._no_folder(path, "listing", reply)
            found = await ftp_listing.entries(
                control, path, limit=limit, mlsd=self._abilities.mlsd, exact=exact or _every
            )
        if found is None:
            raise ftp_listing.too_many(str(self._address), path, limit)
        return found

    async def size(self, path: str) -> int | None:
        async with self._turn("looking at", path) as (control, full):
            return await ftp_listing.size(control, full)

    async def read(self, path: str, *, limit_bytes: int) -> bytes | None:
        content = bytearray()
        found = await self.download(path, content.extend, limit_bytes=limit_bytes)
        return None if found is None else bytes(content)

    async def download(self, path: str, into: Callable[[bytes], object], *, limit_bytes: int) -> int | None:
        count = 0

        def take(piece: bytes) -> bool:
            nonlocal count
            into(piece[: max(0, limit_bytes - count)])
            count += len(piece)
            return count <= limit_bytes

        async with self._turn("reading", path) as (control, full):
            reply = await ftp_data.receive(control, "RETR", full, take)
            if count > limit_bytes:
                raise Misconfigured(
                    f"{self._address}: {full} is larger than {limit_bytes} bytes",
                    remedy="raise the limit or split the file",
                )
            if reply.done:
                return count
            if await self._is_absent(control, full, reply):
                return None
            raise refused(str(self._address), full, "reading", reply)

    async def write(self, path: str, content: bytes) -> None:
        async with self._turn("writing", path) as (control, full):
            reply = await ftp_data.send(control, "STOR", full, content)
            if reply.code in NO_FILE and await self._make_way(control, full):
                reply = await ftp_data.send(control, "STOR", full, content)
            if reply.done:
                return
            if reply.code in NO_FILE and not not_permitted(reply):
                folder = full.rpartition("/")[0] or "/"
                entered = await control.command("CWD", folder)
                if not entered.done:
                    raise self._no_folder(folder, f"writing {full}", entered)
            raise refused(str(self._address), full, "writing", reply)

    async def atomic_rename(self) -> bool:
        """As it was said to be. RNTO is rename(2) on vsftpd, ProFTPD and Pure-FTPd, within a disk."""
        return self._one_step_rename

    async def rename(self, source: str, target: str) -> bool:
        """As `FileServer` says; an existing target is refused in either kind: some servers would
        replace it, so that it is looked for first."""
        async with self._turn("renaming", source) as (control, old):
            new = self._address.path(self._abilities.home, target)
            doing = f"renaming {old} to"
            if await ftp_listing.size(control, new) is not None:
                raise Misconfigured(
                    f"{self._address}: {doing} {new}: there is a file of this name",
                    remedy="find out whose it is, and move it away",
                )
            reply = await control.command("RNFR", old)
            if await self._is_absent(control, old, reply):
                return False
            if reply.code != GOES_ON:
                raise refused(str(self._address), old, "renaming", reply)
            try:
                reply = await control.command("RNTO", new)
            except Unreachable as error:
                raise OutcomeUnknown(str(error)) from error
            if reply.code < 400 and not reply.done:
                raise OutcomeUnknown(f"{self._address}: {doing} {new}: the server answered {reply}")
            if not reply.done:
                raise refused(str(self._address), new, f"renaming {old} to", reply)
        return True

    async def remove(self, path: str) -> bool:
        async with self._turn("removing", path) as (control, full):
            reply = await control.command("DELE", full)
            if await self._is_absent(control, full, reply):
                return False
            if not reply.done:
                raise refused(str(self._address), full, "removing", reply)
        return True

    async def mkdir(self, folder: str) -> None:
        async with self._turn("making folder", folder) as (control, path):
            if (await control.command("CWD", path)).done:
                return
            reply = await control.command("MKD", path)
            if not reply.done:
                raise refused(str(self._address), path, "making folder", reply)

    async def _make_way(self, control: Control, path: str) -> bool:
        """Remove a file that a server does not replace (ProFTPD, unless AllowOverwrite is on). False:
        there was none, or it stays."""
        there = await ftp_listing.size(control, path) is not None
        return there and (await control.command("DELE", path)).done

    async def _is_absent(self, control: Control, path: str, reply: Reply) -> bool:
        """Whether the refusal of a command means that there is no such file: servers have one code
        for this and for other reasons."""
        return reply.code in NO_FILE and await ftp_listing.size(control, path) is None

    def _no_folder(self, path: str, doing: str, reply: Reply) -> Exception:
        if reply.code not in NO_FILE or not_permitted(reply):
            return refused(str(self._address), path, doing, reply)
        return Misconfigured(
            f"{self._address}: {doing}: there is no such file or folder {path}, or it cannot be entered",
            remedy="create it, or correct the path",
        )

    @asynccontextmanager
    async def _turn(self, doing: str, relative: str) -> AsyncIterator[tuple[Control, str]]:
        """The connection for one request, and the request's path."""
        async with self._lock:
            control = await self._ready()
            path = self._address.path(self._abilities.home, relative)
            control.doing = f"{doing} {path}"
            try:
                yield control, path
            finally:
                if not control.in_step:
                    await control.cut()

    async def _ready(self) -> Control:
        """The connection; servers end one that says nothing for minutes: then another is made."""
        control = self._control
        if control is None or not control.in_step:
            raise Unreachable(f"{self._address}: the connection is closed")
        if control.idle_s < IDLE_S:
            return control
        control.doing = "waking it"
        try:
            await control.command("NOOP")
        except Unreachable:
            await control.cut()
            return await self.open()
        return control


async def _goodbye(control: Control) -> None:
    control.doing = "taking leave"
    try:
        await control.command("QUIT")
    except Unreachable:
        return  # it has gone already: the answer would have changed nothing


def _every(_name: str) -> bool:
    return True


async def _connect_tcp(address: FtpAddress) -> trio.SocketStream:
    try:
        stream = await trio.open_tcp_stream(address.host, address.port)
    except socket.gaierror as error:
        raise Unreachable(
            f"{address}: the name {address.host} cannot be resolved: {error.strerror}"
        ) from error
    except OSError as error:
        raise Unreachable(f"{address}: no connection to port {address.port}: {error}") from error
    # The control connection is silent while a file goes over the other: firewalls forget such ones.
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return stream
