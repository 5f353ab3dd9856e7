"""The table in tests/README.md: how it is written and read again."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from .pairs import Cell, Grid, Side

README = Path(__file__).parents[1] / "README.md"
BEGIN = "<!-- cells: written by `python -m tests.cells` -->"
END = "<!-- cells: end -->"
TEST = re.compile(r"^\d+\. `(?P<test>[^`]+)`$", re.MULTILINE)

Tests = Mapping[Cell, Sequence[str]]
"""Node ids of tests by the cell that they ran."""


def rendered(grid: Grid, tests: Tests) -> str:
    """One table a store, a row a job, a column a warehouse; then the tests by number."""
    names = sorted({test for found in tests.values() for test in found})
    numbers = {test: number for number, test in enumerate(names, start=1)}
    parts = ["\n".join(_store(store, grid, tests, numbers)) for store in grid.stores]
    parts.append("\n".join(f"{number}. `{test}`" for test, number in numbers.items()))
    return "\n\n".join(parts)


def _store(store: Side, grid: Grid, tests: Tests, numbers: Mapping[str, int]) -> Iterator[str]:
    yield f"| {store.title} | {' | '.join(side.title for side in grid.warehouses)} |"
    yield "|---" * (len(grid.warehouses) + 1) + "|"
    for job in grid.jobs:
        cells = (Cell(store.name, side.name, job) for side in grid.warehouses)
        yield f"| `{job}` | {' | '.join(_cell(cell, grid, tests, numbers) for cell in cells)} |"


def _cell(cell: Cell, grid: Grid, tests: Tests, numbers: Mapping[str, int]) -> str:
    reason = grid.cells[cell]
    if reason:
        return f"Not supported: {reason}"
    found = sorted(numbers[test] for test in tests.get(cell, ()))
    return ", ".join(str(number) for number in found) or "no test yet"


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
