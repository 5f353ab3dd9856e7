"""Finds the tests that carry the marker `cell`, and runs them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from io import StringIO

import pytest

from .pairs import Cell, Grid

# Only end-to-end tests have a cell. Some of pytest's plugins are imported here already: their assertions
# need no better messages.
MARKED = ("-m", "cell", "--quiet", "tests/e2e", "-W", "ignore::pytest.PytestAssertRewriteWarning")


class CellError(Exception):
    """Why there is no table to be written; one line a problem."""


class _Marks:
    """Keeps the cells that the collected tests name."""

    def __init__(self) -> None:
        self.cells: dict[str, list[Cell]] = {}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            self.cells[item.nodeid] = [
                Cell(mark.args[0], mark.args[1], job)
                for mark in item.iter_markers("cell")
                for job in mark.args[2:]
            ]


class _Outcomes:
    """Keeps how each test ended. Under pytest-xdist a node id ends with its group."""

    def __init__(self) -> None:
        self.passed: set[str] = set()
        self.others: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        test = report.nodeid.rpartition("@")[0] if _grouped(report.nodeid) else report.nodeid
        if not report.passed:
            self.others.add(test)
        elif report.when == "call":
            self.passed.add(test)


def _grouped(nodeid: str) -> bool:
    return nodeid.rfind("@") > nodeid.rfind("]")


def marked() -> dict[Cell, list[str]]:
    """The tests by cell; nothing is run."""
    return _by_cell(_collected())


def passed(arguments: Sequence[str]) -> dict[Cell, list[str]]:
    """Run them all, with these arguments of pytest's. Raises CellError unless every one passes."""
    collected = _collected()
    outcomes = _Outcomes()
    pytest.main([*MARKED, *arguments], plugins=[outcomes])
    lacking = sorted(collected.keys() - (outcomes.passed - outcomes.others))
    if lacking:
        raise CellError("\n".join(f"{test}: did not pass" for test in lacking))
    return _by_cell(collected)


def problems(grid: Grid, tests: Mapping[Cell, Sequence[str]], no_test_yet: Sequence[str]) -> list[str]:
    """Cells that do not exist or are not supported, supported ones without a test that are not listed as
    such in `no_test_yet`, and what is listed there for nothing."""
    found = [f"{' '.join(cell)}: there is no such cell ({tests[cell]})" for cell in tests.keys() - grid.cells]
    supported = {cell for cell, reason in grid.cells.items() if not reason}
    for cell, reason in grid.cells.items():
        if reason and cell in tests:
            found.append(f"{' '.join(cell)}: {tests[cell]} ran it, but it is not supported: {reason}")
    for cell in supported - tests.keys():
        if not any(cell.matches(pattern) for pattern in no_test_yet):
            found.append(f"{' '.join(cell)}: no test bears the marker cell for it")
    for pattern in no_test_yet:
        names = {cell for cell in supported if cell.matches(pattern)}
        if names and names <= tests.keys():
            found.append(f"{pattern}: every cell that it names has a test, so take it out of NO_TEST_YET")
    return sorted(found)


def _collected() -> dict[str, list[Cell]]:
    marks = _Marks()
    with redirect_stdout(StringIO()) as said:
        status = pytest.main([*MARKED, "--collect-only"], plugins=[marks])
    if status is not pytest.ExitCode.OK:
        raise CellError(f"the tests could not be collected:\n{said.getvalue()}")
    return marks.cells


def _by_cell(tests: Mapping[str, Sequence[Cell]]) -> dict[Cell, list[str]]:
    cells: defaultdict[Cell, list[str]] = defaultdict(list)
    for test, named in tests.items():
        for cell in named:
            cells[cell].append(test)
    return dict(cells)
