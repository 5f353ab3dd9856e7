"""943 of purchase orders as they are written, and 944 as it answers them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from dropstream_file_exchange.x12.check import check
from dropstream_file_exchange.x12.receipt_advice import read_receipt
from dropstream_file_exchange.x12.settings import X12
from dropstream_file_exchange.x12.stock_notices import prepare
from dropstreamd.channels import receipt_of_notice
from dropstreamd.model.purchases import NoticeLine, PurchaseLine, PurchaseOrder, StockNotice
from dropstreamd.platform.contract import Item, Stamp

from .oracle import leaves, parsed
from .samples import SETTINGS, file, segments, x12

ZONE = ZoneInfo("America/Chicago")
STAMP = Stamp(attempt="a1", at=datetime(2026, 11, 21, 15, 30, tzinfo=UTC), number=7)
NOTICE = StockNotice(
    reference="PSH77",
    number="PO-77",
    lines=(
        NoticeLine(number=1, sku="A", quantity=48, unit="case", pack=12),
        NoticeLine(number=2, sku="B", quantity=5),
    ),
    supplier="Mill & Sons",
    ordered_at=datetime(2026, 11, 20, 18, tzinfo=UTC),
    expected_at=datetime(2026, 12, 1, 18, tzinfo=UTC),
    carrier="Truck",
    tracking_numbers=("1Z7",),
    note="two pallets",
)


def written(notice: StockNotice, rules: X12 = SETTINGS) -> list[tuple[str, list[str]]]:
    """The segments of its file, as another parser sees them."""
    preparation = prepare([Item(key="PO-77", document=notice)], STAMP, rules, ZONE)
    assert not preparation.rejected
    (prepared,) = preparation.prepared
    assert (prepared.name, prepared.keys) == ("943_000000007.edi", ("PO-77",))
    return leaves(parsed(prepared.payload))


def refused(notice: StockNotice, **how: object) -> tuple[str, str]:
    item = replace(Item(key="PO-77", document=notice), **how)
    preparation = prepare([item], STAMP, SETTINGS, ZONE)
    assert not preparation.prepared
    (rejected,) = preparation.rejected
    return rejected.cause, rejected.reason


def test_a_purchase_order_is_announced() -> None:
    rules = x12(
        orders={
            "parties": {"WH": {"name": "East", "qualifier": "92", "id": "EAST"}},
            "carriers": {"Truck": {"routing": "Overland", "scac": "OVLD", "method": "M"}},
        }
    )
    found = written(NOTICE, rules)
    assert found[1:-1] == [
        ("W06", ["F", "PSH77", "PO-77"]),
        ("N1", ["SF", "Mill & Sons"]),
        ("N1", ["WH", "East", "92", "EAST"]),
        ("N9", ["2I", "1Z7"]),
        ("G62", ["04", "20261120"]),
        ("G62", ["17", "20261201"]),
        ("NTE", ["WHI", "two pallets"]),
        ("W27", ["M", "OVLD", "Overland"]),
        ("W04", ["48", "EA", "VN", "A"]),
        ("N9", ["LI", "1"]),
        ("W20", ["12"]),
        ("W04", ["5", "EA", "VN", "B"]),
        ("N9", ["LI", "2"]),
        ("W03", ["53"]),
    ]


def test_what_is_not_known_is_left_out() -> None:
    bare = StockNotice(reference="P1", number="1", lines=(NoticeLine(number=1, sku="A", quantity=1),))
    rules = x12(notices={"reporting": "J"}, orders={"line_reference": "", "note_code": ""})
    found = written(replace(bare, note="not wanted"), rules)
    assert found[1:-1] == [
        ("W06", ["J", "P1", "1"]),
        ("N1", ["SF", "SUPPLIER"]),
        ("W27", ["U", "UNKNOWN"]),
        ("W04", ["1", "EA", "VN", "A"]),
        ("W03", ["1"]),
    ]


def test_what_cannot_be_announced() -> None:
    assert refused(NOTICE, remote="943_000000001.edi")[0] == "change"
    assert refused(NOTICE, cancel=True)[0] == "change"
    assert refused(replace(NOTICE, lines=()))[0] == "lines"
    assert refused(replace(NOTICE, number="N" * 23))[0] == "length"
    assert refused(replace(NOTICE, supplier="A*B"))[0] == "characters"
    assert refused(replace(NOTICE, tracking_numbers=("1",) * 11))[0] == "length"
    assert refused(replace(NOTICE, note="word " * 500))[0] == "length"


def test_its_settings_are_looked_at() -> None:
    wrong = x12(notices={"reporting": "FF", "ordered_date": "4", "expected_date": ""})
    assert [problem.key for problem in check(wrong)] == ["x12.notices.reporting", "x12.notices.ordered_date"]


@pytest.mark.parametrize(
    ("body", "status", "lines"),
    [
        ("W07*48*EA**VN*A\nN9*LI*1\nW07*5*EA**VN*B\nN9*LI*2", "received", [(48, 0), (5, 0)]),
        ("W07*40*EA**VN*A\nW13*3*EA*01", "partially-received", [(40, 3), (0, 0)]),
        ("W07*40*EA**VN*A\nW13*8*EA*02\nW07*6*EA**VN*B\nW13*1*EA*03", "closed", [(40, 0), (6, 0)]),
        ("W07*0*EA**VN*A\nN9*LI*1\nW13*48*EA*02", "partially-received", [(0, 0), (0, 0)]),
    ],
)
def test_a_receipt_answers_it(body: str, status: str, lines: list[tuple[int, int]]) -> None:
    content = file("944", f"W17*F*20261202*RC1*PSH77\nN1*WH*East\n{body}\nW14*60")
    parsed(content)
    receipt = read_receipt(segments(content), SETTINGS, ZONE).receipt
    assert receipt is not None
    assert receipt.reference == "PSH77"
    order = PurchaseOrder(
        key="PSH77",
        number="PO-77",
        status="open",
        lines=(PurchaseLine(key="1", sku="A", expected=48), PurchaseLine(key="2", sku="B", expected=5)),
    )
    told = receipt_of_notice.told(order, [receipt])
    assert told.status == status
    assert [(line.received, line.damaged) for line in told.lines] == lines
