"""FTP against a server that answers as it is told, and one that knows MLSD."""

import re
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from dropstreamd.errors import (
    AuthFailed,
    DropstreamError,
    Misconfigured,
    OutcomeUnknown,
    ProtocolMismatch,
    Unreachable,
)
from dropstreamd.platform.ftp import Ftp, FtpAddress, connect_ftp
from dropstreamd.platform.ftp_tls import make_tls
from dropstreamd.platform.secrets import Secret
from tests.counterparts.process import Child, accepts, free_port

from .ftp_double import HOST, FtpDouble, ftp_double
from .servers import certificate, server_tls

PASSWORD = "correct horse"
MLST = b"211-Features:\r\n MLST type*;size*;modify*;\r\n UTF8\r\n211 End\r\n"
OPTS = {"OPTS": b"200 Yes.\r\n"}


@asynccontextmanager
async def connected(double: FtpDouble, *, one_step_rename: bool = False) -> AsyncIterator[Ftp]:
    at = FtpAddress(host=HOST, port=double.port, user="acme", folder="/acme")
    async with connect_ftp(at, Secret(PASSWORD), tls=None, one_step_rename=one_step_rename) as ftp:
        yield ftp


@asynccontextmanager
async def opened(
    answers: Mapping[str, bytes | None] | None = None, data: Mapping[str, bytes | None] | None = None
) -> AsyncIterator[tuple[Ftp, FtpDouble]]:
    async with ftp_double(answers, data) as double, connected(double) as ftp:
        yield ftp, double


async def refusal(answers: Mapping[str, bytes | None], greeting: bytes = b"220 Hello.\r\n") -> str:
    """What a login that must fail says, with the error's name."""
    async with ftp_double(answers, greeting=greeting) as double:
        with pytest.raises(DropstreamError) as caught:
            async with connected(double):
                pytest.fail("connected")
    assert PASSWORD not in str(caught.value)
    return f"{type(caught.value).__name__}: {caught.value.message}"


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({"USER": b"530 Must use encryption\r\n"}, "AuthFailed: .* 530 Must use encryption"),
        ({"PASS": b"530 No: correct horse\r\n"}, "AuthFailed: .*refused the credentials: 530$"),
        ({"PASS": b"530 Too many users.\r\n"}, "Unreachable: .*no more logins for now: 530"),
        ({"PASS": b"430 Later.\r\n"}, "Unreachable: .*no more logins for now: 430"),
        ({"PASS": b"500 OOPS: no home\r\n"}, "Misconfigured: .*cannot log this user in: 500 OOPS: no home"),
        ({"PASS": b"332 Account?\r\n"}, "Misconfigured: .*asks for an FTP account"),
        ({"PASS": b"421 Closing.\r\n"}, "Unreachable: .*lost while logging in: 421 Closing"),
        ({"PASS": None}, "Unreachable: .*lost while logging in: the server closed it"),
        ({"TYPE": b"504 Text only.\r\n"}, "Misconfigured: .*switching to binary files.* 504"),
        ({"PWD": b"257 here\r\n"}, "Misconfigured: .*asking for the login's folder"),
        ({"FEAT": b"211 none\r\n999 what\r\n"}, "Unreachable: .*not FTP"),
        ({"FEAT": b"150 1\r\n" * 20}, "Unreachable: .*one preliminary answer after the other"),
        ({"FEAT": b"211-" + b"x" * 9000}, "Unreachable: .*a line without end"),
        ({"FEAT": b"211-a\r\n" + b" x\r\n" * 9000}, "Unreachable: .*an answer without end"),
    ],
)
async def test_a_login_that_fails(answers: Mapping[str, bytes | None], expected: str) -> None:
    assert re.match(expected, await refusal(answers))


@pytest.mark.parametrize(
    ("greeting", "expected"),
    [
        (b"421 Too many connections.\r\n", "Unreachable: .*421 Too many connections"),
        (b"530 Not you.\r\n", "AuthFailed: .*530 Not you"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "Unreachable: .*not FTP"),
        (b"\xff\xfe\r\n", "Unreachable: .*not FTP"),
    ],
)
async def test_a_greeting_that_is_none(greeting: bytes, expected: str) -> None:
    assert re.match(expected, await refusal({}, greeting))


async def test_answers_of_many_lines_and_late_greetings() -> None:
    feat = b"211-Able to\r\n211-this\r\n 211 and that\r\n211 End\r\n"
    greeting = b"120 In a moment.\r\n220-Hello\r\n220 and welcome.\r\n"
    async with ftp_double({"FEAT": feat}, greeting=greeting) as double, connected(double) as ftp:
        assert await ftp.size("a") is None
    assert double.said == [
        "USER acme",
        f"PASS {PASSWORD}",
        "FEAT",
        "TYPE I",
        "PWD",
        "SIZE /acme/a",
        "QUIT",
    ]


async def test_what_comes_before_the_agreed_encryption_is_not_believed(tmp_path: Path) -> None:
    pem = certificate(tmp_path, host="localhost")
    tls = await make_tls("localhost", str(pem))
    injected = {"AUTH": b"234 Go ahead.\r\n230 You are in.\r\n"}
    async with ftp_double(injected, tls=server_tls(pem)) as double:
        at = FtpAddress(host=HOST, port=double.port, user="acme")
        with pytest.raises(Unreachable, match="before the encryption that it agreed to"):
            async with connect_ftp(at, Secret(PASSWORD), tls=tls, one_step_rename=False):
                pytest.fail("connected")
    assert double.said == ["AUTH TLS"]


async def test_files_are_never_unencrypted_where_the_login_was_not(tmp_path: Path) -> None:
    pem = certificate(tmp_path, host="localhost")
    tls = await make_tls("localhost", str(pem))
    async with ftp_double({"PROT": b"536 No.\r\n"}, tls=server_tls(pem)) as double:
        at = FtpAddress(host=HOST, port=double.port, user="acme")
        with pytest.raises(Misconfigured, match=r"encrypting files \(PROT\).*536 No"):
            async with connect_ftp(at, Secret(PASSWORD), tls=tls, one_step_rename=False):
                pytest.fail("connected")


@pytest.mark.parametrize(
    ("answer", "said"), [(b"226 Done.\r\n", "226 Done"), (b"522 Session reuse required.\r\n", "522 Session")]
)
async def test_a_file_that_is_offered_unencrypted_is_not_taken(
    tmp_path: Path, answer: bytes, said: str
) -> None:
    pem = certificate(tmp_path, host="localhost")
    tls = await make_tls("localhost", str(pem))
    async with ftp_double({"RETR": answer}, {"RETR": b"plain"}, tls=server_tls(pem)) as double:
        at = FtpAddress(host=HOST, port=double.port, user="acme")
        async with connect_ftp(at, Secret(PASSWORD), tls=tls, one_step_rename=False) as ftp:
            with pytest.raises((Unreachable, Misconfigured), match=said):
                await ftp.read("a", limit_bytes=100)


@pytest.mark.parametrize("answer", [None, b"350 Well\r\n", b"nonsense\r\n", b"421 Bye.\r\n"])
async def test_a_rename_whose_answer_is_lost_is_unknown(answer: bytes | None) -> None:
    async with opened({"RNTO": answer}) as (ftp, _):
        with pytest.raises(OutcomeUnknown):
            await ftp.rename("a", "b")


async def test_a_rename_that_was_not_asked_for_yet_had_no_effect() -> None:
    async with opened({"RNFR": None}) as (ftp, double):
        with pytest.raises(Unreachable, match="lost while renaming /acme/a"):
            await ftp.rename("a", "b")
    assert not [line for line in double.said if line.startswith("RNTO")]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"553 Rename failed.\r\n", Misconfigured),
        (b"550 Permission denied.\r\n", Misconfigured),
        (b"451 Try again.\r\n", Unreachable),
    ],
)
async def test_a_refused_rename(answer: bytes, expected: type[DropstreamError]) -> None:
    async with opened({"RNTO": answer}) as (ftp, _):
        with pytest.raises(expected, match="renaming /acme/a to /acme/b"):
            await ftp.rename("a", "b")
        assert await ftp.size("a") is None


async def test_whether_it_renames_in_one_step_is_what_was_said() -> None:
    async with ftp_double() as double:
        for said in (True, False):
            async with connected(double, one_step_rename=said) as ftp:
                assert await ftp.atomic_rename() is said


@pytest.mark.parametrize("answers", [{}, {"EPSV": b"500 What?\r\n"}])
async def test_data_goes_to_the_server_that_was_asked(answers: Mapping[str, bytes]) -> None:
    async with opened(answers) as (ftp, double):
        await ftp.write("a", b"content")
        assert double.uploads == [b"content"]


@pytest.mark.parametrize(
    ("answers", "expected", "message"),
    [
        ({"STOR": b"452 No space.\r\n"}, Unreachable, "disk or quota is full"),
        ({"STOR": b"552 Quota.\r\n"}, Unreachable, "disk or quota is full"),
        ({"STOR": b"451 Failed.\r\n"}, Unreachable, "a full disk or quota looks like this"),
        ({"STOR": b"425 No.\r\n"}, Unreachable, "had no data connection"),
        ({"STOR": b"522 session reuse required\r\n"}, Misconfigured, "wants another encryption"),
        ({"STOR": b"532 Account?\r\n"}, AuthFailed, "writing /acme/a: 532"),
        ({"STOR": b"502 No.\r\n"}, Misconfigured, "cannot do this"),
        ({"STOR": b"550 Permission denied.\r\n"}, Misconfigured, "permission denied"),
        ({"STOR": b"553 No.\r\n"}, Misconfigured, "was refused: 553 No"),
        ({"STOR": b"553 No.\r\n", "CWD": b"550 No.\r\n"}, Misconfigured, "there is no such folder /acme"),
        ({"STOR": None}, Unreachable, "lost while writing /acme/a"),
        ({"EPSV": b"500 No.\r\n", "PASV": b"502 No.\r\n"}, Misconfigured, "passive mode"),
        ({"EPSV": b"229 somewhere\r\n"}, Misconfigured, "opens no port for data: 229 somewhere"),
        ({"EPSV": b"229 (|||1|)\r\n"}, Unreachable, "no data connection to port 1"),
    ],
)
async def test_a_refused_upload(
    answers: Mapping[str, bytes | None], expected: type[DropstreamError], message: str
) -> None:
    async with opened(answers) as (ftp, _):
        with pytest.raises(expected) as caught:
            await ftp.write("a", b"content")
    assert message in str(caught.value)


async def test_a_download_that_the_server_gave_up_is_not_whole() -> None:
    async with opened({"RETR": b"426 Broken.\r\n"}, {"RETR": b"half"}) as (ftp, _):
        with pytest.raises(Unreachable, match="426 Broken"):
            await ftp.read("a", limit_bytes=100)
    async with opened({"RETR": b"550 No.\r\n", "SIZE": b"213 9\r\n"}) as (ftp, _):
        with pytest.raises(Misconfigured, match="reading /acme/a was refused"):
            await ftp.read("a", limit_bytes=100)


@pytest.mark.parametrize(
    ("answers", "expected", "message"),
    [
        ({"SIZE": b"213 many\r\n"}, ProtocolMismatch, "the size of /acme/a is told as 213 many"),
        ({"SIZE": b"500 What?\r\n"}, Misconfigured, "the server cannot do this"),
        ({"SIZE": b"550 Access is denied.\r\n"}, Misconfigured, "permission denied"),
    ],
)
async def test_a_size_that_is_none(
    answers: Mapping[str, bytes], expected: type[DropstreamError], message: str
) -> None:
    async with opened(answers) as (ftp, _):
        with pytest.raises(expected, match=message):
            await ftp.size("a")


async def test_removing_what_is_held_open() -> None:
    async with opened({"DELE": b"450 Busy.\r\n", "SIZE": b"213 1\r\n"}) as (ftp, _):
        with pytest.raises(Unreachable, match="450 Busy"):
            await ftp.remove("a")


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
        ({"CWD": b"550 No such folder.\r\n"}, b"", Misconfigured, "there is no such folder /acme/in"),
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


async def test_a_name_with_a_line_break_is_never_sent() -> None:
    async with opened() as (ftp, double):
        with pytest.raises(Misconfigured, match="with a line break in it"):
            await ftp.remove("a\r\nDELE b")
        assert await ftp.size("a") is None
    assert not [line for line in double.said if line.startswith("DELE")]


async def test_a_server_that_says_nothing_is_given_up(patient_clock: MockClock) -> None:
    async with opened({"SIZE": b""}) as (ftp, _):
        with pytest.raises(Unreachable, match="no answer within 60 s"):
            await ftp.size("a")
        with pytest.raises(Unreachable, match="the connection is closed"):
            await ftp.size("a")
    async with opened({}, {"RETR": None}) as (ftp, _):
        with pytest.raises(Unreachable, match="the server sent nothing for 60 s"):
            await ftp.read("a", limit_bytes=100)
    async with ftp_double({"USER": b""}) as double:
        with pytest.raises(Unreachable, match="no answer within 30 s"):
            async with connected(double):
                pytest.fail("connected")


async def test_a_connection_that_was_silent_is_tried_and_made_again(patient_clock: MockClock) -> None:
    async with opened() as (ftp, double):
        await trio.sleep(300)
        assert await ftp.size("a") is None
        assert double.said.count("USER acme") == 1
        double.answers["NOOP"] = None
        await trio.sleep(300)
        assert await ftp.size("a") is None
        assert double.said.count("USER acme") == 2


async def test_an_unknown_name() -> None:
    nowhere = FtpAddress(host="nowhere.invalid", user="acme")
    with pytest.raises(Unreachable, match=r"nowhere\.invalid cannot be resolved"):
        async with connect_ftp(nowhere, Secret(PASSWORD), tls=None, one_step_rename=False):
            pytest.fail("connected")


@pytest.mark.parametrize(
    ("folder", "relative", "path"),
    [
        ("", "in/a", "/home/in/a"),
        ("", "", "/home"),
        ("/", "in/a", "/in/a"),
        ("/", "", "/"),
        ("/acme/", "in", "/acme/in"),
        ("acme", "in", "/home/acme/in"),
    ],
)
def test_paths(folder: str, relative: str, path: str) -> None:
    assert FtpAddress(host=HOST, user="acme", folder=folder).path("/home", relative) == path


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
        with pytest.raises(Misconfigured, match="no such folder"):
            await ftp.write("nowhere/a", b"")
        assert await ftp.remove("in/a")
        assert not await ftp.remove("in/a")
        assert not await ftp.rename("in/a", "in/b")
        assert await ftp.read("in/a", limit_bytes=5) is None
