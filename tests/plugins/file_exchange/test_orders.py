"""Order files, byte by byte."""

from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest

from dropstream_file_exchange.abilities import routes
from dropstream_file_exchange.orders import cancels, prepare
from dropstream_file_exchange.settings import CancelFile, Orders, Settings
from dropstream_file_exchange.x12.settings import X12
from dropstream_file_exchange.x12.settings import Orders as EdiOrders
from dropstreamd.model.money import Money
from dropstreamd.model.orders import Address, OutboundLine, OutboundOrder
from dropstreamd.platform.contract import Item, Stamp

JOAN = Address(
    name="JOAN HARRY",
    line1="5050 Road N",
    city="Waterloo",
    region="ON",
    postal_code="N1N 1N1",
    country="CA",
    phone="555-666-7777",
)
ORDER = OutboundOrder(
    reference="2016981433",
    number="#1433",
    po_number="12345678",
    placed_at=datetime(2020, 3, 7, tzinfo=UTC),
    ship_to=JOAN,
    ship_method="Ground",
    channel_code="AMZ",
    lines=(
        OutboundLine(number=1, order_line="a", sku="13358A", quantity=16),
        OutboundLine(number=2, order_line="b", sku="2564A", quantity=6),
    ),
)
STAMP = Stamp(attempt="01ATTEMPT", at=datetime(2026, 11, 21, 22, 20, 5, tzinfo=UTC))

# DropStream's File Exchange, "Pick Ticket" example.
EXAMPLE = (
    b'"PH","2016981433","12345678","JOAN HARRY","5050 Road N","","Waterloo","ON","N1N 1N1","CA","",'
    b'"555-666-7777","JOAN HARRY","5050 Road N","","Waterloo","ON","N1N 1N1","CA","Ground","P","",'
    b'"2020-03-07T00:00:00Z","AMZ",""\n'
    b'"PD","2016981433","1","13358A","16","0.00"\n'
    b'"PD","2016981433","2","2564A","6","0.00"\n'
)


def changed(**fields: object) -> OutboundOrder:
    return msgspec.structs.replace(ORDER, **fields)


def items(*orders: OutboundOrder) -> list[Item[OutboundOrder]]:
    return [Item(key=f"key{number}", document=order) for number, order in enumerate(orders)]


def columns(order: OutboundOrder, orders: Orders) -> list[str]:
    (prepared,) = prepare(items(order), STAMP, orders).prepared
    header = prepared.payload.decode(orders.encoding).splitlines()[0]
    return header[1:-1].split('","')


def test_the_public_example_is_reproduced() -> None:
    preparation = prepare(items(ORDER), STAMP, Orders())
    (prepared,) = preparation.prepared
    assert prepared.payload == EXAMPLE
    assert prepared.name == "ord_2016981433_261121222005.csv"
    assert prepared.keys == ("key0",)
    assert not preparation.rejected


def test_it_is_the_same_every_time() -> None:
    assert prepare(items(ORDER), STAMP, Orders()) == prepare(items(ORDER), STAMP, Orders())


def test_each_order_is_a_file_unless_said_otherwise() -> None:
    three = items(ORDER, changed(reference="B"), changed(reference="C"))
    assert [file.keys for file in prepare(three, STAMP, Orders()).prepared] == [
        ("key0",),
        ("key1",),
        ("key2",),
    ]
    together = prepare(three, STAMP, Orders(per_file=2)).prepared
    assert [file.keys for file in together] == [("key0", "key1"), ("key2",)]
    assert [file.name.split("_")[1] for file in together] == ["2016981433", "C"]
    assert together[0].payload.count(b'"PH"') == 2


@pytest.mark.parametrize("reference", ["", "SH 1", "SH~1", "SH#1", "Ü1", "1\n", "A" * 101])
def test_an_order_number_that_the_format_excludes_is_refused(reference: str) -> None:
    preparation = prepare(items(changed(reference=reference), ORDER), STAMP, Orders())
    assert [(refused.key, refused.cause) for refused in preparation.rejected] == [("key0", "reference")]
    assert [file.keys for file in preparation.prepared] == [("key1",)]


def test_nothing_is_cut_and_quotes_are_doubled() -> None:
    name = 'Żółć "the" ' + "x" * 500
    assert columns(changed(ship_to=msgspec.structs.replace(JOAN, name=name)), Orders())[3] == name.replace(
        '"', '""'
    )


@pytest.mark.parametrize(
    ("fields", "orders", "reason"),
    [
        ({"ship_to": Address(line1="a\nb")}, Orders(), "Pick Header, column 5"),
        (
            {"ship_to": Address(city="Łódź")},
            Orders(encoding="latin-1"),
            "column 7 holds a character that latin-1",
        ),
        ({"ship_method": "\x00"}, Orders(), "column 20"),
        (
            {"lines": (OutboundLine(number=1, order_line="a", sku="A\t", quantity=1),)},
            Orders(),
            "Detail 1, column 4",
        ),
    ],
)
def test_what_a_file_cannot_hold_is_refused(fields: dict[str, object], orders: Orders, reason: str) -> None:
    (refused,) = prepare(items(changed(**fields)), STAMP, orders).rejected
    assert refused.cause == "characters"
    assert reason in refused.reason


def test_an_order_without_lines_is_refused() -> None:
    (refused,) = prepare(items(changed(lines=())), STAMP, Orders()).rejected
    assert refused.cause == "lines"


def test_a_company_is_the_name_and_the_person_its_attention() -> None:
    to = msgspec.structs.replace(JOAN, company="Harry Ltd")
    row = columns(changed(ship_to=to, bill_to=JOAN), Orders())
    assert (row[3], row[10], row[12]) == ("Harry Ltd", "JOAN HARRY", "JOAN HARRY")


def test_settings_fill_what_the_order_does_not_say() -> None:
    orders = Orders(sales_channel="WEB", payment="C", freight_account="77", newline="crlf", encoding="cp1252")
    row = columns(changed(channel_code="", ship_to=msgspec.structs.replace(JOAN, name="Zoë")), orders)
    assert (row[20], row[21], row[23], row[3]) == ("C", "77", "WEB", "Zoë")
    assert prepare(items(ORDER), STAMP, orders).prepared[0].payload.endswith(b"\r\n")


def test_lines_of_a_note_stand_behind_one_another() -> None:
    orders = Orders(version=2, positions={"email": 25, "notes": 26})
    assert columns(changed(note="Ring twice.\r\n\tThen wait.\n"), orders)[25] == "Ring twice. Then wait."
    (refused,) = prepare(items(changed(note="Ring\x00")), STAMP, orders).rejected
    assert refused.cause == "characters"


def test_versions_two_and_three_add_their_columns_where_they_are_said_to_be() -> None:
    orders = Orders(version=3, positions={"email": 25, "notes": 27, "facility": 28}, facility="EAST")
    row = columns(changed(email="j@example.com", note="ring"), orders)
    assert row[24:] == ["j@example.com", "", "ring", "EAST"]
    row = columns(changed(facility="WEST"), orders)
    assert row[27] == "WEST", "the order's own comes before the settings'"


def test_what_is_told_of_the_facility_depends_on_the_settings() -> None:
    plain = Settings(url="sftp://a@wms.example/a", timezone="UTC")
    placed = Orders(version=3, positions={"email": 25, "notes": 26, "facility": 27}, facility="EAST")
    assert not routes(plain)
    assert routes(msgspec.structs.replace(plain, orders=placed))
    edi = msgspec.structs.replace(plain, format="x12")
    assert not routes(edi)
    told = X12(orders=EdiOrders(facility="WH"))
    assert routes(msgspec.structs.replace(edi, x12=told))


@pytest.mark.parametrize(
    ("amount", "text"),
    [("5", "5.00"), ("5.5", "5.50"), ("1.255", "1.255"), ("1E+2", "100.00"), ("0", "0.00")],
)
def test_prices(amount: str, text: str) -> None:
    line = OutboundLine(
        number=1,
        order_line="a",
        sku="A",
        quantity=1,
        unit_price=Money(amount=Decimal(amount), currency="USD"),
    )
    (prepared,) = prepare(items(changed(lines=(line,))), STAMP, Orders()).prepared
    assert prepared.payload.decode().splitlines()[1].endswith(f',"{text}"')


# ---- what stops an order, and what is too long


def test_a_file_that_stops_an_order() -> None:
    orders = Orders(cancel=CancelFile(row=("DEL", "{reference}", "all of {reference}")))
    stop = Item(key="k", document=ORDER, remote="ord_x.csv", cancel=True)
    [prepared] = prepare([stop], STAMP, orders).prepared
    assert prepared.name == "can_2016981433_261121222005.csv"
    assert prepared.payload == b'"DEL","2016981433","all of 2016981433"\n'
    assert cancels(prepared, orders)
    [new, also] = prepare([*items(ORDER), stop], STAMP, orders).prepared
    assert (new.name[:4], also.name[:4]) == ("ord_", "can_")
    assert not cancels(new, orders)


def test_an_order_that_no_file_can_stop() -> None:
    [refused] = prepare([Item(key="k", document=ORDER, remote="r", cancel=True)], STAMP, Orders()).rejected
    assert refused.cause == "cancel"


def test_a_change_is_no_second_order() -> None:
    [refused] = prepare([Item(key="k", document=ORDER, remote="ord_x.csv")], STAMP, Orders()).rejected
    assert refused.cause == "amend"


def test_an_address_that_is_too_long_is_never_cut() -> None:
    [refused] = prepare(items(ORDER), STAMP, Orders(address_max=10)).rejected
    assert refused.cause == "address"
    assert "ship-to line1 has 11 characters, the warehouse takes 10" in refused.reason
    assert not prepare(items(ORDER), STAMP, Orders(address_max=12)).rejected
    other = changed(bill_to=msgspec.structs.replace(JOAN, city="W" * 13))
    [refused] = prepare(items(other), STAMP, Orders(address_max=12)).rejected
    assert "bill-to city" in refused.reason
