"""Keeps one Vendure running for trials by hand: `python -m tests.counterparts.vendure start|stop`."""

import os
import shutil
import signal
import sys
import time
from pathlib import Path

import msgspec

from ..installed import folder, vendure_missing
from ..process import POLL_S
from .server import SUPERADMIN, VENDURE

STOP_WITHIN_S = 20


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """What `stop` must know of what `start` left behind; pids in the order of stopping."""

    pids: list[int]
    folder: str


def main(arguments: list[str]) -> int:
    missing = vendure_missing()
    note = folder() / "running-vendure.json"
    if missing:
        return _say(missing, code=1)
    if arguments == ["start"]:
        return _start(note)
    if arguments == ["stop"]:
        return _stop(note)
    return _say("usage: python -m tests.counterparts.vendure start|stop", code=2)


def _start(note: Path) -> int:
    if note.exists():
        return _say(f"one is running already ({note}): stop it first", code=1)
    server = VENDURE.start(detached=True)
    running = Running(pids=[server.pid, server.database.pid], folder=str(server.database.folder))
    note.write_bytes(msgspec.json.encode(running))
    return _say(
        f"Admin API  {server.url}/admin-api\nShop API   {server.url}/shop-api\n"
        f"superadmin's name and password: {SUPERADMIN}\nlog        {server.log}",
        code=0,
    )


def _stop(note: Path) -> int:
    if not note.exists():
        return _say("none is running", code=1)
    running = msgspec.json.decode(note.read_bytes(), type=Running)
    for pid in running.pids:
        _end(pid, running.folder)
    shutil.rmtree(running.folder, ignore_errors=True)
    note.unlink()
    return 0


def _end(pid: int, database: str) -> None:
    """End a process of ours and wait for it; a pid that another program has taken over is left alone."""
    process = Path(f"/proc/{pid}")
    end = time.monotonic() + STOP_WITHIN_S
    if process.exists() and _ours(process, database):
        os.kill(pid, signal.SIGINT)
        while process.exists() and time.monotonic() < end:
            time.sleep(POLL_S)


def _ours(process: Path, database: str) -> bool:
    """Both servers name the database's folder: in their arguments or in their environment."""
    return database.encode() in (process / "cmdline").read_bytes() + (process / "environ").read_bytes()


def _say(text: str, *, code: int) -> int:
    print(text)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
