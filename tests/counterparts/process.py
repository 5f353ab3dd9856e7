"""Child processes of the tests: they log to a file and end with the process that started them."""

import contextlib
import fcntl
import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

POLL_S = 0.01
ROOT = Path("/")


class CounterpartError(Exception):
    """A counterpart did not start, did not stop or answered something unexpected; says what it logged."""


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nothing uses, and that the system gives nobody for a minute.

    A connection to it was made and closed here: while that lingers (TIME_WAIT), the port is no one's
    for the asking, but whoever names it may listen on it, as servers do (SO_REUSEADDR).
    """
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        port: int = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            listener.accept()[0].close()  # the side that closes first is the one that lingers
    return port


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """While the block runs, no other process is in one of the same `path`: what two workers both need is
    made by the first of them, while the other waits."""
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def current_user() -> str:
    """The name of the user who runs the tests."""
    return pwd.getpwuid(os.geteuid()).pw_name


def as_user(user: str, argv: Sequence[str | Path]) -> list[str]:
    """`argv` run as `user`; only root may name another than itself."""
    command = [str(word) for word in argv]
    if user == current_user():
        return command
    group = str(pwd.getpwnam(user).pw_gid)
    return ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups", *command]


def run(
    argv: Sequence[str | Path],
    *,
    user: str | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path = ROOT,
) -> str:
    """Run to the end and return what it wrote; a failure raises with the end of its output."""
    command = as_user(user or current_user(), argv)
    done = subprocess.run(
        command,
        env={**os.environ, **(env or {})},
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CounterpartError(f"{command} ended with {done.returncode}:\n{done.stdout[-2000:]}")
    return done.stdout


class Child:
    """One running server. `detached` lets it outlive its parent; otherwise it dies with it, kill -9 too.

    To be created in the main thread: what counts as the parent's death is that of the creating thread.
    """

    def __init__(
        self,
        argv: Sequence[str | Path],
        *,
        log: Path,
        user: str | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path = ROOT,
        detached: bool = False,
    ) -> None:
        self.log = log
        self.name = Path(str(argv[0])).name
        command = list(argv) if detached else ["setpriv", "--pdeathsig=INT", *argv]
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                as_user(user or current_user(), command),
                env={**os.environ, **(env or {})},
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_until(self, ready: Callable[[], bool], *, within_s: float) -> None:
        """Return once `ready()`; raise, with the log's end, if the process ends or `within_s` passes."""
        end = time.monotonic() + within_s
        while not ready():
            if self.process.poll() is not None or time.monotonic() > end:
                self.kill()
                raise CounterpartError(f"{self.name} did not get ready; its log ends:\n{self.tail()}")
            time.sleep(POLL_S)

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-3000:]

    def stop(self, *, signal: int, within_s: float = 10) -> None:
        """Send `signal` and wait for the end; a process that ignores it is killed."""
        if self.process.poll() is None:
            self.process.send_signal(signal)
        try:
            self.process.wait(within_s)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def accepts(port: int) -> bool:
    """Whether something listens on this port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_while(busy: Callable[[], bool], *, within_s: float) -> None:
    """Return once not `busy()`; raise if `within_s` passes."""
    end = time.monotonic() + within_s
    while busy():
        if time.monotonic() > end:
            raise CounterpartError(f"what should have ended goes on after {within_s:g} s")
        time.sleep(POLL_S)


def find(program: str, *folders: Path) -> Path | None:
    """Where a program is: on PATH, in the folders of system programs, or in `folders`."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", *map(str, folders)])
    found = shutil.which(program, path=path)
    return Path(found) if found else None
