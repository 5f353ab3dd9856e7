"""Orders in: what ShipHero is told, and that an order is never there twice."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from dropstreamd.errors import OutcomeUnknown
from dropstreamd.model.handover import Accepted, Rejected, Untouched
from dropstreamd.model.money import Money
from dropstreamd.model.orders import Address, OutboundLine
from tests.fakes.shiphero import FakeShipHero
from tests.fakes.shiphero_house import House, Row
from tests.fakes.shiphero_root import NOT_KEPT
from tests.plugins.host import Steps
from tests.plugins.things import refused

from .houses import Account, item, order, push, recover

CLIENT = "QWNjb3VudDoy"


def only(house: House) -> Row:
    (row,) = house.orders.values()
    return row


# ---- what it is told


async def test_an_order_with_all_that_there_is(house: House, account: Account) -> None:
    full = order(
        note="Leave no invoice",
        delivery_note="Ring twice",
        gift_message="Enjoy",
        ship_by=datetime(2026, 11, 23, 17, 0, tzinfo=UTC),
        currency="EUR",
        incoterm="DDP",
        tax_ids=("EORI:GB1", "VAT:2"),
        bill_to=Address(name="Cher", line1="2 Side St", country="FR"),
        lines=(
            OutboundLine(
                number=1,
                order_line="a",
                sku="TEE",
                quantity=2,
                name="A tee",
                unit_price=Money(amount=Decimal("19.90"), currency="EUR"),
                declared_value=Money(amount=Decimal(5), currency="EUR"),
                gtin="4006381333931",
            ),
        ),
    )
    async with account.open(profile="wholesale", lock_to_warehouse=True, check_addresses=False) as session:
        outcome = await push(session, item(full))
    row = only(house)
    assert outcome == Accepted(key="SH1001", remote=row["id"])
    assert (row["order_number"], row["partner_order_id"], row["shop_name"]) == (
        "SH1001",
        "SH1001",
        "dropstreamd",
    )
    assert row["fulfillment_status"] == "pending"
    assert row["order_date"] == "2026-11-20T09:30:00"
    assert row["required_ship_date"] == "2026-11-23T17:00:00"
    assert row["packing_note"] == "Leave no invoice\nRing twice"
    assert (row["gift_note"], row["email"], row["currency"]) == ("Enjoy", "ada@example.com", "EUR")
    assert (row["incoterms"], row["tax_type"], row["tax_id"]) == ("DDP", "EORI", "GB1")
    assert (row["profile"], row["skip_address_validation"]) == ("wholesale", True)
    assert row["shipping_lines"] == {
        "title": "ups/ups-ground",
        "price": "0.00",
        "carrier": "ups",
        "method": "ups-ground",
    }
    address = row["shipping_address"]
    assert (address["first_name"], address["last_name"], address["company"]) == (
        "Ada Maria",
        "Long",
        "Long & Co",
    )
    assert (address["address1"], address["state"], address["zip"]) == ("1 Main St", "IL", "62701")
    assert (address["country"], address["country_code"], address["phone"]) == ("US", "US", "555 0100")
    billed = row["billing_address"]
    assert (billed["first_name"], billed["last_name"], billed["country"]) == ("Cher", "", "FR")
    (line,) = row["line_items"]
    assert (line["sku"], line["quantity"], line["partner_line_item_id"]) == ("TEE", 2, "SH1001-1")
    assert (line["price"], line["customs_value"], line["barcode"]) == ("19.90", "5", "4006381333931")
    assert (line["product_name"], line["warehouse_id"]) == ("A tee", account.settings.warehouse)


async def test_a_method_that_is_a_title(house: House, account: Account) -> None:
    async with account.open() as session:
        await push(session, item(order(ship_method="Standard")))
    assert only(house)["shipping_lines"] == {"title": "Standard", "price": "0.00"}


async def test_orders_on_hold(house: House, account: Account) -> None:
    async with account.open(holds=("operator", "client")) as session:
        await push(session, item(order()))
    assert [name for name, held in only(house)["holds"].items() if held] == ["operator_hold", "client_hold"]


async def test_for_a_client_of_a_3pl(fake: FakeShipHero, house: House, account: Account) -> None:
    fake.customers.add(CLIENT)
    async with account.open(customer_account=CLIENT) as session:
        first = await push(session, item(order()))
        assert await push(session, item(order())) == first
        stopped = await push(session, item(order(), remote="x", cancel=True))
    assert isinstance(stopped, Accepted)
    assert only(house)["customer_account_id"] == CLIENT


LONG = {
    "line1": "x" * 101,
    "name": f"{'x' * 101} y",
    "postal_code": "9" * 21,
    "country": "USA",
}


@pytest.mark.parametrize("field", LONG)
async def test_what_is_too_long_is_refused_and_not_cut(
    fake: FakeShipHero, account: Account, field: str
) -> None:
    moved = msgspec.structs.replace(order().ship_to, **{field: LONG[field]})
    async with account.open() as session:
        outcome = await push(session, item(order(ship_to=moved)))
        assert refused(outcome) == "too-long"
        assert refused(await push(session, item(order(gift_message="x" * 2001)))) == "too-long"
    assert isinstance(outcome, Rejected)
    assert "xxxx" not in outcome.reason
    assert fake.asked == []


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"lines": ()}, "lines"),
        ({"lines": (OutboundLine(number=1, order_line="a", sku="TEE", quantity=0),)}, "lines"),
        ({"lines": (OutboundLine(number=1, order_line="a", sku="", quantity=1),)}, "sku"),
        ({"reference": " SH1"}, "reference"),
        ({"reference": "S" * 101}, "reference"),
    ],
)
async def test_what_cannot_be_told(account: Account, changes: dict[str, Any], cause: str) -> None:
    async with account.open() as session:
        assert refused(await push(session, item(order(**changes)))) == cause


async def test_an_unknown_sku_is_the_cause(fake: FakeShipHero, house: House, account: Account) -> None:
    """Each is looked up once in a session; the product's coming releases it."""
    lines = tuple(
        OutboundLine(number=number, order_line=str(number), sku=f"SKU-{number}", quantity=1)
        for number in range(1, 31)
    )
    house.count({line.sku: 1 for line in lines[:-1]})
    async with account.open(check_skus=True) as session:
        assert refused(await push(session, item(order(lines=lines)))) == "sku:SKU-30"
        assert "CreateOrder" not in fake.asked
        assert fake.asked.count("Skus") == 2
        house.count({"SKU-30": 1})
        first = await push(session, item(order(lines=lines)))
        assert isinstance(first, Accepted)
        assert fake.asked.count("Skus") == 3
        changed = order(lines=(OutboundLine(number=1, order_line="1", sku="sku-1", quantity=1),))
        assert refused(await push(session, item(changed, remote=first.remote))) == "sku:sku-1"
        assert isinstance(await push(session, item(order("SH2", lines=lines))), Accepted)
        assert fake.asked.count("Skus") == 4


async def test_a_look_up_of_skus_that_is_refused_holds_no_order(fake: FakeShipHero, account: Account) -> None:
    fake.refusals["products"] = ("Ask for fewer", 3)
    async with account.open(check_skus=True) as session:
        assert isinstance(await push(session, item(order())), Accepted)


async def test_a_sku_that_shiphero_itself_refuses(account: Account) -> None:
    lines = (OutboundLine(number=1, order_line="a", sku=NOT_KEPT, quantity=1),)
    async with account.open() as session:
        outcome = await push(session, item(order(lines=lines)))
    assert refused(outcome) == f"sku:{NOT_KEPT}"
    assert isinstance(outcome, Rejected)
    assert f"Product with sku {NOT_KEPT} not found" in outcome.reason


async def test_a_refusal_that_repeats_the_customer_is_not_repeated(
    fake: FakeShipHero, account: Account
) -> None:
    fake.refusals["order_create"] = ("Address 1 Main St, Springfield is not valid", 7)
    async with account.open() as session:
        outcome = await push(session, item(order()))
    assert outcome == Rejected(key="SH1001", cause="code-7", reason="ShipHero refuses the order (code 7)")


# ---- never twice


@pytest.mark.parametrize("fault", ["after", "late-internal", "truncated", "500"])
async def test_a_lost_answer_is_looked_up(
    fake: FakeShipHero, house: House, account: Account, fault: str
) -> None:
    fake.faults["CreateOrder"] = [fault]  # type: ignore[list-item]
    async with account.open() as session:
        with pytest.raises(OutcomeUnknown):
            await push(session, item(order()))
        outcome = await recover(session, item(order()))
        if fault == "500":  # was not applied
            assert outcome == Untouched(key="SH1001")
            outcome = await push(session, item(order()))
    assert outcome == Accepted(key="SH1001", remote=only(house)["id"])


async def test_what_is_there_is_not_made_again(fake: FakeShipHero, house: House, account: Account) -> None:
    async with account.open() as session:
        first = await push(session, item(order()))
        again = await push(session, item(order()))
    assert first == again
    assert fake.asked.count("CreateOrder") == 1


async def test_made_by_another_in_that_moment_and_refused(
    fake: FakeShipHero, house: House, account: Account
) -> None:
    """Whatever the refusal says, what is there is there."""
    fake.refusals["order_create"] = ("There is such an order", 8)
    fake.before["CreateOrder"] = lambda: house.order("SH1001", {"TEE": 2, "MUG": 1})
    async with account.open() as session:
        outcome = await push(session, item(order()))
    assert outcome == Accepted(key="SH1001", remote=only(house)["id"])


async def test_another_order_under_our_reference(house: House, account: Account) -> None:
    house.order("SH1001", {"TEE": 3})
    async with account.open() as session:
        assert refused(await push(session, item(order()))) == "other-content"
        assert refused(await recover(session, item(order()))) == "other-content"


async def test_several_orders_under_our_reference(house: House, account: Account) -> None:
    """Halves, as of a split, are one; two whole ones would ship twice."""
    first = house.order("SH1001", {"TEE": 2})
    second = house.order("SH1001", {"MUG": 1})
    async with account.open() as session:
        assert await push(session, item(order())) == Accepted(key="SH1001", remote=first["id"])
        second["line_items"] += [{**line, "id": "another"} for line in first["line_items"]]
        first["line_items"] += [{**line, "id": "a third"} for line in second["line_items"][:1]]
        assert refused(await push(session, item(order()))) == "several"


async def test_another_shops_order_of_that_number_is_not_ours(house: House, account: Account) -> None:
    house.order("SH1001", {"TEE": 2, "MUG": 1}, shop="acme.myshopify.com")
    async with account.open() as session:
        assert isinstance(await push(session, item(order())), Accepted)
    assert len(house.orders) == 2


async def test_what_shiphero_puts_beside_our_lines_is_its_own_affair(house: House, account: Account) -> None:
    row = house.order("SH1001", {"TEE": 2, "MUG": 1})
    row["line_items"].append(house.line(sku="KIT-PART", quantity=4, partner_line_item_id=None, price="0"))
    async with account.open() as session:
        assert await push(session, item(order())) == Accepted(key="SH1001", remote=row["id"])


async def test_an_order_of_many_lines_is_compared_whole(house: House, account: Account) -> None:
    lines = tuple(
        OutboundLine(number=number, order_line=str(number), sku=f"SKU-{number}", quantity=1)
        for number in range(1, 131)
    )
    async with account.open() as session:
        first = await push(session, item(order(lines=lines)))
        assert await push(session, item(order(lines=lines))) == first
        fewer = order(lines=lines[:-1])
        assert refused(await push(session, item(fewer))) == "other-content"


async def test_a_cancelled_one_does_not_count(house: House, account: Account) -> None:
    house.order("SH1001", {"TEE": 2, "MUG": 1})["fulfillment_status"] = "canceled"
    async with account.open() as session:
        assert await recover(session, item(order())) == Untouched(key="SH1001")
        assert isinstance(await push(session, item(order())), Accepted)


async def test_not_wanted_any_more(fake: FakeShipHero, account: Account) -> None:
    async with account.open() as session:
        assert await push(session, item(order()), Steps(wanted=False)) == Untouched(key="SH1001")
        assert await recover(session, item(order()), step="") == Untouched(key="SH1001")
    assert "CreateOrder" not in fake.asked
