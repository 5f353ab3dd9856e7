"""What one source makes of a file: the sets that are its own, those that are wrong set aside."""

import hashlib
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Generic, TypeVar

import msgspec

from dropstream_file_exchange.x12.acknowledgement import Refusal
from dropstream_file_exchange.x12.envelope import Group, Interchange, Set, read_set
from dropstream_file_exchange.x12.mailbox import Reply, Surveyed, owners_of
from dropstream_file_exchange.x12.settings import X12
from dropstream_file_exchange.x12.syntax import Header, Segment
from dropstream_file_exchange.x12.values import Unreadable
from dropstreamd.errors import ProtocolMismatch
from dropstreamd.platform.contract import Bad

T = TypeVar("T")

MOST_RAW_BYTES = 1 << 16
PORTION_SEGMENTS = 2_000
UNREAD = frozenset({"2", "6"})
"""Faults of a group that leave none of its sets to be read."""


class Portion(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """What some sets came to."""

    documents: tuple[T, ...] = ()
    bad: tuple[Bad, ...] = ()


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a set stands."""

    interchange: Interchange
    group: Group
    found: Set

    @property
    def name(self) -> str:
        """Unlike that of every other set of the partner, as long as it counts rightly."""
        return f"{self.interchange.header.control}/{self.group.control}/{self.found.control}"


Decode = Callable[[Iterable[Segment], Place], Iterator[T]]
"""Reads a set; raises Unreadable."""


class DocumentReader(Generic[T]):
    """Reads documents. `decode_interchange` tells what an interchange says besides its groups."""

    def __init__(
        self,
        settings: X12,
        decode: Decode[T],
        decode_interchange: Callable[[Interchange], Iterable[T]] = lambda _interchange: (),
    ) -> None:
        self._settings = settings
        self._decode = decode
        self._decode_interchange = decode_interchange

    def read(self, fetched: Surveyed) -> Generator[Portion[T], None, None]:
        """In portions of about 2,000 segments. Raises ProtocolMismatch for what is no X12 file."""
        if fetched.problem:
            fetched.answers.complete = True
            raise ProtocolMismatch(fetched.problem)
        place = 0
        for interchange in fetched.interchanges:
            wrong = misaddressed(interchange.header, self._settings)
            if fetched.owners[0] == fetched.owner:
                yield Portion(bad=tuple(interchange_faults(fetched, interchange, wrong)))
            if not wrong:
                yield self._said(fetched, interchange)
            for group in interchange.groups:
                place += 1
                if not wrong and fetched.owner in owners_of(group):
                    yield from self._group(fetched, interchange, group, place)
        fetched.answers.complete = True

    def _said(self, fetched: Surveyed, interchange: Interchange) -> Portion[T]:
        try:
            return Portion(documents=tuple(self._decode_interchange(interchange)))
        except Unreadable as error:
            return Portion(bad=(_bad(fetched, error.segment.number, str(error)),))

    def _group(
        self, fetched: Surveyed, interchange: Interchange, group: Group, place: int
    ) -> Generator[Portion[T], None, None]:
        principal = owners_of(group)[0] == fetched.owner
        documents: list[T] = []
        bad = list(group_faults(fetched, group))
        refusals: dict[int, Refusal] = {}
        segments = 0
        for number, found in enumerate(group.sets):
            try:
                documents += self._set(fetched, Place(interchange=interchange, group=group, found=found))
            except Unreadable as error:
                position = error.segment.number - found.first + 1
                refusals[number] = Refusal(segment=error.segment.id, position=max(1, position))
                bad.append(bad_set(fetched, found, str(error)))
            except ValueError as error:
                refusals[number] = Refusal()
                bad.append(bad_set(fetched, found, str(error)))
            segments += found.count
            if segments >= PORTION_SEGMENTS:
                yield Portion(documents=tuple(documents), bad=tuple(bad) if principal else ())
                documents, bad, segments = [], [], 0
        if principal:
            fetched.answers.replies.append(
                Reply(interchange=interchange, group=group, place=place, refusals=refusals)
            )
        yield Portion(documents=tuple(documents), bad=tuple(bad) if principal else ())

    def _set(self, fetched: Surveyed, place: Place) -> list[T]:
        """Nothing for a set whose envelope is at fault: that is told with its group."""
        if not sound(place.group, place.found):
            return []
        header = place.interchange.header
        segments = read_set(fetched.content, place.found, header, self._settings.encoding)
        return list(self._decode(segments, place))


def sound(group: Group, found: Set) -> bool:
    """Whether a set is to be read."""
    return not found.faults and all(fault.code not in UNREAD for fault in group.faults)


def misaddressed(header: Header, settings: X12) -> str:
    """Why an interchange is none for us; "" for one that is."""
    parties = (
        (
            "sender",
            (header.sender_qualifier, header.sender),
            (settings.receiver_qualifier, settings.receiver),
        ),
        (
            "receiver",
            (header.receiver_qualifier, header.receiver),
            (settings.sender_qualifier, settings.sender),
        ),
    )
    for name, found, wanted in parties:
        if found != wanted:
            return f"its {name} is {':'.join(found)[:20]!r}, not {':'.join(wanted)!r}"
    if header.usage != settings.usage:
        return f"its usage indicator is {header.usage[:3]!r}, we exchange {settings.usage!r} (usage)"
    return ""


def interchange_faults(fetched: Surveyed, interchange: Interchange, wrong: str) -> Iterator[Bad]:
    """What is wrong with an interchange: it is not ours, or its envelope is at fault."""
    control = interchange.header.control[:9]
    if wrong:
        yield _bad(fetched, interchange.first, f"the interchange {control} is not read: {wrong}")
    for fault in interchange.faults:
        yield _bad(fetched, fault.segment, f"interchange {control}: {fault.reason}")


def group_faults(fetched: Surveyed, group: Group) -> Iterator[Bad]:
    """What is wrong with a group's envelope, and with those of its sets."""
    for fault in group.faults:
        yield _bad(fetched, fault.segment, f"functional group {group.control[:9]}: {fault.reason}")
    for found in group.sets:
        if found.faults:
            yield bad_set(fetched, found, "; ".join(map(str, found.faults)))


def bad_set(fetched: Surveyed, found: Set, reason: str) -> Bad:
    """A set that is set aside; its bytes as far as 64 KiB."""
    fetched.content.seek(found.offset)
    raw = fetched.content.read(min(found.end - found.offset, MOST_RAW_BYTES))
    seen = hashlib.blake2b(raw + reason.encode(), digest_size=16).hexdigest()
    where = f"{_name(fetched)} segment {found.first} ({found.kind[:3]} {found.control[:9]})"
    return Bad(key=f"x12 {seen}", place=where, reason=reason, raw=raw)


def _bad(fetched: Surveyed, segment: int, reason: str) -> Bad:
    seen = hashlib.blake2b(f"{fetched.digest} {segment} {reason}".encode(), digest_size=16).hexdigest()
    return Bad(key=f"x12 {seen}", place=f"{_name(fetched)} segment {segment}", reason=reason, raw=b"")


def _name(fetched: Surveyed) -> str:
    return fetched.entry.name.encode(errors="backslashreplace").decode()
