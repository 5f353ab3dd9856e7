"""The command line: what every command takes, and what `--help` says."""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from dropstreamd import __version__
from dropstreamd.control.cli.exits import EXIT_HELP, Exit
from dropstreamd.control.cli.session import Command, Options, Session

Opts = TypeVar("Opts", bound=Options)

DEFAULT_SOCKET = "/run/dropstreamd/control.sock"
SOCKET_VARIABLE = "DROPSTREAMD_SOCKET"

ORDER = "order"
"""The command whose next word may be a verb."""

_EPILOG = f"""\
CONNECTION is a connection's name or id; CHANNEL is sales_orders, shipments, inventory, products, returns,
catalogs or purchase_orders (and receipts, where documents that came back are meant, or stock_notices for
purchase orders on their way to the warehouse); a job is CHANNEL.JOB, such as inventory.full. Times are those
of the connection's timezone.
Colours appear on terminals only, and not where NO_COLOR is set.

{EXIT_HELP}"""


class _Parser(argparse.ArgumentParser):
    """Takes options before, between and after the other arguments. What may be left out (`nargs` of "?" or
    "*") is otherwise taken for left out at the first option."""

    _has_verbs = False
    _is_mixing = False

    def add_subparsers(self, **given: Any) -> Any:
        self._has_verbs = True
        return super().add_subparsers(**given)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        words = list(sys.argv[1:] if args is None else args)
        if self._has_verbs or self._is_mixing or "--" in words:
            return super().parse_known_args(words, namespace)
        self._is_mixing = True
        try:
            return self.parse_known_intermixed_args(words, namespace)  # calls this method, twice
        finally:
            self._is_mixing = False


class Commands:
    """Takes the commands of every topic and makes the parser of all of them."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.parser = _Parser(
            prog="dropstreamctl",
            description="Looks at a running dropstreamd and tells it what to do.",
            epilog=_EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        self.parser.add_argument("--version", action="version", version=f"dropstreamctl {__version__}")
        socket = environ.get(SOCKET_VARIABLE) or DEFAULT_SOCKET
        self.parser.set_defaults(socket=socket, json=False)
        self.common = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
        _add_common(self.parser)
        _add_common(self.common)
        self.names: list[str] = []
        self._verbs: set[str] = set()
        self._commands = self.parser.add_subparsers(
            title="commands", metavar="COMMAND", dest="command", required=True
        )

    def add(
        self, name: str, text: str, options: type[Opts], execute: Callable[[Session, Opts], Exit]
    ) -> argparse.ArgumentParser:
        """Declare a command; the caller adds its arguments. `text` is its line in the list."""
        self.names.append(name)
        parser: argparse.ArgumentParser = self._commands.add_parser(
            name,
            help=text,
            description=text[0].upper() + text[1:] + ".",
            parents=[self.common],
            allow_abbrev=False,
        )
        parser.set_defaults(execute=Command(options, execute))
        return parser

    def add_verb(
        self, name: str, text: str, options: type[Opts], execute: Callable[[Session, Opts], Exit]
    ) -> argparse.ArgumentParser:
        """Declare `order NAME`, as `add` does."""
        self._verbs.add(name)
        return self.add(f"{ORDER} {name}", text, options, execute)

    def parse(self, argv: Sequence[str]) -> argparse.Namespace:
        """The arguments of one command. `order VERB` is one word to the parser."""
        words = list(argv)
        at = _command_at(words)
        if words[at : at + 1] == [ORDER] and words[at + 1 : at + 2] and words[at + 1] in self._verbs:
            words[at : at + 2] = [f"{ORDER} {words[at + 1]}"]
        return self.parser.parse_args(words)


def _command_at(words: Sequence[str]) -> int:
    """Where the command stands: after the options that may come before it."""
    at = 0
    while at < len(words) and words[at].startswith("-"):
        at += 2 if words[at] == "--socket" else 1
    return at


def _add_common(parser: argparse.ArgumentParser) -> None:
    suppress = argparse.SUPPRESS
    parser.add_argument(
        "--socket",
        metavar="PATH",
        default=suppress,
        help=f"the daemon's socket (default: ${SOCKET_VARIABLE}, else {DEFAULT_SOCKET})",
    )
    parser.add_argument(
        "--json", action="store_true", default=suppress, help="print the API's answer as it is, for scripts"
    )


def add_connection(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("connection", metavar="CONNECTION", help="its name or id")


def add_yes(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument("--yes", action="store_true", help=f"{what} without asking")


def count_up_to(most: int) -> Callable[[str], int]:
    """A type of argument: a number from 1 to `most`."""

    def number(text: str) -> int:
        found = int(text)
        if not 1 <= found <= most:
            raise argparse.ArgumentTypeError(f"a number from 1 to {most}")
        return found

    return number
