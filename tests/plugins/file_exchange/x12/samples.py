"""Files of an EDI partner, made for tests: every envelope can be written rightly and wrongly."""

import io
from collections.abc import Iterable, Sequence

import msgspec

from dropstream_file_exchange.x12.envelope import Interchange, Survey, read_set
from dropstream_file_exchange.x12.settings import X12
from dropstream_file_exchange.x12.syntax import Segment

SETTINGS = X12(sender="ACME", receiver="WMS3PL")
FUNCTION = {"944": "RE", "945": "SW", "846": "IB", "947": "AW", "997": "FA"}


def x12(**changes: object) -> X12:
    return msgspec.convert({"sender": "ACME", "receiver": "WMS3PL", **changes}, X12)


def transaction(kind: str, body: str, *, control: str = "0001") -> list[str]:
    """Segments from ST to SE; `body` has one on each line, with * between elements."""
    lines = [line.strip() for line in body.strip().splitlines()]
    return [f"ST*{kind}*{control}", *lines, f"SE*{len(lines) + 2}*{control}"]


def group(kind: str, *sets: Sequence[str], control: str = "7", version: str = "004010") -> list[str]:
    head = f"GS*{FUNCTION[kind]}*WMS3PL*ACME*20261121*0930*{control}*X*{version}"
    return [head, *(segment for each in sets for segment in each), f"GE*{len(sets)}*{control}"]


def interchange(
    *groups: Iterable[str],
    control: str = "000000042",
    usage: str = "P",
    sender: str = "WMS3PL",
    receiver: str = "ACME",
    element: str = "*",
    component: str = ">",
    end: str = "~",
) -> bytes:
    """`element` and `end` (a terminator with what follows it) replace the usual delimiters."""
    head = (
        f"ISA*00*{'':10}*00*{'':10}*ZZ*{sender:15}*ZZ*{receiver:15}*261121*0930*U*00401*{control}*0*{usage}*"
    )
    inside = [segment for each in groups for segment in each]
    rows = [head + component, *inside, f"IEA*{len(groups)}*{control}"]
    return "".join(row.replace("*", element) + end for row in rows).encode()


def file(kind: str, *bodies: str, **form: str) -> bytes:
    """One interchange with one group of sets."""
    sets = [transaction(kind, body, control=f"{at:04d}") for at, body in enumerate(bodies, start=1)]
    return interchange(group(kind, *sets), **form)


def survey(content: bytes) -> list[Interchange]:
    found = Survey(io.BytesIO(content))
    while found.step():
        pass
    return found.interchanges


def segments(content: bytes, place: int = 0) -> list[Segment]:
    """Of one of the sets of the first group."""
    (first, *_) = survey(content)
    return list(read_set(io.BytesIO(content), first.groups[0].sets[place], first.header, "utf-8"))


def faults(content: bytes) -> list[tuple[str, str]]:
    """Code and text of every fault, from the inside out."""
    found: list[tuple[str, str]] = []
    for each in survey(content):
        for one in each.groups:
            found += [(fault.code, str(fault)) for inner in one.sets for fault in inner.faults]
            found += [(fault.code, str(fault)) for fault in one.faults]
        found += [(fault.code, str(fault)) for fault in each.faults]
    return found
