"""What a command works with: the daemon, the terminal, the clock; and how it is declared."""

import argparse
from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec

from dropstreamd.clock import Clock
from dropstreamd.control.cli.daemon import Daemon
from dropstreamd.control.cli.exits import Exit
from dropstreamd.control.cli.terminal import Terminal

Opts = TypeVar("Opts", bound="Options")


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What every command is told; each adds its own."""

    json: bool = False


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One call of `dropstreamctl`. `monotonic` counts seconds for time-outs, `sleep` lets them pass."""

    daemon: Daemon
    terminal: Terminal
    clock: Clock
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]


class Command(Generic[Opts]):
    """A function with the Struct of its options, which the parsed arguments are converted to."""

    def __init__(self, options: type[Opts], execute: Callable[[Session, Opts], Exit]) -> None:
        self._options = options
        self._execute = execute

    def __call__(self, session: Session, arguments: argparse.Namespace) -> Exit:
        return self._execute(session, msgspec.convert(vars(arguments), self._options))
