"""The envelopes of a file: where each transaction set stands, and what is wrong with any of them.

A file is looked through once for its structure (`Survey`), then each sound set is read from where it
stands (`read_set`), so that nothing of it needs to be kept.
"""

from collections.abc import Iterator
from typing import IO

import msgspec

from dropstream_file_exchange.x12.scanner import Scanner
from dropstream_file_exchange.x12.syntax import (
    MOST_ELEMENTS,
    VERSION,
    Fault,
    Header,
    Segment,
    same_number,
)
from dropstreamd.errors import ProtocolMismatch

STEP = 2_000
ENVELOPES = frozenset({b"ISA", b"GS", b"ST", b"SE", b"GE", b"IEA"})
MOST_SETS = 50_000
"""Transaction sets, and groups, of one file."""
FUNCTIONS = {"OW": "940", "AR": "943", "RE": "944", "SW": "945", "IB": "846", "AW": "947", "FA": "997"}
"""What a functional group (GS01) is made of."""


class Set(msgspec.Struct, kw_only=True):
    """A transaction set: bytes `offset` to `end` of the file, segment `first` and those after it, `count`
    in all."""

    kind: str
    control: str
    offset: int
    first: int
    end: int = 0
    count: int = 0
    faults: list[Fault] = msgspec.field(default_factory=list)


class Group(msgspec.Struct, kw_only=True):
    """A functional group."""

    function: str
    sender: str
    receiver: str
    control: str
    version: str
    first: int
    declared: str = ""
    sets: list[Set] = msgspec.field(default_factory=list)
    faults: list[Fault] = msgspec.field(default_factory=list)


class Interchange(msgspec.Struct, kw_only=True):
    """An interchange; `acknowledged` are its TA1 segments."""

    header: Header
    first: int
    groups: list[Group] = msgspec.field(default_factory=list)
    acknowledged: list[Segment] = msgspec.field(default_factory=list)
    faults: list[Fault] = msgspec.field(default_factory=list)


class Survey:
    """Looks through a file. Raises ProtocolMismatch for what is no X12 file at all."""

    def __init__(self, content: IO[bytes]) -> None:
        self.interchanges: list[Interchange] = []
        self._scanner = Scanner(content)
        self._group: Group | None = None
        self._set: Set | None = None
        self._open = False
        self._count = 0

    def step(self) -> bool:
        """Look at some 2,000 segments more; whether there may be others."""
        for _ in range(STEP):
            found = self._scanner.next()
            if found is None:
                self._end()
                return False
            self._look(*found)
        return True

    def _look(self, offset: int, raw: bytes) -> None:
        header = self._scanner.header
        if header is None:
            raise ProtocolMismatch("it has no ISA segment")
        separator = header.delimiters.element.encode()
        name = raw[:4].split(separator, 1)[0].upper()
        if self._set is not None:
            if name not in ENVELOPES:
                self._set.count += 1
                return
            self._set.end = offset if name != b"SE" else offset + len(raw) + 1
        segment = Segment(self._scanner.number, _elements(raw, separator))
        if self._scanner.ended_open:
            self._fault("", "it has no terminator: the file is torn")
        match name:
            case b"ISA":
                self._close_interchange()
                self._begin(header, segment)
            case b"GS":
                self._open_group(segment)
            case b"ST":
                self._open_set(segment, offset)
            case b"SE":
                self._end_set(segment)
            case b"GE":
                self._end_group(segment)
            case b"IEA":
                self._end_interchange(segment)
            case b"TA1" if self._open and self._group is None:
                self.interchanges[-1].acknowledged.append(segment)
            case _:
                shown = name[:3].decode("ascii", "replace")
                self._fault("", f"{shown!r} stands outside of every transaction set")

    def _begin(self, header: Header, segment: Segment) -> None:
        self.interchanges.append(Interchange(header=header, first=segment.number))
        self._open = True
        self._bound()

    def _open_group(self, segment: Segment) -> None:
        self._close_group()
        if not self._open:
            self._fault("", "GS stands outside of an interchange")
            return
        group = Group(
            function=segment.at(1),
            sender=segment.at(2),
            receiver=segment.at(3),
            control=segment.at(6),
            version=segment.at(8),
            first=segment.number,
        )
        if not group.control:
            group.faults.append(Fault(code="6", segment=segment.number, reason="GS06 is empty"))
        if not group.version.startswith(VERSION):
            reason = f"GS08 is {group.version[:12]!r}, only version {VERSION} is read"
            group.faults.append(Fault(code="2", segment=segment.number, reason=reason))
        self._group = group
        self.interchanges[-1].groups.append(group)
        self._bound()

    def _open_set(self, segment: Segment, offset: int) -> None:
        self._close_set()
        if self._group is None:
            self._fault("", "ST stands outside of a functional group")
            return
        found = Set(kind=segment.at(1), control=segment.at(2), offset=offset, first=segment.number, count=1)
        if FUNCTIONS.get(self._group.function) != found.kind:
            reason = (
                f"a transaction set {found.kind[:3]!r} in a group of function {self._group.function[:2]!r}"
            )
            found.faults.append(Fault(code="1", segment=segment.number, reason=reason))
        if not 4 <= len(found.control) <= 9:
            reason = f"ST02 is {found.control[:12]!r}, not 4 to 9 characters"
            found.faults.append(Fault(code="7", segment=segment.number, reason=reason))
        self._set = found
        self._group.sets.append(found)
        self._bound()

    def _end_set(self, segment: Segment) -> None:
        found, self._set = self._set, None
        if found is None:
            self._fault("", "SE ends no transaction set")
            return
        found.count += 1
        if segment.at(1) != str(found.count) and not same_number(segment.at(1), str(found.count)):
            reason = f"SE01 counts {segment.at(1)[:10]!r} segments, there are {found.count}"
            found.faults.append(Fault(code="4", segment=segment.number, reason=reason))
        if not same_number(segment.at(2), found.control):
            reason = f"SE02 is {segment.at(2)[:9]!r}, ST02 is {found.control[:9]!r}"
            found.faults.append(Fault(code="3", segment=segment.number, reason=reason))

    def _end_group(self, segment: Segment) -> None:
        self._close_set()
        group, self._group = self._group, None
        if group is None:
            self._fault("", "GE ends no functional group")
            return
        group.declared = segment.at(1)
        if not same_number(group.declared, str(len(group.sets))):
            reason = f"GE01 counts {group.declared[:6]!r} transaction sets, there are {len(group.sets)}"
            group.faults.append(Fault(code="5", segment=segment.number, reason=reason))
        if not same_number(segment.at(2), group.control):
            reason = f"GE02 is {segment.at(2)[:9]!r}, GS06 is {group.control[:9]!r}"
            group.faults.append(Fault(code="4", segment=segment.number, reason=reason))

    def _end_interchange(self, segment: Segment) -> None:
        self._close_group()
        if not self._open:
            self._fault("", "IEA ends no interchange")
            return
        self._open = False
        interchange = self.interchanges[-1]
        count = len(interchange.groups)
        if not same_number(segment.at(1), str(count)):
            reason = f"IEA01 counts {segment.at(1)[:5]!r} functional groups, there are {count}"
            interchange.faults.append(Fault(code="021", segment=segment.number, reason=reason))
        if not same_number(segment.at(2), interchange.header.control):
            reason = f"IEA02 is {segment.at(2)[:9]!r}, ISA13 is {interchange.header.control[:9]!r}"
            interchange.faults.append(Fault(code="001", segment=segment.number, reason=reason))

    def _close_set(self) -> None:
        """A set that something else than its SE ends."""
        found, self._set = self._set, None
        if found is not None:
            at = found.first + found.count - 1
            found.faults.append(Fault(code="2", segment=at, reason="no SE follows: the set has no end"))

    def _close_group(self) -> None:
        self._close_set()
        group, self._group = self._group, None
        if group is not None:
            reason = "no GE follows: the functional group has no end"
            group.faults.append(Fault(code="3", segment=self._scanner.number, reason=reason))

    def _close_interchange(self) -> None:
        self._close_group()
        if self._open:
            reason = "no IEA follows: the interchange has no end, the file may be torn"
            fault = Fault(code="023", segment=self._scanner.number, reason=reason)
            self.interchanges[-1].faults.append(fault)
        self._open = False

    def _end(self) -> None:
        if self._set is not None:
            self._set.end = self._scanner.position
        self._close_interchange()
        if not self.interchanges:
            raise ProtocolMismatch("it has no segment")

    def _fault(self, code: str, reason: str) -> None:
        """Something that belongs to no set or group: told once for each interchange."""
        faults = self.interchanges[-1].faults if self.interchanges else []
        if len(faults) < 10:
            faults.append(Fault(code=code or "024", segment=self._scanner.number, reason=reason))

    def _bound(self) -> None:
        self._count += 1
        if self._count > MOST_SETS:
            raise ProtocolMismatch(f"it has more than {MOST_SETS} envelopes and transaction sets")


def read_set(content: IO[bytes], found: Set, header: Header, encoding: str) -> Iterator[Segment]:
    """The segments of a set, from ST to SE. ValueError for one that cannot be decoded."""
    scanner = Scanner(content, offset=found.offset, number=found.first - 1, delimiters=header.delimiters)
    separator = header.delimiters.element
    for _ in range(found.count):
        raw = scanner.next()
        if raw is None:
            return
        try:
            text = raw[1].decode(encoding)
        except UnicodeDecodeError as error:
            raise ValueError(f"segment {scanner.number}: it is not written in {encoding}") from error
        elements = text.split(separator)
        if len(elements) > MOST_ELEMENTS:
            raise ValueError(f"segment {scanner.number}: it has more than {MOST_ELEMENTS} elements")
        elements[0] = elements[0].upper()
        yield Segment(scanner.number, elements)


def _elements(raw: bytes, separator: bytes) -> list[str]:
    """Of a segment of an envelope: these are ASCII."""
    return raw.decode("ascii", "replace").split(separator.decode())
