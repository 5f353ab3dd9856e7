"""`same-warehouse`, `same-store`: a person's word that a side with a new name or address is the same one."""

from collections.abc import Callable
from functools import partial

import msgspec

from dropstreamd.control.cli.answering import show_answer, show_refusal
from dropstreamd.control.cli.arguments import Commands, add_connection, add_yes
from dropstreamd.control.cli.daemon import path_of
from dropstreamd.control.cli.exits import Exit
from dropstreamd.control.cli.session import Options, Session
from dropstreamd.control.messages.look import Done
from dropstreamd.control.messages.setup import SameStore, SameWarehouse, StoreShown, WarehouseShown


class SameOptions(Options, frozen=True, kw_only=True):
    """`yes` answers the question."""

    connection: str
    yes: bool


class _Words(msgspec.Struct, frozen=True, kw_only=True):
    """How the two are spoken of. `mixed` is what comes of it if they are two."""

    side: str
    shown: type[StoreShown | WarehouseShown]
    same: Callable[[str], SameStore | SameWarehouse]
    lead: str
    mixed: str
    question: str
    text: str


_WAREHOUSE = _Words(
    side="warehouse",
    shown=WarehouseShown,
    same=lambda warehouse: SameWarehouse(warehouse=warehouse),
    lead="Its files now lead to",
    mixed="If they are two warehouses, shipments and stock of one would be taken for the other's.",
    question="Are they the same warehouse?",
    text="say that the warehouse is the same as before, with a new name or address",
)
_STORE = _Words(
    side="store",
    shown=StoreShown,
    same=lambda account: SameStore(account=account),
    lead="Its file now leads to",
    mixed="If they are two shops, orders of one would be taken for orders of the other.",
    question="Are they the same shop?",
    text="say that [store] leads to the same shop as before, at a new address",
)


def same_side(session: Session, options: SameOptions, words: _Words) -> Exit:
    """Show both; once confirmed, go on with the new one, of which all is known that was of the other."""
    path = path_of("connections", options.connection, words.side)
    answer = session.daemon.ask("GET", path)
    if answer.is_refusal:
        return show_refusal(session, options, answer)
    shown, terminal = answer.read(words.shown), session.terminal
    if shown.belongs_to in (None, shown.configured):
        terminal.note(f"{shown.connection} is of {shown.configured}: there is nothing to say.")
        return Exit.OK
    under_way = shown.under_way if isinstance(shown, WarehouseShown) else ""
    terminal.note(f"{shown.connection} has been of {shown.belongs_to}{under_way}.")
    terminal.note(f"{words.lead} {shown.configured}.")
    terminal.note(words.mixed)
    asked = not options.json and terminal.can_ask
    if not options.yes and not (asked and terminal.ask(words.question)):
        terminal.note("Nothing was changed. To say so beforehand, add --yes.")
        return Exit.UNCONFIRMED
    answer = session.daemon.ask("POST", path, body=words.same(shown.configured))
    return show_answer(session, options, answer, Done, lambda done: terminal.line(f"{done.text}."))


def register(commands: Commands) -> None:
    """Add both."""
    for words in (_STORE, _WAREHOUSE):
        execute = partial(same_side, words=words)
        parser = commands.add(f"same-{words.side}", words.text, SameOptions, execute)
        add_connection(parser)
        add_yes(parser, "say so")
