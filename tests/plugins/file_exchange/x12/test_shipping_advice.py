"""945: packages, and what was not shipped."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from dropstream_file_exchange.x12.settings import X12
from dropstream_file_exchange.x12.shipping_advice import ShippingAdvice, read_advice
from dropstream_file_exchange.x12.values import Unreadable

from .oracle import parsed
from .samples import SETTINGS, file, segments, x12

ZONE = ZoneInfo("America/Chicago")
FULL = """
    W06*F*SH1433*20261121*S77**PO-7
    N1*ST*JOAN HARRY
    N3*5050 ROAD N
    N4*WATERLOO*ON*N1N1N1*CA
    N9*BM*4455
    G62*11*20261121*9*1415
    W27*U*UPSN*GROUND*PP
    LX*1
    MAN*GM*00100000000000000017**CP*1Z001
    W12*CC*16*16*0*EA**VN*TEE-RED
    G69*TEE
    N9*LI*1
    LX*2
    MAN*GM*00100000000000000024**CP*1Z002
    W12*CC*6*6*0*EA**VN*2564A
    N9*LI*2
    W03*22*14*LB
"""


def read(body: str, rules: X12 = SETTINGS, **form: str) -> ShippingAdvice:
    return read_advice(segments(file("945", body, **form)), rules, ZONE)


def contents(advice: ShippingAdvice) -> list[tuple[tuple[str, ...], list[tuple[str, int, int]]]]:
    return [
        (each.tracking_numbers, [(line.sku, line.quantity, line.order_line) for line in each.lines])
        for each in advice.packages
    ]


def test_a_full_advice() -> None:
    advice = read(FULL)
    parsed(file("945", FULL))
    assert contents(advice) == [(("1Z001",), [("TEE-RED", 16, 1)]), (("1Z002",), [("2564A", 6, 2)])]
    first = advice.packages[0]
    assert first.key == "x/SH1433/S77/00100000000000000017"
    assert (first.reference, first.carrier, first.service) == ("SH1433", "UPSN", "GROUND")
    assert first.shipped_at == datetime(2026, 11, 21, 20, 15, tzinfo=UTC)
    assert not advice.remainders
    assert read(FULL, element="|", end="\r\n") == advice


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        # A tracking number for the whole shipment.
        (
            "N9*2I*T1\nLX*1\nW12*CC*1*1**EA**VN*A\nLX*2\nW12*CC*2*2**EA**VN*B",
            [(("T1",), [("A", 1, 0), ("B", 2, 0)])],
        ),
        # One for each carton, behind its LX, and lines of one carton under several LX.
        (
            "LX*1\nN9*2I*T1\nW12*CC*1*1**EA**VN*A\nLX*2\nN9*2I*T2\nW12*CC*2*2**EA**VN*B\nLX*3\nN9*2I*T1\nW12*CC*3*3**EA**VN*C",
            [(("T1",), [("A", 1, 0), ("C", 3, 0)]), (("T2",), [("B", 2, 0)])],
        ),
        # Behind its item.
        (
            "LX*1\nW12*CC*1*1**EA**VN*A\nN9*2I*T1\nW12*CC*2*2**EA**VN*B\nN9*2I*T2",
            [(("T1",), [("A", 1, 0)]), (("T2",), [("B", 2, 0)])],
        ),
        # A carton with two items, of which one lies in two cartons.
        (
            "LX*1\nMAN*CP*T1\nW12*CP*5*2**EA**SK*A\nW12*CC*1*1**EA**SK*B\nLX*2\nMAN*CP*T2\nW12*CC*5*3**EA**SK*A",
            [(("T1",), [("A", 2, 0), ("B", 1, 0)]), (("T2",), [("A", 3, 0)])],
        ),
        # Several tracking numbers for one line, of which nobody tells what lies where.
        ("LX*1\nMAN*CP*T1\nMAN*CP*T2\nW12*CC*2*2**EA**VN*A", [(("T1", "T2"), [("A", 2, 0)])]),
        # Neither LX nor a tracking number.
        ("W12*CL*4*4**EA**UP*012345678905*******************VN*A", None),
        ("W12*CL*4*4**EA**UP*012345678905*********VN*A", [((), [("A", 4, 0)])]),
        # What was shipped follows from what was ordered.
        ("LX*1\nW12*CC*4***EA**VN*A", [((), [("A", 4, 0)])]),
        ("LX*1\nW12*CP*4**1*EA**VN*A", [((), [("A", 3, 0)])]),
        # The loop between LS and LE holds serial numbers, no cartons.
        (
            "LX*1\nMAN*CP*T1\nW12*CC*1*1**EA**VN*A\nLS*1\nLX*1\nN9*2I*X\nLE*1\nN9*LI*7",
            [(("T1",), [("A", 1, 7)])],
        ),
        ("LX*1\nW12*CC*1*1**EA**VN*A\nN9*LI*L-1", [((), [("A", 1, 0)])]),
    ],
)
def test_where_partners_write_packages(body: str, expected: object) -> None:
    text = f"W06*F*SH1*20261121*S1\nN1*WH*W\n{body}"
    if expected is None:
        with pytest.raises(Unreadable, match="no product id is qualified as VN or SK"):
            read(text)
    else:
        assert contents(read(text)) == expected


@pytest.mark.parametrize(
    "when", ["W06*F*SH1*20261121", "W06*F*SH1**S1\nG62*11*20261121", "W06*F*SH1*20261120\nG62*11*20261121"]
)
def test_a_day_without_a_time_is_its_noon(when: str) -> None:
    advice = read(f"{when}\nLX*1\nMAN*CP*1Z1\nW12*CC*1*1*0*EA**VN*A")
    assert advice.shipped_at == datetime(2026, 11, 21, 12, tzinfo=ZONE)


def test_what_was_not_shipped() -> None:
    advice = read(
        """
        W06*F*SH1*20261121*S1
        LX*1
        W12*CP*5*3*2*EA**VN*CLOSED
        LX*2
        W12*BP*5*0*5*EA**VN*LATER
        LX*3
        W12*ZZ*2*1*1*EA**VN*UNSAID
        LX*4
        W12*CP*2*1*1*EA**VN*BOTH
        W12*BO*2*0*2*EA**VN*BOTH
        LX*5
        W12*CC*7*4**EA**VN*SPLIT
        LX*6
        W12*CC*7*3**EA**VN*SPLIT
        """
    )
    assert [(each.sku, each.ordered, each.shipped, each.outcome) for each in advice.remainders] == [
        ("CLOSED", 5, 3, "closed"),
        ("LATER", 5, 0, "backordered"),
        ("UNSAID", 2, 1, "unsaid"),
        ("BOTH", 2, 1, "unsaid"),
    ]
    assert [line.sku for line in advice.packages[0].lines] == ["CLOSED", "UNSAID", "BOTH", "SPLIT", "SPLIT"]


def test_nothing_shipped_is_no_package() -> None:
    advice = read("W06*F*SH1*20261121*S1\nLX*1\nW12*CU*5*0*5*EA**VN*A")
    assert (advice.packages, advice.remainders[0].outcome) == ((), "closed")


def test_keys_are_those_of_the_shipment() -> None:
    line = "\nLX*1\nW12*CC*1*1**EA**VN*A"
    one, again = read(f"W06*F*SH1*20261121*S1{line}"), read(f"W06*F*SH1*20261122*S1{line}")
    rest = read(f"W06*F*SH1*20261121*S2{line}")
    assert one.packages[0].key == again.packages[0].key != rest.packages[0].key
    dated = read(f"W06*F*SH1*20261121{line}")
    assert dated.packages[0].key == "x/SH1/20261121/"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("LX*1", "no W06"),
        ("W06*X*SH1", "its reporting code 'X' is not read"),
        ("W06*F*", "depositor order number is empty"),
        ("W06*F*" + "R" * 101, "longer than 100 bytes"),
        ("W06*F*SH1*2026-11-21", "the date .* CCYYMMDD"),
        ("W06*F*SH1*20261131", "is no date"),
        ("W06*F*SH1\nLX*1\nW12*CC*1*1**EA**VN*A", "tells its package"),
        ("W06*F*SH1*20261121\nG62*11*20261121*9*25", "the time '25'"),
        ("W06*F*SH1*20261121\nG62*11*20261121*9*2500", "no date and time"),
        ("W06*F*SH1*20261121\nLX*1\nW12*CC*1*1**CA**VN*A", "it counts in 'CA', not in EA"),
        ("W06*F*SH1*20261121\nLX*1\nW12*CC*1*1.5**EA**VN*A", "'1.5' is no whole number"),
        ("W06*F*SH1*20261121\nLX*1\nW12*CC*1*-1**EA**VN*A", "negative"),
        ("W06*F*SH1*20261121\nLX*1\nW12*CC*x*1**EA**VN*A", "quantity ordered 'x'"),
        ("W06*F*SH1*20261121\nLX*1\nW12*CC****EA**VN*A", "neither what was shipped nor"),
        ("W06*F*SH1*20261121\nLX*1\nW12*CP*5***EA**VN*A", "does not say what was shipped"),
        ("W06*F*SH1*20261121\nLX*1\nW12*CC*1*1**EA**BP*A", "found: BP"),
        ("W06*F*SH1*20261121\nLX*1\nW12*CC*1*1**EA", "found: none"),
    ],
)
def test_what_cannot_be_taken_is_named(body: str, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        read(body)


def test_marks_are_as_the_partner_uses_them() -> None:
    rules = x12(
        shipments={"tracking_marks": ["CN"], "package_marks": ["ZZ"], "refused": []},
        sku_qualifiers=["IN"],
        units=["CA"],
    )
    advice = read("W06*X*SH1*20261121*S1\nLX*1\nMAN*ZZ*BOX1**CN*T9\nW12*CC*1*1**CA**IN*A", rules)
    assert contents(advice) == [(("T9",), [("A", 1, 0)])]
    assert advice.packages[0].key.endswith("/BOX1")
