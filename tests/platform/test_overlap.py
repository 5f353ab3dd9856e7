"""Reading by offset a list that changes meanwhile."""

from collections.abc import Callable

from dropstreamd.platform.overlap import Overlap

PAGE = 5


def read(rows: list[str], between: Callable[[int], None] = lambda _call: None) -> tuple[list[str], int]:
    """What one reading brings, and the calls that it took."""
    overlap, found, calls = Overlap(), list[str](), 0
    while not overlap.done:
        page = rows[overlap.skip : overlap.skip + PAGE]
        found += overlap.fresh(page, page, PAGE)
        calls += 1
        between(calls)
        assert calls < 50
    return found, calls


def test_every_row_comes_once() -> None:
    for count in range(20):
        rows = [f"{number:02}" for number in range(count)]
        assert read(rows)[0] == rows


def test_pages_are_as_full_as_they_can_be() -> None:
    assert read([f"{number:02}" for number in range(12)])[1] == 3


def test_rows_that_leave_the_list_move_no_other_out_of_sight() -> None:
    for gone in range(1, 12):
        rows = [f"{number:02}" for number in range(20)]
        kept = set(rows[gone:])

        def leave(call: int, rows: list[str] = rows, gone: int = gone) -> None:
            if call == 2:
                del rows[:gone]

        assert kept <= set(read(rows, leave)[0])


def test_a_list_that_empties_itself_ends() -> None:
    rows = [f"{number:02}" for number in range(20)]
    assert len(read(rows, lambda _call: rows.clear())[0]) == PAGE
