"""SFTP against OpenSSH's own server."""

import os
import signal
from pathlib import Path

import pytest
import trio

from dropstreamd.errors import Misconfigured, Unreachable
from dropstreamd.platform.secrets import Secret
from dropstreamd.platform.sftp import SftpAddress, connect_sftp
from dropstreamd.platform.sftp_login import PrivateKey
from tests.counterparts.sshd import Account, Sshd

pytestmark = pytest.mark.counterpart


def address(account: Account) -> SftpAddress:
    return SftpAddress(host=account.host, port=account.port, user=account.user, folder=account.folder)


def auth(account: Account) -> PrivateKey:
    return PrivateKey(key=Secret(account.key.read_text()))


async def test_files_go_and_come(account: Account) -> None:
    content = os.urandom(5_000_000)
    async with connect_sftp(address(account), auth(account), host_keys=[account.host_key]) as sftp:
        await sftp.write("in/.a.part", content)
        assert await sftp.atomic_rename()
        assert await sftp.rename("in/.a.part", "in/a")
        assert (account.inbox / "a").read_bytes() == content
        assert await sftp.read("in/a", limit_bytes=len(content)) == content
        assert not await sftp.rename("in/gone", "in/b")
        await sftp.mkdir("out/archive")
        assert await sftp.rename("in/a", "out/archive/a")
        assert [(entry.name, entry.is_file) for entry in await sftp.listdir("out", limit=9)] == [
            ("archive", False)
        ]


async def test_a_folder_without_permission_is_named(account: Account) -> None:
    account.inbox.chmod(0o555)
    async with connect_sftp(address(account), auth(account), host_keys=[account.host_key]) as sftp:
        with pytest.raises(Misconfigured, match="in/a: permission denied"):
            await sftp.write("in/a", b"1")


async def test_a_full_disk_is_said_to_look_like_one(account: Account) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    small = ["-t", "tmpfs", "-o", "size=64k,mode=777", "tmpfs"]
    await trio.run_process(["mount", *small, str(account.inbox)])
    try:
        async with connect_sftp(address(account), auth(account), host_keys=[account.host_key]) as sftp:
            with pytest.raises(Unreachable, match="a full disk or quota looks like this"):
                await sftp.write("in/a", os.urandom(1 << 20))
            await sftp.remove("in/a")
            await sftp.write("in/a", b"1")
    finally:
        await trio.run_process(["umount", str(account.inbox)])


async def test_a_replaced_host_key_is_refused(own_sshd: Sshd) -> None:
    account = own_sshd.account("acme")
    own_sshd.replace_host_key()
    own_sshd.restart()
    with pytest.raises(
        Misconfigured, match=r"offered the host key ssh-ed25519 SHA256:\S+, expected ssh-ed25519"
    ):
        async with connect_sftp(address(account), auth(account), host_keys=[account.host_key]):
            pytest.fail("connected")


async def test_a_stopped_server_ends_the_session_as_unreachable(own_sshd: Sshd) -> None:
    account = own_sshd.account("acme")
    async with connect_sftp(address(account), auth(account), host_keys=[account.host_key]) as sftp:
        own_sshd.stop()
        with pytest.raises(Unreachable):
            await sftp.write("in/a", b"1")
    with pytest.raises(Unreachable, match="no connection"):
        async with connect_sftp(address(account), auth(account), host_keys=[account.host_key]):
            pytest.fail("connected")


async def test_a_server_that_freezes_is_left_all_the_same(own_sshd: Sshd) -> None:
    account = own_sshd.account("acme")
    async with connect_sftp(address(account), auth(account), host_keys=[account.host_key]) as sftp:
        _signal(own_sshd, signal.SIGSTOP)
        with trio.move_on_after(0.05) as scope:
            await sftp.size("in/a")
        assert scope.cancelled_caught
    _signal(own_sshd, signal.SIGCONT)


def _signal(server: Sshd, number: signal.Signals) -> None:
    """To the server's processes: its own, and the two of each connection."""
    assert server._child is not None
    todo = [server._child.process.pid]
    while todo:
        pid = todo.pop()
        os.kill(pid, number)
        todo += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
