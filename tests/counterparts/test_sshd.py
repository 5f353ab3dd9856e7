"""The SFTP counterpart: what its users may rely on."""

import subprocess
from pathlib import Path

import pytest

from .process import CounterpartError, run
from .sshd import Account, Sshd
from .wms import Consumer

pytestmark = pytest.mark.counterpart


def client(account: Account, tmp_path: Path) -> list[str | Path]:
    """OpenSSH's own client, which trusts the key that the account named when it was made."""
    known = tmp_path / "known_hosts"
    known.write_text(f"[{account.host}]:{account.port} {account.host_key}\n")
    options = [f"UserKnownHostsFile={known}", "StrictHostKeyChecking=yes", "IdentitiesOnly=yes"]
    words = [word for option in options for word in ("-o", option)]
    return ["sftp", "-F", "none", "-i", account.key, "-P", str(account.port), *words]


def sftp(account: Account, commands: str, tmp_path: Path) -> str:
    """Run these commands; a failed one, or a refused key, raises."""
    batch = tmp_path / "batch"
    batch.write_text(commands)
    return run([*client(account, tmp_path), "-b", batch, f"{account.user}@{account.host}"])


def test_an_uploaded_file_is_in_the_folder_on_disk(account: Account, tmp_path: Path) -> None:
    content = tmp_path / "order"
    content.write_text("A;1\n")
    sftp(account, f"put {content} {account.folder}/in/order.txt\n", tmp_path)
    assert (account.inbox / "order.txt").read_text() == "A;1\n"


def test_a_file_left_by_the_warehouse_can_be_fetched_and_removed(account: Account, tmp_path: Path) -> None:
    account.leave("ship.csv", b"shipped\n")
    path = f"{account.folder}/out/ship.csv"
    sftp(account, f"get {path} {tmp_path}/got\nrm {path}\n", tmp_path)
    assert (tmp_path / "got").read_bytes() == b"shipped\n"
    assert not list(account.outbox.iterdir())


def test_a_folder_without_permission_is_refused(account: Account, tmp_path: Path) -> None:
    account.outbox.chmod(0o555)
    with pytest.raises(CounterpartError, match="Permission denied"):
        sftp(account, f"mkdir {account.folder}/out/new\n", tmp_path)


def test_the_eager_warehouse_takes_each_file_once_and_keeps_it(
    account: Account, warehouse: Consumer, tmp_path: Path
) -> None:
    content = tmp_path / "order"
    content.write_text("A;1\n")
    names = [f"{number}.csv" for number in range(20)]
    sftp(
        account,
        "".join(
            f"put {content} {account.folder}/in/.{name}.part\n"
            f"rename {account.folder}/in/.{name}.part {account.folder}/in/{name}\n"
            for name in names
        ),
        tmp_path,
    )
    taken = warehouse.wait_for(len(names))
    assert [file.name for file in taken] == names
    assert {warehouse.content(file) for file in taken} == {b"A;1\n"}
    assert not list(account.inbox.iterdir())


def test_what_appeared_while_the_warehouse_was_paused_is_taken_later(
    account: Account, warehouse: Consumer
) -> None:
    warehouse.pause()
    account.leave("late.csv", b"x", folder="in")
    assert (account.inbox / "late.csv").exists()
    warehouse.resume()
    assert [file.name for file in warehouse.wait_for(1)] == ["late.csv"]


def test_another_host_key_is_noticed_by_the_client(own_sshd: Sshd, tmp_path: Path) -> None:
    account = own_sshd.account("a")
    sftp(account, "ls\n", tmp_path)
    own_sshd.replace_host_key()
    own_sshd.restart()
    with pytest.raises(CounterpartError, match="Host key verification failed"):
        sftp(account, "ls\n", tmp_path)


def test_stopping_the_server_cuts_open_sessions(own_sshd: Sshd, tmp_path: Path) -> None:
    account = own_sshd.account("a")
    command = [*client(account, tmp_path), f"{account.user}@{account.host}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as session:
        assert session.stdin
        assert session.stdout
        session.stdin.write(b"pwd\n")
        session.stdin.flush()
        while b"working directory" not in session.stdout.readline():
            assert session.poll() is None
        own_sshd.stop()
        session.stdin.write(b"ls\n")
        session.stdin.close()
        assert session.wait(10) != 0
