"""A warehouse's folder over a real connection, which is cut, and a daemon that is killed, at any step."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncssh

from dropstreamd.platform.contract import Accepted, Outcome, Prepared, Withdrawn
from dropstreamd.platform.outbox import Outbox, PartName
from dropstreamd.platform.secrets import Secret
from dropstreamd.platform.sftp import Sftp, SftpAddress, connect_sftp
from dropstreamd.platform.sftp_login import Password
from dropstreamd.sandbox.sftp_server import HOST, SftpAccount

PASSWORD = Secret("correct horse")
FILE = Prepared(name="ord_1_261121220000.csv", keys=("1", "2"), payload=b'"PH","1"\n' * 20_000)
ACCEPTED = [Accepted(key="1", remote=FILE.name), Accepted(key="2", remote=FILE.name)]


class SteppedClock:
    """Stands still unless stepped."""

    def __init__(self) -> None:
        self.at_s = 1_795_000_000.0

    def now_s(self) -> float:
        return self.at_s


class Killed(Exception):
    """The daemon is gone."""


class Wms:
    """The other side: a folder, how its server renames, a warehouse that takes files, and one fault.

    Every request and every step of ours passes `point`; the `fault_at`-th one cuts the connection
    (or, in `record`, kills the daemon).
    """

    def __init__(self, root: Path, *, atomic: bool = True, eager: bool = True) -> None:
        self.root = root
        self.inbox = root / "in"
        self.inbox.mkdir(parents=True)
        self.atomic = atomic
        self.eager = eager
        self.taken: list[bytes] = []
        self.steps: list[str] = []
        self.passed = 0
        self.fault_at: int | None = None
        self.rename_error: asyncssh.SFTPError | None = None
        self.wanted = True
        self.copies = False
        self.may_remove = True

    def point(self) -> bool:
        """Whether the fault happens here."""
        self.passed += 1
        return self.passed - 1 == self.fault_at

    def take(self) -> None:
        for path in self.inbox.glob("ord_*"):
            self.taken.append(path.read_bytes())
            path.unlink()

    def copy(self, old: bytes, new: bytes) -> None:
        Path(os.fsdecode(new)).write_bytes(Path(os.fsdecode(old)).read_bytes())
        raise asyncssh.SFTPPermissionDenied("no")

    async def record(self, step: str, *, if_wanted: bool = False) -> None:
        if self.point():
            raise Killed
        if if_wanted and not self.wanted:
            raise Withdrawn
        self.steps.append(step)
        if self.point():
            raise Killed

    def serve(self, channel: "asyncssh.SSHServerChannel[bytes]") -> asyncssh.SFTPServer:
        return Server(channel, self)


class Server(asyncssh.SFTPServer):
    """Cuts its connection before or after a request has its effect."""

    def __init__(self, channel: "asyncssh.SSHServerChannel[bytes]", wms: Wms) -> None:
        super().__init__(channel, chroot=os.fsencode(wms.root))
        self.wms = wms

    def before(self) -> None:
        if self.wms.point():
            self.channel.get_connection().abort()
            raise asyncssh.SFTPConnectionLost("cut")

    def after(self) -> None:
        if self.wms.point():
            self.channel.get_connection().abort()

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        self.before()
        file = super().open(path, pflags, attrs)
        self.after()
        return file

    async def write(self, file_obj: object, offset: int, data: bytes) -> int:
        self.before()
        written = super().write(file_obj, offset, data)
        assert isinstance(written, int)
        return written

    async def stat(self, path: bytes) -> asyncssh.SFTPAttrs:
        self.before()
        found = super().stat(path)
        assert isinstance(found, os.stat_result)
        return asyncssh.SFTPAttrs.from_local(found)

    def remove(self, path: bytes) -> None:
        self.before()
        if not self.wms.may_remove:
            raise asyncssh.SFTPPermissionDenied("no")
        super().remove(path)
        self.after()

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        if oldpath.endswith(b"no-such-file"):
            if self.wms.atomic:
                raise asyncssh.SFTPNoSuchFile("no such file")
            raise asyncssh.SFTPOpUnsupported("no posix-rename")
        self.before()
        if self.wms.copies:
            self.wms.copy(self.map_path(oldpath), self.map_path(newpath))
        if self.wms.rename_error:
            raise self.wms.rename_error
        super().posix_rename(oldpath, newpath)
        self.appeared()
        self.after()

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        """As OpenSSH does it: a second link, then the first one's end."""
        self.before()
        if self.wms.copies:
            self.wms.copy(self.map_path(oldpath), self.map_path(newpath))
        if self.wms.rename_error:
            raise self.wms.rename_error
        old, new = self.map_path(oldpath), self.map_path(newpath)
        os.link(old, new)
        self.appeared()
        self.before()
        Path(os.fsdecode(old)).unlink()
        self.after()

    def appeared(self) -> None:
        if self.wms.eager:
            self.wms.take()


@asynccontextmanager
async def connected(account: SftpAccount) -> AsyncIterator[Sftp]:
    address = SftpAddress(host=HOST, port=account.port, user="acme")
    async with connect_sftp(address, Password(password=PASSWORD), host_keys=[account.host_key]) as sftp:
        yield sftp


Work = Callable[[Outbox], Awaitable[list[Outcome]]]


async def at(account: SftpAccount, clock: SteppedClock, work: Work) -> list[Outcome]:
    async with connected(account) as sftp:
        return await work(Outbox(sftp, "in", clock, part=PartName()))
