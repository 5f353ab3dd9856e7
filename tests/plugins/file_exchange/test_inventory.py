"""Inventory files."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest

from dropstream_file_exchange.inventory import read_stock
from dropstream_file_exchange.settings import Inventory
from dropstreamd.errors import ProtocolMismatch
from dropstreamd.model.stock import StockRow
from dropstreamd.platform.contract import StockPage

from .files import fetched

ZONE = ZoneInfo("America/Chicago")
NAME = "inv_20261121100000.csv"


def read(content: str | bytes, **fields: object) -> list[StockPage]:
    return list(read_stock(fetched(NAME, content), msgspec.convert(fields, Inventory), ZONE))


def rows(content: str | bytes, **fields: object) -> list[tuple[str, int]]:
    return [(row.sku, row.quantity) for page in read(content, **fields) for row in page.rows]


def test_the_documented_layout() -> None:
    (page,) = read('"sku","quantity","status","facility"\n"A","5","available","EAST"\n"B ","0","",""\n')
    assert page.rows == (
        StockRow(sku="A", quantity=5, status="available", facility="EAST"),
        StockRow(sku="B", quantity=0),
    )
    assert page.last
    assert page.mark is not None
    assert not page.bad


@pytest.mark.parametrize("row", ["-3", "-3.0"])
def test_a_negative_figure_is_kept(row: str) -> None:
    assert rows(f"sku,quantity\nA,{row}\n") == [("A", -3)]


def test_columns_by_position_in_another_form() -> None:
    content = "12,0;x;Ä-1\r\n3;y;B\r\n".encode("cp1252")
    form = {"header": False, "delimiter": ";", "quote": "", "encoding": "cp1252", "decimal": ","}
    assert rows(content, columns={"sku": 3, "quantity": 1}, **form) == [("Ä-1", 12), ("B", 3)]


def test_columns_by_other_names_with_a_byte_order_mark() -> None:
    content = "\ufeffItem No,On Hand\nA,1\n"
    assert rows(content, columns={"sku": "Item No", "quantity": "On Hand"}) == [("A", 1)]


def test_utf_16() -> None:
    assert rows("sku,quantity\nÄ,1\n".encode("utf-16"), encoding="utf-16") == [("Ä", 1)]


def test_bad_rows_are_set_aside_with_their_line_while_the_others_go_on() -> None:
    content = (
        "sku,quantity\nA,1\nB,\n,2\n\nC,many\nD,1,2\nE\nF,5,\n"
        + "G" * 101
        + ',1\n"H\n2",x\nI,x\n'
        + "J" * 30
        + ",4\nK\0,1\n"
    )
    (page,) = read(content)
    assert {(row.sku, row.quantity) for row in page.rows} == {("A", 1), ("F", 5), ("J" * 30, 4)}
    found = {bad.place.rpartition(" ")[2]: (bad.key[:3], bad.reason) for bad in page.bad}
    assert found == {
        "3": ("B", "the quantity is empty"),
        "4": ("row", "the SKU is empty"),
        "6": ("C", "the quantity 'many' is not a number"),
        "7": ("D", "it has 3 fields, expected 2"),
        "8": ("E", "it has 1 fields, expected 2"),
        "10": ("row", "the SKU is longer than 100 bytes, or holds a NUL"),
        "11": ("H\n2", "the quantity 'x' is not a number"),
        "13": ("I", "the quantity 'x' is not a number"),
        "15": ("row", "the SKU is longer than 100 bytes, or holds a NUL"),
    }
    assert page.bad[0].raw == b'"B",""'


def test_a_large_file_comes_in_pages() -> None:
    pages = read("sku,quantity\n" + "".join(f"S{n},{n}\n" for n in range(4000)))
    assert [len(page.rows) for page in pages] == [2000, 2000]
    assert [page.last for page in pages] == [False, True]
    assert [page.mark is None for page in pages] == [True, False]
    assert len({page.snapshot for page in pages}) == 1


def test_a_header_alone_is_an_empty_snapshot() -> None:
    (page,) = read("sku,quantity\n")
    assert (page.rows, page.last) == ((), True)


@pytest.mark.parametrize(
    ("content", "fields", "reason"),
    [
        ("", {}, "no header"),
        ("\nA,1\n", {}, "no header"),
        ("item,quantity\nA,1\n", {}, "no column 'sku'"),
        ("sku,quantity,sku\nA,1,B\n", {}, "names the column 'sku' twice"),
        (
            "sku,quantity\nA,1\n",
            {"columns": {"sku": "sku", "quantity": "quantity", "status": "state"}},
            "'state'",
        ),
        ("sku,quantity\nA,1\nB,2", {}, "no end"),
        ('sku,quantity\nA,"1"\n"B"', {}, "no end"),
        ('"sku","quantity"\n"A","1"\n"B","2', {}, "no end"),
        ('sku,quantity\n"A,1\nB,2\n', {}, "unexpected end of data"),
        ('sku,quantity\n"A"x,1\n', {}, "line 2: "),
        (b"sku,quantity\n\xff,1\n", {}, "not written in utf-8-sig"),
        ("sku,quantity\n" + "A,x\n" * 1001, {}, "more than 1000 rows"),
        ("sku,quantity\nA,1\n", {"as_of": "name", "as_of_name": "stock_%Y.csv"}, "the snapshot's time"),
    ],
)
def test_what_makes_the_whole_file_unreadable(
    content: str | bytes, fields: dict[str, object], reason: str
) -> None:
    with pytest.raises(ProtocolMismatch, match=reason):
        read(content, **fields)


def test_a_last_row_without_an_end_where_that_is_allowed() -> None:
    assert rows('"sku","quantity"\n"A","1"') == [("A", 1)]
    assert rows("sku,quantity\nA,1", last_newline=False) == [("A", 1)]
    with pytest.raises(ProtocolMismatch, match="no end"):
        read("sku,quantity\nA", last_newline=False)


def test_when_its_figures_were_true() -> None:
    content = "sku,quantity,at\n\nA,1,2026-11-21 09:00\nB,1,2026-11-21 09:30\n"
    columns = {"sku": "sku", "quantity": "quantity", "as_of": "at"}
    assert read(content)[0].as_of == datetime.fromtimestamp(1_795_000_000, UTC)
    assert read(content, as_of="name")[0].as_of == datetime(2026, 11, 21, 16, tzinfo=UTC)
    assert read(content, as_of="column", columns=columns)[0].as_of == datetime(2026, 11, 21, 15, tzinfo=UTC)
    with pytest.raises(ProtocolMismatch, match="the snapshot's time"):
        read("sku,quantity,at\n", as_of="column", columns=columns)


def test_a_column_by_position_that_the_header_has_not() -> None:
    with pytest.raises(ProtocolMismatch, match="its header has 2 columns, the quantity is to be in number 5"):
        read("sku,name\nA,x\n", columns={"sku": 1, "quantity": 5})


@pytest.mark.parametrize("odd", ["B", "B,x", "B,1.5", ",1", f"{'B' * 101},1", "B,"])
def test_a_file_without_a_header_has_odd_rows_too(odd: str) -> None:
    pages = read(f"A,5\n{odd}\nC,7,more\n", header=False, columns={"sku": 1, "quantity": 2})
    assert [(row.sku, row.quantity) for page in pages for row in page.rows] == [("A", 5), ("C", 7)]
    assert [bad.place for page in pages for bad in page.bad] == [f"{NAME} line 2"]
