"""`same-warehouse`: a person's word that a warehouse with a new name or address is the same one."""

from dropstreamd.control.cli.answering import show_answer, show_refusal
from dropstreamd.control.cli.arguments import Commands, add_connection, add_yes
from dropstreamd.control.cli.daemon import path_of
from dropstreamd.control.cli.exits import Exit
from dropstreamd.control.cli.session import Options, Session
from dropstreamd.control.messages.look import Done
from dropstreamd.control.messages.setup import SameWarehouse, WarehouseShown


class SameWarehouseOptions(Options, frozen=True, kw_only=True):
    """`yes` answers the question."""

    connection: str
    yes: bool


def same_warehouse(session: Session, options: SameWarehouseOptions) -> Exit:
    """Show both; once confirmed, carry over what is known of it."""
    path = path_of("connections", options.connection, "warehouse")
    answer = session.daemon.ask("GET", path)
    if answer.is_refusal:
        return show_refusal(session, options, answer)
    shown, terminal = answer.read(WarehouseShown), session.terminal
    if shown.belongs_to in (None, shown.configured):
        terminal.note(f"{shown.connection} is of {shown.configured}: there is nothing to say.")
        return Exit.OK
    terminal.note(f"{shown.connection} has been of {shown.belongs_to}{shown.under_way}.")
    terminal.note(f"Its files now lead to {shown.configured}.")
    terminal.note("If they are two warehouses, shipments and stock of one would be taken for the other's.")
    asked = not options.json and terminal.can_ask
    if not options.yes and not (asked and terminal.ask("Are they the same warehouse?")):
        terminal.note("Nothing was changed. To say so beforehand, add --yes.")
        return Exit.UNCONFIRMED
    answer = session.daemon.ask("POST", path, body=SameWarehouse(warehouse=shown.configured))
    return show_answer(session, options, answer, Done, lambda done: terminal.line(f"{done.text}."))


def register(commands: Commands) -> None:
    """Add it."""
    text = "say that the warehouse is the same as before, with a new name or address"
    parser = commands.add("same-warehouse", text, SameWarehouseOptions, same_warehouse)
    add_connection(parser)
    add_yes(parser, "say so")
