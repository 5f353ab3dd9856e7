"""`same-store`: a person's word that a shop at a new address is the same shop."""

from dropstreamd.control.cli.answering import show_answer, show_refusal
from dropstreamd.control.cli.arguments import Commands, add_connection, add_yes
from dropstreamd.control.cli.daemon import path_of
from dropstreamd.control.cli.exits import Exit
from dropstreamd.control.cli.session import Options, Session
from dropstreamd.control.messages.look import Done
from dropstreamd.control.messages.setup import SameStore, StoreShown


class SameStoreOptions(Options, frozen=True, kw_only=True):
    """`yes` answers the question."""

    connection: str
    yes: bool


def same_store(session: Session, options: SameStoreOptions) -> Exit:
    """Show both accounts; once confirmed, go on with the new one."""
    path = path_of("connections", options.connection, "store")
    answer = session.daemon.ask("GET", path)
    if answer.is_refusal:
        return show_refusal(session, options, answer)
    shown, terminal = answer.read(StoreShown), session.terminal
    if shown.belongs_to in (None, shown.configured):
        terminal.note(f"{shown.connection} is of {shown.configured}: there is nothing to say.")
        return Exit.OK
    terminal.note(f"{shown.connection} has been of {shown.belongs_to}.")
    terminal.note(f"Its file now leads to {shown.configured}.")
    terminal.note("If they are two shops, orders of one would be taken for orders of the other.")
    asked = not options.json and terminal.can_ask
    if not options.yes and not (asked and terminal.ask("Are they the same shop?")):
        terminal.note("Nothing was changed. To say so beforehand, add --yes.")
        return Exit.UNCONFIRMED
    answer = session.daemon.ask("POST", path, body=SameStore(account=shown.configured))
    return show_answer(session, options, answer, Done, lambda done: terminal.line(f"{done.text}."))


def register(commands: Commands) -> None:
    """Add it."""
    text = "say that [store] leads to the same shop as before, at a new address"
    parser = commands.add("same-store", text, SameStoreOptions, same_store)
    add_connection(parser)
    add_yes(parser, "say so")
