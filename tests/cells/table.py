"""The table in tests/README.md: how it is written and read again."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from .pairs import Cell, Grid, Side

README = Path(__file__).parents[1] / "README.md"
BEGIN = "<!-- cells: written by `python -m tests.cells` -->"
END = "<!-- cells: end -->"
TEST = re.compile(r"^\d+\. `(?P<test>[^`]+)`$", re.MULTILINE)

Tests = Mapping[Cell, Sequence[str]]
"""Node ids of tests by the cell that they ran."""


def rendered(grid: Grid, tests: Tests) -> str:
    """One table a store, a row a job, a column a warehouse; then the tests and the reasons by number."""
    names = _numbered(test for found in tests.values() for test in found)
    reasons = _numbered(filter(None, grid.cells.values()))
    parts = [
        *("\n".join(_store(store, grid, tests, names, reasons)) for store in grid.stores),
        "\n".join(f"{number}. `{test}`" for test, number in names.items()),
        "\n".join(f"- R{number}: {reason}" for reason, number in reasons.items()),
    ]
    return "\n\n".join(parts)


def _numbered(texts: Iterable[str]) -> dict[str, int]:
    return {text: number for number, text in enumerate(sorted(set(texts)), start=1)}


def _store(
    store: Side, grid: Grid, tests: Tests, names: Mapping[str, int], reasons: Mapping[str, int]
) -> Iterator[str]:
    yield f"| {store.title} | {' | '.join(side.title for side in grid.warehouses)} |"
    yield "|---" * (len(grid.warehouses) + 1) + "|"
    for job in grid.jobs:
        row = []
        for cell in (Cell(store.name, side.name, job) for side in grid.warehouses):
            numbers = sorted(names[test] for test in tests.get(cell, ()))
            ran = ", ".join(map(str, numbers)) or "no test yet"
            row.append(f"Not supported (R{reasons[why]})" if (why := grid.cells[cell]) else ran)
        yield f"| `{job}` | {' | '.join(row)} |"


def read() -> str:
    """The committed table."""
    return _parts()[1]


def named(table: str) -> list[str]:
    """The tests that a table names."""
    return [match["test"] for match in TEST.finditer(table)]


def write(table: str) -> None:
    before, _, after = _parts()
    README.write_text(f"{before}{BEGIN}\n\n{table}\n\n{END}{after}")


def _parts() -> tuple[str, str, str]:
    """The README before the table, the table, and what follows it."""
    before, _, rest = README.read_text().partition(BEGIN)
    table, mark, after = rest.partition(END)
    if not mark:
        raise ValueError(f"{README}: found no table between {BEGIN} and {END}")
    return before, table.strip(), after
