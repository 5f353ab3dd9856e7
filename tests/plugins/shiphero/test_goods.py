"""Products, purchase orders and returns, both ways; and what is said of orders before they leave."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from dropstreamd.errors import OutcomeUnknown
from dropstreamd.model.handover import Accepted, Item, Outcome, Rejected, Untouched
from dropstreamd.model.orders import Address
from dropstreamd.model.products import Product
from dropstreamd.model.purchases import PurchaseLine
from dropstreamd.model.returns import OutboundReturn, OutboundReturnLine, ReceiptLine
from dropstreamd.platform.contract import Sink
from tests.fakes.shiphero import FakeShipHero
from tests.fakes.shiphero_house import WAREHOUSE, House
from tests.plugins.host import Steps
from tests.plugins.things import STAMP, refused

from .houses import Account

AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
CAP = Product(
    key="1", sku="CAP", title="A cap", option="Red", gtin="4006381333931", hs_code="6505", origin="PT"
)
WITH_RETURNS = {"return_carrier": "usps", "return_method": "usps-priority"}


async def pushed(sink: Sink[Any], one: Item[Any]) -> Outcome:
    found = sink.prepare([one], STAMP)
    if found.rejected:
        return found.rejected[0]
    (outcome,) = await sink.push(found.prepared[0], Steps())
    return outcome


async def recovered(sink: Sink[Any], one: Item[Any], step: str = "writing") -> Outcome:
    (frozen,) = sink.prepare([one], STAMP).prepared
    (outcome,) = await sink.recover(frozen, step, Steps())
    return outcome


# ---- products


async def test_a_product_is_made(house: House, account: Account) -> None:
    heavy = Product(key="1", sku="CAP", title="A cap", option="Red", gtin="4006381333931", weight_g=454)
    async with account.open(weight_unit="lb") as session:
        outcome = await pushed(session.products, Item(key="1", document=heavy))
    row = house.product("CAP")
    assert row is not None
    assert outcome == Accepted(key="1", remote=row["id"])
    assert (row["name"], row["barcode"], row["dimensions"]) == (
        "A cap – Red",
        "4006381333931",
        {"weight": "1.001"},
    )
    assert [(each["warehouse_id"], each["on_hand"]) for each in row["warehouse_products"]] == [(WAREHOUSE, 0)]


async def test_of_a_product_that_is_there_the_name_is_brought_up_to_date(
    fake: FakeShipHero, house: House, account: Account
) -> None:
    row = house.add_product("CAP", name="Old", on_hand=9, barcode="1")
    async with account.open() as session:
        assert await pushed(session.products, Item(key="1", document=CAP)) == Accepted(
            key="1", remote=row["id"]
        )
        assert await pushed(session.products, Item(key="1", document=CAP)) == Accepted(
            key="1", remote=row["id"]
        )
    assert (row["name"], row["barcode"]) == ("A cap – Red", "1")
    assert row["warehouse_products"][0]["on_hand"] == 9
    assert fake.asked.count("UpdateProduct") == 1


async def test_a_product_of_another_warehouse_is_added_to_ours(house: House, account: Account) -> None:
    row = house.add_product("CAP", name="A cap – Red", on_hand=None)
    house.put(row, 5, warehouse="V2FyZWhvdXNlOjg=")
    async with account.open() as session:
        assert isinstance(await pushed(session.products, Item(key="1", document=CAP)), Accepted)
    assert {each["warehouse_id"]: each["on_hand"] for each in row["warehouse_products"]} == {
        "V2FyZWhvdXNlOjg=": 5,
        WAREHOUSE: 0,
    }


async def test_once_the_name_is_changed_no_error_means_that_nothing_was(
    fake: FakeShipHero, house: House, account: Account
) -> None:
    house.add_product("CAP", name="Old", on_hand=None)
    fake.fail("AddToWarehouse", "429")
    async with account.open() as session:
        with pytest.raises(OutcomeUnknown, match="its name was changed"):
            await pushed(session.products, Item(key="1", document=CAP))


@pytest.mark.parametrize("sku", ["", " CAP", "C" * 101])
async def test_a_sku_that_cannot_be_told(account: Account, sku: str) -> None:
    async with account.open() as session:
        outcome = await pushed(session.products, Item(key="1", document=Product(key="1", sku=sku)))
    assert refused(outcome) == "sku"


async def test_a_product_whose_answer_is_lost(fake: FakeShipHero, house: House, account: Account) -> None:
    fake.fail("CreateProduct", "before", "after")
    async with account.open() as session:
        for there in (False, True):
            with pytest.raises(OutcomeUnknown):
                await pushed(session.products, Item(key="1", document=CAP))
            found = await recovered(session.products, Item(key="1", document=CAP), "")
            assert isinstance(found, Accepted if there else Untouched)
    assert len(house.products) == 1


async def test_a_product_as_the_catalogue_has_it(house: House, account: Account) -> None:
    row = house.add_product(
        "CAP", name="A cap", barcode="4006381333931", tariff_code="6505", country_of_manufacture="PT"
    )
    house.add_product("NOTHING", active=False, dimensions=None, updated_at=None)
    told = await account.read("catalogue", weight_unit="oz")
    cap, nothing = told.documents.values()
    assert cap == Product(
        key=row["id"],
        sku="CAP",
        title="A cap",
        gtin="4006381333931",
        hs_code="6505",
        origin="PT",
        weight_g=227,
        updated_at=cap.updated_at,
    )
    assert (nothing.active, nothing.weight_g) == (False, None)


@pytest.mark.parametrize("weight", ["", "heavy", "NaN", "-1", "1e30"])
async def test_a_weight_of_nonsense_is_none(house: House, account: Account, weight: str) -> None:
    house.add_product("CAP", dimensions={"weight": weight})
    told = await account.read("catalogue", weight_unit="oz")
    assert [each.weight_g for each in told.documents.values()] == [None]


# ---- purchase orders


@pytest.mark.parametrize(
    ("status", "received", "rejected", "told"),
    [
        ("pending", 0, 0, "open"),
        ("pending", 3, 0, "partially-received"),
        ("pending", 9, 1, "received"),
        ("pending", 12, 0, "received"),
        ("closed", 3, 0, "closed"),
        ("canceled", 3, 0, "cancelled"),
    ],
)
async def test_a_purchase_order(
    house: House, account: Account, status: str, received: int, rejected: int, told: str
) -> None:
    row = house.purchase("PO1", {"TEE": 10})
    row["fulfillment_status"] = status
    row["line_items"][0] |= {"quantity_received": received, "quantity_rejected": rejected}
    (purchase,) = (await account.read("purchase_orders")).documents.values()
    assert (purchase.number, purchase.status, purchase.supplier) == ("PO1", told, "Mill & Sons")
    line = PurchaseLine(
        key=row["line_items"][0]["id"], sku="TEE", expected=10, received=received + rejected, damaged=rejected
    )
    assert purchase.lines == (line,)


async def test_a_purchase_order_of_many_lines(fake: FakeShipHero, house: House, account: Account) -> None:
    house.purchase("PO1", {f"SKU-{number}": 1 for number in range(200)})
    (purchase,) = (await account.read("purchase_orders")).documents.values()
    assert len(purchase.lines) == 200
    assert fake.asked.count("PurchaseLines") == 2


async def test_old_purchase_orders_are_not_read(house: House, account: Account) -> None:
    house.purchase("PO1", {"TEE": 1})["created_at"] = "2025-01-01T00:00:00"
    assert not (await account.read("purchase_orders")).documents


# ---- returns


def rma(**changes: Any) -> Item[OutboundReturn]:
    lines: Sequence[OutboundReturnLine] = (
        OutboundReturnLine(
            number=1, return_line="1", order_line="a", sku="TEE", quantity=1, reason="Too small"
        ),
        OutboundReturnLine(number=2, return_line="2", order_line="b", sku="TEE", quantity=1),
    )
    document = OutboundReturn(
        reference="RMA1",
        number="1",
        order_reference="SH1",
        requested_at=AT,
        lines=tuple(lines),
        sender=Address(name="Ada Long", line1="1 Main St", country="US"),
        tracking_numbers=("1ZBACK",),
    )
    values = {name: changes.pop(name) for name in ("remote", "cancel") if name in changes}
    replaced = {name: changes.get(name, getattr(document, name)) for name in document.__struct_fields__}
    return Item(key="RMA1", document=OutboundReturn(**replaced), **values)


async def test_a_return_is_announced_once(fake: FakeShipHero, house: House, account: Account) -> None:
    house.order("SH1", {"TEE": 3})
    async with account.open(**WITH_RETURNS) as session:
        assert session.returns is not None
        first = await pushed(session.returns, rma())
        assert await pushed(session.returns, rma()) == first
    (row,) = house.returns.values()
    assert first == Accepted(key="RMA1", remote=row["id"])
    assert row["partner_id"] == "RMA1"
    assert [line["quantity"] for line in row["line_items"]] == [2]
    assert row["labels"] == [{"tracking_number": "1ZBACK"}]


async def test_a_return_whose_answer_is_lost(fake: FakeShipHero, house: House, account: Account) -> None:
    house.order("SH1", {"TEE": 3})
    fake.fail("CreateReturn", "before", "after")
    async with account.open(**WITH_RETURNS) as session:
        assert session.returns is not None
        for there in (False, True):
            with pytest.raises(OutcomeUnknown):
                await pushed(session.returns, rma())
            found = await recovered(session.returns, rma())
            assert isinstance(found, Accepted if there else Untouched)
        assert await recovered(session.returns, rma(), "") == Untouched(key="RMA1")


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"order_reference": "SH2"}, "order"),
        ({"order_reference": ""}, "order"),
        ({"reference": ""}, "reference"),
        ({"lines": ()}, "lines"),
        ({"remote": "x"}, "amend"),
        ({"remote": "x", "cancel": True}, "amend"),
    ],
)
async def test_a_return_that_cannot_be_announced(
    house: House, account: Account, changes: dict[str, Any], cause: str
) -> None:
    house.order("SH1", {"TEE": 3})
    async with account.open(**WITH_RETURNS) as session:
        assert session.returns is not None
        assert refused(await pushed(session.returns, rma(**changes))) == cause


async def test_a_return_of_what_was_not_sold(house: House, account: Account) -> None:
    house.order("SH1", {"MUG": 3})
    async with account.open(**WITH_RETURNS) as session:
        assert session.returns is not None
        outcome = await pushed(session.returns, rma())
    assert isinstance(outcome, Rejected)
    assert (outcome.cause, outcome.reason.endswith("SKU TEE is not part of the order")) == ("code-5", True)


async def test_without_a_carrier_no_return_is_announced(account: Account) -> None:
    async with account.open() as session:
        assert session.returns is None
        survey = await session.survey()
    assert any(finding.name == "returns" for finding in survey.findings)


async def test_what_came_back_in_its_conditions(house: House, account: Account) -> None:
    row = house.send_back(house.order("SH1", {"TEE": 9, "MUG": 2}), {"TEE": 6, "MUG": 2}, reference="RMA1")
    row["labels"] = [{"tracking_number": "1ZBACK"}, {"tracking_number": None}]
    tees, mugs = row["line_items"]
    tees |= {"quantity_received": 5, "restock": 3, "condition": "Damaged"}
    mugs |= {"quantity_received": 1, "restock": 0, "condition": "Opened"}
    (receipt,) = (await account.read("receipts")).documents.values()
    assert receipt.lines == (
        ReceiptLine(sku="MUG", quantity=1, condition="quarantine"),
        ReceiptLine(sku="TEE", quantity=2, condition="damaged"),
        ReceiptLine(sku="TEE", quantity=3, condition="restock"),
    )
    assert (receipt.key, receipt.reference, receipt.order_reference) == (row["id"], "RMA1", "SH1")
    assert receipt.tracking_numbers == ("1ZBACK",)


async def test_nothing_came_back_yet_or_to_another_shop(house: House, account: Account) -> None:
    house.send_back(house.order("SH1", {"TEE": 1}), {"TEE": 1})
    other = house.send_back(house.order("SH2", {"TEE": 1}, shop="acme.myshopify.com"), {"TEE": 1})
    other["line_items"][0]["quantity_received"] = 1
    told = await account.read("receipts")
    assert not told.documents
    assert not told.bad


# ---- acknowledgements


async def test_what_is_said_of_orders(house: House, account: Account) -> None:
    house.order("SH1", {"TEE": 1})
    house.order("SH2", {"TEE": 1})["holds"]["address_hold"] = True
    house.order("SH3", {"TEE": 1})["fulfillment_status"] = "canceled"
    house.ship(house.order("SH4", {"TEE": 1}), None, "1Z")
    short = house.order("SH5", {"TEE": 3})
    house.ship(short, {"TEE": 2}, "1Z")
    short["fulfillment_status"] = "fulfilled"
    house.order("SH6", {"TEE": 1}, shop="acme.myshopify.com")
    told = await account.read("acknowledgements")
    said = {each.reference: each.verdict for each in told.documents.values()}
    assert said == {"SH1": "accepted", "SH2": "received", "SH3": "cancelled", "SH5": "closed-short"}
    (held,) = (each for each in told.documents.values() if each.reference == "SH2")
    assert "on hold: address" in held.reason


async def test_a_cancelled_order_beside_a_live_one_says_nothing(house: House, account: Account) -> None:
    """One that was sent once more after it had been cancelled: the word would be taken for that one's."""
    house.order("SH1", {"TEE": 1})["fulfillment_status"] = "canceled"
    house.order("SH1", {"TEE": 1})
    told = await account.read("acknowledgements")
    assert [each.verdict for each in told.documents.values()] == ["accepted"]
    half = house.order("SH1", {"MUG": 1})
    half["fulfillment_status"] = "canceled"
    told = await account.read("acknowledgements")
    assert told.documents[f"{half['id']}.cancelled"].verdict == "cancelled", "of a split one: nobody sends it"


async def test_the_survey_knows_every_sku(house: House, account: Account) -> None:
    house.count({f"SKU-{number}": 1 for number in range(150)})
    twice = house.add_product("SKU-1")
    async with account.open(holds=("operator",)) as session:
        survey = await session.survey()
    assert survey.skus is not None
    assert len(survey.skus) == 150
    assert survey.duplicate_skus == {twice["sku"]}
    assert [finding.name for finding in survey.findings if not finding.ok] == ["holds"]
