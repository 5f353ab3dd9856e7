"""The signs that X12 files are made of: delimiters, segments, and what may be wrong with them."""

import re
from typing import NamedTuple

import msgspec

MOST_SEGMENT_BYTES = 8_192
MOST_ELEMENTS = 100
VERSION = "004010"
"""Of the transaction sets (GS08 may add letters: `004010VICS`)."""
ENVELOPE_VERSION = "00401"

_INDEX_OF_STANDARD = 11
_HEADER_ELEMENTS = 16
_SIGNS = re.compile(rb"[A-Za-z0-9 ]")


class Delimiters(msgspec.Struct, frozen=True, kw_only=True):
    """One character each, all different, as the ISA segment of an interchange states them."""

    element: str = "*"
    component: str = ">"
    segment: str = "~"


class Segment(NamedTuple):
    """One segment: `number` counts from 1 within its file, `elements[0]` is its identifier."""

    number: int
    elements: list[str]

    @property
    def id(self) -> str:
        return self.elements[0]

    def at(self, position: int) -> str:
        """The element at a position, from 1, without blanks around it; "" for one that is not there."""
        return self.elements[position].strip() if position < len(self.elements) else ""

    def pairs(self, *positions: int) -> dict[str, str]:
        """Qualifier and value where a qualifier stands at each of the positions, which ascend; the first
        one wins."""
        found: dict[str, str] = {}
        for position in positions:
            if position + 1 >= len(self.elements):
                break
            if self.at(position) and self.at(position + 1):
                found.setdefault(self.at(position), self.at(position + 1))
        return found


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong, from the segment with that number on. `code` is the one that an acknowledgement
    gives: of a transaction set (AK502), a functional group (AK905) or an interchange (TA105)."""

    code: str
    segment: int
    reason: str

    def __str__(self) -> str:
        return f"segment {self.segment}: {self.reason}"


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What an ISA segment says."""

    sender: str
    sender_qualifier: str
    receiver: str
    receiver_qualifier: str
    date: str
    time: str
    control: str
    usage: str
    delimiters: Delimiters


def read_header(raw: bytes) -> tuple[Header, int]:
    """The ISA segment that `raw` begins with, and its length with its terminator.

    Its elements have fixed widths, but files are met that lack the blanks: so the sixteen elements
    are counted instead. ValueError says what is wrong.
    """
    separator = raw[3:4]
    if not separator or _SIGNS.match(separator):
        raise ValueError("ISA is not followed by an element separator")
    at = 3
    for _ in range(_HEADER_ELEMENTS - 1):
        at = raw.find(separator, at + 1)
        if at < 0:
            raise ValueError("ISA has fewer than 16 elements")
    signs = raw[at + 1 : at + 3]
    if len(signs) < 2:
        raise ValueError("ISA has no end")
    component, terminator = signs[:1], signs[1:]
    if len({separator, component, terminator}) < 3:
        raise ValueError("ISA states the same delimiter twice")
    if _SIGNS.match(component) or _SIGNS.match(terminator) or max(separator + signs) > 0x7F:
        raise ValueError("ISA states a letter, a digit, a blank or no ASCII character as a delimiter")
    fields = [part.decode("ascii", "replace").strip() for part in raw[3:at].split(separator)]
    if not fields[_INDEX_OF_STANDARD + 1].isdecimal():
        raise ValueError(f"ISA12 is {fields[_INDEX_OF_STANDARD + 1][:10]!r}, no version such as 00401")
    header = Header(
        sender_qualifier=fields[5],
        sender=fields[6],
        receiver_qualifier=fields[7],
        receiver=fields[8],
        date=fields[9],
        time=fields[10],
        control=fields[13],
        usage=fields[15],
        delimiters=Delimiters(
            element=separator.decode(), component=component.decode(), segment=terminator.decode()
        ),
    )
    return header, at + 3


def same_number(one: str, other: str) -> bool:
    """Whether two control numbers are one: leading zeros and blanks are lost on some ways."""
    one, other = one.strip(), other.strip()
    if one.isdecimal() and other.isdecimal():
        return int(one) == int(other)
    return one == other
