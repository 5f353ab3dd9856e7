"""`secret`: names of secrets out, values in. A value is never an argument, and is never shown."""

import argparse
import getpass

from dropstreamd.control.cli.agreeing import Word, once_agreed
from dropstreamd.control.cli.answering import show_answer, wrong_argument
from dropstreamd.control.cli.arguments import Commands, add_yes
from dropstreamd.control.cli.daemon import Answer, path_of
from dropstreamd.control.cli.exits import Exit
from dropstreamd.control.cli.session import Options, Session
from dropstreamd.control.messages.look import Done
from dropstreamd.control.messages.setup import PutSecret, SecretNames
from dropstreamd.errors import ConfigError, Problem

VALUE_LIMIT_BYTES = 64 * 1024


class SecretOptions(Options, frozen=True, kw_only=True):
    """`name` is None for the list. `refused` takes in a value given as an argument, so that it can be
    refused without being repeated."""

    verb: str
    name: str | None = None
    refused: tuple[str, ...] = ()
    yes: bool = False


def secret(session: Session, options: SecretOptions) -> Exit:
    """List, set or delete."""
    if options.refused:
        problem = Problem(
            file="the command line",
            key=f"secret {options.verb}",
            found="more than a name",
            allowed="the name alone: the value is typed unseen or piped in",
            hint="if that was a secret, change it: whoever could list processes has seen it",
        )
        raise ConfigError([problem])
    if options.name is None:
        return _list(session, options)
    path = path_of("secrets", options.name)
    if options.verb == "set":
        answer = session.daemon.ask("PUT", path, body=PutSecret(value=_value(session, options.name)))
    else:
        gone = _deleted(session, options, path)
        if isinstance(gone, Exit):
            return gone
        answer = gone
    return show_answer(session, options, answer, Done, lambda done: session.terminal.line(done.text))


def _deleted(session: Session, options: SecretOptions, path: str) -> Answer | Exit:
    """Where somebody uses it, once a person has seen who, and agreed."""

    def asked(word: Word) -> Answer:
        query = {"confirmed": "true"} if word.confirmed else {"shown": word.shown} if word.shown else {}
        return session.daemon.ask("DELETE", path, query=query)

    return once_agreed(
        session,
        options,
        asked,
        yes=options.yes,
        question="Delete it all the same?",
        otherwise="It was not deleted.",
    )


def _list(session: Session, options: Options) -> Exit:
    def show(found: SecretNames) -> None:
        for name in found.names:
            session.terminal.line(name)
        if not found.names:
            session.terminal.note("There are none. To add one: dropstreamctl secret set NAME")

    return show_answer(session, options, session.daemon.ask("GET", path_of("secrets")), SecretNames, show)


def _value(session: Session, name: str) -> str:
    """From a pipe or file whole, else typed unseen."""
    value = (_typed(name) if session.terminal.stdin.isatty() else _piped(session)).rstrip("\r\n")
    if not value:
        raise wrong_argument("the value", "", "a secret, typed or piped in")
    return value


def _typed(name: str) -> str:
    try:
        return getpass.getpass(f"Value of {name} (it is not shown): ")
    except EOFError:
        return ""


def _piped(session: Session) -> str:
    content = session.terminal.stdin.buffer.read(VALUE_LIMIT_BYTES + 1)
    if len(content) > VALUE_LIMIT_BYTES:
        raise wrong_argument("the value", "a longer one", f"at most {VALUE_LIMIT_BYTES} bytes")
    try:
        value = content.decode()
    except UnicodeDecodeError:  # not chained: the error carries the bytes
        value = None
    if value is None:
        raise wrong_argument("the value", "other bytes", "text in UTF-8")
    return value


def register(commands: Commands) -> None:
    """Add `secret` with its three verbs."""
    verbs = commands.add("secret", "list, set or delete secrets", SecretOptions, secret).add_subparsers(
        metavar="set|list|delete", dest="verb", required=True
    )
    setting = verbs.add_parser(
        "set",
        help="store a secret; its value is typed unseen or read from a pipe",
        description="Stores a secret. Its value is typed unseen, or read from standard input:"
        " `dropstreamctl secret set acme-wms-key < key.pem`.",
        parents=[commands.common],
        allow_abbrev=False,
    )
    verbs.add_parser("list", help="list their names", parents=[commands.common], allow_abbrev=False)
    deleting = verbs.add_parser("delete", help="forget one", parents=[commands.common], allow_abbrev=False)
    for parser in (setting, deleting):
        parser.add_argument("name", metavar="NAME", help="letters, digits, dot, - and _")
        parser.add_argument("refused", nargs="*", default=(), help=argparse.SUPPRESS)
    add_yes(deleting, "delete it, whoever uses it,")
