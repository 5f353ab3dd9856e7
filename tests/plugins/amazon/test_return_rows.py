"""Rows of a report become returns, or are set aside."""

from datetime import UTC, datetime

import pytest

from dropstream_amazon.return_rows import MOST_ROWS, read_returns
from dropstreamd.errors import ProtocolMismatch
from dropstreamd.model.handover import Bad
from dropstreamd.model.returns import Return

HEADS = (
    *("Order ID", "Return request date", "Return request status", "Amazon RMA ID", "Merchant RMA ID"),
    *("Merchant SKU", "Return quantity", "Order quantity", "Return Reason", "Return carrier", "Tracking ID"),
    *("Return delivery date", "Refunded Amount", "Order Item ID"),
)
ORDER = "113-6277818-6289068"


def row(**cells: str) -> str:
    """As a file has it; named by the columns, with underscores."""
    told = dict.fromkeys(HEADS, " ") | {
        "Order ID": ORDER,
        "Return request date": "14-Jul-2026",
        "Return request status": "Approved",
        "Amazon RMA ID": "DfqRRMA",
        "Merchant SKU": "A",
        "Return quantity": "1",
        "Order Item ID": "41",
    }
    return "\t".join((told | {name.replace("_", " "): cell for name, cell in cells.items()}).values())


def file(*rows: str) -> str:
    return "\r\n".join(("\ufeff" + "\t".join(HEADS), *rows, ""))


def read(*rows: str) -> tuple[list[Return], list[Bad]]:
    return read_returns(file(*rows))


def one(*rows: str) -> Return:
    (found,), bad = read(*rows)
    assert not bad
    return found


def test_a_row_is_told_whole() -> None:
    cells = {"Return_Reason": "CR-DEFECTIVE", "Return_carrier": "USPS", "Tracking_ID": "9202"}
    found = one(row(**cells))
    assert (found.key, found.number, found.order_key) == (f"{ORDER}/DfqRRMA", "DfqRRMA", ORDER)
    assert found.status == "open"
    assert found.requested_at == datetime(2026, 7, 14, tzinfo=UTC)
    assert (found.carrier, found.tracking_numbers) == ("USPS", ("9202",))
    (line,) = found.lines
    assert (line.key, line.order_line, line.sku, line.quantity) == ("41", "41", "A", 1)
    assert line.reason == "CR-DEFECTIVE"


def test_rows_of_one_number_are_one_return() -> None:
    found = one(
        row(Order_Item_ID="42", Merchant_SKU="B", Tracking_ID="2"),
        row(Return_quantity="2", Tracking_ID="1"),
        row(Order_Item_ID="43", Return_request_status="Closed"),
    )
    assert [(line.key, line.sku, line.quantity) for line in found.lines] == [
        ("41", "A", 2),
        ("42", "B", 1),
        ("43", "A", 0),
    ]
    assert found.tracking_numbers == ("1", "2")


def test_one_sku_on_two_order_items_is_two_lines_of_one_if_none_is_named() -> None:
    assert [line.order_line for line in one(row(), row(Order_Item_ID="42")).lines] == ["41", "42"]
    nameless = row(Order_Item_ID="", Return_quantity="2")
    (line,) = one(nameless, row(Order_Item_ID="")).lines
    assert (line.key, line.order_line, line.quantity) == ("A", "", 3)


@pytest.mark.parametrize(("ordered", "units"), [("1", 1), ("2", 2), ("3", 2), ("", 2), ("many", 2)])
def test_no_more_come_back_than_were_ordered(ordered: str, units: int) -> None:
    """Amazon has been seen to tell one unit by two rows."""
    same = row(Order_quantity=ordered)
    assert one(same, same).lines[0].quantity == units


def test_without_a_number_of_amazons_the_merchants_is_taken() -> None:
    assert one(row(Amazon_RMA_ID="", Merchant_RMA_ID="M-1")).number == "M-1"


def test_one_without_a_number_is_known_by_its_order_and_day() -> None:
    nameless = row(Amazon_RMA_ID="")
    found = one(nameless)
    assert (found.key, found.number) == (f"{ORDER}/2026-07-14", f"{ORDER}-260714")
    two, _ = read(nameless, row(Amazon_RMA_ID="", Return_request_date="15-Jul-2026"))
    assert len({each.number for each in two}) == 2


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        ({}, "waiting"),
        ({"Refunded_Amount": "9.10"}, "closed"),
        ({"Refunded_Amount": "9.10", "Tracking_ID": "1Z"}, "open"),
        ({"Return_delivery_date": "16-Jul-2026"}, "open"),
        ({"Merchant_RMA_ID": "M-1"}, "open"),
        ({"Return_request_status": "Closed"}, "cancelled"),
    ],
)
def test_what_has_no_number_is_expected_only_if_a_parcel_is_known(cells: dict[str, str], told: str) -> None:
    """It is a refund without a return."""
    assert one(row(**{"Amazon_RMA_ID": "", **cells})).status == told


def test_one_that_waits_has_to_have_a_number() -> None:
    waiting = {"Return_request_status": "PendingApproval"}
    assert read(row(**waiting, Amazon_RMA_ID="")) == ([], [])
    assert one(row(**waiting)).status == "waiting"


@pytest.mark.parametrize(
    ("status", "cells", "told"),
    [
        ("Approved", {"Refunded_Amount": "21.38"}, "open"),
        ("Completed", {}, "closed"),
        ("Completed", {"Tracking_ID": "1Z"}, "open"),
        ("Completed", {"Tracking_ID": "1Z", "Return_delivery_date": "16-Jul-2026"}, "closed"),
        ("Closed", {"Refunded_Amount": "0.00"}, "cancelled"),
        ("Closed", {"Refunded_Amount": "9.10"}, "closed"),
        ("Closed", {"Tracking_ID": "1Z"}, "closed"),
        ("Closed", {"Return_delivery_date": "16-Jul-2026"}, "closed"),
        ("closed", {}, "cancelled"),
    ],
)
def test_statuses(status: str, cells: dict[str, str], told: str) -> None:
    """Nothing is taken back of which something may come."""
    assert one(row(Return_request_status=status, **cells)).status == told


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"Return_request_status": "Genehmigt"}, "its status is 'Genehmigt'"),
        ({"Return_quantity": "0"}, "its quantity is '0'"),
        ({"Return_quantity": "one"}, "its quantity is 'one'"),
        ({"Return_quantity": "\u0661"}, "its quantity is"),
        ({"Merchant_SKU": ""}, "a SKU of it is empty"),
        ({"Merchant_SKU": "X" * 101}, "more than 100 bytes"),
        ({"Merchant_SKU": "A\0"}, "no text"),
        ({"Merchant_SKU": "\ufffd1"}, "another character set"),
        ({"Order_Item_ID": "4 1"}, "an order item of it is '4 1'"),
        ({"Return_Reason": "a\tb"}, "more cells than there are columns"),
    ],
)
def test_a_row_that_cannot_be_read_sets_its_return_aside(cells: dict[str, str], reason: str) -> None:
    found, (bad,) = read(row(Order_Item_ID="42"), row(**cells), row(Amazon_RMA_ID="GOOD"))
    assert bad.key == f"{ORDER}/DfqRRMA"
    assert reason in bad.reason
    assert [each.number for each in found] == ["GOOD"]


@pytest.mark.parametrize(
    "cells",
    [
        {"Order_ID": "no order"},
        {"Return_request_date": "32-Jul-2026"},
        {"Return_request_date": "14-Juli-2026"},
        {"Return_request_date": "2026-13-14"},
        {"Amazon_RMA_ID": "R" * 90},
        {"Amazon_RMA_ID": "R\x07"},
    ],
)
def test_one_that_cannot_be_named_is_set_aside_under_a_key_of_its_own(cells: dict[str, str]) -> None:
    odd = row(**cells)
    found, (bad,) = read(odd, row())
    assert bad.key.startswith("unreadable-")
    assert read(odd)[1][0].key == bad.key
    assert len(found) == 1


@pytest.mark.parametrize("day", ["2026-07-14", "2026-07-14T23:30:00-07:00", "14-JUL-2026"])
def test_days_are_read_in_other_forms(day: str) -> None:
    assert one(row(Return_request_date=day)).requested_at == datetime(2026, 7, 14, tzinfo=UTC)


def test_columns_may_be_fewer_in_another_order_and_spelled_otherwise() -> None:
    heads = "merchant-sku\torder-id\treturn_quantity\tReturn  request date\tNew\tamazon-rma-id"
    cells = f"A\t{ORDER}\t2\t14-Jul-2026\tnew\tR1"
    (found,), _ = read_returns(f"{heads}\tReturn request status\n{cells}\tApproved\n")
    assert found.lines[0].quantity == 2


def test_a_row_may_end_early() -> None:
    assert one(row(Order_Item_ID="").rstrip()).lines[0].key == "A"


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{}",
        "<html></html>",
        file().replace("Order ID", "order-id-2"),
        file().replace("Merchant SKU", "order id"),
    ],
)
def test_what_is_no_such_report_is_refused(content: str) -> None:
    with pytest.raises(ProtocolMismatch, match="columns"):
        read_returns(content)


def test_columns_in_another_language_name_the_setting() -> None:
    with pytest.raises(ProtocolMismatch) as raised:
        read_returns("Bestellnummer\tDatum der Rücksendeanfrage\n1\t2\n")
    assert "Language for Feed Processing Reports" in (raised.value.remedy or "")


def test_a_report_of_too_many_rows_is_refused() -> None:
    with pytest.raises(ProtocolMismatch, match="more than 100000 rows"):
        read_returns(file() + "\n" * MOST_ROWS)


def test_a_report_without_rows_tells_nothing() -> None:
    assert read() == ([], [])
