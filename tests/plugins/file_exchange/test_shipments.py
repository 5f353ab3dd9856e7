"""Shipment files."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest

from dropstream_file_exchange.settings import Shipments
from dropstream_file_exchange.shipments import read_packages
from dropstreamd.errors import ProtocolMismatch
from dropstreamd.model.shipments import Package, PackageLine
from dropstreamd.platform.contract import Bad

from .files import fetched

ZONE = ZoneInfo("America/Chicago")
HEADER = (
    "order_number,shipment_id,package_id,line_number,sku,quantity,carrier,service,tracking_number,"
    "tracking_url,ship_date\n"
)
SIMPLE = "order_number,sku,quantity,tracking_number,ship_date\n"


def read(content: str | bytes, **fields: object) -> tuple[list[Package], list[Bad]]:
    portions = list(read_packages(fetched("shp_1.csv", content), msgspec.convert(fields, Shipments), ZONE))
    return (
        [package for portion in portions for package in portion.packages],
        [bad for portion in portions for bad in portion.bad],
    )


def test_the_documented_layout() -> None:
    packages, bad = read(
        HEADER + "1001,S1,P1,2,A,3,UPS,Ground,1Z1;1Z2,https://t.example/1Z1,2026-11-21T10:00:00Z\n"
    )
    assert packages == [
        Package(
            key="s/S1/P1",
            reference="1001",
            lines=(PackageLine(sku="A", quantity=3, order_line=2),),
            carrier="UPS",
            service="Ground",
            tracking_numbers=("1Z1", "1Z2"),
            tracking_url="https://t.example/1Z1",
            shipped_at=datetime(2026, 11, 21, 10, tzinfo=UTC),
        )
    ]
    assert not bad


@pytest.mark.parametrize(
    ("told", "hour"), [("2026-11-21", 12), ("2026-11-21T00:00:00", 12), ("2026-11-21T09:30", 9)]
)
def test_a_day_without_a_time_is_that_day_wherever_it_is_read(told: str, hour: int) -> None:
    (package,), _ = read(f"{SIMPLE}1001,A,1,1Z1,{told}\n")
    assert package.shipped_at is not None
    local = package.shipped_at.astimezone(ZONE)
    assert (local.date(), local.hour) == (date(2026, 11, 21), hour)


def test_rows_of_a_package_need_not_stand_together() -> None:
    packages, _ = read(
        HEADER
        + "1001,S1,P1,,A,1,UPS,,T1,,\n1001,S1,P2,,A,1,UPS,,T3,,\n"
        + "1001,S1,P1,,B,2,,Air,T2,,\n1001,S1,P1,,C,0,,,T1,,\n"
    )
    first, second = sorted(packages, key=lambda package: package.key)
    assert [(line.sku, line.quantity) for line in first.lines] == [("A", 1), ("B", 2)]
    assert (first.carrier, first.service, first.tracking_numbers) == ("UPS", "Air", ("T1", "T2"))
    assert second.key == "s/S1/P2"


@pytest.mark.parametrize(
    ("row", "key"),
    [
        ("1001,S1,,,A,1,,,T1,,", "s/S1/"),
        ("1001,,P1,,A,1,,,T1,,", "p/1001/P1"),
        ("1001,,,,A,1,,,T1,,", "t/1001/T1"),
        ("1001,,,,A,1,,,,,2026-11-21", "d/1001/2026-11-21"),
        ("10/01,,,,A,1,,,T/1,,", "t/10%2F01/T%2F1"),
    ],
)
def test_what_tells_packages_apart(row: str, key: str) -> None:
    packages, _ = read(f"{HEADER}{row}\n")
    assert [package.key for package in packages] == [key]


def test_a_long_key_is_shortened_and_stays_the_same() -> None:
    content = f"{HEADER}1001,{'S' * 90},{'P' * 90},,A,1,,,,,\n"
    (package,) = read(content)[0]
    assert len(package.key) <= 100
    assert read(content)[0] == [package]


def test_a_bad_row_sets_its_package_aside_and_the_others_go_on() -> None:
    packages, bad = read(
        SIMPLE
        + "1001,A,1,T1,\n1001,B,x,T1,\n1002,A,1,T2,\n1002,B,0.5,T3,\n,A,1,T4,\n1003,A,1,,\n1004,A,0,T5,\n"
    )
    assert [package.key for package in packages] == ["t/1002/T2"]
    assert [(one.place, one.reason) for one in bad] == [
        ("shp_1.csv line 2 to 3", "line 3: the quantity 'x' is not a number"),
        ("shp_1.csv line 5", "the quantity '0.5' is not a whole number"),
        ("shp_1.csv line 6", "the order number is empty"),
        (
            "shp_1.csv line 7",
            "no shipment, package or tracking number and no ship date tells its package",
        ),
        ("shp_1.csv line 8", "nothing is in it: every quantity is 0"),
    ]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("1001,S1,P1,,,1,,,,,", "the SKU is empty"),
        ("1001,S1,P1,,A,,,,,,", "the quantity is empty"),
        ("1001,S1,P1,,A,-1,,,,,", "the quantity -1 is negative"),
        ("1001,S1,P1,x,A,1,,,,,", "the order line 'x' is not a number"),
        ("1001,S1,P1,,A,1,,,,,soon", "the date 'soon'"),
        (",S1,P1,,A,1,,,,,", "the order number is empty"),
        (f"{'1' * 101},S1,P1,,A,1,,,,,", "the order number is longer"),
        (f"1001,S1,P1,,{'A' * 101},1,,,,,", "the SKU is longer"),
        ("1001,S1,P1,,A,1", "it has 6 fields, expected 11"),
        ("1001,S1,P1,,A,1,,,,,,x", "it has 12 fields, expected 11"),
        ("1001,S1,P1,,A,1,,,,,\n1002,S1,P1,,A,1,,,,,", "its rows name more than one order"),
    ],
)
def test_every_kind_of_bad_row(row: str, reason: str) -> None:
    packages, (bad,) = read(f"{HEADER}{row}\n")
    assert not packages
    assert reason in bad.reason
    assert bad.key == "s/S1/P1"
    assert bad.raw


def test_a_row_that_names_no_package() -> None:
    packages, (first, second) = read(SIMPLE + "1001,A,1,,\n,A,1,T4,\n")
    assert not packages
    assert first.key.startswith("row ")
    assert "no shipment, package or tracking number" in first.reason
    assert second.reason == "the order number is empty"


@pytest.mark.parametrize(
    ("content", "fields", "reason"),
    [
        ("order_number,sku\n1,A\n", {}, "no column 'quantity'"),
        ("order_number,sku,quantity\n1,A,1\n", {}, "tells one package"),
        (SIMPLE + "1001,A,1,T1", {}, "no end"),
        (SIMPLE + "1001,A,1,T1,\n" * 3000 + '"', {}, "unexpected end"),
        (SIMPLE.encode() + b"\xff,A,1,T1,\n", {}, "not written in"),
    ],
)
def test_an_unreadable_file_brings_nothing(
    content: str | bytes, fields: dict[str, object], reason: str
) -> None:
    with pytest.raises(ProtocolMismatch, match=reason):
        read(content, **fields)


def test_positions_without_a_header() -> None:
    columns = {"reference": 1, "sku": 2, "quantity": 3, "tracking": 4}
    packages, bad = read(
        "1001|A|1|T1 T2\n1002|A\n", header=False, delimiter="|", columns=columns, tracking_separator=" "
    )
    assert [package.tracking_numbers for package in packages] == [("T1", "T2")]
    assert [one.reason for one in bad] == ["it has 2 fields, expected 4"]


def test_a_large_file_comes_in_portions() -> None:
    content = SIMPLE + "".join(f"{n},A,1,T{n},\n" for n in range(5000))
    portions = list(read_packages(fetched("shp_1.csv", content), Shipments(), ZONE))
    assert max(len(portion.packages) for portion in portions) == 2000
    assert sum(len(portion.packages) for portion in portions) == 5000


def test_a_package_names_its_facility() -> None:
    packages, _ = read(SIMPLE.strip() + ",facility\n1001,A,1,1Z1,2026-11-21,EAST\n")
    assert [package.facility for package in packages] == ["EAST"]
