"""`po CONNECTION --enter FILE`: purchase orders of a CSV file, which the warehouse is to expect."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Literal, get_args

import msgspec

from dropstreamd.config.csv_rows import Columns, Row, Wrong
from dropstreamd.config.files import ConfFolder
from dropstreamd.config.place import Place
from dropstreamd.control.cli.agreeing import Word, once_agreed
from dropstreamd.control.cli.answering import show_answer
from dropstreamd.control.cli.daemon import Answer, path_of
from dropstreamd.control.cli.exits import Exit
from dropstreamd.control.cli.session import Options, Session
from dropstreamd.control.cli.terminal import Terminal
from dropstreamd.control.messages.goods import (
    EnteredLine,
    EnteredPurchase,
    EnterPurchases,
    PurchasesEntered,
)
from dropstreamd.errors import ConfigError, Problem

MOST_ROWS = 20_000
Status = Literal["open", "cancelled", "closed"]
STATUSES: tuple[Status, ...] = get_args(Status)
UNITS = "a whole number of units, 1 or more"
DAY = "a date such as 2026-12-24"


def _check(row: Row) -> Wrong | None:
    _number, _sku, quantity, _unit, pack, _supplier, ordered, expected, _carrier, _tracking, _note, status = (
        row
    )
    for name, text in (("quantity", quantity), ("pack", pack or "1")):
        if not (text.isascii() and text.isdecimal() and 0 < int(text[:12]) < 10**9):
            return Wrong(f"{name} {text[:20]!r}", UNITS)
    for name, text in (("ordered", ordered), ("expected", expected)):
        if text and _day(text) is None:
            return Wrong(f"{name} {text[:20]!r}", DAY)
    if status and status not in STATUSES:
        return Wrong(f"status {status[:20]!r}", ", ".join(STATUSES))
    return None


COLUMNS = Columns(
    names=("number", "sku", "quantity"),
    optional=(
        "unit",
        "pack",
        "supplier",
        "ordered",
        "expected",
        "carrier",
        "tracking",
        "note",
        "status",
    ),
    keys=2,
    check=_check,
)
"""A row is a line; what is of the whole purchase order is read from its first row."""


def read(file: Path) -> EnterPurchases:
    """The purchase orders of the file, in its order. Raises ConfigError with every problem of it."""
    problems: list[Problem] = []
    rows = ConfFolder(file.parent, {}).rows(file.name, COLUMNS, MOST_ROWS, Place(str(file), problems))
    if rows is None:
        raise ConfigError(problems)
    by_number: dict[str, list[Row]] = {}
    for row in rows:
        by_number.setdefault(row[0], []).append(row)
    return EnterPurchases(purchases=tuple(_purchase(lines) for lines in by_number.values()))


def _purchase(rows: Sequence[Row]) -> EnteredPurchase:
    number, _sku, _quantity, _unit, _pack, supplier, ordered, expected, carrier, tracking, note, status = (
        rows[0]
    )
    return EnteredPurchase(
        number=number,
        lines=tuple(_line(row) for row in rows),
        supplier=supplier,
        ordered_on=_day(ordered),
        expected_on=_day(expected),
        carrier=carrier,
        tracking_numbers=tuple(tracking.split()),
        note=note,
        status=next(each for each in STATUSES if each == (status or "open")),
    )


def _line(row: Row) -> EnteredLine:
    return EnteredLine(sku=row[1], quantity=int(row[2]), unit=row[3] or "each", pack=int(row[4] or 1))


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def enter(session: Session, options: Options, connection: str, file: Path, *, yes: bool) -> Exit:
    """Enter those of the file; where that changes some, once a person has seen what, and agreed."""
    path, body = path_of("connections", connection, "purchase-orders"), read(file)

    def asked(word: Word) -> Answer:
        given = msgspec.structs.replace(body, confirmed=word.confirmed, shown=word.shown)
        return session.daemon.ask("POST", path, body=given)

    answer = once_agreed(
        session, options, asked, yes=yes, question="Change these?", otherwise="Nothing was entered."
    )
    if isinstance(answer, Exit):
        return answer

    def show(entered: PurchasesEntered) -> None:
        _show_entered(session.terminal, connection, entered)

    return show_answer(session, options, answer, PurchasesEntered, show)


def _show_entered(terminal: Terminal, connection: str, entered: PurchasesEntered) -> None:
    """How many, and whether they go now."""
    terminal.line(f"{entered.new} new, {entered.changed} changed, {entered.same} as they were.")
    if entered.held:
        why = "may have been sent before the state was restored from a backup"
        terminal.line(f"{entered.held} {why}: they wait for you, see dropstreamctl parked {connection}")
    going = "The others go" if entered.held else "They go"
    if entered.run:
        terminal.line(f"{going} to the warehouse with run {entered.run}.")
    elif entered.new or entered.changed:
        terminal.line(f"{going} to the warehouse once the channel purchase_orders is on.")
