"""`dropstreamctl`: a small client of the daemon's control API."""

import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from dropstreamd.clock import SystemClock
from dropstreamd.control.cli import (
    auditing,
    authorizing,
    checks,
    explaining,
    goods,
    looking,
    order_edits,
    order_verbs,
    planning,
    resolving,
    restoring,
    returned,
    rules,
    running,
    same_side,
    samples,
    scheduling,
    secret,
    status,
    switching,
    upkeep,
    waiting,
)
from dropstreamd.control.cli.arguments import Commands
from dropstreamd.control.cli.daemon import Daemon
from dropstreamd.control.cli.exits import Exit
from dropstreamd.control.cli.session import Command, Options, Session
from dropstreamd.control.cli.terminal import Style, Terminal
from dropstreamd.errors import ConfigError, DropstreamError, Unreachable

_TOPICS = (
    status,
    switching,
    running,
    scheduling,
    looking,
    explaining,
    order_verbs,
    order_edits,
    rules,
    goods,
    returned,
    waiting,
    resolving,
    auditing,
    planning,
    authorizing,
    same_side,
    checks,
    samples,
    secret,
    upkeep,
    restoring,
)


def main() -> int:
    """The console script; its exit status."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a SKU in another script than the terminal's
    terminal = Terminal(sys.stdin, sys.stdout, sys.stderr, os.environ)
    return run(sys.argv[1:], terminal, os.environ)


def commands(environ: Mapping[str, str]) -> Commands:
    """All of them."""
    made = Commands(environ)
    for topic in _TOPICS:
        topic.register(made)
    return made


def run(argv: Sequence[str], terminal: Terminal, environ: Mapping[str, str]) -> int:
    """Run one command; its exit status. SystemExit from the parser, which has then said why."""
    arguments = commands(environ).parse(argv)
    execute: Command[Options] = arguments.execute
    daemon = Daemon(Path(arguments.socket))
    session = Session(
        daemon=daemon, terminal=terminal, clock=SystemClock(), monotonic=time.monotonic, sleep=time.sleep
    )
    try:
        return int(execute(session, arguments))
    except DropstreamError as error:
        return int(_explain(terminal, error))
    except BrokenPipeError:
        return int(_pipe_closed())
    except KeyboardInterrupt:
        terminal.note("Interrupted.")
        return int(Exit.INTERRUPTED)
    finally:
        daemon.close()


def _explain(terminal: Terminal, error: DropstreamError) -> Exit:
    problems = [str(problem) for problem in error.problems] if isinstance(error, ConfigError) else []
    for message in problems or [error.message]:
        terminal.note(("dropstreamctl: ", Style.BAD), message)
    if error.remedy:
        terminal.note("What to do: ", error.remedy)
    if isinstance(error, ConfigError):
        return Exit.REFUSED
    return Exit.UNREACHABLE if isinstance(error, Unreachable) else Exit.FAILED


def _pipe_closed() -> Exit:
    # Python flushes stdout once more at exit, which would fail again and say so.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return Exit.PIPE_CLOSED
