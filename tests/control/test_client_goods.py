"""`catalog`, `po`, and what `sku` says of our catalogue."""

import re
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
import pytest

from dropstreamd.clock import utc
from dropstreamd.control.cli import entering
from dropstreamd.control.messages.goods import (
    CatalogShown,
    EnteredLine,
    EnteredPurchase,
    EnterPurchases,
    LackingShown,
    ProductShown,
    Purchases,
    PurchasesEntered,
    PurchaseShown,
)
from dropstreamd.control.messages.returned import ReceiptShown, ReturnShown, ReturnStep
from dropstreamd.errors import ConfigError
from dropstreamd.model.products import Product
from dropstreamd.model.purchases import PurchaseLine, PurchaseOrder
from dropstreamd.model.returns import ReturnedLine, ReturnReceipt
from tests.channels.plant import asked_back, came_back
from tests.control.fake_api import FakeApi, ctl, golden, refusal
from tests.control.shown import NOW_S
from tests.control.test_client_explained import ORDER, SKU

AT = "/v1/connections/acme-vendure"
PRODUCT = Product(
    key="gid://7",
    sku="TEE-1",
    title="Tee",
    option="Red / M",
    gtin="00012345678905",
    vendor_code="V-1",
    weight_g=180,
    origin="PT",
)
CASES = PurchaseLine(key="1", sku="TEE-1", expected=24, received=12, damaged=1, unit="case", pack=12)
PURCHASE = PurchaseOrder(
    key="po/9",
    number="PO 9",
    status="partially-received",
    supplier="Mill",
    expected_at=datetime(2026, 3, 9, 12, 0, tzinfo=UTC),
    lines=(CASES, PurchaseLine(key="2", sku="B", expected=5)),
)
SHOWN = PurchaseShown(purchase=PURCHASE, at_s=NOW_S, state="accepted", sent=PURCHASE)


def test_what_the_store_lacks(api: FakeApi) -> None:
    lacking = (
        LackingShown(item=PRODUCT, channel_sku="RED-M", near=("tee-1", "TEE 1")),
        LackingShown(item=PRODUCT, channel_sku="TEE-1", state="parked", reason="no title"),
    )
    shown = CatalogShown(mode="drafts", store_known=True, lacking=lacking, more=True)
    api.answer(f"GET {AT}/catalog", shown)
    golden("catalog", ctl(api, "catalog", "acme-vendure").out)


def test_a_store_that_lacks_nothing_or_was_never_read(api: FakeApi) -> None:
    api.answer(f"GET {AT}/catalog", CatalogShown(mode="list", store_known=False, lacking=()))
    out = ctl(api, "catalog", "acme-vendure").out
    assert "→ dropstreamctl run acme-vendure products.update" in out
    assert out.endswith("The store has every item of the warehouse.\n")


def test_what_is_on_its_way(api: FakeApi) -> None:
    untold = msgspec.structs.replace(SHOWN, state="", sent=None)
    api.answer(f"GET {AT}/purchase-orders", Purchases(purchases=(SHOWN, untold), more=True))
    golden("po", ctl(api, "po", "acme-vendure").out)
    api.answer(f"GET {AT}/purchase-orders?ended=true", Purchases(purchases=()))
    assert ctl(api, "po", "acme-vendure", "--ended").out == "No purchase order is known.\n"


def test_one_purchase_order(api: FakeApi) -> None:
    api.answer(f"GET {AT}/purchase-orders/PO%209", SHOWN)
    golden("po_one", ctl(api, "po", "acme-vendure", "PO 9").out)


def test_purchase_orders_of_a_file_are_entered(api: FakeApi, tmp_path: Path) -> None:
    file = tmp_path / "po.csv"
    file.write_text(
        "number,sku,quantity,unit,pack,expected,tracking,supplier\n"
        "PO-1,TEE-1,24,case,12,2026-12-24,1Z1 1Z2,Mill\n"
        "PO-1,B,5,,,,,\n"
        "PO-2,B,1,,,,,\n"
    )
    api.answer(f"POST {AT}/purchase-orders", PurchasesEntered(new=2, changed=0, same=0, run="01JRUN"))
    told = ctl(api, "po", "acme-vendure", "--enter", str(file))
    assert told.out == "2 new, 0 changed, 0 as they were.\nThey go to the warehouse with run 01JRUN.\n"
    assert entering.read(file) == EnterPurchases(
        purchases=(
            EnteredPurchase(
                number="PO-1",
                lines=(
                    EnteredLine(sku="TEE-1", quantity=24, unit="case", pack=12),
                    EnteredLine(sku="B", quantity=5),
                ),
                supplier="Mill",
                expected_on=date(2026, 12, 24),
                tracking_numbers=("1Z1", "1Z2"),
            ),
            EnteredPurchase(number="PO-2", lines=(EnteredLine(sku="B", quantity=1),)),
        )
    )


@pytest.mark.parametrize(
    ("argv", "typed", "code"),
    [((), "", 4), (("--yes",), "", 0), ((), "y\n", 0), ((), "n\n", 4), (("--json",), "", 4)],
)
def test_a_change_is_shown_before_it_is_made(
    api: FakeApi, tmp_path: Path, argv: tuple[str, ...], typed: str, code: int
) -> None:
    file = tmp_path / "po.csv"
    file.write_text("number,sku,quantity\nPO-1,A,1\n")
    no = refusal(
        "unconfirmed", 409, "1 of these would change", known=("PO-1: A: 2 each → 1 each",), shown="f00d"
    )
    api.answer(f"POST {AT}/purchase-orders", no)
    api.answer(f"POST {AT}/purchase-orders", PurchasesEntered(new=0, changed=1, same=0))
    told = ctl(api, "po", "acme-vendure", "--enter", str(file), *argv, typed=typed, is_terminal=bool(typed))
    assert told.code == code
    if "--json" not in argv:
        assert told.err.startswith("1 of these would change\n  - PO-1: A: 2 each → 1 each\n")
    first = entering.read(file)
    yes = "--yes" in argv
    agreed = msgspec.structs.replace(first, confirmed=yes, shown="" if yes else "f00d")
    sent = [first, agreed] if code == 0 else [first]
    assert [each.read(EnterPurchases) for each in api.asked] == sent


def test_purchase_orders_that_wait_for_the_switch(api: FakeApi, tmp_path: Path) -> None:
    file = tmp_path / "po.csv"
    file.write_text("number,sku,quantity\nPO-1,A,1\n")
    api.answer(f"POST {AT}/purchase-orders", PurchasesEntered(new=0, changed=1, same=1))
    out = ctl(api, "po", "acme-vendure", "--enter", str(file)).out
    assert "once the channel purchase_orders is on" in out


def test_purchase_orders_that_may_have_been_sent_before_a_restore(api: FakeApi, tmp_path: Path) -> None:
    file = tmp_path / "po.csv"
    file.write_text("number,sku,quantity\nPO-1,A,1\n")
    api.answer(f"POST {AT}/purchase-orders", PurchasesEntered(new=3, changed=0, same=0, run="01J", held=2))
    out = ctl(api, "po", "acme-vendure", "--enter", str(file)).out
    assert "The others go to the warehouse with run 01J" in out
    assert "2 may have been sent before the state was restored from a backup: they wait for you" in out
    assert "dropstreamctl parked acme-vendure" in out


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ("PO-1,A,0,,,open", "quantity '0'"),
        ("PO-1,A,1.5,,,open", "quantity '1.5'"),
        ("PO-1,A,1,x,,open", "pack 'x'"),
        ("PO-1,A,1,,24.12.2026,open", "expected '24.12.2026'"),
        ("PO-1,A,1,,,done", "status 'done'"),
        ("PO-1,,1,,,", "sku"),
        ("PO-1,A,1,,,\nPO-1,A,2,,,", "again"),
    ],
)
def test_a_file_of_purchase_orders_that_is_wrong(tmp_path: Path, row: str, found: str) -> None:
    file = tmp_path / "po.csv"
    file.write_text(f"number,sku,quantity,pack,expected,status\n{row}\n")
    with pytest.raises(ConfigError, match=re.escape(found)):
        entering.read(file)


def test_one_that_was_entered_here(api: FakeApi) -> None:
    shown = msgspec.structs.replace(SHOWN, notice="parked", notice_reason="the partner refused it")
    api.answer(f"GET {AT}/purchase-orders/PO%209", shown)
    out = ctl(api, "po", "acme-vendure", "PO 9").out
    assert "the warehouse parked until its cause is gone: the partner refused it" in " ".join(out.split())
    assert "entered here" in out


def test_a_sku_with_what_our_catalogue_has(api: FakeApi) -> None:
    off = msgspec.structs.replace(PRODUCT, active=False)
    products = (
        ProductShown(product=PRODUCT, at_s=NOW_S, gone=False),
        ProductShown(product=off, at_s=NOW_S, gone=False),
        ProductShown(product=off, at_s=NOW_S, gone=True),
    )
    shown = msgspec.structs.replace(SKU, products=products)
    api.answer(f"GET {AT}/skus/TEE-1", shown)
    golden("sku_products", ctl(api, "sku", "acme-vendure", "TEE-1").out)


RECEIPT = came_back("C1", ("W-A", 1, "damaged"), reference="R7", received_at=utc(NOW_S))
TOLD = ReturnReceipt(
    receipt_key="C1",
    order_key="o1",
    order_number="1",
    lines=(ReturnedLine(order_line="L1", sku="A", quantity=1, condition="damaged", return_line="RL1"),),
)
RETURN = ReturnShown(
    connection="acme-vendure",
    key="r7",
    number="7",
    reference="R7",
    state="accepted",
    standing="ready",
    cause="",
    reason="",
    revision=1,
    accepted=1,
    remote="RMA-1",
    handed_s=NOW_S,
    asked=asked_back("7", ("A", 2), asked_s=NOW_S, tracking="1Z9"),
    sent=None,
    receipts=(
        ReceiptShown(key="C1", state="accepted", cause="", reason="", receipt=RECEIPT, told=TOLD),
        ReceiptShown(
            key="C2", state="parked", cause="sku:Z", reason="Z is unknown", receipt=RECEIPT, told=None
        ),
    ),
    history=(ReturnStep(at_s=NOW_S, run="01JRUN", text="first seen"),),
)


def test_a_return_is_explained(api: FakeApi) -> None:
    api.answer(f"GET {AT}/returns/7", RETURN)
    golden("return", ctl(api, "return", "acme-vendure", "7").out)


def test_an_order_shows_its_returns(api: FakeApi) -> None:
    shown = msgspec.structs.replace(ORDER, returns=(RETURN,), receipts=RETURN.receipts[:1])
    api.answer(f"GET {AT}/orders/1001", shown)
    out = ctl(api, "order", "acme-vendure", "1001").out
    assert "Return 7  handed over; came back: 1 × W-A (damaged), 1 × W-A (damaged)\n" in out
    assert "Without a return; came back: 1 × W-A (damaged)\n" in out
