"""A server that answers on a port of 127.0.0.1, stopped and brought back by a test."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from .process import ROOT, Child, accepts


class Launch(msgspec.Struct, frozen=True, kw_only=True):
    """How its process is started: what it says goes to `log`, and it answers within `within_s`."""

    argv: Sequence[str | Path]
    log: Path
    within_s: float
    env: Mapping[str, str] = {}
    cwd: Path = ROOT


class Server:
    """One running server. `restart` brings the process back on the same port and the same data."""

    def __init__(self, launch: Launch, port: int) -> None:
        self.port = port
        self._launch = launch
        self._child: Child | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self._launch.log

    @property
    def pid(self) -> int:
        """Of its process, to be stopped or killed by a test."""
        if self._child is None:
            raise ValueError(f"{self.log.stem} was not started")
        return self._child.process.pid

    def start(self, *, detached: bool = False) -> None:
        """Return once it answers on its port."""
        launch = self._launch
        self._child = Child(launch.argv, log=launch.log, env=launch.env, cwd=launch.cwd, detached=detached)
        self._child.wait_until(lambda: accepts(self.port), within_s=launch.within_s)

    def stop(self) -> None:
        """End it as a crash would, not its database (a polite stop may wait for idle connections)."""
        if self._child:
            self._child.kill()

    def restart(self) -> None:
        self.stop()
        self.start()
