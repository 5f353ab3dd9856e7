"""997 and TA1 as they are read: what the partner's translator makes of what we sent."""

from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec

from dropstream_file_exchange.shipments import package_key
from dropstream_file_exchange.x12 import orders, returns
from dropstream_file_exchange.x12.envelope import Interchange
from dropstream_file_exchange.x12.settings import X12
from dropstream_file_exchange.x12.syntax import Segment
from dropstream_file_exchange.x12.values import Unreadable
from dropstreamd.model.acknowledgements import Acknowledgement

KINDS = {orders.FUNCTION: orders.KIND, returns.FUNCTION: returns.KIND}
ACCEPTED, PARTLY, REFUSED = frozenset("AE"), "P", frozenset("RMWX")
MEANINGS = {
    "1": "transaction set not supported",
    "2": "its SE is missing",
    "3": "its control numbers differ",
    "4": "its count of segments is wrong",
    "5": "a segment of it is in error",
    "6": "its identifier is wrong",
    "7": "its control number is wrong",
}


class _Verdicts(msgspec.Struct, kw_only=True):
    """What a 997 says of one group of ours, segment by segment."""

    function: str
    control: str
    sets: list[tuple[str, tuple[str, ...]]] = msgspec.field(default_factory=list)
    errors: list[str] = msgspec.field(default_factory=list)
    open: bool = False


def read_acknowledgement(
    segments: Iterable[Segment], settings: X12, place: str, at: datetime
) -> Iterator[Acknowledgement]:
    """What a 997 says; nothing for a group that is none of orders and stock notices. `place` tells this 997
    from others. Each of our groups has one set: whatever refuses either refuses it. Raises Unreadable."""
    verdicts: _Verdicts | None = None
    last = Segment(0, ["ST"])
    for last in segments:
        match last.id:
            case "AK1":
                verdicts = _Verdicts(function=last.at(1), control=last.at(2))
            case "AK3" | "AK4" if verdicts is not None:
                _error(last, verdicts)
            case "AK5" if verdicts is not None:
                verdicts.sets.append((_code(last), _codes(last, 2)))
            case "AK9" if verdicts is not None:
                yield from _told(last, verdicts, settings, place, at)
                return
    raise Unreadable(last, "the acknowledgement has no AK1, or no AK9")


def read_interchange_acknowledgement(
    segment: Segment, interchange: Interchange, settings: X12
) -> Acknowledgement | None:
    """What a TA1 refuses; None where it takes the interchange: then a 997 says more. It does not say of
    which kind the interchange was, so it names an order. Raises Unreadable."""
    if segment.at(4) != "R":
        return None
    return Acknowledgement(
        key=package_key("ta1", interchange.header.control, segment.at(1)),
        reference="",
        verdict="rejected",
        codes=tuple(filter(None, (segment.at(5),))),
        reason=f"the partner refused the whole interchange (TA1 note {segment.at(5) or 'not given'})",
        name=settings.file_name(orders.KIND, _number(segment, 1)),
    )


def _told(
    segment: Segment, verdicts: _Verdicts, settings: X12, place: str, at: datetime
) -> Iterator[Acknowledgement]:
    kind = KINDS.get(verdicts.function)
    if kind is None:
        return
    group = _code(segment)
    said = [code for code, _ in verdicts.sets]
    refused = group in REFUSED or any(code in REFUSED for code in said)
    if group == PARTLY and not refused and not said:
        raise Unreadable(segment, "a part of the group is refused, and no AK5 says which")
    codes = tuple(dict.fromkeys([*(c for _, each in verdicts.sets for c in each), *_codes(segment, 5)]))
    yield Acknowledgement(
        key=package_key("fa", place, verdicts.control),
        reference="",
        verdict="rejected" if refused else "received",
        codes=codes,
        reason=_reason(codes, verdicts.errors) if refused else "",
        name=settings.file_name(kind, _number(segment, 0, verdicts.control)),
        at=at,
    )


def _reason(codes: tuple[str, ...], errors: list[str]) -> str:
    said = [*(f"{code} ({MEANINGS[code]})" if code in MEANINGS else code for code in codes), *errors]
    return f"the partner's translator refused it: {'; '.join(said) or 'it gave no code'}"


def _error(segment: Segment, verdicts: _Verdicts) -> None:
    """Where the partner found an error; its own copy of our data (AK404) is left out."""
    if len(verdicts.errors) >= 5:
        return
    if segment.id == "AK3":
        verdicts.errors.append(
            f"segment {segment.at(1)} at {segment.at(2)}"
            + (f", error {segment.at(4)}" if segment.at(4) else "")
        )
    else:
        verdicts.errors.append(f"element {segment.at(1)}, error {segment.at(3)}")


def _code(segment: Segment) -> str:
    code = segment.at(1)
    if code not in ACCEPTED and code not in REFUSED and code != PARTLY:
        raise Unreadable(segment, f"the code {code[:3]!r} is none of an acknowledgement")
    return code


def _codes(segment: Segment, first: int) -> tuple[str, ...]:
    return tuple(code for at in range(first, first + 5) if (code := segment.at(at)))


def _number(segment: Segment, position: int, text: str = "") -> int:
    found = text or segment.at(position)
    if not (found.isascii() and found.isdecimal()) or not 0 < int(found) < 10**9:
        raise Unreadable(segment, f"the control number {found[:12]!r} is none of ours")
    return int(found)
