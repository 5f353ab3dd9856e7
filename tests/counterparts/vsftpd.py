"""A real vsftpd for FTP and explicit FTPS, with a certificate, ports and a password of its own.

vsftpd knows the machine's users and, beside them, one of its own: `ftp`, whose password is here in a
file that the server reads. Run by root it serves as `daemon`, locked into a folder (chroot);
run by anyone else it serves as this person, without chroot.
"""

import contextlib
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .certificates import Authority
from .process import Child, accepts, current_user, find, free_port, wait_while

USER = "ftp"
PASSWORD = "correct-horse-battery"


@dataclass(frozen=True, kw_only=True)
class FtpAccount:
    """One folder tree on a running vsftpd, and all that a client needs to reach it."""

    port: int
    folder: str
    root: Path
    owner: str
    ca: Path | None
    host: str = "127.0.0.1"
    user: str = USER
    password: str = PASSWORD

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
        scheme = "ftp" if self.ca is None else "ftpes"
        return f"{scheme}://{self.user}@{self.host}:{self.port}{self.folder}"

    def leave(self, name: str, content: bytes, *, folder: str = "out") -> Path:
        """Put a file into a folder at once and whole, as the warehouse does."""
        path = self.root / folder / name
        part = path.with_name(f".{name}.part")
        part.write_bytes(content)
        shutil.chown(part, self.owner)
        return part.rename(path)


class Vsftpd:
    """One server. `base` keeps its settings, certificates and log; `tree` is what clients see.

    `tls`: it takes nothing unencrypted. `reuse`: its data connections must resume the session of the
    control connection. `more` are further lines of its settings.
    """

    def __init__(self, *, tls: bool = True, reuse: bool = True, more: tuple[str, ...] = ()) -> None:
        root = os.geteuid() == 0
        self.base = Path(tempfile.mkdtemp(prefix="dropstreamd-vsftpd-"))
        self.base.chmod(0o755)
        self.tree = self.base / "tree"
        self.tree.mkdir()
        (self.base / "empty").mkdir()
        self.owner = "daemon" if root else current_user()
        self.chroot = root
        self.port = free_port()
        self.log = self.base / "vsftpd.log"
        self.authority = Authority(self.base)
        self._certificate = self.authority.issue("127.0.0.1", "localhost")
        self._tls = tls
        self._reuse = reuse
        self._more = more
        self._child: Child | None = None

    def use_certificate(self, path: Path) -> None:
        """Another certificate, in force from the next start."""
        self._certificate = path

    def start(self) -> None:
        """Return once it takes connections."""
        settings = self.base / "vsftpd.conf"
        settings.write_text(self._settings())
        (self.base / "passwords").write_text(f"{PASSWORD}\n")
        # It asks that its settings be owned by whoever starts it.
        self._child = Child([find("vsftpd") or "vsftpd", settings], log=self.log)
        self._child.wait_until(lambda: accepts(self.port), within_s=10)

    def stop(self) -> None:
        """Refuse new connections and end the open ones."""
        if self._child is None:
            return
        # Frozen first: a session says something when only one of its processes dies.
        sessions = self.freeze()
        child, self._child = self._child, None
        child.kill()
        for session in sessions:
            with contextlib.suppress(ProcessLookupError):
                os.kill(session, signal.SIGKILL)
        wait_while(lambda: accepts(self.port), within_s=10)

    def freeze(self) -> list[int]:
        """Let it and its sessions stand still; the sessions' processes."""
        assert self._child is not None
        listener = self._child.process.pid
        os.kill(listener, signal.SIGSTOP)
        sessions = self._sessions(listener)
        for pid in sessions:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        return sessions

    def delete(self) -> None:
        self.stop()
        shutil.rmtree(self.base)

    def account(self, name: str, *, folders: tuple[str, ...] = ("in", "out")) -> FtpAccount:
        """A new folder tree `name` with these folders, owned by the user who logs in."""
        root = self.tree / name
        for path in (root, *(root / folder for folder in folders)):
            path.mkdir()
            shutil.chown(path, self.owner)
        return FtpAccount(
            port=self.port,
            folder=f"/{name}" if self.chroot else str(root),
            root=root,
            owner=self.owner,
            ca=self.authority.ca if self._tls else None,
        )

    def _settings(self) -> str:
        settings = {
            "listen": "YES",
            "listen_ipv6": "NO",
            "listen_address": "127.0.0.1",
            "listen_port": self.port,
            "background": "NO",
            "pasv_address": "127.0.0.1",
            "anonymous_enable": "YES",
            "local_enable": "NO",
            "ftp_username": self.owner,
            "secure_chroot_dir": self.base / "empty",
            "anon_root": self.tree,
            "secure_email_list_enable": "YES",
            "email_password_file": self.base / "passwords",
            "write_enable": "YES",
            "anon_upload_enable": "YES",
            "anon_mkdir_write_enable": "YES",
            "anon_other_write_enable": "YES",
            "anon_world_readable_only": "NO",
            "anon_umask": "022",
            "delay_failed_login": "0",
            "xferlog_enable": "YES",
            "vsftpd_log_file": self.base / "transfers.log",
            "run_as_launching_user": "NO" if self.chroot else "YES",
        }
        if self._tls:
            settings |= {
                "ssl_enable": "YES",
                "allow_anon_ssl": "YES",
                "force_anon_logins_ssl": "YES",
                "force_anon_data_ssl": "YES",
                "require_ssl_reuse": "YES" if self._reuse else "NO",
                "rsa_cert_file": self._certificate,
                "ssl_ciphers": "HIGH",
            }
        lines = [f"{key}={value}" for key, value in settings.items()]
        return "\n".join([*lines, *self._more, ""])

    def _sessions(self, pid: int) -> list[int]:
        """The processes of open sessions: two for each, one below the other."""
        try:
            found = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        except FileNotFoundError:
            return []  # it has ended meanwhile
        return [below for child in found for below in (*self._sessions(child), child)]


@contextlib.contextmanager
def running_vsftpd(*, tls: bool = True, reuse: bool = True, more: tuple[str, ...] = ()) -> Iterator[Vsftpd]:
    """A server for the time of the block."""
    server = Vsftpd(tls=tls, reuse=reuse, more=more)
    try:
        server.start()
        yield server
    finally:
        server.delete()
