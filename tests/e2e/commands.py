"""Who runs the daemon: its two commands, in this process, as each costs a second in one of its own."""

import contextlib
import io
import os
import re
from collections.abc import Callable

from dropstreamd import cli
from dropstreamd.control import client
from dropstreamd.control.cli.terminal import Terminal
from tests.e2e.daemon import Daemon


class Person(io.TextIOWrapper):
    """Who sits at the terminal; `answer` makes what is given to the address that stands there."""

    def __init__(self, text: str, answer: Callable[[str], str]) -> None:
        super().__init__(io.BytesIO(text.encode()))
        self.seen = io.StringIO()
        self._answer = answer

    def readline(self, limit: int = -1, /) -> str:  # type: ignore[override]  # of bytes, says a base of it
        address = re.search(r"https://\S+", self.seen.getvalue())
        return self._answer(address[0]) if address else super().readline(limit)


def ctl(
    daemon: Daemon, *command: str, stdin: str = "", answer: Callable[[str], str] = str, ends: int = 0
) -> str:
    """`dropstreamctl` in this process, which must end with `ends`; what it said, in one line."""
    person, out = Person(stdin, answer), io.StringIO()
    terminal = Terminal(person, out, person.seen, os.environ)
    ended = client.run(["--socket", str(daemon.socket), *command], terminal, os.environ)
    said = f"{out.getvalue()}{person.seen.getvalue()}"
    print(f"$ dropstreamctl {' '.join(command)}\n{said}[{ended}]")  # shown where the test failed
    assert ended == ends
    return " ".join(said.split())


def check(daemon: Daemon) -> tuple[int, str]:
    """`dropstreamd check` in this process: its exit status, and what it said."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        status = cli.main(["check", "--conf", str(daemon.conf)])
    print(f"$ dropstreamd check\n{out.getvalue()}[{status}]")
    return status, out.getvalue()
