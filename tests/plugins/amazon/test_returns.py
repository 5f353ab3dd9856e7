"""Returns are read from reports, none is lost, and reports that come to nothing are asked for again."""

import itertools
from datetime import timedelta
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from dropstream_amazon.returns import FOLLOWED, PAGE
from dropstreamd.errors import AuthFailed, DropstreamError, NotYet, ProtocolMismatch
from tests.fakes.amazon import CANADA, HERE, FakeAmazon
from tests.fakes.amazon_orders import instant
from tests.fakes.amazon_seller import AmazonSeller
from tests.plugins.runs import Run

from .stores import Account

DAY_S = 86_400.0


def asked_back(seller: AmazonSeller, **cells: Any) -> str:
    """The number of a return of a new order."""
    return str(seller.ask_back(seller.place({"A": 3}), **cells)["Amazon RMA ID"])


def numbers(run: Run[Any]) -> set[str]:
    return {each.number for each in run.documents.values()}


async def test_a_run_asks_waits_and_reads(
    fake: FakeAmazon, account: Account, seller: AmazonSeller, quick_clock: MockClock
) -> None:
    """All of the last weeks is read again by each run."""
    first = asked_back(seller, days=58)
    run = await account.read("returns")
    assert numbers(run) == {first}
    second = asked_back(seller)
    seller.returns[0]["cells"]["Tracking ID"] = "1Z"
    late = asked_back(seller, days=39)
    run = await account.read("returns", run.cursor)
    assert numbers(run) == {second, late}
    assert not fake.throttled
    assert fake.asked.count("createReport") == 2


async def test_the_order_of_a_return_and_its_item_are_named(
    account: Account, seller: AmazonSeller, quick_clock: MockClock
) -> None:
    order = seller.place({"A": 1, "B": 2})
    seller.ask_back(order, 2, item=1)
    run = await account.read("returns")
    (ret,) = run.documents.values()
    assert (ret.order_key, ret.order_number) == (order["orderId"], order["orderId"])
    assert ret.lines[0].order_line == order["orderItems"][1]["orderItemId"]


async def test_a_report_that_takes_longer_than_a_run_is_read_by_a_later_one(
    fake: FakeAmazon, account: Account, seller: AmazonSeller, quick_clock: MockClock
) -> None:
    number = asked_back(seller)
    seller.report_s = 1800.0
    run = await account.read("returns")
    for _ in range(2):
        assert not run.documents
        assert run.unfinished is not None
        assert "has not made report" in run.unfinished.message
        run = await account.read("returns", run.cursor)
    await trio.sleep(1500)
    run = await account.read("returns", run.cursor)
    assert numbers(run) == {number}
    assert run.unfinished is None
    assert fake.asked.count("createReport") == 1


async def test_one_that_is_never_made_is_told_and_asked_for_again(
    fake: FakeAmazon, account: Account, seller: AmazonSeller, quick_clock: MockClock
) -> None:
    number = asked_back(seller)
    seller.report_s = 10 * DAY_S
    run = await account.read("returns")
    await trio.sleep(7 * 3600)
    cursor, error = await failing(account, run.cursor)
    assert isinstance(error, NotYet)
    seller.report_s = 30.0
    assert numbers(await account.read("returns", cursor)) == {number}
    assert fake.asked.count("createReport") == 2


async def failing(account: Account, cursor: str | None = None) -> tuple[str | None, DropstreamError]:
    """The place that a run has come to, and what ended it."""
    run: Run[Any] = Run(cursor=cursor)
    async with account.open() as store:
        with pytest.raises(DropstreamError) as raised:
            await run.read(store.returns)
    assert not run.documents
    return run.cursor, raised.value


async def test_one_that_amazon_gives_up_on_is_asked_for_again(
    fake: FakeAmazon, account: Account, seller: AmazonSeller, quick_clock: MockClock
) -> None:
    number = asked_back(seller)
    seller.ends = "FATAL"
    cursor, error = await failing(account)
    assert isinstance(error, NotYet)
    cursor, _ = await failing(account, cursor)
    assert fake.asked.count("createReport") == 2
    seller.ends = "DONE"
    assert numbers(await account.read("returns", cursor)) == {number}


async def test_one_that_is_cancelled_has_nothing_to_tell(
    account: Account, seller: AmazonSeller, quick_clock: MockClock
) -> None:
    """And what it should have told, the next one does."""
    run = await account.read("returns")
    assert not run.documents
    number = asked_back(seller)
    seller.ends = "CANCELLED"
    run = await account.read("returns", run.cursor)
    assert not run.documents
    seller.ends = "DONE"
    assert numbers(await account.read("returns", run.cursor)) == {number}


async def test_one_that_is_cancelled_for_a_day_though_there_is_something_to_tell_is_no_silence(
    fake: FakeAmazon, account: Account, seller: AmazonSeller, quick_clock: MockClock
) -> None:
    """Amazon cancels what is asked for too often, too. The other marketplaces are read, and so is this one
    as soon as it can be."""
    run = await account.read("returns")
    asked_back(seller)
    run = await account.read("returns", run.cursor)
    seller.ends = "CANCELLED"
    await trio.sleep(DAY_S / 2)
    missed = asked_back(seller)
    run = await account.read("returns", run.cursor)
    assert not run.documents, "once is nothing yet"
    await trio.sleep(DAY_S)
    cursor, error = await failing(account, run.cursor)
    assert isinstance(error, NotYet)
    assert HERE in error.message
    seller.ends = "DONE"
    assert missed in numbers(await account.read("returns", cursor))


async def test_a_marketplace_that_has_nothing_to_tell_any_more_is_quiet(
    account: Account, seller: AmazonSeller, quick_clock: MockClock
) -> None:
    asked_back(seller)
    run = await account.read("returns")
    for _ in range(5):
        await trio.sleep(20 * DAY_S)
        run = await account.read("returns", run.cursor)
    assert not run.documents


async def test_one_that_amazon_no_longer_knows_is_asked_for_again(
    account: Account, seller: AmazonSeller, quick_clock: MockClock
) -> None:
    number = asked_back(seller)
    seller.report_s = 1800.0
    run = await account.read("returns")
    seller.reports.clear()
    cursor, error = await failing(account, run.cursor)
    assert isinstance(error, ProtocolMismatch)
    seller.report_s = 30.0
    assert numbers(await account.read("returns", cursor)) == {number}


@pytest.mark.parametrize(
    ("told", "name"), [(("Order ID", "Merchant SKU"), "return request date"), (("Sorry",), "order id")]
)
async def test_a_file_that_is_another_advances_nothing(
    account: Account, seller: AmazonSeller, quick_clock: MockClock, told: tuple[str, ...], name: str
) -> None:
    number = asked_back(seller)
    columns = seller.told
    seller.returns[0]["cells"]["Sorry"] = ""
    seller.told = told
    cursor, error = await failing(account)
    assert isinstance(error, ProtocolMismatch)
    assert name in error.message
    seller.told = columns
    assert numbers(await account.read("returns", cursor)) == {number}


@pytest.mark.parametrize("name", ["createReport", "getReport", "getReportDocument", "download"])
async def test_an_outage_at_any_step_loses_nothing(
    fake: FakeAmazon, account: Account, seller: AmazonSeller, quick_clock: MockClock, name: str
) -> None:
    number = asked_back(seller)
    fake.fail(name, "500", "500", "500", "500")
    cursor, _ = await failing(account)
    assert numbers(await account.read("returns", cursor)) == {number}
    assert fake.asked.count("createReport") <= (1 if name != "createReport" else 5)


async def test_a_crash_between_pages_reads_the_report_again(
    fake: FakeAmazon, account: Account, seller: AmazonSeller, quick_clock: MockClock
) -> None:
    asked = {asked_back(seller) for _ in range(PAGE + 1)}
    run: Run[Any] = Run()
    async with account.open() as store:
        await run.read(store.returns, most_pages=2)
    assert len(run.documents) == PAGE
    assert numbers(await account.read("returns", run.cursor)) == asked
    assert fake.asked.count("createReport") == 1


async def test_each_marketplace_has_a_report_of_its_own(
    account: Account, seller: AmazonSeller, quick_clock: MockClock
) -> None:
    here = asked_back(seller)
    abroad = seller.place({"A": 1})
    abroad["salesChannel"]["marketplaceId"] = CANADA
    there = seller.ask_back(abroad)["Amazon RMA ID"]
    run = await account.read("returns", marketplaces=(HERE,))
    assert numbers(run) == {here}
    run = await account.read("returns", run.cursor, marketplaces=(HERE, CANADA))
    assert numbers(run) == {here, there}
    assert [each["marketplaceIds"] for each in seller.reports.values()] == [[HERE], [CANADA], [HERE]]


async def test_one_marketplaces_trouble_holds_up_no_other(
    account: Account, seller: AmazonSeller, quick_clock: MockClock
) -> None:
    """And its own returns come once it has none."""
    here, abroad = seller.place({"A": 1}), seller.place({"A": 1})
    abroad["salesChannel"]["marketplaceId"] = CANADA
    asked = {str(seller.ask_back(order, days=30)["Amazon RMA ID"]) for order in (here, abroad)}
    seller.fatal = {CANADA}
    both = sorted((HERE, CANADA))
    assert both[0] == CANADA, "the one that fails is read first"
    run: Run[Any] = Run()
    for _ in range(2):
        async with account.open(marketplaces=both) as store:
            with pytest.raises(NotYet):
                await run.read(store.returns)
        assert len(run.documents) == 1
        await trio.sleep(30 * DAY_S)
    seller.fatal = set()
    async with account.open(marketplaces=both) as store:
        await run.read(store.returns)
    assert numbers(run) == asked


async def test_what_failed_is_told_where_another_report_is_not_made_yet(
    account: Account, seller: AmazonSeller, quick_clock: MockClock
) -> None:
    abroad = seller.place({"A": 1})
    abroad["salesChannel"]["marketplaceId"] = CANADA
    seller.ask_back(abroad)
    seller.fatal = {CANADA}
    seller.report_s = 250.0
    run: Run[Any] = Run()
    async with account.open(marketplaces=sorted((HERE, CANADA))) as store:
        with pytest.raises(NotYet, match="gave up"):
            await run.read(store.returns)


async def test_a_new_marketplace_is_read_from_far_back(
    account: Account, seller: AmazonSeller, quick_clock: MockClock
) -> None:
    abroad = seller.place({"A": 1})
    abroad["salesChannel"]["marketplaceId"] = CANADA
    there = seller.ask_back(abroad, days=57)["Amazon RMA ID"]
    run = await account.read("returns", marketplaces=(HERE,))
    run = await account.read("returns", run.cursor, marketplaces=(HERE, CANADA))
    assert numbers(run) == {there}


async def test_a_long_pause_is_caught_up_with_window_by_window(
    fake: FakeAmazon, account: Account, seller: AmazonSeller, quick_clock: MockClock
) -> None:
    run = await account.read("returns")
    asked = set()
    for _ in range(10):
        await trio.sleep(20 * DAY_S)
        asked.add(asked_back(seller))
    found = set()
    for _ in range(2):  # a run waits for reports for five minutes
        run = await account.read("returns", run.cursor)
        found |= numbers(run)
    assert found == asked
    assert not fake.throttled
    windows = [
        (instant(each["dataStartTime"]), instant(each["dataEndTime"])) for each in seller.reports.values()
    ]
    assert all(before - after < timedelta(days=60) for after, before in windows)
    overlaps = itertools.pairwise(windows)
    assert all(before - after >= FOLLOWED for (_, before), (after, _) in overlaps)


async def test_reports_are_asked_for_as_often_as_may_be(
    fake: FakeAmazon, account: Account, seller: AmazonSeller, quick_clock: MockClock
) -> None:
    """A run that would have to wait long asks for none, and says so."""
    cursor = None
    unfinished = []
    seller.report_s = 0.0
    for _ in range(20):
        run = await account.read("returns", cursor)
        cursor = run.cursor
        unfinished.append("" if run.unfinished is None else run.unfinished.message)
    assert not unfinished[0]
    assert set(unfinished[1:]) == {"", "Amazon's budget of reports is used up"}
    assert not fake.throttled
    assert 15 <= fake.asked.count("createReport") < 25


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("charset", ["UTF-8", "cp1252", "Shift_JIS", "UTF-16"])
async def test_files_come_packed_or_not_and_in_other_character_sets(
    account: Account, seller: AmazonSeller, quick_clock: MockClock, packed: bool, charset: str
) -> None:
    seller.packed, seller.charset = packed, charset
    sku = {"cp1252": "Gr\u00f6\u00dfe", "Shift_JIS": "\u30b7\u30e3\u30c4"}.get(charset, "\u00fc\u30b7")
    seller.ask_back(seller.place({sku: 1}))
    run = await account.read("returns")
    (ret,) = run.documents.values()
    assert ret.lines[0].sku == sku


@pytest.mark.parametrize("named", ["Windows-31J", "Shift_JIS", "MS932", "x-sjis"])
async def test_japanese_files_are_read_by_whatever_name_they_have(
    account: Account, seller: AmazonSeller, quick_clock: MockClock, named: str
) -> None:
    """Windows' form of Shift JIS has more characters, and goes by that name too."""
    seller.charset, seller.charset_name = "cp932", named
    sku = "\u30b7\u30e3\u30c4\u2460\u9ad9"
    seller.ask_back(seller.place({sku: 1}))
    (ret,) = (await account.read("returns")).documents.values()
    assert ret.lines[0].sku == sku


async def test_of_an_unknown_character_set_only_plain_skus_are_told(
    account: Account, seller: AmazonSeller, quick_clock: MockClock
) -> None:
    seller.charset, seller.charset_name = "cp932", "X-Klingon"
    seller.ask_back(seller.place({"A": 1}))
    seller.ask_back(seller.place({"\u30b7\u30e3\u30c4": 1}))
    run = await account.read("returns")
    (ret,) = run.documents.values()
    assert ret.lines[0].sku == "A"
    (reason,) = run.bad.values()
    assert "character set" in reason


async def test_a_character_that_is_none_spoils_no_other(
    fake: FakeAmazon, account: Account, seller: AmazonSeller, quick_clock: MockClock
) -> None:
    seller.charset, seller.packed = "cp932", False
    seller.ask_back(seller.place({"\u30b7\u30e3\u30c4": 1}), Item_Name="*")

    def spoilt() -> None:
        (document,) = seller.documents.values()
        document["content"] = document["content"].replace(b"*", b"\x83\x3f\xa0")

    fake.before["download"] = spoilt
    (ret,) = (await account.read("returns")).documents.values()
    assert ret.lines[0].sku == "\u30b7\u30e3\u30c4"


@pytest.mark.parametrize(
    ("content", "whole"), [(None, True), (b"\x1f\x8bno", False), (lambda packed: packed[:-9], False)]
)
async def test_one_that_does_not_say_that_it_is_packed(
    fake: FakeAmazon,
    account: Account,
    seller: AmazonSeller,
    quick_clock: MockClock,
    content: Any,
    whole: bool,
) -> None:
    number = asked_back(seller)

    def unsaid() -> None:
        (document,) = seller.documents.values()
        document["headers"] = {"content-type": "text/plain"}
        if content is not None:
            document["content"] = content if isinstance(content, bytes) else content(document["content"])

    fake.before["download"] = unsaid
    if whole:
        assert numbers(await account.read("returns")) == {number}
    else:
        _, error = await failing(account)
        assert isinstance(error, ProtocolMismatch)


async def test_a_missing_role_is_named(fake: FakeAmazon, account: Account, quick_clock: MockClock) -> None:
    fake.roles = {"listings"}
    _, error = await failing(account)
    assert isinstance(error, AuthFailed)
    assert "Inventory and Order Tracking" in error.remedy


async def test_a_cursor_of_another_is_refused(account: Account) -> None:
    async with account.open() as store:
        with pytest.raises(ProtocolMismatch, match="cursor"):
            await store.returns.page("{", lambda _mark: False)
        await store.returns.confirm([])
