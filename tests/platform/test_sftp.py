"""SFTP against asyncssh's own server: what needs nothing but Python."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncssh
import pytest
import trio

from dropstreamd.errors import AuthFailed, Misconfigured, Unreachable
from dropstreamd.platform.secrets import Secret
from dropstreamd.platform.sftp import Sftp, SftpAddress, connect_sftp
from dropstreamd.platform.sftp_login import Password, PrivateKey
from dropstreamd.sandbox.sftp_server import HOST, SftpAccount, serve_sftp

PASSWORD = Secret("correct horse")
OTHER_KEY = asyncssh.generate_private_key("ssh-ed25519")
OTHER_HOST_KEY = " ".join(OTHER_KEY.export_public_key().decode().split()[:2])


def address(account: SftpAccount, folder: str = "") -> SftpAddress:
    return SftpAddress(host=HOST, port=account.port, user=account.user, folder=folder)


@pytest.fixture
async def account(tmp_path: Path) -> AsyncIterator[SftpAccount]:
    root = tmp_path / "root"
    (root / "in").mkdir(parents=True)
    async with serve_sftp(root, user="acme", password=PASSWORD) as served:
        yield served


@pytest.fixture
async def sftp(account: SftpAccount) -> AsyncIterator[Sftp]:
    async with connect_sftp(
        address(account), Password(password=PASSWORD), host_keys=[account.host_key]
    ) as connected:
        yield connected


async def test_a_file_is_written_seen_read_renamed_and_removed(account: SftpAccount, sftp: Sftp) -> None:
    content = b"x" * 3_000_000
    await sftp.write("in/a", content)
    assert await sftp.size("in/a") == len(content)
    assert await sftp.rename("in/a", "in/b")
    (entry,) = await sftp.listdir("in", limit=10)
    assert (entry.name, entry.size, entry.is_file) == ("b", len(content), True)
    assert entry.mtime_s == int((account.root / "in/b").stat().st_mtime)
    assert await sftp.read("in/b", limit_bytes=len(content)) == content
    assert await sftp.remove("in/b")
    assert not await sftp.remove("in/b")
    assert not await sftp.rename("in/b", "in/c")
    assert await sftp.size("in/b") is None
    assert await sftp.read("in/b", limit_bytes=1) is None


async def test_a_shorter_file_replaces_a_longer_one(account: SftpAccount, sftp: Sftp) -> None:
    await sftp.write("in/a", b"longer")
    await sftp.write("in/a", b"short")
    assert (account.root / "in/a").read_bytes() == b"short"


async def test_a_folder_is_made_once(account: SftpAccount, sftp: Sftp) -> None:
    await sftp.mkdir("archive")
    await sftp.mkdir("archive")
    assert (account.root / "archive").is_dir()


async def test_limits_are_kept(account: SftpAccount, sftp: Sftp) -> None:
    (account.root / "in/big").write_bytes(b"x" * 11)
    (account.root / "in/other").touch()
    with pytest.raises(Misconfigured, match="in/big is larger than 10 bytes"):
        await sftp.read("in/big", limit_bytes=10)
    with pytest.raises(Misconfigured, match="more than 1 files"):
        await sftp.listdir("in", limit=1)


async def test_what_is_not_there_is_named(sftp: Sftp) -> None:
    with pytest.raises(Misconfigured, match="listing nowhere: there is no such"):
        await sftp.listdir("nowhere", limit=1)
    with pytest.raises(Misconfigured, match="writing nowhere/a: there is no such"):
        await sftp.write("nowhere/a", b"")


async def test_a_name_in_another_encoding_hides_no_other(account: SftpAccount, sftp: Sftp) -> None:
    (account.root / "in/good").touch()
    (account.root / "in/caf\udce9").touch()
    names = {entry.name for entry in await sftp.listdir("in", limit=10)}
    assert names == {"good", "caf\udce9"}
    assert await sftp.remove("in/caf\udce9")


@pytest.mark.parametrize("folder", ["/in/", "/in", "in"])
async def test_relative_paths_begin_at_the_addressed_folder(account: SftpAccount, folder: str) -> None:
    async with connect_sftp(
        address(account, folder), Password(password=PASSWORD), host_keys=[OTHER_HOST_KEY, account.host_key]
    ) as sftp:
        await sftp.write("a", b"1")
        assert [entry.name for entry in await sftp.listdir("", limit=5)] == ["a"]
    assert (account.root / "in/a").read_bytes() == b"1"


async def test_another_host_key_is_refused_with_both_fingerprints(account: SftpAccount) -> None:
    with pytest.raises(Misconfigured) as caught:
        async with connect_sftp(address(account), Password(password=PASSWORD), host_keys=[OTHER_HOST_KEY]):
            pytest.fail("connected")
    offered = asyncssh.import_public_key(account.host_key).get_fingerprint()
    assert offered in caught.value.message
    assert OTHER_KEY.get_fingerprint() in caught.value.message


async def test_a_host_key_that_is_none_is_refused(account: SftpAccount) -> None:
    with pytest.raises(Misconfigured, match="host_key is not a public key"):
        async with connect_sftp(address(account), Password(password=PASSWORD), host_keys=["nonsense"]):
            pytest.fail("connected")


@pytest.mark.parametrize(
    "auth",
    [Password(password=Secret("wrong")), PrivateKey(key=Secret(OTHER_KEY.export_private_key().decode()))],
)
async def test_refused_credentials(account: SftpAccount, auth: Password | PrivateKey) -> None:
    with pytest.raises(AuthFailed, match="refused the credentials"):
        async with connect_sftp(address(account), auth, host_keys=[account.host_key]):
            pytest.fail("connected")


async def test_a_private_key_that_cannot_be_used(account: SftpAccount) -> None:
    locked = Secret(OTHER_KEY.export_private_key("pkcs8-pem", passphrase="right").decode())
    for auth, expected in (
        (PrivateKey(key=Secret("nonsense")), "the private key cannot be read"),
        (PrivateKey(key=locked), "check key_passphrase"),
        (PrivateKey(key=locked, passphrase=Secret("wrong")), "check key_passphrase"),
    ):
        with pytest.raises((Misconfigured, AuthFailed), match=expected) as caught:
            async with connect_sftp(address(account), auth, host_keys=[account.host_key]):
                pytest.fail("connected")
        assert "nonsense" not in str(caught.value)


async def test_nobody_listens() -> None:
    with trio.socket.socket() as held:
        await held.bind((HOST, 0))
        nobody = SftpAddress(host=HOST, port=held.getsockname()[1], user="acme")
        with pytest.raises(Unreachable, match="no connection to port"):
            async with connect_sftp(nobody, Password(password=PASSWORD), host_keys=[OTHER_HOST_KEY]):
                pytest.fail("connected")


async def test_an_unknown_name() -> None:
    nowhere = SftpAddress(host="nowhere.invalid", user="acme")
    with pytest.raises(Unreachable, match=r"nowhere\.invalid cannot be resolved"):
        async with connect_sftp(nowhere, Password(password=PASSWORD), host_keys=[OTHER_HOST_KEY]):
            pytest.fail("connected")


async def test_a_server_that_says_nothing_is_given_up() -> None:
    listener = (await trio.open_tcp_listeners(0, host=HOST))[0]
    async with listener:
        mute = SftpAddress(host=HOST, port=listener.socket.getsockname()[1], user="acme")
        with pytest.raises(Unreachable, match=r"no answer within 0\.05 s"):
            async with connect_sftp(
                mute, Password(password=PASSWORD), host_keys=[OTHER_HOST_KEY], connect_timeout_s=0.05
            ):
                pytest.fail("connected")


async def test_a_server_that_speaks_something_else() -> None:
    async def answer(stream: trio.SocketStream) -> None:
        await stream.send_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await stream.aclose()

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(trio.serve_tcp, answer, 0)
        other = SftpAddress(host=HOST, port=listeners[0].socket.getsockname()[1], user="acme")
        with pytest.raises(Unreachable, match="the connection failed"):
            async with connect_sftp(other, Password(password=PASSWORD), host_keys=[OTHER_HOST_KEY]):
                pytest.fail("connected")
        nursery.cancel_scope.cancel()


class Stalling(asyncssh.SFTPServer):
    """Answers no request for a file's attributes."""

    async def stat(self, path: bytes) -> asyncssh.SFTPAttrs:
        await asyncio.Event().wait()
        raise AssertionError


async def test_a_cancelled_request_leaves_a_working_block_behind(tmp_path: Path) -> None:
    async with (
        serve_sftp(tmp_path, user="acme", password=PASSWORD, sftp=Stalling) as account,
        connect_sftp(address(account), Password(password=PASSWORD), host_keys=[account.host_key]) as sftp,
    ):
        with trio.move_on_after(0.05) as scope:
            await sftp.size("a")
        assert scope.cancelled_caught


async def test_a_lost_connection_is_unreachable(tmp_path: Path) -> None:
    async with serve_sftp(tmp_path, user="acme", password=PASSWORD) as account:
        connecting = connect_sftp(address(account), Password(password=PASSWORD), host_keys=[account.host_key])
        sftp = await connecting.__aenter__()
    with pytest.raises(Unreachable, match="connection"):
        await sftp.size("a")
    await connecting.__aexit__(None, None, None)


async def test_an_error_of_the_block_leaves_it_unwrapped(account: SftpAccount) -> None:
    with pytest.raises(ZeroDivisionError):
        async with connect_sftp(address(account), Password(password=PASSWORD), host_keys=[account.host_key]):
            raise ZeroDivisionError


@pytest.mark.parametrize(
    ("folder", "relative", "path"),
    [
        ("", "in/a", "in/a"),
        ("", "", "."),
        ("/", "in/a", "/in/a"),
        ("/", "", "/"),
        ("/acme", "in", "/acme/in"),
    ],
)
def test_paths(folder: str, relative: str, path: str) -> None:
    assert SftpAddress(host=HOST, user="acme", folder=folder).path(relative) == path
