"""Makes the table of tests/README.md.

python -m tests.cells [PYTEST'S ARGUMENTS]   runs the tests that have a cell, and writes the table if all pass
python -m tests.cells --check                runs nothing; is the committed table what the tests' markers say?
"""

import sys
from collections.abc import Sequence

from . import table
from .marked import CellError, marked, passed, problems
from .pairs import NO_TEST_YET, grid


def check() -> list[str]:
    """What is wrong with the committed table and the markers."""
    cells, tests, committed = grid(), marked(), table.read()
    existing = {test for found in tests.values() for test in found}
    found = problems(cells, tests, NO_TEST_YET)
    found += [f"{test}: is no test any more" for test in table.named(committed) if test not in existing]
    if not found and table.rendered(cells, tests) != committed:
        found.append("the table is not what the markers say: python -m tests.cells writes it anew")
    return found


def write(arguments: Sequence[str]) -> list[str]:
    """Run and write; what is wrong, if anything is: then the table stays as it was."""
    cells, tests = grid(), passed(arguments)
    found = problems(cells, tests, NO_TEST_YET)
    if not found:
        table.write(table.rendered(cells, tests))
    return found


def main(arguments: Sequence[str]) -> int:
    try:
        found = check() if arguments == ["--check"] else write(arguments)
    except CellError as error:
        found = [str(error)]
    print("\n".join(found) or "the table is right", file=sys.stderr if found else sys.stdout)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
