"""Single values of a warehouse's CSV files. `ValueError` says what is wrong with one."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from dropstream_file_exchange.settings import CsvForm

MOST_DIGITS = 15  # with its separators


def quantity_parser(form: CsvForm) -> Callable[[str], int]:
    """Reads whole units: `5`, `-5`, `5.0`. `5.5` and an empty field are refused.

    A number that ends in a separator and three zeros (`1.000`) may be one or a thousand: it is
    refused until `thousands` is set, which settles it.
    """
    decimal, thousands = re.escape(form.decimal), re.escape(form.thousands)
    grouped = rf"|\d{{1,3}}(?:{thousands}\d{{3}})+" if form.thousands else ""
    pattern = re.compile(rf"([+-]?(?:\d+{grouped}))(?:{decimal}(\d*))?")

    def parse(text: str) -> int:
        text = text.strip()
        if not text:
            raise ValueError("the quantity is empty")
        found = pattern.fullmatch(text)
        if found is None:
            raise ValueError(f"the quantity {text[:40]!r} is not a number")
        whole, fraction = found[1], found[2] or ""
        if fraction.strip("0"):
            raise ValueError(f"the quantity {text[:40]!r} is not a whole number")
        if len(fraction) == 3 and not form.thousands:
            raise ValueError(f"the quantity {text[:40]!r} may mean thousands: set `thousands`")
        if len(whole) > MOST_DIGITS:
            raise ValueError(f"the quantity {text[:40]!r} is no count of units")
        return int(whole.replace(form.thousands, "") if form.thousands else whole)

    return parse


def date_parser(form: CsvForm, zone: ZoneInfo) -> Callable[[str], datetime]:
    """Reads an instant in one of the formats; without a zone in it, it is local to `zone`, and the
    earlier one of an hour that the clocks repeat."""

    def parse(text: str) -> datetime:
        for pattern in form.dates:
            try:
                found = datetime.fromisoformat(text) if pattern == "iso" else datetime.strptime(text, pattern)  # noqa: DTZ007 (its zone is set below)
            except ValueError:
                continue
            return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)
        raise ValueError(f"the date {text[:40]!r} is in none of the formats {', '.join(form.dates)}")

    return parse


def noon_of_a_day(at: datetime, zone: ZoneInfo) -> datetime:
    """A midnight is a day of which no time was told: as its noon it is the same day for whoever reads it in
    another zone, where its midnight would often be the day before."""
    local = at.astimezone(zone)
    return local.replace(hour=12).astimezone(UTC) if local.time() == time() else at
