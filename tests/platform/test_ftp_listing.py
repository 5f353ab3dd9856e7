"""What FTP servers tell of a folder: names alone, or with MLSD, which pyftpdlib knows."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from dropstreamd.errors import (
    DropstreamError,
    Misconfigured,
    ProtocolMismatch,
    Unreachable,
)
from dropstreamd.platform.ftp import FtpAddress, connect_ftp
from dropstreamd.platform.secrets import Secret
from tests.counterparts.process import Child, accepts, free_port

from .ftp_double import HOST, PASSWORD, opened

MLST = b"211-Features:\r\n MLST type*;size*;modify*;\r\n UTF8\r\n211 End\r\n"
OPTS = {"OPTS": b"200 Yes.\r\n"}


async def test_a_listing_of_names_asks_for_what_matters() -> None:
    names = b"in/a.csv\r\nb.csv\r\n.\r\n..\r\nc.txt\r\nfolder.csv"
    answers = {
        "SIZE /acme/in/a.csv": b"213 7\r\n",
        "MDTM /acme/in/a.csv": b"213 20261122013000.5\r\n",
        "SIZE /acme/in/b.csv": b"213 7\r\n",
    }
    async with opened(answers, {"NLST": names}) as (ftp, double):
        found = await ftp.listdir("in", limit=4, exact=lambda name: name.endswith(".csv"))
    told = [(entry.name, entry.size, entry.mtime_s, entry.is_file) for entry in found]
    assert told == [
        ("a.csv", 7, 1795311000, True),
        ("c.txt", 0, 0, True),
        ("folder.csv", 0, 0, False),
    ]
    assert "SIZE /acme/in/c.txt" not in double.said


@pytest.mark.parametrize(
    ("answers", "data", "expected", "message"),
    [
        ({"MDTM": b"213 yesterday\r\n"}, b"a", ProtocolMismatch, "time of /acme/in/a is told as"),
        ({"MDTM": b"213 20261322013000\r\n"}, b"a", ProtocolMismatch, "time of /acme/in/a is told as"),
        ({"MDTM": b"502 No.\r\n"}, b"a", Misconfigured, "cannot do this"),
        ({}, b"x" * 20_000, ProtocolMismatch, "a name without end"),
        ({}, b"a\r\nb\r\nc\r\n", Misconfigured, "more than 2 files"),
        ({"NLST": b"550 Permission denied.\r\n"}, b"", Misconfigured, "permission denied"),
        ({"NLST": b"425 No.\r\n"}, b"", Unreachable, "no data connection"),
        ({"CWD": b"550 No such folder.\r\n"}, b"", Misconfigured, "there is no such file or folder /acme/in"),
        ({"CWD": b"500 What?\r\n"}, b"", Misconfigured, "the server cannot do this"),
    ],
)
async def test_a_listing_that_is_none(
    answers: Mapping[str, bytes], data: bytes, expected: type[DropstreamError], message: str
) -> None:
    async with opened({"SIZE": b"213 1\r\n", **answers}, {"NLST": data}) as (ftp, _):
        with pytest.raises(expected, match=message):
            await ftp.listdir("in", limit=2)


@pytest.mark.parametrize("answer", [b"226 Done.\r\n", b"450 No files.\r\n", b"550 No files found.\r\n"])
async def test_an_empty_folder(answer: bytes) -> None:
    async with opened({"NLST": answer}) as (ftp, _):
        assert await ftp.listdir("in", limit=2) == []


async def test_a_machine_listing_tells_all_at_once() -> None:
    lines = (
        b"type=cdir;modify=20260101000000; .\r\n"
        b"Type=pdir; ..\r\n"
        b"type=file;size=7;modify=20261122013000.250;UNIX.mode=0644; a b.csv\r\n"
        b"type=dir;modify=20261122013000; archive\r\n"
        b"type=file; c.csv\r\n"
    )
    answers = {"FEAT": MLST, **OPTS, "SIZE": b"213 3\r\n", "MDTM": b"213 19700101000001\r\n"}
    async with opened(answers, {"MLSD": lines}) as (ftp, double):
        found = await ftp.listdir("in", limit=3)
    told = [(entry.name, entry.size, entry.mtime_s, entry.is_file) for entry in found]
    assert told == [
        ("a b.csv", 7, 1795311000, True),
        ("archive", 0, 1795311000, False),
        ("c.csv", 3, 1, True),
    ]
    assert "OPTS UTF8 ON" in double.said


async def test_a_machine_listing_that_is_none() -> None:
    async with opened({"FEAT": MLST, **OPTS}, {"MLSD": b"-rw-r--r-- 1 ftp ftp 7 Nov 22 a.csv\r\n"}) as (
        ftp,
        _,
    ):
        with pytest.raises(ProtocolMismatch, match="is no line of MLSD"):
            await ftp.listdir("in", limit=3)
    async with opened({"FEAT": MLST, **OPTS}, {"MLSD": b"type=file; a\r\n" * 4}) as (ftp, _):
        with pytest.raises(Misconfigured, match="more than 3 files"):
            await ftp.listdir("in", limit=3)


@pytest.fixture
def pyftpdlib(tmp_path: Path) -> Iterator[int]:
    """The port of a server that knows MLSD and serves `tmp_path`/tree."""
    tree, port = tmp_path / "tree", free_port()
    (tree / "in").mkdir(parents=True)
    argv = [sys.executable, "-m", "pyftpdlib", "-i", HOST, "-p", str(port), "-w", "-d", str(tree)]
    child = Child([*argv, "-u", "acme", "-P", PASSWORD], log=tmp_path / "log")
    child.wait_until(lambda: accepts(port), within_s=20)
    yield port
    child.kill()


async def test_files_go_and_come_over_a_server_with_mlsd(pyftpdlib: int, tmp_path: Path) -> None:
    at = FtpAddress(host=HOST, port=pyftpdlib, user="acme")
    content = b"x" * 300_000
    async with connect_ftp(at, Secret(PASSWORD), tls=None, one_step_rename=True) as ftp:
        await ftp.write("in/.a.part", content)
        assert await ftp.rename("in/.a.part", "in/a")
        await ftp.mkdir("in/archive")
        await ftp.mkdir("in/archive")
        entries = {entry.name: entry for entry in await ftp.listdir("in", limit=2)}
        disk = (tmp_path / "tree/in/a").stat()
        assert (entries["a"].size, entries["a"].mtime_s) == (len(content), int(disk.st_mtime))
        assert not entries["archive"].is_file
        assert await ftp.read("in/a", limit_bytes=len(content)) == content
        with pytest.raises(Misconfigured, match="larger than 5 bytes"):
            await ftp.read("in/a", limit_bytes=5)
        with pytest.raises(Misconfigured, match="no such file or folder"):
            await ftp.write("nowhere/a", b"")
        assert await ftp.remove("in/a")
        assert not await ftp.remove("in/a")
        assert not await ftp.rename("in/a", "in/b")
        assert await ftp.read("in/a", limit_bytes=5) is None
