"""Single values."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest

from dropstream_file_exchange.settings import CsvForm
from dropstream_file_exchange.values import date_parser, quantity_parser


def form(**fields: object) -> CsvForm:
    return msgspec.convert(fields, CsvForm)


@pytest.mark.parametrize(
    ("text", "fields", "quantity"),
    [
        ("5", {}, 5),
        (" 5 ", {}, 5),
        ("+5", {}, 5),
        ("-3", {}, -3),
        ("005", {}, 5),
        ("5.0", {}, 5),
        ("5.", {}, 5),
        ("5.0000", {}, 5),
        ("5,0", {"decimal": ","}, 5),
        ("1,000", {"thousands": ","}, 1000),
        ("1,234,567.00", {"thousands": ","}, 1234567),
        ("5.000", {"thousands": ","}, 5),
        ("1.000,0", {"decimal": ",", "thousands": "."}, 1000),
        ("1 000", {"thousands": " "}, 1000),
    ],
)
def test_quantities(text: str, fields: dict[str, object], quantity: int) -> None:
    assert quantity_parser(form(**fields))(text) == quantity


@pytest.mark.parametrize(
    ("text", "fields", "reason"),
    [
        ("", {}, "empty"),
        ("  ", {}, "empty"),
        ("5.5", {}, "whole"),
        ("5,0", {}, "not a number"),
        ("5.0", {"decimal": ","}, "not a number"),
        ("1.000", {}, "thousands"),
        ("1,000", {"decimal": ","}, "thousands"),
        ("1,00", {"thousands": ","}, "not a number"),
        ("1_000", {}, "not a number"),
        ("1e3", {}, "not a number"),
        ("5-", {}, "not a number"),
        ("N/A", {}, "not a number"),
        ("9" * 60 + "x", {}, "not a number"),
    ],
)
def test_quantities_that_are_refused(text: str, fields: dict[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        quantity_parser(form(**fields))(text)


CHICAGO = ZoneInfo("America/Chicago")


@pytest.mark.parametrize(
    ("text", "dates", "instant"),
    [
        ("2026-11-21T10:00:00Z", ("iso",), datetime(2026, 11, 21, 10, tzinfo=UTC)),
        ("2026-11-21T10:00:00", ("iso",), datetime(2026, 11, 21, 16, tzinfo=UTC)),
        ("2026-11-21 10:00:00+01:00", ("iso",), datetime(2026, 11, 21, 9, tzinfo=UTC)),
        ("2026-07-01", ("iso",), datetime(2026, 7, 1, 5, tzinfo=UTC)),
        ("01.07.2026", ("iso", "%d.%m.%Y"), datetime(2026, 7, 1, 5, tzinfo=UTC)),
        ("11/1/2026 01:30", ("%m/%d/%Y %H:%M",), datetime(2026, 11, 1, 6, 30, tzinfo=UTC)),
    ],
)
def test_dates(text: str, dates: tuple[str, ...], instant: datetime) -> None:
    assert date_parser(form(dates=dates), CHICAGO)(text) == instant


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "21/11/2026"])
def test_dates_that_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"none of the formats iso, %d\.%m\.%Y"):
        date_parser(form(dates=("iso", "%d.%m.%Y")), CHICAGO)(text)
