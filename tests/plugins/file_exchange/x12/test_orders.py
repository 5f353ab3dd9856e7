"""940: byte by byte, by another parser, and what it refuses."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dropstream_file_exchange.x12.orders import prepare
from dropstream_file_exchange.x12.settings import X12
from dropstream_file_exchange.x12.writer import MOST_CONTROL
from dropstreamd.model.orders import Address, OutboundLine, OutboundOrder
from dropstreamd.platform.contract import Item, Prepared, Rejected, Stamp

from .oracle import leaves, parsed
from .samples import SETTINGS, faults, x12

ZONE = ZoneInfo("America/Chicago")
STAMP = Stamp(attempt="01ATTEMPT", at=datetime(2026, 11, 21, 22, 20, 5, tzinfo=UTC), number=7)
JOAN = Address(
    name="JOAN HARRY",
    company="Harry Ltd",
    line1="5050 Road N",
    line2="Unit 4",
    city="Waterloo",
    region="ON",
    postal_code="N1N 1N1",
    country="CA",
    phone="555-666-7777",
)
ORDER = OutboundOrder(
    reference="SH1433",
    number="#1433",
    po_number="PO-7",
    placed_at=datetime(2026, 11, 20, 23, 30, tzinfo=UTC),
    ship_by=datetime(2026, 11, 24, 5, 59, tzinfo=UTC),
    ship_to=JOAN,
    bill_to=Address(name="J. Payer", line1="1 Bank St", city="Ulm", region="Bavaria", country="DE"),
    ship_method="UPS_GND",
    email="joan@example.com",
    note="Ring the bell.\nTwice.",
    gift_message="Happy birthday",
    lines=(
        OutboundLine(number=1, order_line="a", sku="TEE-RED", quantity=16, gtin="012345678905", name="Tee"),
        OutboundLine(number=2, order_line="b", sku="2564A", quantity=6, name="word " * 15),
    ),
)
RULES = x12(
    newline="lf",
    orders={
        "parties": {"SF": {"name": "East", "qualifier": "92", "id": "EAST"}},
        "carriers": {"UPS_GND": {"routing": "Ground", "scac": "UPSN", "method": "U"}},
    },
)
EXPECTED = """\
ISA*00*          *00*          *ZZ*ACME           *ZZ*WMS3PL         *261121*2220*U*00401*000000007*0*P*>~
GS*OW*ACME*WMS3PL*20261121*2220*7*X*004010~
ST*940*0001~
W05*N*SH1433*PO-7~
N1*ST*Harry Ltd~
N2*JOAN HARRY~
N3*5050 Road N*Unit 4~
N4*Waterloo*ON*N1N 1N1*CA~
PER*CN*JOAN HARRY*TE*555-666-7777*EM*joan@example.com~
N1*BT*J. Payer~
N3*1 Bank St~
N4*Ulm***DE*SP*Bavaria~
N1*SF*East*92*EAST~
N9*CO*#1433~
G62*04*20261120~
G62*38*20261123~
NTE*WHI*Ring the bell. Twice.~
NTE*OTH*Happy birthday~
W66*PP*U***Ground*****UPSN~
LX*1~
W01*16*EA**VN*TEE-RED*UP*012345678905~
G69*Tee~
N9*LI*1~
LX*2~
W01*6*EA**VN*2564A~
G69*word word word word word word word word word~
G69*word word word word word word~
N9*LI*2~
W76*22~
SE*28*0001~
GE*1*7~
IEA*1*000000007~
"""


def changed(**fields: object) -> OutboundOrder:
    return msgspec.structs.replace(ORDER, **fields)


def written(
    order: OutboundOrder, rules: X12 = RULES, *, remote: str | None = None, cancel: bool = False
) -> Prepared:
    item = Item(key="k", document=order, remote=remote, cancel=cancel)
    preparation = prepare([item], STAMP, rules, ZONE)
    assert not preparation.rejected
    (prepared,) = preparation.prepared
    return prepared


def refused(order: OutboundOrder, rules: X12 = RULES) -> Rejected:
    preparation = prepare([Item(key="k", document=order)], STAMP, rules, ZONE)
    assert not preparation.prepared
    (rejected,) = preparation.rejected
    return rejected


def test_an_order_in_full() -> None:
    prepared = written(ORDER)
    assert prepared.payload.decode() == EXPECTED
    assert prepared.name == "940_000000007.edi"
    assert not faults(prepared.payload)
    assert [name for name, _ in leaves(parsed(prepared.payload))].count("W01") == 2
    assert prepared == written(ORDER)


def test_the_least_that_can_be_written() -> None:
    order = OutboundOrder(
        reference="A",
        number="",
        placed_at=ORDER.placed_at,
        ship_to=Address(name="X"),
        ship_method="",
        lines=(OutboundLine(number=1, order_line="a", sku="S", quantity=1),),
    )
    parsed(written(order, SETTINGS).payload)


def test_each_order_has_a_file_and_a_number_of_its_own() -> None:
    many = [Item(key=f"k{at}", document=changed(reference=f"R{at}")) for at in range(3)]
    many.insert(1, Item(key="bad", document=changed(lines=())))
    preparation = prepare(many, STAMP, RULES, ZONE)
    assert [(each.name, each.keys) for each in preparation.prepared] == [
        ("940_000000007.edi", ("k0",)),
        ("940_000000008.edi", ("k1",)),
        ("940_000000009.edi", ("k2",)),
    ]
    assert b"IEA*1*000000009" in preparation.prepared[2].payload
    assert [each.key for each in preparation.rejected] == ["bad"]


def test_control_numbers_go_round() -> None:
    stamp = msgspec.structs.replace(STAMP, number=MOST_CONTROL)
    many = [Item(key=f"k{at}", document=changed(reference=f"R{at}")) for at in range(2)]
    names = [each.name for each in prepare(many, stamp, RULES, ZONE).prepared]
    assert names == ["940_999999999.edi", "940_000000001.edi"]


def test_a_cancellation_and_a_change() -> None:
    assert b"W05*F*SH1433" in written(ORDER, remote="940_000000001.edi", cancel=True).payload
    change = x12(orders={"change_supported": True})
    assert b"W05*R*SH1433" in written(ORDER, change, remote="940_000000001.edi").payload
    (rejected,) = prepare([Item(key="k", document=ORDER, remote="x")], STAMP, RULES, ZONE).rejected
    assert (rejected.cause, "change_supported" in rejected.reason) == ("change", True)


@pytest.mark.parametrize(
    ("fields", "cause", "reason"),
    [
        ({"lines": ()}, "lines", "no line"),
        ({"reference": "R" * 23}, "length", r"W0502 \(depositor order number\) has 23 .* 1 to 22"),
        ({"reference": " "}, "missing", "W0502"),
        ({"po_number": "P" * 23}, "length", "W0503"),
        ({"ship_to": Address()}, "missing", "address ST .* no name"),
        ({"ship_to": Address(name="N" * 61)}, "length", "N102 .* has 61 characters"),
        ({"ship_to": Address(name="N", line1="L" * 56)}, "length", "N301 .address line 1. has 56"),
        ({"ship_to": Address(name="N", line2="L" * 56)}, "length", "N301"),
        ({"ship_to": Address(name="N", city="Y")}, "length", "N401 .* has 1 .* 2 to 30"),
        ({"ship_to": Address(name="N", postal_code="1")}, "length", "N403"),
        ({"ship_to": Address(name="N", region="R" * 31)}, "length", "N406"),
        ({"ship_to": Address(name="Jörg")}, "characters", "N102 .* ascii cannot write"),
        ({"ship_to": Address(name="A*B")}, "characters", "N102 .* is a delimiter"),
        ({"ship_to": Address(name="A\tB")}, "characters", "N102 .* control character"),
        ({"ship_method": "M" * 36}, "length", "W6605"),
        ({"note": "x" * 801}, "length", "need 12 NTE segments"),
        ({"lines": (OutboundLine(number=1, order_line="a", sku="S" * 49, quantity=1),)}, "length", "W0105"),
        ({"lines": (OutboundLine(number=1, order_line="a", sku="", quantity=1),)}, "missing", "W0105"),
        (
            {"lines": (OutboundLine(number=1, order_line="a", sku="S ", quantity=1),)},
            "characters",
            "W0105 .* blank",
        ),
        ({"lines": (OutboundLine(number=1, order_line="a", sku="S", quantity=0),)}, "lines", "0 units"),
        (
            {"lines": (OutboundLine(number=1, order_line="a", sku="S", quantity=1, name="n" * 226),)},
            "length",
            "name of line 1 .* orders.descriptions",
        ),
    ],
)
def test_what_x12_cannot_hold_holds_the_order(fields: dict[str, object], cause: str, reason: str) -> None:
    rejected = refused(changed(**fields))
    assert rejected.cause == cause
    assert re.search(reason, rejected.reason), rejected.reason


def test_delimiters_in_data_are_replaced_only_where_that_is_said_and_identifies_nothing() -> None:
    street = changed(ship_to=msgspec.structs.replace(JOAN, line1="5*5 ~ Road > N"))
    rules = msgspec.structs.replace(RULES, substitute="-")
    assert b"N3*5-5 - Road - N*Unit 4~" in written(street, rules).payload
    line = msgspec.structs.replace(ORDER.lines[0], sku="A*B")
    assert "W0105" in refused(changed(lines=(line,)), rules).reason
    other = x12(delimiters={"element": "\x1d", "component": "\x1f", "segment": "\x1c"})
    parsed(written(changed(lines=(line,)), other).payload)


def test_accents() -> None:
    line = msgspec.structs.replace(ORDER.lines[0], sku="CAFÉ")
    assert "W0105" in refused(changed(lines=(line,)), x12(accents="drop")).reason
    order = changed(ship_to=Address(name="Zoë Łuć"))
    assert "ascii" in refused(order, x12(accents="drop")).reason
    assert b"N1*ST*Zoe Ann~" in written(changed(ship_to=Address(name="Zoë Ann")), x12(accents="drop")).payload
    assert "N1*ST*Zoë Łuć~".encode() in written(order, x12(encoding="utf-8")).payload


TEXT = st.text(st.sampled_from("abcXYZ 0123456789.,'#&/()-éñ"), max_size=70)
ADDRESS = st.builds(
    Address,
    name=TEXT,
    company=TEXT,
    line1=TEXT,
    line2=TEXT,
    city=TEXT,
    region=TEXT,
    country=st.sampled_from(["US", "CA", ""]),
    postal_code=st.text(st.sampled_from("0123456789- "), max_size=10),
    phone=st.text(st.sampled_from("+0123456789"), max_size=15),
)
LINE = st.builds(
    OutboundLine,
    number=st.integers(1, 999),
    order_line=st.just("a"),
    sku=st.text(st.sampled_from("ABC123-_/."), min_size=1, max_size=50),
    quantity=st.integers(1, 10**6),
    name=TEXT,
    gtin=st.sampled_from(["", "012345678905", "4006381333931", "x"]),
)
ORDERS = st.builds(
    OutboundOrder,
    reference=st.text(st.sampled_from("ABC123-"), min_size=1, max_size=24),
    number=TEXT,
    placed_at=st.just(ORDER.placed_at),
    ship_to=ADDRESS,
    bill_to=st.none() | ADDRESS,
    ship_method=st.sampled_from(["UPS_GND", "Express", ""]),
    lines=st.lists(LINE, max_size=4).map(tuple),
    email=st.sampled_from(["", "a@example.com"]),
    po_number=TEXT,
    note=st.text(st.sampled_from("abc \n."), max_size=400),
    ship_by=st.none() | st.just(ORDER.placed_at),
    gift_message=TEXT,
    delivery_note=TEXT,
)


@settings(max_examples=60, deadline=None)
@given(ORDERS, st.sampled_from([RULES, x12(encoding="utf-8", newline="crlf"), x12(accents="drop")]))
def test_whatever_is_written_another_parser_takes_without_a_fault(order: OutboundOrder, rules: X12) -> None:
    preparation = prepare([Item(key="k", document=order)], STAMP, rules, ZONE)
    for prepared in preparation.prepared:
        assert not faults(prepared.payload)
        found = leaves(parsed(prepared.payload))
        skus = [values[-1 if len(values) == 4 else 3] for name, values in found if name == "W01"]
        assert len(skus) == len(order.lines)
        # Text that is spread over segments is whole when it is put together again.
        notes = "".join(values[-1] for name, values in found if name == "NTE")
        told = "".join(f"{order.note} {order.delivery_note} {order.gift_message}".split())
        if rules.encoding == "utf-8":
            assert "".join(notes.split()) == told
    assert len(preparation.prepared) + len(preparation.rejected) == 1


def test_the_facility_stands_in_the_place_of_a_party() -> None:
    parties = {"WH": {"name": "Any", "qualifier": "92", "id": "ANY"}, "SF": {"name": "East"}}
    rules = x12(newline="lf", orders={"parties": parties, "facility": "WH", "facility_qualifier": "ZZ"})
    routed = msgspec.structs.replace(ORDER, facility="W-2")
    for order, expected in ((ORDER, "N1*WH*Any*92*ANY"), (routed, "N1*WH**ZZ*W-2")):
        (made,) = prepare([Item(key="a", document=order)], STAMP, rules, ZONE).prepared
        lines = [line.rstrip("~") for line in made.payload.decode().splitlines()]
        assert [line for line in lines if line.startswith("N1*WH")] == [expected]
        assert "N1*SF*East" in lines
