"""A Unix socket that nobody can connect to before it has its mode and group, and that nobody takes away."""

import fcntl
import grp
import os
import pwd
import socket
import stat
import struct
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import trio

from dropstreamd.errors import Misconfigured

PATH_LIMIT_BYTES = 100
"""The kernel takes 107, and the socket is made under a longer name first."""

BACKLOG = 64


@contextmanager
def listening(path: Path, mode: int, group: str | None) -> Iterator[socket.socket]:
    """A listening socket at `path`; it is gone afterwards.

    It gets its mode and group while connections are still refused, and then takes the place of one that
    a dead process left. Misconfigured where another process serves there, something else stands there,
    or it cannot be made.
    """
    if len(os.fsencode(path)) > PATH_LIMIT_BYTES:
        raise Misconfigured(
            f"socket {path}: the path is too long", remedy=f"at most {PATH_LIMIT_BYTES} bytes"
        )
    with ExitStack() as stack:
        try:
            _hold(path, stack)
            made = stack.enter_context(socket.socket(socket.AF_UNIX))
            _refuse_what_stands_there(path)
            ours = _place(made, path, mode, None if group is None else _gid(path, group))
        except OSError as error:
            raise Misconfigured(
                f"socket {path}: {error.strerror or error}",
                remedy="see that its folder is there and that the daemon may write into it and use its group",
            ) from error
        stack.callback(_remove, path, ours)
        yield made


def user_of(connected: trio.socket.SocketType) -> str:
    """The user whose process connected; blocks on the user database."""
    raw = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, uid, _ = struct.unpack("3i", raw)
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def _hold(path: Path, stack: ExitStack) -> None:
    """One process a path; the kernel lets go if it dies. The empty lock file stays."""
    lock = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    stack.callback(os.close, lock)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise _taken(path) from error


def _taken(path: Path) -> Misconfigured:
    return Misconfigured(
        f"socket {path}: another process serves there",
        remedy="stop that one, or give this daemon a socket of its own",
    )


def _refuse_what_stands_there(path: Path) -> None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise Misconfigured(f"socket {path}: something else has this name", remedy="move it away")
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(0.0)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            return  # its process is dead
        except BlockingIOError:
            pass  # it lives, and is busy
    raise _taken(path)


def _gid(path: Path, group: str) -> int:
    try:
        return grp.getgrnam(group).gr_gid
    except KeyError as error:
        raise Misconfigured(f"socket {path}: there is no group {group!r}", remedy="create it") from error


def _place(made: socket.socket, path: Path, mode: int, gid: int | None) -> tuple[int, int]:
    part = path.with_name(f".{path.name}.new")
    part.unlink(missing_ok=True)
    made.bind(str(part))
    if gid is not None:
        os.chown(part, -1, gid)
    part.chmod(mode)
    made.listen(BACKLOG)
    identity = part.stat()
    part.replace(path)
    return identity.st_dev, identity.st_ino


def _remove(path: Path, ours: tuple[int, int]) -> None:
    with suppress(FileNotFoundError):
        found = path.lstat()
        if (found.st_dev, found.st_ino) == ours:
            path.unlink()
