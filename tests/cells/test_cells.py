"""The table of tests/README.md, and the tests that stand in it."""

import subprocess
import sys

import msgspec

from .marked import problems
from .pairs import Cell, grid
from .table import named, rendered

ORDERS = Cell("vendure", "csv-sftp", "sales_orders.import")


def test_the_committed_table_is_what_the_markers_say() -> None:
    """Every test that it names exists, and every supported cell has one, or is listed as having none yet."""
    checked = subprocess.run(
        [sys.executable, "-m", "tests.cells", "--check"], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr


def test_a_supported_cell_without_a_test_is_a_problem() -> None:
    tests = {cell: ["test"] for cell, reason in grid().cells.items() if not reason and cell != ORDERS}
    assert problems(grid(), tests, ()) == [f"{' '.join(ORDERS)}: no test bears the marker cell for it"]


def test_a_test_of_what_is_not_there_is_a_problem() -> None:
    everything = {cell: ["test"] for cell, reason in grid().cells.items() if not reason}
    typo = Cell("vendure", "csv-sftp", "sales_orders.imports")
    [found] = problems(grid(), {**everything, typo: ["test"]}, ())
    assert "there is no such cell" in found


def test_a_test_of_what_is_not_supported_is_a_problem() -> None:
    declared = {**grid().cells, ORDERS: "the store's platform, Vendure, does not offer orders"}
    without = msgspec.structs.replace(grid(), cells=declared)
    everything = {cell: ["test"] for cell, reason in grid().cells.items() if not reason}
    [found] = problems(without, everything, ())
    assert "it is not supported: the store's platform, Vendure" in found
    assert ": the store's platform, Vendure, does not offer orders\n" in rendered(without, {})
    assert "| `sales_orders.import` | Not supported (R" in rendered(without, {})


def test_the_table_names_its_tests() -> None:
    names = ["tests/e2e/test_a.py::test_one", "tests/e2e/test_a.py::test_two[x-1]"]
    table = rendered(grid(), {ORDERS: names})
    assert named(table) == names
    assert "| `sales_orders.import` | 1, 2 |" in table


def test_the_list_of_cells_without_a_test_is_no_longer_than_true() -> None:
    tests = {cell: ["test"] for cell, reason in grid().cells.items() if not reason and cell != ORDERS}
    assert problems(grid(), tests, ("vendure csv-sftp *", "shopify * *")) == []
    [found] = problems(grid(), {**tests, ORDERS: ["test"]}, ("vendure csv-sftp *", "shopify * *"))
    assert "every cell that it names has a test" in found
