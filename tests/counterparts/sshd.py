"""A real OpenSSH sshd for SFTP alone, with a host key, a port and a user's key of its own.

Run by root it logs `nobody` in, locked into a folder (chroot); run by anyone else it logs this
person in, without chroot. `Account.folder` is the account's folder as an SFTP client names it, in both cases.
"""

import contextlib
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .process import Child, accepts, current_user, find, free_port, run

# sshd accepts a chroot only where every folder above belongs to root and is writable by root alone.
CHROOT_PARENT = Path("/run")
PRIVILEGE_SEPARATION = Path("/run/sshd")


@dataclass(frozen=True, kw_only=True)
class Account:
    """One folder tree on a running sshd, and all that a client needs to reach it."""

    host: str
    port: int
    user: str
    key: Path
    host_key: str
    folder: str
    root: Path

    @property
    def inbox(self) -> Path:
        """On disk: where the warehouse takes files from (`in`)."""
        return self.root / "in"

    @property
    def outbox(self) -> Path:
        """On disk: where the warehouse leaves files (`out`)."""
        return self.root / "out"

    @property
    def url(self) -> str:
        return f"sftp://{self.user}@{self.host}:{self.port}{self.folder}"

    def leave(self, name: str, content: bytes, *, folder: str = "out") -> Path:
        """Put a file into a folder at once and whole, as the warehouse does."""
        path = self.root / folder / name
        part = path.with_name(f".{name}.part")
        part.write_bytes(content)
        shutil.chown(part, self.user)
        return part.rename(path)


class Sshd:
    """One server. `base` keeps its keys and its log; `tree` is what clients see, and where they land."""

    def __init__(self) -> None:
        root = os.geteuid() == 0
        self.base = Path(tempfile.mkdtemp(prefix="dropstreamd-sshd-", dir=CHROOT_PARENT if root else None))
        self.base.chmod(0o755)
        self.tree = self.base / "tree"
        self.tree.mkdir()
        self.user = "nobody" if root else current_user()
        self.chroot = root
        self.port = free_port()
        self.key = self.base / "user_key"
        self.log = self.base / "sshd.log"
        self._child: Child | None = None
        if root:
            PRIVILEGE_SEPARATION.mkdir(mode=0o755, exist_ok=True)
        _new_key(self.key)
        self.replace_host_key()

    @property
    def host_key(self) -> str:
        """Its public key as one line: algorithm and base64."""
        return " ".join((self.base / "host_key.pub").read_text().split()[:2])

    def replace_host_key(self) -> None:
        """Another host key, in force from the next start."""
        _new_key(self.base / "host_key")

    def start(self) -> None:
        """Return once it takes connections."""
        settings = self.base / "sshd_config"
        settings.write_text(self._settings())
        # An absolute path: sshd runs itself again for each connection.
        self._child = Child([find("sshd") or "sshd", "-D", "-e", "-f", settings], log=self.log)
        self._child.wait_until(lambda: accepts(self.port), within_s=10)

    def stop(self) -> None:
        """Refuse new connections and end the open ones."""
        child, self._child = self._child, None
        if child:
            for session in _children_of(child.process.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(session, signal.SIGKILL)
            child.stop(signal=signal.SIGTERM)

    def restart(self) -> None:
        self.stop()
        self.start()

    def delete(self) -> None:
        self.stop()
        shutil.rmtree(self.base)

    def account(self, name: str, *, folders: tuple[str, ...] = ("in", "out")) -> Account:
        """A new folder tree `name` with these folders, owned by the user who logs in."""
        root = self.tree / name
        for path in (root, *(root / folder for folder in folders)):
            path.mkdir()
            shutil.chown(path, self.user)
        return Account(
            host="127.0.0.1",
            port=self.port,
            user=self.user,
            key=self.key,
            host_key=self.host_key,
            folder=f"/{name}" if self.chroot else str(root),
            root=root,
        )

    def _settings(self) -> str:
        authorized = self.base / "authorized_keys"
        shutil.copy(self.base / "user_key.pub", authorized)
        authorized.chmod(0o644)
        lines = [
            f"Port {self.port}",
            "ListenAddress 127.0.0.1",
            f"HostKey {self.base / 'host_key'}",
            f"AuthorizedKeysFile {authorized}",
            "PidFile none",
            "UsePAM no",
            "StrictModes no",
            "AuthenticationMethods publickey",
            "MaxStartups 100",
            "AllowTcpForwarding no",
            "PermitTTY no",
            "LogLevel VERBOSE",
            "Subsystem sftp internal-sftp -l INFO",
            "ForceCommand internal-sftp -l INFO",
        ]
        if self.chroot:
            lines.append(f"ChrootDirectory {self.tree}")
        return "\n".join([*lines, ""])


@contextlib.contextmanager
def running_sshd() -> Iterator[Sshd]:
    """A server for the time of the block."""
    server = Sshd()
    try:
        server.start()
        yield server
    finally:
        server.delete()


def _new_key(path: Path) -> None:
    for old in (path, path.with_name(f"{path.name}.pub")):
        old.unlink(missing_ok=True)
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", path])


def _children_of(pid: int) -> list[int]:
    """All descendants: each connection has a privileged monitor and, below it, the user's process."""
    try:
        found = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []  # it has ended meanwhile
    return [descendant for child in found for descendant in (*_children_of(child), child)]
