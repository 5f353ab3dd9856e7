"""997, Functional Acknowledgement, of a group that we read; never of another 997."""

from collections.abc import Iterator
from datetime import datetime

import msgspec

from dropstream_file_exchange.x12.envelope import Group
from dropstream_file_exchange.x12.settings import X12
from dropstream_file_exchange.x12.writer import Row, Writer

KIND, FUNCTION = "997", "FA"
ACCEPTED, PARTLY, REJECTED = "A", "P", "R"
MOST_CODES = 5
MOST_POSITION = 999_999


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A set of sound structure that was not taken: its segment that cannot be read, "" where it is none
    in particular, and that segment's place in the set."""

    segment: str = ""
    position: int = 0


def acknowledgement(
    group: Group, refusals: dict[int, Refusal], settings: X12, *, control: int, at: datetime
) -> bytes:
    """The interchange that acknowledges a group. `refusals` are by the place of the set in the group,
    from 0. The same arguments give the same bytes."""
    writer = Writer(settings.parties)
    rows = list(_rows(group, refusals, settings))
    return writer.interchange(FUNCTION, [writer.transaction_set(KIND, 1, rows)], control=control, at=at)


def wanted(group: Group, settings: X12) -> bool:
    """Whether a group is to be acknowledged: it says what it is, and has no acknowledgement in it."""
    named = _sayable(group.function, 2, 2, settings) and _sayable(group.control, 1, 9, settings)
    return named and group.function != FUNCTION and all(found.kind != KIND for found in group.sets)


def _rows(group: Group, refusals: dict[int, Refusal], settings: X12) -> Iterator[Row]:
    group_refused = _group_refused(group)
    yield "AK1", group.function, group.control
    accepted = 0
    for place, each in enumerate(group.sets):
        if not (_sayable(each.kind, 3, 3, settings) and _sayable(each.control, 4, 9, settings)):
            continue
        yield "AK2", each.kind, each.control
        codes = [fault.code for fault in each.faults]
        refusal = refusals.get(place)
        if refusal is not None:
            if _sayable(refusal.segment, 2, 3, settings) and refusal.position <= MOST_POSITION:
                yield "AK3", refusal.segment, str(refusal.position), "", "8"
            codes.append("5")
        if codes or group_refused:
            yield "AK5", REJECTED, *list(dict.fromkeys(codes))[:MOST_CODES]
        else:
            accepted += 1
            yield "AK5", ACCEPTED
    received = len(group.sets)
    verdict = ACCEPTED if accepted == received else PARTLY if accepted else REJECTED
    if verdict == ACCEPTED and group.faults:
        verdict = REJECTED if group_refused or not received else "E"
    declared = group.declared if group.declared.isdecimal() and len(group.declared) <= 6 else str(received)
    codes = list(dict.fromkeys(fault.code for fault in group.faults))[:MOST_CODES]
    yield "AK9", verdict, declared, str(received), str(accepted), *codes


def _sayable(text: str, least: int, most: int, settings: X12) -> bool:
    """Whether what a partner wrote can be said back to it: it may hold a delimiter of ours."""
    plain = text.isascii() and text.isprintable() and text == text.strip()
    signs = msgspec.structs.astuple(settings.delimiters)
    return plain and least <= len(text) <= most and not any(sign in text for sign in signs)


def _group_refused(group: Group) -> bool:
    """Whether none of its sets is read, whatever they are: it is of another version."""
    return any(fault.code == "2" for fault in group.faults)
