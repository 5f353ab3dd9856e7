"""Files in, over a real connection."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
import trio

from dropstreamd.errors import ProtocolMismatch
from dropstreamd.platform.inbox import Inbox, InboxRules, Mark
from dropstreamd.platform.secrets import Secret
from dropstreamd.platform.sftp import Sftp, SftpAddress, connect_sftp
from dropstreamd.platform.sftp_login import Password
from dropstreamd.sandbox.sftp_server import HOST, serve_sftp

PASSWORD = Secret("correct horse")
RULES = InboxRules(folder="out", pattern="shp_*.csv", settle_s=0)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


@pytest.fixture
async def sftp(tmp_path: Path, out: Path) -> AsyncIterator[Sftp]:
    async with (
        serve_sftp(tmp_path, user="acme", password=PASSWORD) as account,
        connect_sftp(
            SftpAddress(host=HOST, port=account.port, user="acme"),
            Password(password=PASSWORD),
            host_keys=[account.host_key],
        ) as connected,
    ):
        yield connected


def rules(**changes: object) -> InboxRules:
    return msgspec.structs.replace(RULES, **changes)


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def put(path: Path, content: str, *, mtime_s: int = 1_795_000_000) -> None:
    path.write_text(content)
    os.utime(path, (mtime_s, mtime_s))


async def mark_of(inbox: Inbox, *, readable: bool = True) -> str:
    (entry,) = await inbox.waiting()
    fetched = await inbox.fetch(entry)
    assert fetched is not None
    fetched.content.close()
    return fetched.mark(readable=readable)


async def test_oldest_first_and_only_ours(sftp: Sftp, out: Path) -> None:
    put(out / "shp_2.csv", "1", mtime_s=100)
    put(out / "shp_1.csv", "1", mtime_s=200)
    put(out / "inv_1.csv", "1")
    (out / "shp_3.csv").mkdir()
    assert [entry.name for entry in await Inbox(sftp, RULES).waiting()] == ["shp_2.csv", "shp_1.csv"]


async def test_a_file_that_grows_between_two_looks_waits(
    sftp: Sftp, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def grow(seconds: float) -> None:
        put(out / "shp_2.csv", "longer")

    put(out / "shp_1.csv", "1")
    put(out / "shp_2.csv", "1")
    monkeypatch.setattr(trio, "sleep", grow)
    assert [entry.name for entry in await Inbox(sftp, RULES).waiting()] == ["shp_1.csv"]


@pytest.mark.parametrize(("done", "marker"), [("{name}.done", "shp_1.csv.done"), ("{stem}.ok", "shp_1.ok")])
async def test_a_done_marker_says_that_a_file_is_complete(
    sftp: Sftp, out: Path, done: str, marker: str
) -> None:
    put(out / "shp_1.csv", "1")
    put(out / "shp_2.csv", "1")
    put(out / marker, "")
    inbox = Inbox(sftp, rules(done=done, settle_s=3600))
    await inbox.confirm([await mark_of(inbox)])
    assert names(out) == {"archive", "archive/shp_1.csv", "shp_2.csv"}


async def test_what_has_gone_or_grown_is_not_fetched(sftp: Sftp, out: Path) -> None:
    put(out / "shp_1.csv", "12")
    inbox = Inbox(sftp, RULES)
    (entry,) = await inbox.waiting()
    put(out / "shp_1.csv", "1")
    assert await inbox.fetch(entry) is None
    (out / "shp_1.csv").unlink()
    assert await inbox.fetch(entry) is None


async def test_a_changed_file_is_not_cleared_away(sftp: Sftp, out: Path) -> None:
    put(out / "shp_1.csv", "1")
    inbox = Inbox(sftp, RULES)
    mark = await mark_of(inbox)
    put(out / "shp_1.csv", "2", mtime_s=1_795_000_001)
    await inbox.confirm([mark])
    assert (out / "shp_1.csv").exists()


async def test_the_same_bytes_give_the_same_mark(sftp: Sftp, out: Path) -> None:
    put(out / "shp_1.csv", "1")
    inbox = Inbox(sftp, RULES)
    first = await mark_of(inbox)
    assert await mark_of(inbox) == first
    assert await mark_of(inbox, readable=False) != first
    put(out / "shp_1.csv", "2")
    assert await mark_of(inbox) != first


async def test_no_archived_file_is_replaced(sftp: Sftp, out: Path) -> None:
    inbox = Inbox(sftp, RULES)
    for content in ("1", "2", "2"):
        put(out / "shp_1.csv", content)
        await inbox.confirm([await mark_of(inbox)])
    assert not (out / "shp_1.csv").exists()
    archived = sorted(path.read_text() for path in (out / "archive").iterdir())
    assert archived == ["1", "2"]


async def test_removed_instead_of_archived_but_not_what_could_not_be_read(sftp: Sftp, out: Path) -> None:
    inbox = Inbox(sftp, rules(archive=None))
    put(out / "shp_1.csv", "1")
    await inbox.confirm([await mark_of(inbox)])
    put(out / "shp_2.csv", "1")
    await inbox.confirm([await mark_of(inbox, readable=False)])
    assert names(out) == {"quarantine", "quarantine/shp_2.csv"}


async def test_a_name_in_another_encoding_is_read_and_archived(sftp: Sftp, out: Path) -> None:
    name = os.fsdecode(b"shp_\xe9.csv")
    put(out / name, "1")
    inbox = Inbox(sftp, RULES)
    mark = await mark_of(inbox)
    mark.encode()
    await inbox.confirm([mark])
    assert (out / "archive" / name).exists()


@pytest.mark.parametrize("text", ["", "nonsense", "[]", '["a",1,1,"",2]'])
def test_a_mark_that_is_none_of_ours(text: str) -> None:
    with pytest.raises(ProtocolMismatch, match="none of ours"):
        Mark.parse(text)


async def test_settling_takes_its_time_only_where_something_waits(
    sftp: Sftp, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(trio, "sleep", sleep)
    inbox = Inbox(sftp, rules(settle_s=7))
    await inbox.waiting()
    put(out / "shp_1.csv", "1")
    await inbox.waiting()
    assert slept == [7]
