"""Records as documents, where a real Tryton does not come to it."""

from typing import Any

import msgspec
import pytest

from dropstream_tryton import protocol, wire
from dropstream_tryton.acknowledgements import acknowledgements_of
from dropstream_tryton.changes import last_readable
from dropstream_tryton.lookups import ship_methods
from dropstream_tryton.places import House
from dropstream_tryton.purchases import purchase_orders
from dropstream_tryton.receipts import receipts
from dropstream_tryton.shipments import packages
from dropstream_tryton.source import Unusable, bad
from dropstreamd.errors import ProtocolMismatch

AT = {"year": 2026, "month": 11, "day": 20, "hour": 9, "minute": 30, "second": 1, "microsecond": 5}
DAY = {"__class__": "date", "year": 2026, "month": 11, "day": 20}
HOUSE = House(
    warehouse=wire.Warehouse(id=1, storage_location=2, input_location=3, output_location=4),
    customer=5,
    customers=6,
    quarantine=frozenset({7}),
    damaged=frozenset({8}),
    category=None,
    currency=wire.Named(id=1, code="USD"),
)


def move(key: int, units: float, code: Any = "TEE", **more: object) -> dict[str, object]:
    return {
        "id": key,
        "state": "done",
        "internal_quantity": units,
        "product.": {"id": 1, "code": code},
        **more,
    }


def shipment(*moves: dict[str, object], **changes: object) -> wire.Shipment:
    row = {
        "id": 12,
        "last_modified_at": AT,
        "state": "done",
        "number": "S12",
        "reference": "SO1",
        "effective_date": DAY,
        "outgoing_moves.": moves,
        **changes,
    }
    return msgspec.convert(row, wire.Shipment)


def box(key: int, **more: object) -> dict[str, object]:
    return {"id": key, "number": str(key), **more}


def test_boxes_in_a_box_are_one_package() -> None:
    one = shipment(
        move(1, 2, package=21),
        move(2, 3, package=22),
        move(3, 1, package=30),
        **{
            "packages.": [
                box(20),
                box(21, parent=20, shipping_reference="1Z1"),
                box(22, parent=20, shipping_reference="1Z2"),
                box(30, shipping_tracking_url="https://track.example/3"),
            ],
            "shipping_reference": "1Z0",
        },
    )
    first, second = packages(one, HOUSE)
    assert (first.key, first.lines[0].quantity, first.tracking_numbers) == ("S12.12.20", 5, ("1Z1", "1Z2"))
    assert (second.key, second.tracking_numbers) == ("S12.12.30", ("1Z0",))
    assert second.tracking_url == "https://track.example/3"


def test_the_day_a_shipment_left_is_never_in_the_future() -> None:
    (one,) = packages(shipment(move(1, 2)), HOUSE)
    assert one.shipped_at is not None
    assert one.shipped_at.isoformat() == "2026-11-20T09:30:01.000005+00:00"


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (shipment(move(1, 1.5)), "no whole number"),
        (shipment(move(1, 1, None)), "no code"),
        (shipment(move(1, 1, "X" * 101)), "more than 100 bytes"),
        (shipment(move(1, 1), reference=None), "no reference"),
        (shipment(move(1, 1), reference="X" * 101), "reference has more"),
    ],
)
def test_what_is_no_package(one: wire.Shipment, reason: str) -> None:
    with pytest.raises(Unusable, match=reason):
        list(packages(one, HOUSE))


def test_nothing_that_left_is_no_package() -> None:
    assert list(packages(shipment(move(1, 0), {**move(2, 3), "state": "cancelled"}), HOUSE)) == []


def back(place: dict[str, object], **changes: object) -> wire.Back:
    row = {
        "id": 9,
        "last_modified_at": AT,
        "reference": "RMA1",
        "warehouse_input": 3,
        "warehouse_storage": 2,
        "incoming_moves.": [move(1, 2, **{"to_location.": {"id": 3, "type": "storage"}})],
        "inventory_moves.": [move(2, 2, **{"to_location.": place})],
        **changes,
    }
    return msgspec.convert(row, wire.Back)


@pytest.mark.parametrize(
    ("place", "condition"),
    [
        ({"id": 2, "type": "storage"}, "restock"),
        ({"id": 7, "type": "storage"}, "quarantine"),
        ({"id": 8, "type": "storage"}, "damaged"),
        ({"id": 99, "type": "lost_found"}, "damaged"),
    ],
)
def test_where_it_went_tells_its_condition(place: dict[str, object], condition: str) -> None:
    (one,) = receipts(back(place), HOUSE)
    assert [(line.quantity, line.condition) for line in one.lines] == [(2, condition)]


def test_a_warehouse_without_an_input_puts_away_at_once() -> None:
    (one,) = receipts(back({"id": 8, "type": "storage"}, warehouse_storage=3), HOUSE)
    assert one.lines[0].condition == "restock"


def purchase(*lines: dict[str, object], state: str = "processing") -> wire.Purchase:
    row = {
        "id": 4,
        "last_modified_at": AT,
        "state": state,
        "party.": {"id": 1, "name": "Mill"},
        "lines.": lines,
    }
    return msgspec.convert(row, wire.Purchase)


def line(quantity: float, *received: float, factor: Any = 1.0, **changes: Any) -> dict[str, object]:
    moves = [{"id": key, "state": "done", "internal_quantity": units} for key, units in enumerate(received)]
    return {
        "id": 1,
        "type": "line",
        "quantity": quantity,
        "unit.": {"id": 1, "factor": factor, "name": "Box"},
        "product.": {"id": 1, "code": "TEE", "default_uom.": {"id": 2, "factor": 1.0}},
        "moves.": moves,
        **changes,
    }


def test_a_line_in_boxes_is_told_in_units() -> None:
    (one,) = purchase_orders(purchase(line(2, 12, factor=12.0)), HOUSE)
    told = one.lines[0]
    assert (told.expected, told.received, told.unit, told.pack) == (24, 12, "Box", 12)
    assert one.status == "partially-received"


@pytest.mark.parametrize(
    ("state", "received", "status"),
    [
        ("confirmed", 0, "open"),
        ("processing", 10, "received"),
        ("processing", 12, "received"),
        ("done", 4, "closed"),
        ("cancelled", 0, "cancelled"),
    ],
)
def test_the_status_of_a_purchase(state: str, received: float, status: str) -> None:
    (one,) = purchase_orders(purchase(line(10, received), state=state), HOUSE)
    assert one.status == status


@pytest.mark.parametrize(
    "wrong", [line(2, factor=0.5), line(-1), line(2, **{"unit.": None}), line(2.5), line(2, 0.5)]
)
def test_what_is_no_purchase_order(wrong: dict[str, object]) -> None:
    with pytest.raises(Unusable):
        list(purchase_orders(purchase(wrong), HOUSE))


def test_a_purchase_of_services_is_left_out() -> None:
    assert (
        list(purchase_orders(purchase(line(1, type="comment"), line(1, **{"product.": None})), HOUSE)) == []
    )


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (
            b'["UserError", ["No stock", "Within groups: Stock", null]]',
            ("UserError", "No stock", "Within groups: Stock"),
        ),
        (b'["UserWarning", ["key", "Really?", ""]]', ("UserWarning", "Really?", "")),
        (b'["ConcurrencyException", "Modified"]', ("ConcurrencyException", "Modified", "")),
        (b'["division by zero", "Traceback"]', ("division by zero", "Traceback", "")),
        (b'["odd"]', ("odd", "", "")),
    ],
)
def test_errors_as_they_come(raw: bytes, told: tuple[str, str, str]) -> None:
    assert protocol.error(msgspec.Raw(raw)) == told


@pytest.mark.parametrize("raw", [b"{}", b"[]", b"[1]", b"7"])
def test_an_error_that_is_none(raw: bytes) -> None:
    with pytest.raises(ProtocolMismatch):
        protocol.error(msgspec.Raw(raw))


def test_a_message_names_nobody() -> None:
    assert protocol.nameless('No "City" in record "Ada Long, 1 Main St".') == "No … in record …."


def test_a_record_that_cannot_be_read_keeps_its_key() -> None:
    assert bad("shipment", b'{"id": 7, "state": 1}', "why").key == "shipment 7"
    odd = bad("shipment", b'{"id": null}', "why")
    assert odd.key == bad("shipment", b'{"id": null}', "again").key
    assert odd.key.startswith("unreadable-")


def test_a_page_ends_with_the_last_record_that_can_be_read() -> None:
    told = b'{"id": 7, "last_modified_at": {"__class__": "datetime", "year": 2026, "month": 5, "day": 4}}'
    rows = [msgspec.Raw(row) for row in (told, b'{"id": 8, "last_modified_at": null}')]
    last = last_readable(rows)
    assert last is not None
    assert last.id == 7
    assert last_readable(rows[1:]) is None


@pytest.mark.parametrize(
    ("states", "said"),
    [
        (("cancelled", "waiting"), ()),
        (("cancelled", "assigned"), ("2.accepted",)),
        (("cancelled", "done"), ("1.closed-short",)),
        (("done", "cancelled"), ("2.closed-short",)),
        (("cancelled", "cancelled"), ("2.cancelled",)),
        (("shipped", "done"), ()),
    ],
)
def test_an_order_ends_with_its_last_shipment(states: tuple[str, ...], said: tuple[str, ...]) -> None:
    """Whichever of them changes: a part may be cancelled long before the rest has left."""
    at = msgspec.convert(AT, wire.Instant)
    every = [
        wire.ShipmentState(id=number, last_modified_at=at, state=state)
        for number, state in enumerate(states, start=1)
    ]
    last = every[-1]
    told = acknowledgements_of([(last, "SH1")], {"SH1": every}) if last.state != "waiting" else ()
    assert tuple(word.key for word in told) == said


@pytest.mark.parametrize(
    ("services", "detail"),
    [
        ((), "Tryton has no carrier: no order with a ship method can be taken"),
        (("Ground", "Air"), "2: UPS Air, UPS Ground"),
        (tuple(f"S{number:02d}" for number in range(52)), "52: UPS S00, UPS S01"),
    ],
)
def test_preflight_lists_what_ship_methods_may_be_mapped_to(services: tuple[str, ...], detail: str) -> None:
    party = wire.Named(id=1, name="UPS")
    carriers = [
        wire.Carrier(id=number, party=party, carrier_product=wire.Named(id=number, name=service))
        for number, service in enumerate(services)
    ]
    finding = ship_methods(carriers)
    assert (finding.name, finding.ok) == ("ship methods", bool(services))
    assert finding.detail.startswith(detail)
    assert ("and 2 more" in finding.detail) is (len(services) > 50)
