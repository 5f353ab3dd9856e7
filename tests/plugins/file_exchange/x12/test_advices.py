"""846, 944, 947 and 997 as they are read, 943 as it is written."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest

from dropstream_file_exchange.x12.adjustment_advice import read_adjustment
from dropstream_file_exchange.x12.functional import (
    read_acknowledgement,
    read_interchange_acknowledgement,
)
from dropstream_file_exchange.x12.inventory_advice import InventoryAdvice
from dropstream_file_exchange.x12.receipt_advice import Difference, ReceiptAdvice, read_receipt
from dropstream_file_exchange.x12.returns import prepare
from dropstream_file_exchange.x12.settings import X12
from dropstream_file_exchange.x12.values import Unreadable
from dropstreamd.model.acknowledgements import Acknowledgement
from dropstreamd.model.orders import Address
from dropstreamd.model.returns import OutboundReturn, OutboundReturnLine, ReceiptLine
from dropstreamd.model.stock import StockRow
from dropstreamd.platform.contract import Item, Stamp

from .oracle import leaves, parsed
from .samples import SETTINGS, faults, file, interchange, segments, survey, x12

ZONE = ZoneInfo("America/Chicago")
AT = datetime(2026, 11, 21, tzinfo=UTC)


def stock(body: str, rules: X12 = SETTINGS) -> list[tuple[str, int, str]]:
    rows = InventoryAdvice(segments(file("846", body)), rules, ZONE, ">").rows()
    return [
        (row.sku, row.quantity, row.facility) if isinstance(row, StockRow) else (row.sku, -1, row.reason)
        for row in rows
    ]


STOCK = """
    BIA*00*SI*INV1*20261121*0600
    DTM*405*20261121
    N1*WH*East*92*EAST
    LIN*1*VN*A*UP*012345678905
    QTY*33*5*EA
    QTY*17*9*EA
    LIN**SK*B
    QTY*33*-2
    QTY*33*7.0
    LIN**UP*012345678905*VN*C
    QTY*17*3
    N1*WH*West*92*WEST
    QTY*33*4*EA>1
    CTT*3
"""


def test_stock_is_the_figure_that_the_settings_name() -> None:
    parsed(file("846", STOCK))
    assert stock(STOCK) == [("A", 5, "EAST"), ("B", -2, "EAST"), ("B", 7, "EAST"), ("C", 4, "WEST")]
    on_hand = stock(STOCK, x12(inventory={"figure": "on_hand"}))
    assert [row for row in on_hand if row[1] >= 0] == [("A", 9, "EAST"), ("C", 3, "EAST")]
    assert on_hand[1][2].endswith("no quantity of it is qualified as 17")


def test_the_time_of_the_document() -> None:
    rules = x12(inventory={"as_of": "document"})
    advice = InventoryAdvice(segments(file("846", STOCK)), rules, ZONE, ">")
    assert len(list(advice.rows())) == 4
    assert advice.as_of == datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("product", "reason"),
    [
        ("LIN**BP*A\nQTY*33*1", "found: BP"),
        ("LIN**VN*A\nQTY*33*", "the quantity is empty"),
        ("LIN**VN*A\nQTY*33*1.5", "no whole number"),
        ("LIN**VN*A\nQTY*33*1*CA", "counts in 'CA'"),
        ("LIN**VN*A\nQTY*99*1", "qualified as 33"),
        ("LIN**VN*A", "qualified as 33"),
        ("LIN**VN*A\nSDQ*EA*92*W1*5", "SDQ"),
    ],
)
def test_a_bad_product_leaves_the_others_alone(product: str, reason: str) -> None:
    rows = stock(f"BIA*00*SI*1*20261121\n{product}\nLIN**VN*Z\nQTY*33*1")
    assert rows[1] == ("Z", 1, "")
    assert reason in rows[0][2]


def test_two_figures_of_one_product_are_not_added_up() -> None:
    rules = x12(inventory={"available": ["33", "QA"]})
    rows = stock("BIA*00*SI*1*20261121\nLIN**VN*A\nQTY*33*1\nQTY*QA*2", rules)
    assert "several qualifiers: 33, QA" in rows[0][2]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("LIN**VN*A\nQTY*33*1", "no BIA"),
        ("BIA*04*SI*1*20261121", "changes only"),
    ],
)
def test_what_is_no_snapshot(body: str, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        stock(body)


RECEIPT = """
    W17*C*20261121*RC55*RT-9*SHIP1*1*0930
    N1*WH*East
    N9*RZ*RMA-9
    N9*CO*SH1433
    N9*2I*1Z009
    W07*5*EA**VN*A
    N9*LI*1
    W13*2*EA*01**08
    W13*1*EA*04
    W13*3*EA*02
    W07*1*EA**VN*B
    W13*1*EA*03
    W14*6
"""


def receipt(body: str, rules: X12 = SETTINGS) -> ReceiptAdvice:
    return read_receipt(segments(file("944", body)), rules, ZONE)


def test_a_receipt_tells_conditions_and_differences() -> None:
    parsed(file("944", RECEIPT))
    advice = receipt(RECEIPT)
    found = advice.receipt
    assert found is not None
    assert (found.key, found.reference, found.order_reference) == ("r/RC55/RT-9", "RT-9", "SH1433")
    assert found.tracking_numbers == ("1Z009",)
    assert found.received_at == datetime(2026, 11, 21, 15, 30, tzinfo=UTC)
    assert found.lines == (
        ReceiptLine(sku="A", quantity=2, condition="restock", return_line=1),
        ReceiptLine(sku="A", quantity=2, condition="damaged", return_line=1),
        ReceiptLine(sku="A", quantity=1, condition="quarantine", return_line=1),
        ReceiptLine(sku="B", quantity=1, condition="restock"),
    )
    assert advice.differences == (
        Difference(sku="A", number=1, short=3),
        Difference(sku="B", number=0, over=1),
    )
    apart = receipt(RECEIPT, x12(receipts={"damaged_included": False})).receipt
    assert apart is not None
    assert [line.quantity for line in apart.lines] == [5, 2, 1, 1]
    assert receipt(RECEIPT, x12(receipts={"ignored": ["C"]})).receipt is None


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("N1*WH*E", "no W17"),
        ("W17*F*20261121*\nW07*1*EA**VN*A", "receipt number is empty"),
        ("W17*F*20261121*R1", "nothing was received"),
        ("W17*F*20261121*R1\nW07*0*EA**VN*A", "nothing was received"),
        ("W17*F*20261121*R1\nW07*-1*EA**VN*A", "negative"),
        ("W17*F*20261121*R1\nW07*1*CA**VN*A", "counts in 'CA'"),
        ("W17*F*20261121*R1\nW13*1*EA*01", "follows no W07"),
        ("W17*F*20261121*R1\nW07*1*EA**VN*A\nW13*1*EA*99", "condition '99'"),
        ("W17*F*20261121*R1\nW07*1*EA**VN*A\nW13*2*EA*01", "1 units were received, and 2"),
    ],
)
def test_a_receipt_that_cannot_be_taken(body: str, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        receipt(body)


def test_an_adjustment() -> None:
    body = "W15*20261121**ADJ1\nN1*WH*E\nW19*AA*-3*EA**VN*A\nW19*07*2*EA**VN*B"
    parsed(file("947", body))
    advice = read_adjustment(segments(file("947", body)), SETTINGS, ZONE)
    assert (advice.key, advice.number) == ("a/ADJ1/20261121", "ADJ1")
    assert [(line.sku, line.quantity, line.reason) for line in advice.lines] == [
        ("A", -3, "AA"),
        ("B", 2, "07"),
    ]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("W19*AA*1*EA**VN*A", "no W15"),
        ("W15*20261121**ADJ1", "no line"),
        ("W15*20261121\nW19*AA*1*EA**VN*A", "no adjustment number"),
        ("W15*20261121**ADJ1\nW19*AA*x*EA**VN*A", "no whole number"),
        ("W15*20261121**ADJ1\nW19*AA*1*CS**VN*A", "counts in 'CS'"),
    ],
)
def test_an_adjustment_that_cannot_be_taken(body: str, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        read_adjustment(segments(file("947", body)), SETTINGS, ZONE)


def acknowledged(body: str) -> list[Acknowledgement]:
    return list(read_acknowledgement(segments(file("997", body)), SETTINGS, "42/0001", AT))


@pytest.mark.parametrize(
    ("body", "verdict", "codes"),
    [
        ("AK1*OW*7\nAK9*A*1*1*1", "received", ()),
        ("AK1*OW*7\nAK2*940*0001\nAK5*A\nAK9*A*1*1*1", "received", ()),
        ("AK1*OW*7\nAK2*940*0001\nAK5*E*5\nAK9*E*1*1*1", "received", ("5",)),
        ("AK1*OW*7\nAK2*940*0001\nAK3*N1*3**8\nAK4*2*93*1\nAK5*R*5\nAK9*R*1*1*0", "rejected", ("5",)),
        ("AK1*OW*7\nAK2*940*0001\nAK5*R*5*4\nAK9*P*1*1*0*5", "rejected", ("5", "4")),
        ("AK1*OW*7\nAK9*R*1*1*0*2", "rejected", ("2",)),
        ("AK1*OW*000000007\nAK9*X*1*1*0", "rejected", ()),
    ],
)
def test_acknowledgements_lead_to_the_file(body: str, verdict: str, codes: tuple[str, ...]) -> None:
    parsed(file("997", body))
    (found,) = acknowledged(body)
    assert (found.name, found.verdict, found.codes) == ("940_000000007.edi", verdict, codes)
    assert bool(found.reason) == (verdict == "rejected")
    assert found.key.startswith("fa/42%2F0001/")


def test_the_reason_says_where() -> None:
    (found,) = acknowledged("AK1*AR*9\nAK2*943*0001\nAK3*N1*3**8\nAK4*2*93*1*SECRET\nAK5*R*5\nAK9*R*1*1*0")
    assert found.name == "943_000000009.edi"
    assert found.reason == (
        "the partner's translator refused it: 5 (a segment of it is in error); segment N1 at 3, error 8; "
        "element 2, error 1"
    )


def test_an_acknowledgement_of_other_documents_says_nothing() -> None:
    assert not acknowledged("AK1*PO*7\nAK9*R*1*1*0")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("AK9*A*1*1*1", "no AK1"),
        ("AK1*OW*7", "no AK1, or no AK9"),
        ("AK1*OW*7\nAK9*Q*1*1*1", "the code 'Q'"),
        ("AK1*OW*7\nAK9*P*2*2*1", "no AK5 says which"),
        ("AK1*OW*x\nAK9*A*1*1*1", "the control number 'x'"),
        ("AK1*OW*0\nAK9*A*1*1*1", "none of ours"),
    ],
)
def test_an_acknowledgement_that_cannot_be_read(body: str, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        acknowledged(body)


def test_a_refused_interchange() -> None:
    for code, expected in (("A", None), ("E", None), ("R", "rejected")):
        (found,) = survey(interchange([f"TA1*000000007*261121*0930*{code}*006"]))
        told = read_interchange_acknowledgement(found.acknowledged[0], found, SETTINGS)
        assert (told and told.verdict) == expected
    assert told is not None
    assert (told.name, told.codes, told.key) == ("940_000000007.edi", ("006",), "ta1/000000042/000000007")


EXPECTED_BACK = OutboundReturn(
    reference="RT-9",
    number="RMA-9",
    order_reference="SH1433",
    requested_at=AT,
    lines=(OutboundReturnLine(number=1, return_line="r", order_line="a", sku="A", quantity=2),),
    sender=Address(name="JOAN HARRY"),
    carrier="UPS",
    tracking_numbers=("1Z009",),
    note="in its box",
)
STAMP = Stamp(attempt="A", at=AT, number=12)


def test_a_return_to_expect() -> None:
    (prepared,) = prepare([Item(key="k", document=EXPECTED_BACK)], STAMP, SETTINGS, ZoneInfo("UTC")).prepared
    assert prepared.name == "943_000000012.edi"
    assert not faults(prepared.payload)
    names = [name for name, _ in leaves(parsed(prepared.payload))]
    assert names == ["ST", "W06", "N1", "N9", "N9", "NTE", "W27", "W04", "N9", "W03", "SE"]
    assert b"W06*C*RT-9*20261121*RMA-9**SH1433~" in prepared.payload
    bare = msgspec.structs.replace(EXPECTED_BACK, sender=None, carrier="", tracking_numbers=(), note="")
    parsed(prepare([Item(key="k", document=bare)], STAMP, SETTINGS, ZoneInfo("UTC")).prepared[0].payload)


def test_a_return_that_cannot_be_written() -> None:
    none = msgspec.structs.replace(EXPECTED_BACK, lines=())
    items = [
        Item(key="none", document=none),
        Item(key="change", document=EXPECTED_BACK, remote="x"),
        Item(key="cancel", document=EXPECTED_BACK, remote="x", cancel=True),
    ]
    causes = [(each.key, each.cause) for each in prepare(items, STAMP, SETTINGS, ZoneInfo("UTC")).rejected]
    assert causes == [("none", "lines"), ("change", "change"), ("cancel", "change")]
