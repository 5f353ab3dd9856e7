"""FTP against a server that answers as it is told."""

from collections.abc import Mapping

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
from dropstreamd.platform.ftp import FtpAddress, connect_ftp
from dropstreamd.platform.secrets import Secret

from .ftp_double import HOST, PASSWORD, connected, ftp_double, opened


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
        ({"STOR": b"522 session reuse required\r\n"}, Misconfigured, "wants TLS otherwise"),
        ({"STOR": b"532 Account?\r\n"}, AuthFailed, "writing /acme/a: 532"),
        ({"STOR": b"502 No.\r\n"}, Misconfigured, "cannot do this"),
        ({"STOR": b"550 Permission denied.\r\n"}, Misconfigured, "permission denied"),
        ({"STOR": b"553 No.\r\n"}, Misconfigured, "was refused: 553 No"),
        (
            {"STOR": b"553 No.\r\n", "CWD": b"550 No.\r\n"},
            Misconfigured,
            "there is no such file or folder /acme",
        ),
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


async def test_a_server_that_replaces_no_file_is_asked_to_remove_it() -> None:
    refusing = {"STOR": b"550 Overwrite permission denied\r\n", "SIZE": b"213 4\r\n"}
    async with opened(refusing) as (ftp, double):
        double.later["DELE"] = {"STOR": b"226 Done.\r\n"}
        await ftp.write("a", b"content")
        assert double.uploads == [b"content"]
    async with opened({**refusing, "DELE": b"550 No.\r\n"}) as (ftp, _):
        with pytest.raises(Misconfigured, match="writing /acme/a: permission denied: 550 Overwrite"):
            await ftp.write("a", b"content")


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
