"""Files out, over a real connection that is cut, and a daemon that is killed, at every step."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncssh
import pytest

from dropstreamd.errors import Misconfigured, OutcomeUnknown, ProtocolMismatch, Unreachable, Wait
from dropstreamd.platform.contract import Accepted, InDoubt, Outcome, Prepared, Untouched, Withdrawn
from dropstreamd.platform.outbox import PART_FRESH_S, Outbox, PartName, Step
from dropstreamd.platform.secrets import Secret
from dropstreamd.platform.sftp import Sftp, SftpAddress, connect_sftp
from dropstreamd.platform.sftp_login import Password
from dropstreamd.sandbox.sftp_server import HOST, SftpAccount, serve_sftp

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


async def until_settled(wms: Wms, account: SftpAccount, clock: SteppedClock) -> list[Outcome]:
    """Publish, and recover what broke as the daemon does."""
    try:
        return await at(account, clock, lambda outbox: outbox.publish(FILE, wms.record))
    except (OutcomeUnknown, Killed):
        step = wms.steps[-1] if wms.steps else ""
        return await at(account, clock, lambda outbox: outbox.recover(FILE, step, wms.record))
    except Wait:
        assert not list(wms.inbox.glob("ord_*"))
        assert not wms.taken
        return await at(account, clock, lambda outbox: outbox.publish(FILE, wms.record))


async def test_an_order_that_is_not_wanted_any_more_never_appears(tmp_path: Path) -> None:
    points, fault_at, kinds = 1, 0, set()
    while fault_at < points:
        wms = Wms(tmp_path / str(fault_at))
        wms.wanted, wms.fault_at = False, fault_at
        async with serve_sftp(wms.root, user="acme", password=PASSWORD, sftp=wms.serve) as account:
            outcomes = await until_settled(wms, account, SteppedClock())
        assert not wms.taken
        assert not list(wms.inbox.glob("*ord_*"))
        kinds.add(type(outcomes[0]))
        points = max(points, wms.passed)
        fault_at += 1
    assert kinds == {Untouched}


async def test_a_part_that_somebody_took_cannot_be_withdrawn(tmp_path: Path) -> None:
    wms = Wms(tmp_path / "wms")

    async def record(step: str, *, if_wanted: bool = False) -> None:
        if if_wanted:
            (wms.inbox / f".{FILE.name}.part").unlink()
            raise Withdrawn

    async with serve_sftp(wms.root, user="acme", password=PASSWORD, sftp=wms.serve) as account:
        outcomes = await at(account, SteppedClock(), lambda box: box.publish(FILE, record))
    assert [type(outcome) for outcome in outcomes] == [InDoubt, InDoubt]


@pytest.mark.parametrize("eager", [True, False])
@pytest.mark.parametrize("atomic", [True, False])
async def test_cut_or_killed_at_every_step_it_is_never_doubled_and_never_lost(
    tmp_path: Path, atomic: bool, eager: bool
) -> None:
    clock = SteppedClock()
    in_doubt: list[int] = []
    points, fault_at = 1, 0
    while fault_at < points:
        wms = Wms(tmp_path / str(fault_at), atomic=atomic, eager=eager)
        wms.fault_at = fault_at
        async with serve_sftp(wms.root, user="acme", password=PASSWORD, sftp=wms.serve) as account:
            outcomes = await until_settled(wms, account, clock)
        wms.take()
        assert wms.taken in ([], [FILE.payload])
        if outcomes == ACCEPTED:
            assert wms.taken == [FILE.payload]
            assert not list(wms.inbox.glob("*.part"))
        else:
            assert {type(outcome) for outcome in outcomes} == {InDoubt}
            in_doubt.append(fault_at)
        points = max(points, wms.passed)
        fault_at += 1
    assert fault_at > 15
    # Only between the halves of a rename, and just before it, can a server without atomic rename
    # leave the part alone.
    assert bool(in_doubt) is not atomic
    assert len(in_doubt) <= 3


async def test_what_stands_in_the_folder_at_the_end(tmp_path: Path) -> None:
    wms = Wms(tmp_path / "wms", eager=False)
    async with serve_sftp(wms.root, user="acme", password=PASSWORD, sftp=wms.serve) as account:
        assert await at(account, SteppedClock(), lambda box: box.publish(FILE, wms.record)) == ACCEPTED
        assert {path.name for path in wms.inbox.iterdir()} == {FILE.name, ".dropstreamd"}
        assert (wms.inbox / FILE.name).read_bytes() == FILE.payload
        assert [Step.parse(step).stage for step in wms.steps] == ["uploaded", "renaming", "sent"]
        marker = (wms.inbox / ".dropstreamd").read_bytes()
        other = Prepared(name="ord_2_261121220001.csv", keys=("3",), payload=b"")
        await at(account, SteppedClock(), lambda box: box.publish(other, wms.record))
        assert (wms.inbox / ".dropstreamd").read_bytes() == marker


async def recover(
    tmp_path: Path, prepare: Callable[[Wms], str], *, atomic: bool = True, age_s: float = 0
) -> tuple[list[Outcome], Wms]:
    """What `recover` says after `prepare` laid the folder out and told the last step."""
    wms = Wms(tmp_path / "wms", atomic=atomic, eager=False)
    clock = SteppedClock()
    step = prepare(wms)
    clock.at_s += age_s
    async with serve_sftp(wms.root, user="acme", password=PASSWORD, sftp=wms.serve) as account:
        return await at(account, clock, lambda outbox: outbox.recover(FILE, step, wms.record)), wms


def folder(
    stage: str, *, part: bytes | None = None, final: bytes | None = None, marker: str | None = "m"
) -> Callable[[Wms], str]:
    def lay_out(wms: Wms) -> str:
        for name, content in ((f".{FILE.name}.part", part), (FILE.name, final)):
            if content is not None:
                (wms.inbox / name).write_bytes(content)
        if marker is not None:
            (wms.inbox / ".dropstreamd").write_text(f"dropstreamd {marker}\n")
        return f"{stage} 1795000000 m"

    return lay_out


WHOLE = FILE.payload
TORN = FILE.payload[:-1]
OLD_S = PART_FRESH_S + 1


@pytest.mark.parametrize(
    ("laid_out", "age_s"),
    [
        (folder("uploaded", part=WHOLE), 0),
        (folder("uploaded", part=WHOLE), OLD_S),
        (folder("uploaded", part=TORN), 0),
        (folder("renaming", part=WHOLE), 0),
        (folder("renaming", part=WHOLE), OLD_S),
        (folder("renaming", part=WHOLE, final=WHOLE), 0),
        (folder("renaming", final=WHOLE), OLD_S),
        (folder("renaming"), 0),
        (folder("sent", part=WHOLE), OLD_S),
    ],
)
async def test_known_to_be_sent_or_sent_now(
    tmp_path: Path, laid_out: Callable[[Wms], str], age_s: float
) -> None:
    outcomes, wms = await recover(tmp_path, laid_out, age_s=age_s)
    assert outcomes == ACCEPTED
    assert not list(wms.inbox.glob("*.part"))


@pytest.mark.parametrize(
    ("laid_out", "age_s", "atomic", "why"),
    [
        (folder("uploaded"), 0, True, "somebody removed"),
        (folder("uploaded", final=TORN), 0, True, "somebody removed"),
        (folder("renaming"), OLD_S, True, "neither"),
        (folder("renaming", marker=None), 0, True, "neither"),
        (folder("renaming", marker="other"), 0, True, "neither"),
        (folder("renaming", marker="m n"), 0, True, "neither"),
        (folder("renaming", marker="m" * 300), 0, True, "neither"),
        (folder("renaming", final=TORN), 0, False, "not whole"),
        (folder("renaming", part=WHOLE), 0, False, "in one step"),
        (folder("renaming", part=WHOLE, final=TORN), 0, False, "in one step"),
    ],
)
async def test_nobody_can_tell(
    tmp_path: Path, laid_out: Callable[[Wms], str], age_s: float, atomic: bool, why: str
) -> None:
    outcomes, _ = await recover(tmp_path, laid_out, atomic=atomic, age_s=age_s)
    assert [type(outcome) for outcome in outcomes] == [InDoubt, InDoubt]
    assert isinstance(outcomes[0], InDoubt)
    assert why in outcomes[0].why


@pytest.mark.parametrize(
    ("laid_out", "name", "where"),
    [
        (folder("sent", final=WHOLE), FILE.name, "waiting"),
        (folder("sent", final=TORN, marker=None), FILE.name, "waiting"),
        (folder("sent"), FILE.name, "taken"),
        (folder("sent", marker=None), FILE.name, "unknown"),
        (folder("sent"), "", "unknown"),
        (folder("sent"), "../in/x", "unknown"),
    ],
)
async def test_where_a_file_is_that_was_sent(
    tmp_path: Path, laid_out: Callable[[Wms], str], name: str, where: str
) -> None:
    wms = Wms(tmp_path / "wms", eager=False)
    laid_out(wms)
    before = sorted(wms.inbox.iterdir())
    async with (
        serve_sftp(wms.root, user="acme", password=PASSWORD, sftp=wms.serve) as account,
        connected(account) as sftp,
    ):
        seen = await Outbox(sftp, "in", SteppedClock(), part=PartName()).look(name)
    assert seen.where == where
    assert sorted(wms.inbox.iterdir()) == before


async def test_a_file_of_the_same_name_is_not_replaced(tmp_path: Path) -> None:
    wms = Wms(tmp_path / "wms", eager=False)
    (wms.inbox / FILE.name).write_bytes(b"older")
    async with serve_sftp(wms.root, user="acme", password=PASSWORD, sftp=wms.serve) as account:
        outcomes = await at(account, SteppedClock(), lambda box: box.publish(FILE, wms.record))
    assert [type(outcome) for outcome in outcomes] == [InDoubt, InDoubt]
    assert (wms.inbox / FILE.name).read_bytes() == b"older"


@pytest.mark.parametrize("error", [asyncssh.SFTPPermissionDenied("no"), asyncssh.SFTPFailure("no")])
async def test_a_refused_rename_leaves_nothing(tmp_path: Path, error: asyncssh.SFTPError) -> None:
    wms = Wms(tmp_path / "wms")
    wms.rename_error = error
    async with serve_sftp(wms.root, user="acme", password=PASSWORD, sftp=wms.serve) as account:
        with pytest.raises((Misconfigured, Unreachable), match=r"renaming in/\.ord_1"):
            await at(account, SteppedClock(), lambda box: box.publish(FILE, wms.record))
    assert [path.name for path in wms.inbox.iterdir()] == [".dropstreamd"]


async def test_a_refused_rename_of_two_steps_is_in_doubt(tmp_path: Path) -> None:
    wms = Wms(tmp_path / "wms", atomic=False)
    wms.rename_error = asyncssh.SFTPFailure("no")
    async with serve_sftp(wms.root, user="acme", password=PASSWORD, sftp=wms.serve) as account:
        outcomes = await at(account, SteppedClock(), lambda box: box.publish(FILE, wms.record))
    assert [type(outcome) for outcome in outcomes] == [InDoubt, InDoubt]


@pytest.mark.parametrize("atomic", [True, False])
async def test_a_part_that_may_not_be_removed_makes_no_second_order(tmp_path: Path, atomic: bool) -> None:
    """The server copies the file to its name and may not remove the old one: no right to delete."""
    wms = Wms(tmp_path / "wms", atomic=atomic, eager=False)
    wms.copies, wms.may_remove = True, False
    async with serve_sftp(wms.root, user="acme", password=PASSWORD, sftp=wms.serve) as account:
        assert await at(account, SteppedClock(), lambda box: box.publish(FILE, wms.record)) == ACCEPTED
        assert (wms.inbox / FILE.name).read_bytes() == FILE.payload
        step = wms.steps[-1]
        assert await at(account, SteppedClock(), lambda box: box.recover(FILE, step, wms.record)) == ACCEPTED


async def test_a_part_that_went_while_the_connection_broke_is_not_sent_again(tmp_path: Path) -> None:
    """The server says that there is no part to rename, and nothing more."""
    wms = Wms(tmp_path / "wms")

    async def record(step: str, *, if_wanted: bool = False) -> None:
        await wms.record(step, if_wanted=if_wanted)
        if if_wanted:
            (wms.inbox / f".{FILE.name}.part").rename(tmp_path / "taken")
            wms.fault_at = wms.passed + 1

    async with serve_sftp(wms.root, user="acme", password=PASSWORD, sftp=wms.serve) as account:
        with pytest.raises(OutcomeUnknown):
            await at(account, SteppedClock(), lambda box: box.publish(FILE, record))


@pytest.mark.parametrize("step", ["nonsense", "uploaded x m", "taken 1 m", "uploaded 1 m n"])
def test_a_step_that_is_none_of_ours(step: str) -> None:
    with pytest.raises(ProtocolMismatch, match="none of ours"):
        Step.parse(step)
