"""Files out, over a real connection that is cut, and a daemon that is killed, at every step."""

from pathlib import Path

import asyncssh
import pytest

from dropstreamd.errors import Misconfigured, OutcomeUnknown, Unreachable, Wait
from dropstreamd.platform.contract import InDoubt, Outcome, Prepared, Untouched, Withdrawn
from dropstreamd.platform.outbox import Step
from dropstreamd.sandbox.sftp_server import SftpAccount, serve_sftp

from .outbox_rig import ACCEPTED, FILE, PASSWORD, Killed, SteppedClock, Wms, at


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
