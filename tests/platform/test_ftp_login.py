"""How a login fails, and what is never sent in the clear."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from dropstreamd.errors import (
    DropstreamError,
    Misconfigured,
    Unreachable,
)
from dropstreamd.platform.ftp import FtpAddress, connect_ftp
from dropstreamd.platform.ftp_tls import make_tls
from dropstreamd.platform.secrets import Secret

from .ftp_double import HOST, PASSWORD, connected, ftp_double
from .servers import certificate, server_tls


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
