"""What reaches a terminal: cleaned text, aligned tables, colour where it is welcome, times with zones."""

import json
from collections.abc import Mapping

import pytest

from dropstreamd.control.cli.tables import Cell, show_fields, show_table
from dropstreamd.control.cli.terminal import Style, clean, width
from dropstreamd.control.cli.times import LocalZone, show_length
from dropstreamd.errors import ProtocolMismatch
from tests.control.fake_api import terminal


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;owned\x07", "\\x1b]0;owned\\x07"),
        ("a\rb\nc\td", "a\\rb\\nc\\td"),
        ("\x9b2J", "\\x9b2J"),
        ("100\u202e321", "100\\u202e321"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("\udc80", "\\udc80"),
        ("Größe 漢字 ✓ 'x'", "Größe 漢字 ✓ 'x'"),
        ("\x7f", "\\x7f"),
    ],
)
def test_what_steers_a_terminal_is_written_out(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_width_counts_columns() -> None:
    assert (width("abc"), width("漢字"), width("e\u0301")) == (3, 4, 1)


def test_a_table_is_aligned() -> None:
    seen, told = terminal()
    rows: list[list[Cell]] = [["A-1", 5, ("done", Style.GOOD)], ["漢字", 1200, ""], ["x\x1b[2J", 7, "end"]]
    show_table(seen, ("SKU", "UNITS", "RESULT"), rows)
    assert told(0).out == (
        "SKU       UNITS  RESULT\n"
        "A-1           5  done\n"
        "漢字       1200\n"
        "x\\x1b[2J      7  end\n"
    )  # fmt: skip


def test_a_table_without_rows_has_its_heading() -> None:
    seen, told = terminal()
    show_table(seen, ("SKU", "UNITS"), [])
    assert told(0).out == "SKU  UNITS\n"


def test_fields_leave_out_what_is_empty() -> None:
    seen, told = terminal()
    show_fields(seen, [("store", "vendure"), ("unit", ""), ("unsent", 0)], indent="  ")
    assert told(0).out == "  store   vendure\n  unsent  0\n"


@pytest.mark.parametrize(
    ("environ", "is_terminal", "coloured"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"TERM": "dumb"}, True, False),
    ],
)
def test_colour_is_for_terminals_that_want_it(
    environ: Mapping[str, str], is_terminal: bool, coloured: bool
) -> None:
    seen, told = terminal(is_terminal=is_terminal, environ=environ)
    seen.line("is ", ("on", Style.GOOD))
    assert told(0).out == ("is \x1b[32mon\x1b[0m\n" if coloured else "is on\n")


@pytest.mark.parametrize("is_terminal", [True, False])
def test_json_on_a_terminal_is_still_json(is_terminal: bool) -> None:
    seen, told = terminal(is_terminal=is_terminal)
    text = json.dumps({"note": "\x9b2J\u202eabc ü\n"}, ensure_ascii=False)
    seen.raw(text)
    out = told(0).out
    assert json.loads(out) == json.loads(text)
    assert (
        out == (text.replace("\x9b", "\\u009b").replace("\u202e", "\\u202e") if is_terminal else text) + "\n"
    )


def test_progress_is_one_line_on_a_terminal_that_never_wraps() -> None:
    seen, told = terminal(is_terminal=True, environ={"NO_COLOR": "1"})
    seen.progress("1 staged")
    seen.progress("2" * 500)
    seen.line("done")
    _, first, second = told(0).out.replace("\x1b[K", "").split("\r")
    assert first == "1 staged"
    assert second.endswith("2\ndone\n")
    assert len(second.partition("\n")[0]) < 500


def test_progress_is_a_line_a_change_elsewhere() -> None:
    seen, told = terminal()
    seen.progress("1 staged")
    seen.progress("2 staged")
    assert told(0).out == "1 staged\n2 staged\n"


@pytest.mark.parametrize(
    ("typed", "agreed"), [("y\n", True), ("YES\n", True), ("n\n", False), ("\n", False), ("", False)]
)
def test_only_a_yes_is_a_yes(typed: str, agreed: bool) -> None:
    seen, told = terminal(typed, is_terminal=True)
    assert seen.ask("Go?") is agreed
    assert told(0).err == "Go? [y/N] "


def test_times_are_local_and_name_their_zone() -> None:
    zone = LocalZone("America/New_York")
    assert zone.show(1_772_739_012.5) == "2026-03-05 14:30:12 EST"
    assert zone.show(1_780_000_000.0) == "2026-05-28 16:26:40 EDT"
    assert zone.show(None) == ""
    assert zone.show(0.0) == ""


@pytest.mark.parametrize("name", ["Mars/Olympus", "../etc/passwd", ""])
def test_an_unknown_zone_is_said(name: str) -> None:
    with pytest.raises(ProtocolMismatch, match="does not know the timezone"):
        LocalZone(name)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-3.0, "0.0 s"),
        (0.44, "0.4 s"),
        (9.96, "10 s"),
        (59.7, "1 min"),
        (200, "3 min 20 s"),
        (18_600, "5 h 10 min"),
        (183_600, "2 d 3 h"),
        (86_400, "1 d"),
    ],
)
def test_lengths(seconds: float, shown: str) -> None:
    assert show_length(seconds) == shown
