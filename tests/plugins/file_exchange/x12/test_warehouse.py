"""A partner's account over a real SFTP connection."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from dropstream_file_exchange.x12.sources import DocumentSource
from dropstream_file_exchange.x12.warehouse import PartnerWarehouse, open_partner
from dropstreamd.platform.contract import Accepted, Item, Page, StockPage, Warehouse
from dropstreamd.sandbox.sftp_server import SftpAccount, serve_sftp

from ..lent import PASSWORD, LentHost, settings_for
from .oracle import leaves, parsed
from .samples import faults, file, group, interchange, transaction
from .test_orders import ORDER, STAMP

ADVICE = "W06*F*SH1*20261121*S1\nN1*WH*W\nLX*1\nMAN*CP*T1\nW12*CC*1*1**EA**VN*A\nW03*1"
BROKEN = "W06*F*SH2*20261121*S2\nN1*WH*W\nLX*1\nW12*CC*1*x**EA**VN*A\nW03*1"
STOCK = "BIA*00*SI*1*20261121\nLIN**VN*A\nQTY*33*5\nLIN**VN*B\nQTY*33*x\nLIN**VN*C\nQTY*33*7"
RECEIPT = "W17*C*20261121*RC1*RT-9\nN1*WH*W\nW07*1*EA**VN*A\nW14*1"
HEARD = "AK1*OW*7\nAK9*A*1*1*1"
MIXED = interchange(
    group("945", transaction("945", ADVICE), control="1"),
    group("846", transaction("846", STOCK), control="2"),
    group("944", transaction("944", RECEIPT), control="3"),
    group("997", transaction("997", HEARD), control="4"),
)


T = TypeVar("T")


class CountingHost(LentHost):
    """Gives control numbers: one for each purpose."""

    def __init__(self) -> None:
        super().__init__()
        self.purposes: list[str] = []

    async def number(self, series: str, purpose: str) -> int:
        assert series == "x12 ZZ:ACME ZZ:WMS3PL P"
        assert len(purpose.encode()) <= 100
        if purpose not in self.purposes:
            self.purposes.append(purpose)
        return self.purposes.index(purpose) + 1


def never(_mark: str) -> bool:
    return False


@pytest.fixture
async def account(tmp_path: Path) -> AsyncIterator[SftpAccount]:
    for folder in ("in", "out"):
        (tmp_path / folder).mkdir()
    async with serve_sftp(tmp_path, user="acme", password=PASSWORD) as served:
        yield served


@asynccontextmanager
async def opened(
    account: SftpAccount, host: CountingHost | None = None, **changes: object
) -> AsyncIterator[PartnerWarehouse]:
    x12 = {"sender": "ACME", "receiver": "WMS3PL", **changes}
    settings = settings_for(account, format="x12", x12=x12)
    async with open_partner(settings, host or CountingHost()) as warehouse:
        yield warehouse


def leave(account: SftpAccount, name: str, content: bytes) -> None:
    (account.root / "out" / name).write_bytes(content)


def names(account: SftpAccount, folder: str = "out") -> set[str]:
    found = account.root / folder
    return {path.relative_to(found).as_posix() for path in found.rglob("*") if path.is_file()}


def replies(account: SftpAccount) -> list[list[str]]:
    """What was acknowledged, in short: AK1, AK5 and AK9 of each file."""
    found = []
    for path in sorted((account.root / "in").glob("997_*.edi")):
        content = path.read_bytes()
        assert not faults(content)
        tree = parsed(content)
        found.append([" ".join(values) for name, values in leaves(tree) if name in {"AK1", "AK5", "AK9"}])
    return found


async def pages(source: DocumentSource[T], taken: set[str] | None = None) -> list[Page[T]]:
    found: list[Page[T]] = []
    while not found or found[-1].more:
        found.append(await source.page(None, (taken or set()).__contains__))
    return found


async def stock(warehouse: PartnerWarehouse) -> list[StockPage]:
    found: list[StockPage] = []
    while (page := await warehouse.inventory.page(never)) is not None:
        found.append(page)
    return found


def marks(found: list[Page[T]]) -> list[str]:
    return [page.mark for page in found if page.mark is not None]


async def test_an_order_arrives(account: SftpAccount) -> None:
    steps: list[str] = []

    async def record(step: str, *, if_wanted: bool = False) -> None:
        steps.append(step)

    async with opened(account) as opened_:
        warehouse: Warehouse = opened_
        assert warehouse.orders is not None
        assert warehouse.orders.writes.series == "x12 ZZ:ACME ZZ:WMS3PL P"
        (prepared,) = warehouse.orders.prepare([Item(key="k", document=ORDER)], STAMP).prepared
        outcome = await warehouse.orders.push(prepared, record)
        assert outcome == [Accepted(key="k", remote="940_000000007.edi")]
        assert await warehouse.orders.recover(prepared, steps[-1], record) == outcome
        assert opened_.orders.writes.acknowledged_within_s == 24 * 3600
    assert not faults((account.root / "in" / prepared.name).read_bytes())


async def test_shipments_are_acknowledged_when_they_are_durable(account: SftpAccount) -> None:
    leave(account, "a.edi", file("945", ADVICE, BROKEN))
    async with opened(account) as warehouse:
        content, end = await pages(warehouse.shipments)
        assert [package.tracking_numbers for package in content.documents] == [("T1",)]
        (bad,) = content.bad
        assert bad.place == "a.edi segment 11 (945 0002)"
        assert "segment 15 (W12): the number of units shipped 'x'" in bad.reason
        assert bad.raw.startswith(b"ST*945*0002")
        assert not replies(account)
        for _ in range(2):
            await warehouse.shipments.confirm(marks([end]))
        assert replies(account) == [["SW 7", "A", "R 5", "P 2 2 1"]]
        reply = next((account.root / "in").glob("997_*")).read_bytes()
        assert b"AK3*W12*5**8~" in reply
        assert b"*261121*0930*" in reply
        # Its other reader has not looked for orders closed short yet.
        assert names(account) == {"a.edi", next(iter(names(account) - {"a.edi"}))}
        assert not (await pages(warehouse.shipments))[0].documents
        (said,) = await pages(warehouse.acknowledgements)
        assert (said.documents, said.bad) == ((), ())
        await warehouse.acknowledgements.confirm(marks([said]))
    assert names(account) == {"archive/a.edi"}
    assert len(replies(account)) == 1


async def test_a_repeat_in_another_session_writes_the_same_acknowledgement(account: SftpAccount) -> None:
    host = CountingHost()
    leave(account, "a.edi", file("945", ADVICE, BROKEN))
    async with opened(account, host) as warehouse:
        found = marks(await pages(warehouse.shipments))
    async with opened(account, host) as warehouse:
        await warehouse.shipments.confirm(found)
    (path,) = (account.root / "in").glob("997_*")
    first = path.read_bytes()
    path.unlink()
    for left in (account.root / "out").glob("a.edi.*"):
        left.unlink()
    async with opened(account, host) as warehouse:
        await warehouse.shipments.confirm(found)
    assert path.read_bytes() == first


async def test_what_was_taken_before_a_crash_is_acknowledged_after_it(account: SftpAccount) -> None:
    leave(account, "a.edi", file("945", ADVICE, BROKEN))
    leave(account, "b.edi", file("846", STOCK))
    async with opened(account) as warehouse:
        taken = set(marks(await pages(warehouse.shipments)))
        taken |= {page.mark for page in await stock(warehouse) if page.mark is not None}
    async with opened(account) as warehouse:
        page, _ = await pages(warehouse.shipments, taken)
        assert (page.documents, page.bad) == ((), ())
        await warehouse.shipments.confirm(marks([page]))
        again = await warehouse.inventory.page(taken.__contains__)
        assert again is not None
        assert (again.rows, again.last, again.mark in taken) == ((), False, True)
        await warehouse.inventory.confirm([again.mark or ""])
    assert replies(account) == [["SW 7", "A", "R 5", "P 2 2 1"], ["IB 7", "A", "A 1 1 1"]]
    assert "archive/b.edi" in names(account)


async def test_one_file_with_everything_is_archived_when_all_of_it_was_taken(account: SftpAccount) -> None:
    leave(account, "mixed.edi", MIXED)
    async with opened(account) as warehouse:
        shipped = await pages(warehouse.shipments)
        (snapshot,) = await stock(warehouse)
        received = await pages(warehouse.receipts)
        heard = await pages(warehouse.acknowledgements)
        assert [page.documents[0].key for page in shipped if page.documents] == ["x/SH1/S1/T1"]
        assert [(row.sku, row.quantity) for row in snapshot.rows] == [("A", 5), ("C", 7)]
        assert (snapshot.last, [bad.key for bad in snapshot.bad]) == (True, ["B"])
        assert [page.documents[0].reference for page in received if page.documents] == ["RT-9"]
        assert [(page.documents[0].name, page.documents[0].verdict) for page in heard if page.documents] == [
            ("940_000000007.edi", "received")
        ]
        found = {marks(shipped)[0], snapshot.mark, marks(received)[0], marks(heard)[0]}
        assert len(found) == 4
        await warehouse.shipments.confirm(marks(shipped))
        await warehouse.inventory.confirm([snapshot.mark or ""])
        await warehouse.receipts.confirm(marks(received))
        assert "mixed.edi" in names(account)
        assert not await stock(warehouse)
        await warehouse.acknowledgements.confirm(marks(heard))
    assert names(account) == {"archive/mixed.edi"}
    # Three groups, three acknowledgements: none for the group of acknowledgements.
    assert replies(account) == [["SW 1", "A", "A 1 1 1"], ["IB 2", "A", "A 1 1 1"], ["RE 3", "A", "A 1 1 1"]]


async def test_each_source_passes_over_the_files_of_others(account: SftpAccount) -> None:
    leave(account, "stock.edi", file("846", STOCK))
    async with opened(account) as warehouse:
        assert await pages(warehouse.shipments) == [Page()]
        assert await pages(warehouse.receipts) == [Page()]
        assert await pages(warehouse.acknowledgements) == [Page()]
        assert [page.last for page in await stock(warehouse)] == [True]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"order_number,sku\n", "does not begin with ISA"),
        (file("945", ADVICE, receiver="OTHER"), "its receiver is 'ZZ:OTHER', not 'ZZ:ACME'"),
        (file("945", ADVICE, sender="OTHER"), "its sender is 'ZZ:OTHER'"),
        (file("945", ADVICE, usage="T"), "its usage indicator is 'T', we exchange 'P'"),
        (file("945", ADVICE).replace(b"004010", b"005010"), "only version 004010 is read"),
        (file("945", ADVICE).replace(b"*945*", b"*856*"), "a transaction set '856'"),
        (file("945", ADVICE).replace(b"GS*SW", b"GS*PO").replace(b"*945*", b"*850*"), "of function 'PO'"),
    ],
)
async def test_what_is_not_for_us_is_told_and_not_read(
    account: SftpAccount, content: bytes, reason: str
) -> None:
    leave(account, "a.edi", content)
    async with opened(account) as warehouse:
        found = await pages(warehouse.shipments)
        assert not any(page.documents for page in found)
        assert any(reason in bad.reason for page in found for bad in page.bad), found
        await warehouse.shipments.confirm(marks(found))
        others = await pages(warehouse.acknowledgements)
        assert not any(page.documents or page.bad for page in others)
        await warehouse.acknowledgements.confirm(marks(others))
    assert {name.partition("/")[0] for name in names(account)} <= {"archive", "quarantine"}
    for reply in replies(account):
        assert reply[-1].startswith("R")
    if b"OTHER" in content or b"*T*" in content or b"order" in content:
        assert not replies(account)
    else:
        assert replies(account)


async def test_a_torn_file_gives_what_is_whole_in_it(account: SftpAccount) -> None:
    whole = file("945", ADVICE, ADVICE.replace("SH1", "SH2"))
    leave(account, "a.edi", whole[: whole.index(b"SE*8*0002")])
    async with opened(account) as warehouse:
        found = await pages(warehouse.shipments)
        assert [package.reference for page in found for package in page.documents] == ["SH1"]
        reasons = " ".join(bad.reason for page in found for bad in page.bad)
        for each in ("no SE follows", "no GE follows", "no IEA follows"):
            assert each in reasons


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (file("846", STOCK, STOCK.replace("BIA*00", "BIA*04")), "changes only"),
        (file("846", STOCK, "LIN**VN*Z\nQTY*33*1"), "no BIA"),
        (file("846", STOCK).replace(b"SE*9", b"SE*8"), "SE01 counts"),
        (file("846", STOCK).replace(b"GE*1*", b"GE*2*"), "GE01 counts"),
        (file("846", STOCK).replace(b"IEA*1*000000042~", b""), "no IEA follows"),
    ],
)
async def test_a_snapshot_is_whole_or_none(account: SftpAccount, content: bytes, reason: str) -> None:
    leave(account, "a.edi", content)
    async with opened(account) as warehouse:
        found = await stock(warehouse)
        assert not any(page.last for page in found)
        assert reason in found[-1].bad[0].reason
        await warehouse.inventory.confirm([found[-1].mark or ""])
    assert names(account) == {"quarantine/a.edi"}
    ((*_, verdict),) = replies(account)
    assert verdict.startswith("R")


async def test_a_large_stock_comes_in_several_sets_and_pages(account: SftpAccount) -> None:
    def half(name: str) -> str:
        return "BIA*00*SI*1*20261121\n" + "\n".join(f"LIN**VN*{name}{at}\nQTY*33*{at}" for at in range(2500))

    leave(account, "a.edi", file("846", half("A"), half("B"), end="~\n"))
    async with opened(account) as warehouse:
        found = await stock(warehouse)
    assert [len(page.rows) for page in found] == [1000] * 5
    assert [page.last for page in found] == [False] * 4 + [True]
    assert len({page.snapshot for page in found}) == 1
    assert len({row.sku for page in found for row in page.rows}) == 5000


async def test_adjustments_are_acknowledged_and_change_nothing(account: SftpAccount) -> None:
    leave(account, "a.edi", file("947", "W15*20261121**ADJ1\nW19*AA*-3*EA**VN*A", "W15*20261121"))
    async with opened(account) as warehouse:
        (page,) = await stock(warehouse)
        assert (page.rows, page.last) == ((), False)
        assert "the advice has no line" in page.bad[0].reason
        await warehouse.inventory.confirm([page.mark or ""])
    assert replies(account) == [["AW 7", "A", "R 5", "P 2 2 1"]]


ADJUSTED = "W15*20261121**ADJ1\nN1*WH*East*92*EAST\nW19*AA*-3*EA**VN*A\nW19*07*2*EA**VN*B\nW19*AC*9*EA**VN*C"


async def test_adjustments_are_told_where_the_partner_sends_no_snapshot(account: SftpAccount) -> None:
    leave(account, "a.edi", file("947", ADJUSTED, "W15*20261121"))
    rules = {"apply": True, "minus": ["07"], "ignored": ["AC"]}
    async with opened(account, adjustments=rules) as warehouse:
        (page,) = await stock(warehouse)
        assert (page.rows, page.last, len(page.bad)) == ((), False, 1)
        (told,) = page.adjustments
        assert (told.key, told.number) == ("a/ADJ1/20261121", "ADJ1")
        assert told.at.timestamp() == (account.root / "out" / "a.edi").stat().st_mtime // 1
        assert [(row.sku, row.quantity, row.facility) for row in told.rows] == [
            ("A", -3, "EAST"),
            ("B", -2, "EAST"),
        ]
        await warehouse.inventory.confirm([page.mark or ""])
    assert replies(account) == [["AW 7", "A", "R 5", "P 2 2 1"]]
    leave(account, "b.edi", file("947", ADJUSTED))
    async with opened(account, adjustments=rules, inventory={"as_of": "interchange"}) as warehouse:
        (page,) = await stock(warehouse)
    assert f"{page.adjustments[0].at:%Y-%m-%d %H:%M}" == "2026-11-21 09:30"


async def test_adjustments_beside_a_snapshot_come_with_its_end(account: SftpAccount) -> None:
    both = interchange(
        group("947", transaction("947", ADJUSTED), control="1"),
        group("846", transaction("846", STOCK), control="2"),
    )
    leave(account, "a.edi", both)
    async with opened(account, adjustments={"apply": True}) as warehouse:
        (page,) = await stock(warehouse)
    assert (page.last, len(page.rows), len(page.adjustments)) == (True, 2, 1)


@pytest.mark.parametrize("day", ["20261121", "20261120"])
async def test_adjustments_of_the_day_of_a_snapshot_are_not_counted_twice(
    account: SftpAccount, day: str
) -> None:
    """The document tells its day and no time: what was adjusted that day, before it was made, is in its
    figures; what came after that day is not, though it was sent then."""
    both = interchange(
        group("947", transaction("947", ADJUSTED.replace("20261121", day)), control="1"),
        group("846", transaction("846", STOCK.replace("20261121", day)), control="2"),
    )
    leave(account, "a.edi", both)
    async with opened(account, adjustments={"apply": True}, inventory={"as_of": "document"}) as warehouse:
        (page,) = await stock(warehouse)
    assert page.last
    assert [one.at <= page.as_of for one in page.adjustments] == [True]
    assert f"{page.as_of:%Y%m%d}" == day


async def test_an_acknowledgement_is_never_acknowledged(account: SftpAccount) -> None:
    leave(account, "a.edi", file("997", HEARD, "AK1*OW*8"))
    leave(account, "b.edi", file("997", HEARD).replace(b"GS*FA", b"GS*SW"))
    async with opened(account) as warehouse:
        heard = await pages(warehouse.acknowledgements)
        assert any(page.bad for page in heard)
        await warehouse.acknowledgements.confirm(marks(heard))
        shipped = await pages(warehouse.shipments)
        assert any(page.bad for page in shipped)
        await warehouse.shipments.confirm(marks(shipped))
        await warehouse.acknowledgements.confirm(marks(await pages(warehouse.acknowledgements)))
    assert not names(account, "in")


async def test_nothing_is_acknowledged_where_that_is_off(account: SftpAccount) -> None:
    leave(account, "a.edi", file("944", RECEIPT))
    async with opened(account, acknowledge=False) as warehouse:
        await warehouse.receipts.confirm(marks(await pages(warehouse.receipts)))
    assert (names(account), names(account, "in")) == ({"archive/a.edi"}, set())


async def test_an_order_closed_short_is_told(account: SftpAccount) -> None:
    leave(account, "a.edi", file("945", ADVICE.replace("W12*CC*1*1", "W12*CP*5*1")))
    async with opened(account) as warehouse:
        found = [each for page in await pages(warehouse.acknowledgements) for each in page.documents]
    assert [(each.reference, each.verdict) for each in found] == [("SH1", "closed-short")]
    assert found[0].reason == "shipped short, and no backorder: 1 of 5 of A"


async def test_the_survey_and_samples(account: SftpAccount) -> None:
    async with opened(account) as warehouse:
        nothing = await warehouse.survey()
        assert nothing.skus is None
        assert (nothing.findings[0].ok, bool(nothing.findings[0].remedy)) == (True, True)
        leave(account, "a.edi", file("846", STOCK))
        assert (await warehouse.survey()).skus == frozenset("AC")
        leave(account, "a.edi", file("846", STOCK.replace("BIA*00", "BIA*04")))
        assert not (await warehouse.survey()).findings[0].ok
        found = warehouse.sample("x", MIXED)
        assert found.kind == "shipments, inventory, receipts"
        assert (len(found.packages), len(found.stock), len(found.bad)) == (1, 2, 1)
        details = [finding.detail for finding in found.findings]
        assert "receipt of RT-9: 1 restock" in details
        assert "940_000000007.edi is received" in details
        assert warehouse.sample("x", file("997", HEARD)).kind == "acknowledgements"
        assert warehouse.sample("x", b"PH,1").kind == "unknown"
        assert not warehouse.sample("x", file("846", "LIN**VN*A")).findings[0].ok
        assert [finding.name for finding in await warehouse.test(write=False)] == ["in", "out", "rename"]
