"""FTP and FTPS against vsftpd."""

import os
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
import trio

from dropstreamd.errors import AuthFailed, Misconfigured, Unreachable
from dropstreamd.platform.ftp import Ftp, FtpAddress, connect_ftp
from dropstreamd.platform.ftp_tls import make_tls
from dropstreamd.platform.inbox import Inbox, InboxRules
from dropstreamd.platform.secrets import Secret
from tests.counterparts.vsftpd import FtpAccount, Vsftpd

pytestmark = pytest.mark.counterpart

Servers = Callable[..., Vsftpd]


class Connected:
    """A session for the time of the block; `ca` is trusted, None means no TLS."""

    def __init__(
        self, account: FtpAccount, ca: Path | None, *, host: str = "", password: str = "", folder: str = ""
    ) -> None:
        self._account = account
        self._ca = ca
        self._host = host or account.host
        self._password = Secret(password or account.password)
        self._folder = folder or account.folder

    async def __aenter__(self) -> Ftp:
        at = FtpAddress(
            host=self._host, port=self._account.port, user=self._account.user, folder=self._folder
        )
        tls = None if self._ca is None else await make_tls(self._host, str(self._ca))
        self._open = connect_ftp(at, self._password, tls=tls, one_step_rename=True)
        return await self._open.__aenter__()

    async def __aexit__(self, *error: object) -> None:
        await self._open.__aexit__(None, None, None)


def connected(account: FtpAccount) -> Connected:
    return Connected(account, account.ca)


@pytest.mark.parametrize("how", [{}, {"reuse": False}, {"tls": False}])
async def test_files_go_and_come(own_vsftpd: Servers, how: dict[str, bool]) -> None:
    account = own_vsftpd(**how).account("acme")
    content = os.urandom(3_000_000)
    async with connected(account) as ftp:
        assert ftp.encryption == (None if account.ca is None else "TLSv1.3")
        await ftp.write("in/.a.part", content)
        assert await ftp.size("in/.a.part") == len(content)
        assert await ftp.rename("in/.a.part", "in/a")
        assert (account.inbox / "a").read_bytes() == content
        assert await ftp.read("in/a", limit_bytes=len(content)) == content
        await ftp.write("in/a", b"shorter")
        await ftp.write("in/empty", b"")
        entries = {entry.name: entry for entry in await ftp.listdir("in", limit=9)}
        assert {name: entry.size for name, entry in entries.items()} == {"a": 7, "empty": 0}
        assert entries["a"].mtime_s == int((account.inbox / "a").stat().st_mtime)
        assert await ftp.read("in/empty", limit_bytes=0) == b""
        assert await ftp.remove("in/a")


async def test_a_session_is_resumed_in_tls_1_2_too(ftp_account: FtpAccount) -> None:
    at = FtpAddress(host=ftp_account.host, port=ftp_account.port, user=ftp_account.user)
    tls = await make_tls(ftp_account.host, str(ftp_account.ca))
    tls.context.maximum_version = ssl.TLSVersion.TLSv1_2
    async with connect_ftp(at, Secret(ftp_account.password), tls=tls, one_step_rename=False) as ftp:
        assert ftp.encryption == "TLSv1.2"
        path = f"{ftp_account.folder.strip('/')}/in/a"
        await ftp.write(path, b"x" * 100_000)
        assert await ftp.read(path, limit_bytes=100_000) == b"x" * 100_000


async def test_what_is_not_there_is_told_from_what_is_refused(ftp_account: FtpAccount) -> None:
    async with connected(ftp_account) as ftp:
        assert await ftp.size("in/a") is None
        assert await ftp.read("in/a", limit_bytes=1) is None
        assert not await ftp.rename("in/a", "in/b")
        assert not await ftp.remove("in/a")
        with pytest.raises(Misconfigured, match=r"no such file or folder /\S+/nowhere"):
            await ftp.listdir("nowhere", limit=1)
        with pytest.raises(Misconfigured, match=r"writing /\S+/nowhere/a: there is no such file or folder"):
            await ftp.write("nowhere/a", b"")


async def test_folders(ftp_account: FtpAccount) -> None:
    async with connected(ftp_account) as ftp:
        await ftp.mkdir("out/archive")
        await ftp.mkdir("out/archive")
        assert await ftp.listdir("out/archive", limit=1) == []
        (entry,) = await ftp.listdir("out", limit=1)
        assert (entry.name, entry.is_file) == ("archive", False)
        assert await ftp.size("out/archive") is None
        with pytest.raises(Misconfigured, match="making folder"):
            await ftp.mkdir("out/a/b")


async def test_limits_are_kept_and_the_session_goes_on(ftp_account: FtpAccount) -> None:
    (ftp_account.inbox / "big").write_bytes(b"x" * 1_000_000)
    (ftp_account.inbox / "other").touch()
    async with connected(ftp_account) as ftp:
        with pytest.raises(Misconfigured, match="in/big is larger than 10 bytes"):
            await ftp.read("in/big", limit_bytes=10)
        with pytest.raises(Misconfigured, match="more than 1 files"):
            await ftp.listdir("in", limit=1)
        assert len(await ftp.listdir("in", limit=2)) == 2


async def test_an_existing_file_is_never_replaced_by_a_rename(ftp_account: FtpAccount) -> None:
    async with connected(ftp_account) as ftp:
        await ftp.write("in/a", b"ours")
        await ftp.write("in/b", b"theirs")
        with pytest.raises(Misconfigured, match="there is a file of this name"):
            await ftp.rename("in/a", "in/b")
    assert (ftp_account.inbox / "b").read_bytes() == b"theirs"


async def test_names_with_blanks_quotes_and_other_encodings(ftp_account: FtpAccount) -> None:
    (ftp_account.outbox / "caf\udce9 1").touch()
    (ftp_account.outbox / "-a b").touch()
    (ftp_account.outbox / 'sø"d').write_bytes(b"12")
    async with connected(ftp_account) as ftp:
        entries = await ftp.listdir("out", limit=5)
        assert {(entry.name, entry.size) for entry in entries} == {
            ("caf\udce9 1", 0),
            ("-a b", 0),
            ('sø"d', 2),
        }
        for entry in entries:
            assert await ftp.remove(f"out/{entry.name}")


@pytest.mark.parametrize("folder", ["/acme/in/", "acme/in"])
async def test_relative_paths_begin_at_the_addressed_folder(own_vsftpd: Servers, folder: str) -> None:
    server = own_vsftpd(tls=False)
    account = server.account("acme")
    if not server.chroot:
        folder = f"{account.root}/in"
    async with Connected(account, None, folder=folder) as ftp:
        await ftp.write("a", b"1")
        assert [entry.name for entry in await ftp.listdir("", limit=5)] == ["a"]
    assert (account.inbox / "a").read_bytes() == b"1"


async def test_a_file_that_grows_between_two_looks_is_left(ftp_account: FtpAccount) -> None:
    ftp_account.leave("shp_1.csv", b"whole\n")
    ftp_account.leave("shp_2.csv", b"half")
    ftp_account.leave("other.csv", b"x")
    async with connected(ftp_account) as ftp:
        inbox = Inbox(ftp, InboxRules(folder="out", pattern="shp_*.csv", settle_s=0.01))
        (ftp_account.outbox / "shp_2.csv").chmod(0o644)
        first = await inbox.waiting()
        assert [entry.name for entry in first] == ["shp_1.csv", "shp_2.csv"]
        (ftp_account.outbox / "shp_2.csv").write_bytes(b"half and half\n")
        assert await inbox.fetch(first[1]) is None
        fetched = await inbox.fetch(first[0])
        assert fetched is not None
        with fetched.content as content:
            assert content.read() == b"whole\n"
        mark = fetched.mark(readable=True)
        await inbox.confirm([mark])
        await inbox.confirm([mark])
    assert (ftp_account.outbox / "archive/shp_1.csv").read_bytes() == b"whole\n"


async def test_a_folder_without_permission_is_named(ftp_account: FtpAccount) -> None:
    if os.geteuid() != 0:
        pytest.skip("the folder's owner is refused nothing")
    ftp_account.inbox.chmod(0o555)
    os.chown(ftp_account.inbox, 0, 0)
    (ftp_account.root / "secret").mkdir(mode=0o700)
    async with connected(ftp_account) as ftp:
        with pytest.raises(Misconfigured, match="or it cannot be entered"):
            await ftp.listdir("secret", limit=1)
        with pytest.raises(Misconfigured, match=r"writing \S+/in/a was refused: 553") as caught:
            await ftp.write("in/a", b"1")
        assert "may write to it" in caught.value.remedy


async def test_a_server_that_forbids_writing_says_so(own_vsftpd: Servers) -> None:
    account = own_vsftpd(tls=False, more=("write_enable=NO",)).account("acme")
    (account.inbox / "a").touch()
    async with connected(account) as ftp:
        for act in (ftp.write("in/b", b""), ftp.remove("in/a"), ftp.rename("in/a", "in/b"), ftp.mkdir("b")):
            with pytest.raises(Misconfigured, match="permission denied: 550"):
                await act


async def test_a_full_disk_is_said_to_look_like_one(ftp_account: FtpAccount) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    small = ["-t", "tmpfs", "-o", "size=64k,mode=777", "tmpfs"]
    await trio.run_process(["mount", *small, str(ftp_account.inbox)])
    try:
        async with connected(ftp_account) as ftp:
            with pytest.raises(Unreachable, match="a full disk or quota looks like this"):
                await ftp.write("in/a", os.urandom(1 << 20))
            await ftp.remove("in/a")
            await ftp.write("in/a", b"1")
    finally:
        await trio.run_process(["umount", str(ftp_account.inbox)])


async def test_a_wrong_password(ftp_account: FtpAccount) -> None:
    with pytest.raises(AuthFailed, match="refused the credentials: 530") as caught:
        async with Connected(ftp_account, ftp_account.ca, password="wrong-password"):
            pytest.fail("connected")
    assert "wrong-password" not in str(caught.value)


async def test_a_server_that_wants_encryption_refuses_a_plain_login(ftp_account: FtpAccount) -> None:
    with pytest.raises(AuthFailed, match=r"530 .*must use encryption") as caught:
        async with Connected(ftp_account, None):
            pytest.fail("connected")
    assert "ftpes://" in caught.value.remedy


async def test_a_server_without_encryption_is_not_logged_in_to(own_vsftpd: Servers) -> None:
    server = own_vsftpd(tls=False)
    with pytest.raises(Misconfigured, match="offers no encryption"):
        async with Connected(server.account("acme"), server.authority.ca):
            pytest.fail("connected")


async def test_an_unknown_authority_is_refused(ftp_account: FtpAccount) -> None:
    tls = await make_tls(ftp_account.host, None)
    at = FtpAddress(host=ftp_account.host, port=ftp_account.port, user=ftp_account.user)
    with pytest.raises(Misconfigured, match=r"not accepted: unable to get local issuer") as caught:
        async with connect_ftp(at, Secret(ftp_account.password), tls=tls, one_step_rename=False):
            pytest.fail("connected")
    assert "ca_file" in caught.value.remedy


@pytest.mark.parametrize(
    ("hosts", "days", "expected"),
    [
        (("ftp.example.com",), 30, "not valid for '127.0.0.1'"),
        (("127.0.0.1",), -1, "certificate has expired"),
    ],
)
async def test_another_name_and_an_expired_certificate_are_refused(
    own_vsftpd: Servers, hosts: tuple[str, ...], days: float, expected: str
) -> None:
    server = own_vsftpd()
    server.stop()
    server.use_certificate(server.authority.issue(*hosts, days=days))
    server.start()
    with pytest.raises(Misconfigured, match=expected):
        async with connected(server.account("acme")):
            pytest.fail("connected")


async def test_the_servers_own_certificate_may_be_the_pinned_one(own_vsftpd: Servers, tmp_path: Path) -> None:
    server = own_vsftpd()
    pem = server.authority.issue("localhost", days=20)
    server.stop()
    server.use_certificate(pem)
    server.start()
    account = server.account("acme")
    own = tmp_path / "own.pem"
    own.write_text(pem.read_text().partition("-----BEGIN PRIVATE KEY")[0])
    async with Connected(account, own, host="localhost") as ftp:
        await ftp.write("in/a", b"1")
    with pytest.raises(Misconfigured, match="not accepted"):
        async with Connected(account, server.authority.issue("localhost", days=10), host="localhost"):
            pytest.fail("connected")


@pytest.mark.parametrize("content", [None, "nonsense"])
async def test_a_ca_file_that_is_none(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(Misconfigured, match=r"ca_file .*ca\.pem"):
        await make_tls("localhost", str(path))


async def test_a_stopped_server_ends_the_session_as_unreachable(own_vsftpd: Servers) -> None:
    server = own_vsftpd()
    account = server.account("acme")
    async with connected(account) as ftp:
        server.stop()
        with pytest.raises(Unreachable, match="the connection was lost while"):
            await ftp.write("in/a", b"1")
        with pytest.raises(Unreachable, match="the connection is closed"):
            await ftp.write("in/a", b"1")
    with pytest.raises(Unreachable, match="no connection to port"):
        async with connected(account):
            pytest.fail("connected")


async def test_a_server_that_freezes_is_left_all_the_same(own_vsftpd: Servers) -> None:
    server = own_vsftpd()
    async with connected(server.account("acme")) as ftp:
        server.freeze()
        with trio.move_on_after(0.05) as scope:
            await ftp.write("in/a", b"1")
        assert scope.cancelled_caught
        with pytest.raises(Unreachable, match="the connection is closed"):
            await ftp.size("in/a")
