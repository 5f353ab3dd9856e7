"""A warehouse that is an EDI partner: it takes our files out of `in` and leaves X12 files in `out`.

It reads and writes with its own few lines, not with the product's: it is the other side of the exchange.
"""

import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import msgspec

FUNCTIONS = {"945": "SW", "944": "RE", "846": "IB", "947": "AW", "997": "FA"}
US, THEM = "WMS3PL", "ACME"


class Folders(Protocol):
    """An account on any server."""

    @property
    def inbox(self) -> Path: ...

    @property
    def outbox(self) -> Path: ...

    def leave(self, name: str, content: bytes) -> Path: ...


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """One file of ours: its one transaction set, without ST and SE."""

    name: str
    content: bytes
    control: str
    kind: str
    rows: tuple[tuple[str, ...], ...]

    def at(self, segment: str, place: int) -> str:
        """An element of the first such segment; "" where there is none."""
        row = next((row for row in self.rows if row[0] == segment), ())
        return row[place] if place < len(row) else ""

    @property
    def purpose(self) -> str:
        return self.at("W05", 1)

    @property
    def reference(self) -> str:
        return self.at("W05", 2)

    @property
    def units(self) -> dict[str, int]:
        return {row[5]: int(row[1]) for row in self.rows if row[0] in ("W01", "W04")}


class Short(msgspec.Struct, frozen=True, kw_only=True):
    """What was shipped of a line, and why it is less than ordered."""

    ordered: int
    shipped: int
    status: str


class Came(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a SKU; `conditions` are units by W1303."""

    sku: str
    received: int
    conditions: dict[str, int] = {}


class EdiPartner:
    """`kept` is where it puts what it took. `received` is all of that, oldest first."""

    def __init__(self, folders: Folders, kept: Path) -> None:
        self._folders = folders
        self._kept = kept
        self._control = 100
        self.received: list[Received] = []
        self.left: list[str] = []
        kept.mkdir(parents=True, exist_ok=True)

    # ---- what it takes

    def take(self, kind: str = "940") -> list[Received]:
        """Take every file that is in the folder; those of a kind."""
        fresh: list[Received] = []
        for path in sorted(self._folders.inbox.glob("[!.]*.edi")):
            target = self._kept / f"{len(self.received) + len(fresh):05d}-{path.name}"
            fresh.append(_read(path.name, path.rename(target).read_bytes()))
        self.received += fresh
        return [file for file in fresh if file.kind == kind]

    def taken(self, kind: str) -> list[Received]:
        """All that it has taken of a kind."""
        return [file for file in self.received if file.kind == kind]

    # ---- what it leaves

    def acknowledge(self, file: Received, verdict: str = "A", *codes: str) -> str:
        """997 of one of our files."""
        group = next(row for row in _rows(file.content) if row[0] == "GS")
        body = [
            ("AK1", group[1], group[6]),
            ("AK2", file.kind, "0001"),
            ("AK5", verdict, *codes),
            ("AK9", verdict, "1", "1", "1" if verdict == "A" else "0"),
        ]
        return self.leave("997", body)

    def advise(
        self, reference: str, shipment: str, lines: dict[str, int | Short], *, tracking: str = ""
    ) -> str:
        """945 of one shipment in one carton. A number is units ordered and shipped."""
        today = time.strftime("%Y%m%d")
        body: list[tuple[str, ...]] = [("W06", "F", reference, today, shipment), ("N1", "WH", "EAST")]
        body += [("W27", "M", "UPSN", "Ground"), ("LX", "1")]
        body += [("MAN", "CP", tracking)] if tracking else []
        shipped = 0
        for sku, line in lines.items():
            said = Short(ordered=line, shipped=line, status="CC") if isinstance(line, int) else line
            short = str(said.ordered - said.shipped)
            body.append(
                ("W12", said.status, str(said.ordered), str(said.shipped), short, "EA", "", "VN", sku)
            )
            shipped += said.shipped
        return self.leave("945", [*body, ("W03", str(shipped))])

    def receive(self, reference: str, receipt: str, lines: Sequence["Came"]) -> str:
        """944 of what came under one of our references."""
        body: list[tuple[str, ...]] = [("W17", "F", "20261121", receipt, reference), ("N1", "WH", "EAST")]
        for line in lines:
            body.append(("W07", str(line.received), "EA", "", "VN", line.sku))
            body += [("W13", str(units), "EA", code) for code, units in line.conditions.items()]
        return self.leave("944", [*body, ("W14", str(sum(line.received for line in lines)))])

    def adjust(self, number: str, units: dict[str, int]) -> str:
        """947 of one adjustment: units more or fewer by SKU."""
        body: list[tuple[str, ...]] = [("W15", "20261121", "", number), ("N1", "WH", "EAST")]
        body += [("W19", "AA", str(count), "EA", "", "VN", sku) for sku, count in units.items()]
        return self.leave("947", body)

    def report(self, stock: dict[str, tuple[int, int]]) -> str:
        """846: what is available, and what is on hand."""
        body: list[tuple[str, ...]] = [("BIA", "00", "SI", "1", "20261121")]
        for sku, (available, on_hand) in stock.items():
            body += [("LIN", "", "VN", sku), ("QTY", "33", str(available)), ("QTY", "17", str(on_hand))]
        return self.leave("846", [*body, ("CTT", str(len(stock)))])

    def leave(self, kind: str, body: Sequence[tuple[str, ...]]) -> str:
        """A file of one transaction set; its control number."""
        self._control += 1
        control = str(self._control)
        stamp = time.strftime("%y%m%d*%H%M", time.gmtime())
        head = f"ISA*00*{'':10}*00*{'':10}*ZZ*{US:15}*ZZ*{THEM:15}*{stamp}*U*00401*{control:0>9}*0*P*>"
        rows = [
            head,
            f"GS*{FUNCTIONS[kind]}*{US}*{THEM}*20{stamp}*{control}*X*004010",
            f"ST*{kind}*0001",
            *("*".join(row) for row in body),
            f"SE*{len(body) + 2}*0001",
            f"GE*1*{control}",
            f"IEA*1*{control:0>9}",
        ]
        self._folders.leave(f"{kind}_{control}.edi", "".join(f"{row}~" for row in rows).encode())
        self.left.append(kind)
        return control

    # ---- what was agreed

    def acknowledged(self) -> Counter[str]:
        """How often each kind of file was acknowledged by us, once `take` has taken that."""
        kinds = {function: kind for kind, function in FUNCTIONS.items()}
        return Counter(kinds[file.at("AK1", 1)] for file in self.taken("997"))


def _rows(content: bytes) -> list[tuple[str, ...]]:
    return [tuple(row.split("*")) for row in content.decode().split("~") if row]


def _read(name: str, content: bytes) -> Received:
    rows = _rows(content)
    found = [row[0] for row in rows]
    first, last = found.index("ST"), found.index("SE")
    return Received(
        name=name,
        content=content,
        control=rows[0][13],
        kind=rows[first][1],
        rows=tuple(rows[first + 1 : last]),
    )
