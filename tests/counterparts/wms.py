"""A warehouse that takes order files the moment they appear, as an eager WMS does.

It runs in a process of its own, so that it goes on while the daemon is killed. As soon as a name ending in
`.csv` shows in the watched folder, complete or not, it moves the file away and notes what it got.
"""

import contextlib
import ctypes
import hashlib
import os
import signal
import struct
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from .process import POLL_S, Child, CounterpartError

IN_MOVED_TO = 0x80
IN_CREATE = 0x100
EVENT = struct.Struct("iIII")  # watch, mask, cookie, length of the name that follows


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """One file as it was at the moment of taking; `number` counts from 1, `at_ns` is the Unix time."""

    number: int
    name: str
    size_bytes: int
    sha256: str
    at_ns: int


class Consumer:
    """A running warehouse process on one folder; what it took is kept under `kept`."""

    def __init__(self, inbox: Path, kept: Path) -> None:
        self.inbox = inbox
        self.kept = kept
        kept.mkdir(parents=True, exist_ok=True)
        self._journal = kept / "journal.jsonl"
        self._child = Child(
            [sys.executable, "-m", __name__, inbox, kept], log=kept / "consumer.log", env=_path()
        )
        self._child.wait_until(self._journal.exists, within_s=10)

    def taken(self) -> list[Taken]:
        """Everything so far, in order; a name may come more than once."""
        whole = self._journal.read_bytes().rpartition(b"\n")[0]
        return [msgspec.json.decode(line, type=Taken) for line in whole.splitlines()]

    def content(self, file: Taken) -> bytes:
        return _kept_as(self.kept, file.number, file.name).read_bytes()

    def wait_for(self, count: int, *, within_s: float = 30) -> list[Taken]:
        """Return once it took that many files."""
        end = time.monotonic() + within_s
        while len(taken := self.taken()) < count:
            if time.monotonic() > end:
                raise CounterpartError(
                    f"the warehouse took {len(taken)} files, not {count}: {self._child.tail()}"
                )
            time.sleep(POLL_S)
        return taken

    def pause(self) -> None:
        """Take nothing until `resume`; files that appear meanwhile are taken then."""
        self._child.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._child.process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        self.resume()
        self._child.stop(signal=signal.SIGTERM)


@contextlib.contextmanager
def running_consumer(inbox: Path, kept: Path) -> Iterator[Consumer]:
    """A consumer for the time of the block."""
    consumer = Consumer(inbox, kept)
    try:
        yield consumer
    finally:
        consumer.stop()


def consume(inbox: Path, kept: Path) -> None:
    """The consumer's process: never returns."""
    libc = ctypes.CDLL(None, use_errno=True)
    watch = libc.inotify_init()
    if watch < 0 or libc.inotify_add_watch(watch, os.fsencode(inbox), IN_MOVED_TO | IN_CREATE) < 0:
        raise OSError(ctypes.get_errno(), "inotify", str(inbox))
    with (kept / "journal.jsonl").open("ab", buffering=0) as journal:
        number = 0
        names = sorted(path.name for path in inbox.iterdir())
        while True:
            for name in names:
                if name.endswith(".csv") and not name.startswith("."):
                    taken = _take(inbox, kept, number + 1, name)
                    if taken:
                        number += 1
                        journal.write(msgspec.json.encode(taken) + b"\n")
            names = list(_names(os.read(watch, 65536)))


def _take(inbox: Path, kept: Path, number: int, name: str) -> Taken | None:
    target = _kept_as(kept, number, name)
    try:
        (inbox / name).rename(target)
    except FileNotFoundError:
        return None  # seen by the first look and again as an event
    content = target.read_bytes()
    return Taken(
        number=number,
        name=name,
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        at_ns=time.time_ns(),
    )


def _names(events: bytes) -> Iterator[str]:
    position = 0
    while position < len(events):
        length = EVENT.unpack_from(events, position)[3]
        position += EVENT.size
        yield os.fsdecode(events[position : position + length].rstrip(b"\0"))
        position += length


def _kept_as(kept: Path, number: int, name: str) -> Path:
    return kept / f"{number:05d}-{name}"


def _path() -> dict[str, str]:
    """`-m` finds this package in the checkout, wherever the process starts."""
    return {"PYTHONPATH": str(Path(__file__).parents[2])}


if __name__ == "__main__":
    consume(Path(sys.argv[1]), Path(sys.argv[2]))
