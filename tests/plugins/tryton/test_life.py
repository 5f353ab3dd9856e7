"""An order's life in a real Tryton, from both sides."""

import msgspec
import pytest

from dropstreamd.clock import utc
from dropstreamd.errors import Misconfigured
from dropstreamd.model.handover import Accepted, Item, Rejected
from dropstreamd.model.orders import Address, OutboundOrder
from dropstreamd.model.returns import OutboundReturn, OutboundReturnLine
from tests.counterparts.tryton.shipping import OUT, Packed
from tests.counterparts.tryton.warehouse import TrytonWarehouse
from tests.plugins.runs import read
from tests.plugins.things import hand_over

from .houses import order, session, stock

pytestmark = pytest.mark.counterpart


def cancelled(item: Item[OutboundOrder], remote: str) -> Item[OutboundOrder]:
    return msgspec.structs.replace(item, remote=remote, cancel=True)


async def test_an_order_ships_in_two_packages(tryton_warehouse: TrytonWarehouse) -> None:
    house = tryton_warehouse
    tee, mug = f"{house.code}-TEE", f"{house.code}-MUG"
    house.add_products({tee: 10, mug: 5})
    item = order(f"SO{house.code}", {tee: 4, mug: 1})
    async with session(house) as opened:
        accepted = await hand_over(opened.orders, item)
        assert isinstance(accepted, Accepted)
        assert await stock(opened) == {tee: 6, mug: 4}
        (made,) = house.shipments(item.document.reference)
        address = made["delivery_address."]
        assert "1 Main St\nFloor 2" in address["full_address"]
        assert "SPRINGFIELD, IL" in address["full_address"].upper()
        contacts = {each["value"] for each in address["contact_mechanisms."]}
        assert contacts == {"ada@example.com", "not a number"}
        assert made["carrier."]["rec_name"] == "UPS - Ground"
        shipment = int(accepted.remote)
        assert house.assign(shipment)
        house.pick(shipment)
        packed = house.pack(shipment, [Packed(units={tee: 4}, tracking="1Z1"), Packed(units={mug: 1})])
        house.send(shipment)
        first = await read(opened.shipments)
        assert {
            package.tracking_numbers: [(line.sku, line.quantity) for line in package.lines]
            for package in first.told
        } == {("1Z1",): [(tee, 4)], (): [(mug, 1)]}
        assert {(each.reference, each.carrier, each.service) for each in first.told} == {
            (item.document.reference, "UPS", "Ground")
        }
        house.track(packed[1], "1Z2")
    async with session(house) as opened:
        again = await read(opened.shipments, first.cursor)
        assert {each.tracking_numbers for each in again.told} == {("1Z1",), ("1Z2",)}
        assert {each.key for each in again.told} == {each.key for each in first.told}
        assert await stock(opened) == {tee: 6, mug: 4}


async def test_what_is_split_keeps_its_reference(tryton_warehouse: TrytonWarehouse) -> None:
    house = tryton_warehouse
    tee = f"{house.code}-TEE"
    house.add_products({tee: 3})
    item = order(f"SO{house.code}", {tee: 5})
    async with session(house) as opened:
        accepted = await hand_over(opened.orders, item)
        assert isinstance(accepted, Accepted)
        assert await stock(opened) == {tee: -2}
        first = int(accepted.remote)
        rest = house.split(first, tee, 3)
        assert await hand_over(opened.orders, item) == accepted
        house.fulfil([first])
        assert [line.quantity for each in (await read(opened.shipments)).told for line in each.lines] == [3]
    async with session(house) as opened:
        house.cancel(rest)
        said = await read(opened.acknowledgements)
        assert [(each.reference, each.verdict) for each in said.told] == [
            (item.document.reference, "closed-short")
        ]


async def test_a_short_pick_ships_what_was_there(tryton_warehouse: TrytonWarehouse) -> None:
    house = tryton_warehouse
    tee, gone = f"{house.code}-TEE", f"{house.code}-GONE"
    house.add_products({tee: 3, gone: 0})
    short, none = order(f"SO{house.code}-1", {tee: 5}), order(f"SO{house.code}-2", {gone: 1})
    async with session(house) as opened:
        for item in (short, none):
            accepted = await hand_over(opened.orders, item)
            assert isinstance(accepted, Accepted)
            shipment = int(accepted.remote)
            assert not house.assign(shipment)
            house.go_short(shipment)
            house.pick(shipment)
            house.pack(shipment)
            house.send(shipment)
        packages = (await read(opened.shipments)).told
    assert [(each.reference, each.lines[0].quantity) for each in packages] == [(short.document.reference, 3)]


async def test_an_order_is_cancelled_until_it_is_picked(tryton_warehouse: TrytonWarehouse) -> None:
    house = tryton_warehouse
    tee = f"{house.code}-TEE"
    house.add_products({tee: 10})
    early, late = order(f"SO{house.code}-1", {tee: 1}), order(f"SO{house.code}-2", {tee: 1})
    async with session(house) as opened:
        remotes = [
            outcome.remote
            for item in (early, late)
            if isinstance(outcome := await hand_over(opened.orders, item), Accepted)
        ]
        house.assign(int(remotes[0]))
        house.assign(int(remotes[1]))
        house.pick(int(remotes[1]))
        assert await hand_over(opened.orders, cancelled(early, remotes[0])) == Accepted(
            key=early.key, remote=remotes[0]
        )
        assert house.state(OUT, int(remotes[0])) == "cancelled"
        refused = await hand_over(opened.orders, cancelled(late, remotes[1]))
        assert isinstance(refused, Rejected)
        assert refused.cause == "too-late"
        assert house.state(OUT, int(remotes[1])) == "picked"
        said = await read(opened.acknowledgements)
        assert sorted(each.verdict for each in said.told) == ["accepted", "cancelled"]
        # It may be sent again under its reference.
        again = await hand_over(opened.orders, early)
        assert isinstance(again, Accepted)
        assert again.remote != remotes[0]
        assert await hand_over(opened.orders, order(early.key, {tee: 2})) == Rejected(
            key=early.key,
            cause="other-content",
            reason=f"shipment {house.shipments(early.key)[-1]['number']} bears this reference in Tryton, "
            "with other SKUs or units",
        )


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"ship_method": "Pigeon"}, "method:Pigeon"),
        ({"ship_method": "DHL"}, ""),
        ({"ship_method": "UPS"}, "method:UPS"),
        ({"ship_to": Address(line1="1 Rue A", country="FR")}, "country:FR"),
        ({"lines": ()}, "lines"),
    ],
)
async def test_what_an_order_names_must_be_there(
    tryton_warehouse: TrytonWarehouse, changes: dict[str, object], cause: str
) -> None:
    house = tryton_warehouse
    tee = f"{house.code}-TEE"
    house.add_products({tee: 10})
    async with session(house) as opened:
        outcome = await hand_over(opened.orders, order(f"SO{house.code}", {tee: 1}, **changes))
    assert (outcome.cause if isinstance(outcome, Rejected) else "") == cause


async def test_a_reference_that_tryton_would_cut_is_refused(tryton_warehouse: TrytonWarehouse) -> None:
    async with session(tryton_warehouse) as opened:
        outcome = await hand_over(opened.orders, order("SO1 ", {"TEE": 1}))
    assert isinstance(outcome, Rejected)
    assert outcome.cause == "reference"


async def test_a_return_comes_back_in_three_conditions(tryton_warehouse: TrytonWarehouse) -> None:
    house = tryton_warehouse
    tee = f"{house.code}-TEE"
    house.add_products({tee: 10})
    returned = OutboundReturn(
        reference=f"RMA{house.code}",
        number="R1",
        order_reference="SO1",
        requested_at=utc(1_795_300_000),
        lines=(OutboundReturnLine(number=1, return_line="1", order_line="1", sku=tee, quantity=6),),
    )
    async with session(house) as opened:
        accepted = await hand_over(opened.returns, Item(key="r1", document=returned))
        assert isinstance(accepted, Accepted)
        house.receive_back(
            int(accepted.remote), {tee: [(3, house.storage), (2, house.damaged), (1, house.quarantine)]}
        )
        (receipt,) = (await read(opened.receipts)).told
        assert receipt.reference == returned.reference
        assert {line.condition: line.quantity for line in receipt.lines} == {
            "restock": 3,
            "damaged": 2,
            "quarantine": 1,
        }
        assert await stock(opened) == {tee: 13}
        late = await hand_over(
            opened.returns, Item(key="r1", document=returned, remote=accepted.remote, cancel=True)
        )
        assert isinstance(late, Rejected)


async def test_what_is_late_is_promised_all_the_same(tryton_warehouse: TrytonWarehouse) -> None:
    house = tryton_warehouse
    tee = f"{house.code}-TEE"
    house.add_products({tee: 10})
    for number, by_s in enumerate((None, 1_700_000_000, 1_900_000_000), start=1):
        by = None if by_s is None else utc(by_s)
        async with session(house) as opened:
            await hand_over(opened.orders, order(f"SO{house.code}-{number}", {tee: 2}, ship_by=by))
            assert await stock(opened) == {tee: 10 - 2 * number}


async def test_a_purchase_arrives_in_parts(tryton_warehouse: TrytonWarehouse) -> None:
    house = tryton_warehouse
    tee = f"{house.code}-TEE"
    house.add_products({tee: 0})
    (purchase,) = house.purchase_many(["PO1"], {tee: 10})
    seen = []
    cursor = None
    for units in (0, 4, 7):
        if units:
            house.receive_goods(purchase, {tee: units})
        async with session(house) as opened:
            page = await read(opened.purchase_orders, cursor)
            cursor = page.cursor
            told = page.told[-1]
            seen.append((told.status, told.lines[0].expected, told.lines[0].received))
    assert seen == [("open", 10, 0), ("partially-received", 10, 4), ("received", 10, 11)]


async def test_a_setting_that_names_nothing_is_told(tryton_warehouse: TrytonWarehouse) -> None:
    async with session(tryton_warehouse, customer="NOBODY") as opened:
        with pytest.raises(Misconfigured, match="none is called 'NOBODY'"):
            await opened.test(write=False)
    async with session(tryton_warehouse, quarantine=["NOWHERE"]) as opened:
        with pytest.raises(Misconfigured, match="NOWHERE"):
            await opened.test(write=False)


async def test_each_warehouse_is_a_facility(tryton_warehouse: TrytonWarehouse) -> None:
    """Its stock is told apart, an order goes to the one that it names, and its package says so."""
    house = tryton_warehouse
    tee, west = f"{house.code}-TEE", f"{house.code} W"
    house.add_products({tee: 10})
    storage = house.add_warehouse(west, {tee: 4})
    house.count({tee: 5}, location=house.quarantine)
    here, there = order(f"SO{house.code}-1", {tee: 2}), order(f"SO{house.code}-2", {tee: 3}, facility=west)
    nowhere = order(f"SO{house.code}-3", {tee: 1}, facility="NONE")
    async with session(house, more_warehouses=[west]) as opened:
        accepted = [await hand_over(opened.orders, each) for each in (here, there)]
        assert all(isinstance(each, Accepted) for each in accepted)
        refused = await hand_over(opened.orders, nowhere)
        assert isinstance(refused, Rejected)
        assert refused.cause == "facility:NONE"
        page = await opened.inventory.page(lambda _mark: False)
        assert page is not None
        assert {(row.facility, row.sku): row.quantity for row in page.rows} == {
            (house.code, tee): 8,
            (west, tee): 1,
        }
        house.fulfil([int(each.remote) for each in accepted if isinstance(each, Accepted)])
        packages = (await read(opened.shipments)).told
    assert {each.reference: each.facility for each in packages} == {
        here.document.reference: house.code,
        there.document.reference: west,
    }
    assert house.stock_in(storage, tee) == 1
