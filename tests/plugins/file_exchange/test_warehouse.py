"""The plugin over a real SFTP connection."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dropstream_file_exchange import PLUGIN
from dropstream_file_exchange.warehouse import FileWarehouse, open_warehouse
from dropstreamd.errors import Misconfigured
from dropstreamd.model.orders import OutboundOrder
from dropstreamd.model.shipments import Package
from dropstreamd.platform.contract import Accepted, Item, Page, StockPage, Warehouse
from dropstreamd.sandbox.sftp_server import SftpAccount, serve_sftp

from .lent import PASSWORD, LentHost, opened, settings_for
from .test_orders import EXAMPLE, ORDER, STAMP

SHIPMENTS = "order_number,sku,quantity,tracking_number\n1001,A,1,T1\n1002,B,x,T2\n"
STOCK = "sku,quantity\nA,5\nB,x\nC,7\nC,1\n"


def never(_mark: str) -> bool:
    return False


@pytest.fixture
async def account(tmp_path: Path) -> AsyncIterator[SftpAccount]:
    for folder in ("in", "out"):
        (tmp_path / folder).mkdir()
    async with serve_sftp(tmp_path, user="acme", password=PASSWORD) as served:
        yield served


def leave(account: SftpAccount, name: str, content: str) -> None:
    (account.root / "out" / name).write_text(content)


def names(account: SftpAccount, folder: str = "out") -> set[str]:
    found = account.root / folder
    return {path.relative_to(found).as_posix() for path in found.rglob("*") if path.is_file()}


async def shipment_pages(warehouse: FileWarehouse, taken: set[str]) -> list[Page[Package]]:
    pages: list[Page[Package]] = []
    while not pages or pages[-1].more:
        pages.append(await warehouse.shipments.page(None, taken.__contains__))
    return pages


async def stock_pages(warehouse: FileWarehouse, taken: set[str]) -> list[StockPage]:
    pages: list[StockPage] = []
    while (page := await warehouse.inventory.page(taken.__contains__)) is not None:
        pages.append(page)
    return pages


async def test_it_is_a_warehouse_and_connects_once_and_only_when_needed(account: SftpAccount) -> None:
    host = LentHost()
    async with open_warehouse(settings_for(account), host) as opened_:
        warehouse: Warehouse = opened_
        warehouse.sample("inv_1.csv", b"")
        assert host.limiter.admitted == 0
        await warehouse.test(write=True)
        await warehouse.survey()
        assert host.limiter.admitted == 1
    assert PLUGIN.account_key(settings_for(account)) == f"sftp://acme@127.0.0.1:{account.port}"


async def test_a_test_counts_the_files_that_are_not_ours(account: SftpAccount) -> None:
    (account.root / "in" / ".dropstreamd").write_text("ours")
    async with open_warehouse(settings_for(account), LentHost()) as warehouse:
        before = await warehouse.test(write=True)
        leave(account, "shp_1.csv", "")
        (account.root / "in" / "ord_1.csv").touch()
        (account.root / "in" / "ord_2.csv").touch()
        after = await warehouse.test(write=False)
    assert [each.detail for each in (*before[:2], *after[:2])] == [
        "no files in the folder of orders",
        "no files in the folder of shipments and inventory",
        "2 files in the folder of orders",
        "1 file in the folder of shipments and inventory",
    ]


async def test_an_order_arrives(account: SftpAccount) -> None:
    steps: list[str] = []

    async def record(step: str, *, if_wanted: bool = False) -> None:
        steps.append(step)

    async with opened(account) as warehouse:
        item: Item[OutboundOrder] = Item(key="key0", document=ORDER)
        (prepared,) = warehouse.orders.prepare([item], STAMP).prepared
        outcome = await warehouse.orders.push(prepared, record)
        assert outcome == [Accepted(key="key0", remote="ord_2016981433_261121222005.csv")]
        assert await warehouse.orders.recover(prepared, steps[-1], record) == outcome
    assert (account.root / "in" / prepared.name).read_bytes() == EXAMPLE
    assert warehouse.orders.writes.batch == 1


async def test_shipments_are_read_and_then_archived(account: SftpAccount) -> None:
    leave(account, "shp_1.csv", SHIPMENTS)
    leave(account, "other.csv", "x")
    taken: set[str] = set()
    async with opened(account) as warehouse:
        content, end = await shipment_pages(warehouse, taken)
        assert [package.key for package in content.documents] == ["t/1001/T1"]
        assert [bad.key for bad in content.bad] == ["t/1002/T2"]
        assert end.mark is not None
        assert names(account) == {"shp_1.csv", "other.csv"}
        taken.add(end.mark)
        await warehouse.shipments.confirm([end.mark])
        await warehouse.shipments.confirm([end.mark])
    assert names(account) == {"archive/shp_1.csv", "other.csv"}


async def test_what_was_taken_before_is_only_confirmed(account: SftpAccount) -> None:
    leave(account, "shp_1.csv", SHIPMENTS)
    leave(account, "inv_1.csv", STOCK)
    leave(account, "inv_2.csv", "nonsense")
    async with opened(account) as warehouse:
        marks = [page.mark for page in await shipment_pages(warehouse, set())]
        marks += [page.mark for page in await stock_pages(warehouse, set())]
    taken = {mark for mark in marks if mark is not None}
    assert len(taken) == 3
    async with opened(account) as warehouse:
        (page,) = await shipment_pages(warehouse, taken)
        assert (page.documents, page.bad, page.mark in taken) == ((), (), True)
        first, second = await stock_pages(warehouse, taken)
        for empty in (first, second):
            assert (empty.rows, empty.bad, empty.last, empty.mark in taken) == ((), (), False, True)
        await warehouse.shipments.confirm(list(taken))
    assert names(account) == {"archive/shp_1.csv", "archive/inv_1.csv", "quarantine/inv_2.csv"}


@pytest.mark.parametrize("content", ["", "nonsense\n", SHIPMENTS[:-1]])
async def test_an_unreadable_file_is_reported_and_quarantined(account: SftpAccount, content: str) -> None:
    leave(account, "shp_1.csv", content)
    leave(account, "shp_2.csv", SHIPMENTS)
    async with opened(account) as warehouse:
        bad, good, end = await shipment_pages(warehouse, set())
        assert (bad.documents, bad.more, len(bad.bad)) == ((), True, 1)
        assert bad.bad[0].place == "shp_1.csv"
        assert good.documents
        assert bad.mark is not None
        assert end.mark is not None
        await warehouse.shipments.confirm([bad.mark, end.mark])
    assert names(account) == {"quarantine/shp_1.csv", "archive/shp_2.csv"}


async def test_a_file_that_can_be_read_by_now_has_the_key_that_it_was_set_aside_under(
    account: SftpAccount,
) -> None:
    leave(account, "shp_1.csv", SHIPMENTS.replace("quantity", "qty"))
    async with opened(account) as warehouse:
        (bad,) = await shipment_pages(warehouse, set())
    assert bad.read is None
    columns = {"reference": "order_number", "sku": "sku", "quantity": "qty", "tracking": "tracking_number"}
    async with opened(account, shipments={"columns": columns}) as warehouse:
        *_, end = await shipment_pages(warehouse, set())
        assert end.read == bad.bad[0].key
    leave(account, "shp_1.csv", SHIPMENTS)
    async with opened(account) as warehouse:
        *_, other = await shipment_pages(warehouse, set())
        assert other.read not in (None, end.read)
        assert other.read.rpartition(" ")[0] == end.read.rpartition(" ")[0]
        (again,) = await shipment_pages_of_a_new_session(account, other.mark or "")
        assert again.read is None, "it was read before"


async def test_a_snapshot_that_turns_out_unreadable_is_not_ended(account: SftpAccount) -> None:
    leave(account, "inv_1.csv", "sku,quantity\n" + "A,1\n" * 4500 + '"A"x,1\n')
    async with opened(account) as warehouse:
        *pages, end = await stock_pages(warehouse, set())
    assert [(len(page.rows), page.last) for page in pages] == [(2000, False), (2000, False)]
    assert end.snapshot != pages[0].snapshot
    assert (end.last, len(end.bad), end.mark is not None) == (False, 1, True)


async def test_snapshots_come_oldest_first(account: SftpAccount) -> None:
    leave(account, "inv_1.csv", STOCK)
    leave(account, "inv_2.csv", STOCK)
    async with opened(account) as warehouse:
        pages = await stock_pages(warehouse, set())
    assert [(page.snapshot.split()[0], page.last, page.more) for page in pages] == [
        ("inv_1.csv", True, True),
        ("inv_2.csv", True, False),
    ]
    assert [row.quantity for row in pages[0].rows] == [5, 7, 1]


async def test_a_file_over_the_limit_is_quarantined_unread(account: SftpAccount) -> None:
    leave(account, "shp_1.csv", "x" * ((1 << 20) + 1))
    async with opened(account, limit_mib=1) as warehouse:
        (page,) = await shipment_pages(warehouse, set())
        assert "the limit is 1048576" in page.bad[0].reason
        assert page.mark is not None
        (again,) = await shipment_pages_of_a_new_session(account, page.mark)
        assert not again.bad
        await warehouse.shipments.confirm([page.mark])
    assert names(account) == {"quarantine/shp_1.csv"}


async def shipment_pages_of_a_new_session(account: SftpAccount, mark: str) -> list[Page[Package]]:
    async with opened(account, limit_mib=1) as warehouse:
        return await shipment_pages(warehouse, {mark})


async def test_a_missing_folder_is_named(account: SftpAccount) -> None:
    async with opened(account, folders={"in": "in", "out": "outbox"}) as warehouse:
        with pytest.raises(Misconfigured, match="outbox"):
            await warehouse.shipments.page(None, never)
        with pytest.raises(Misconfigured, match="outbox"):
            await warehouse.test(write=False)


async def test_the_test_leaves_nothing_in_the_folder_of_orders(account: SftpAccount) -> None:
    async with opened(account) as warehouse:
        reading = await warehouse.test(write=False)
        assert names(account) == set()
        writing = await warehouse.test(write=True)
    assert [finding.name for finding in reading] == ["in", "out", "rename"]
    assert [finding.name for finding in writing[3:]] == ["write", "archive", "quarantine"]
    assert not names(account, "in")


async def test_the_survey_tells_the_skus(account: SftpAccount) -> None:
    async with opened(account) as warehouse:
        survey = await warehouse.survey()
        assert survey.skus is None
        assert survey.findings[0].ok, "another connection may have read them all"
        assert "is waiting: none came yet, or all were read" in survey.findings[0].detail
        assert survey.findings[0].remedy, "it is a note"
        leave(account, "inv_1.csv", STOCK)
        survey = await warehouse.survey()
        assert (survey.skus, survey.duplicate_skus) == (frozenset("AC"), frozenset("C"))
        leave(account, "inv_2.csv", "nonsense\n")
        (finding,) = (await warehouse.survey()).findings
        assert not finding.ok
    assert names(account) == {"inv_1.csv", "inv_2.csv"}


async def test_samples(account: SftpAccount) -> None:
    async with opened(account) as warehouse:
        shipments = warehouse.sample("shp_1.csv", SHIPMENTS.encode())
        assert (shipments.kind, len(shipments.packages), len(shipments.bad)) == ("shipments", 1, 1)
        stock = warehouse.sample("inv_1.csv", STOCK.encode())
        assert (stock.kind, len(stock.stock), len(stock.bad)) == ("inventory", 3, 1)
        torn = warehouse.sample("inv_1.csv", STOCK.encode()[:-1])
        assert [finding.ok for finding in torn.findings] == [False]
        assert warehouse.sample("stock.csv", STOCK.encode()).kind == "unknown"
