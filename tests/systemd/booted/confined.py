"""Tries, confined as the unit confines the daemon, what it may not do; prints what is allowed even so."""

import ctypes
import mmap
import os
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path

MAY = [
    "/etc/dropstreamd/connections.d",
    "/etc/dropstreamd/merchants.d",
    "/run/dropstreamd",
    "/var/lib/dropstreamd",
    "/var/cache/dropstreamd",
]
MAY_NOT = [
    "/",
    "/etc",
    "/etc/dropstreamd",
    "/opt/dropstreamd",
    "/usr",
    "/home",
    "/root",
    "/run",
    "/tmp",  # noqa: S108 - whether it can be written is the question
    "/var/tmp",  # noqa: S108
    "/var/lib",
    "/var/log",
    "/srv",
]
CLONE_NEWUSER = 0x10000000
LIBC = ctypes.CDLL(None, use_errno=True)


def write(folder: str) -> None:
    path = Path(folder) / "probe"
    path.touch()
    path.unlink()


def call(name: str, *given: object) -> None:
    if getattr(LIBC, name)(*given) == -1:
        raise OSError(ctypes.get_errno(), name)


def allowed(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except OSError:
        return False
    return True


FORBIDDEN: dict[str, Callable[[], object]] = {
    **{f"write {folder}": partial(write, folder) for folder in MAY_NOT},
    "read /home": partial(os.listdir, "/home"),
    "memory to write and execute": partial(mmap.mmap, -1, 4096, prot=7),
    "netlink": partial(socket.socket, socket.AF_NETLINK, socket.SOCK_RAW),
    "packets": partial(socket.socket, socket.AF_PACKET, socket.SOCK_RAW),
    "user namespace": partial(call, "unshare", CLONE_NEWUSER),
    "mount": partial(call, "mount", b"none", b"/tmp", b"tmpfs", 0, None),
    "chroot": partial(os.chroot, "/run"),
    "ptrace": partial(call, "ptrace", 0, 0, 0, 0),
    "priority": partial(os.nice, 1),
    "another user": partial(os.setuid, 0),
}
for name in sorted(FORBIDDEN):
    if allowed(FORBIDDEN[name]):
        print("allowed:", name)
for folder in MAY:
    if not allowed(partial(write, folder)):
        print("refused: write", folder)
if len([path for path in Path("/proc").iterdir() if path.name.isdigit()]) > 2:
    print("allowed: see the processes of others")
