"""Aligned tables: a heading, a row a line, columns as wide as what is in them."""

from collections.abc import Sequence

from dropstreamd.control.cli.terminal import Style, Terminal, clean, width

Cell = str | int | tuple[str, Style]
"""Numbers stand to the right. A tuple is text with its style."""

_GAP = "  "


def show_table(terminal: Terminal, columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
    """Write the table; every row has as many cells as there are columns. The last one is not padded."""
    right = [_is_number_column(rows, index) for index in range(len(columns))]
    widths = [
        max([width(name), *(width(_text(row[index])) for row in rows)]) for index, name in enumerate(columns)
    ]
    for row in [[(name, Style.HEAD) for name in columns], *rows]:
        terminal.line(*_padded(row, widths, right))


def show_fields(terminal: Terminal, fields: Sequence[tuple[str, Cell]], *, indent: str = "") -> None:
    """Write names and values under one another, the values in one column; empty values are left out."""
    shown = [(name, cell) for name, cell in fields if cell != ""]
    widest = max([width(name) for name, _ in shown], default=0)
    for name, cell in shown:
        pad = " " * (widest - width(name))
        terminal.line(indent, (name, Style.DIM), pad + _GAP, (_text(cell), _style(cell)))


def _padded(row: Sequence[Cell], widths: Sequence[int], right: Sequence[bool]) -> list[tuple[str, Style]]:
    parts: list[tuple[str, Style]] = []
    for index, cell in enumerate(row):
        text = _text(cell)
        space = " " * (widths[index] - width(text))
        is_last = index == len(row) - 1
        if right[index]:
            parts.append((space, Style.PLAIN))
        parts.append((text, _style(cell)))
        if not right[index] and not is_last:
            parts.append((space, Style.PLAIN))
        if not is_last:
            parts.append((_GAP, Style.PLAIN))
    while parts and not parts[-1][0].strip():
        parts.pop()  # no blanks at the end of a line
    return parts


def _is_number_column(rows: Sequence[Sequence[Cell]], index: int) -> bool:
    return bool(rows) and all(isinstance(row[index], int) or row[index] == "" for row in rows)


def _text(cell: Cell) -> str:
    return clean(cell[0]) if isinstance(cell, tuple) else clean(str(cell))


def _style(cell: Cell) -> Style:
    return cell[1] if isinstance(cell, tuple) else Style.PLAIN
