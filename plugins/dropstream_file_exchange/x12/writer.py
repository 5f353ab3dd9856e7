"""Writes interchanges. X12 knows no escape: a value that holds a delimiter, or that is longer than
its element may be, cannot be written, and nothing is cut."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import msgspec

from dropstream_file_exchange.x12.elements import ELEMENTS, Kind
from dropstream_file_exchange.x12.syntax import ENVELOPE_VERSION, VERSION, Delimiters

MOST_CONTROL = 999_999_999
Row = Sequence[str]
"""A segment to be written: its identifier and its elements; trailing empty ones are left out."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_NUMBER = re.compile(r"-?\d+")


class Unwritable(ValueError):
    """A value that X12 cannot hold: `cause` groups it, the text says where it stands, never what it is."""

    def __init__(self, cause: str, reason: str) -> None:
        super().__init__(reason)
        self.cause = cause


class Parties(msgspec.Struct, frozen=True, kw_only=True):
    """Whom an interchange goes from and to, and how it is written."""

    sender_qualifier: str
    sender: str
    receiver_qualifier: str
    receiver: str
    group_sender: str
    group_receiver: str
    usage: str
    delimiters: Delimiters
    encoding: str
    newline: str
    substitute: str
    plain: bool


class Writer:
    """Checks and joins segments."""

    def __init__(self, parties: Parties) -> None:
        self._parties = parties
        signs = parties.delimiters
        self._delimiter = re.compile("[" + re.escape(signs.element + signs.component + signs.segment) + "]")

    def transaction_set(self, kind: str, number: int, rows: Iterable[Row]) -> list[str]:
        """The segments from ST to SE. Raises Unwritable."""
        body = [list(row) for row in rows]
        control = f"{number:04d}"
        segments = [["ST", kind, control], *body, ["SE", str(len(body) + 2), control]]
        return [self._segment(row) for row in segments]

    def interchange(
        self, function: str, sets: Sequence[Sequence[str]], *, control: int, at: datetime
    ) -> bytes:
        """One interchange of one functional group that holds `sets`. Its control numbers are `control`,
        which goes round after 999,999,999."""
        parties, number = self._parties, control_number(control)
        signs, utc = parties.delimiters, at.astimezone(UTC)
        header = [
            "ISA",
            "00",
            " " * 10,
            "00",
            " " * 10,
            parties.sender_qualifier,
            parties.sender.ljust(15),
            parties.receiver_qualifier,
            parties.receiver.ljust(15),
            f"{utc:%y%m%d}",
            f"{utc:%H%M}",
            "U",
            ENVELOPE_VERSION,
            f"{number:09d}",
            "0",
            parties.usage,
            signs.component,
        ]
        group = [
            "GS",
            function,
            parties.group_sender,
            parties.group_receiver,
            f"{utc:%Y%m%d}",
            f"{utc:%H%M}",
            str(number),
            "X",
            VERSION,
        ]
        rows = [
            signs.element.join(header),
            signs.element.join(group),
            *(segment for each in sets for segment in each),
            signs.element.join(["GE", str(len(sets)), str(number)]),
            signs.element.join(["IEA", "1", f"{number:09d}"]),
        ]
        end = signs.segment + parties.newline
        return "".join(row + end for row in rows).encode(parties.encoding)

    def _segment(self, row: Row) -> str:
        name = row[0]
        kinds = ELEMENTS[name]
        if len(row) - 1 > len(kinds):
            raise AssertionError(f"{name} has {len(kinds)} elements")
        values = [
            self._value(f"{name}{position:02d}", kinds[position - 1], value)
            for position, value in enumerate(row[1:], start=1)
        ]
        while values and not values[-1]:
            values.pop()
        return self._parties.delimiters.element.join([name, *values])

    def _value(self, place: str, kind: Kind, value: str) -> str:
        if kind.strict and value != value.strip():
            raise Unwritable("characters", f"{place} ({kind.name}) begins or ends with a blank")
        value = value.strip()
        if self._parties.plain and not kind.exact:
            value = plain(value)
        if not value:
            if kind.needed:
                raise Unwritable("missing", f"{place} ({kind.name}) is empty, and X12 needs it")
            return ""
        if _CONTROL.search(value):
            raise Unwritable("characters", f"{place} ({kind.name}) holds a control character")
        if self._delimiter.search(value):
            if not self._parties.substitute or kind.exact:
                raise Unwritable(
                    "characters",
                    f"{place} ({kind.name}) holds a character that is a delimiter of the partner's files",
                )
            value = self._delimiter.sub(self._parties.substitute, value).strip()
        if not value.isascii():
            self._encodable(place, kind, value)
        if not kind.least <= len(value) <= kind.most:
            raise Unwritable(
                "length",
                f"{place} ({kind.name}) has {len(value)} characters, X12 takes {kind.least} to {kind.most}",
            )
        if kind.number and not _NUMBER.fullmatch(value):
            raise Unwritable("characters", f"{place} ({kind.name}) is no number")
        return value

    def _encodable(self, place: str, kind: Kind, value: str) -> None:
        try:
            value.encode(self._parties.encoding)
        except UnicodeEncodeError as error:
            raise Unwritable(
                "characters",
                f"{place} ({kind.name}) holds a character that {self._parties.encoding} cannot write",
            ) from error


def control_number(number: int) -> int:
    """A durable count as a control number: from 1 to 999,999,999, and then from 1 again."""
    return (number - 1) % MOST_CONTROL + 1


def plain(text: str) -> str:
    """Letters without their accents, as far as Unicode takes them apart."""
    if text.isascii():
        return text
    return "".join(sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign))


def pieces(text: str, size: int) -> list[str]:
    """A text in pieces of at most `size` characters, broken at blanks where that can be; whole words
    only are moved, and nothing is lost."""
    found: list[str] = []
    for word in text.split():
        if found and len(found[-1]) + 1 + len(word) <= size:
            found[-1] += f" {word}"
            continue
        found.extend(word[at : at + size] for at in range(0, len(word), size))
    return found
