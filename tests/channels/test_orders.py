"""Sales orders: each reaches the warehouse once, or somebody is told why not."""

from functools import partial

import pytest
from msgspec.structs import replace

from dropstreamd.channels import older, orders, outbound, told_orders
from dropstreamd.model.handover import Bad
from dropstreamd.model.orders import Order, OrderLine
from dropstreamd.store import documents
from dropstreamd.store.lmdb_store import InlineStore
from dropstreamd.store.records import Standing, State
from dropstreamd.store.transitions import UNDECODABLE
from tests.channels.plant import ENABLED_S, START_S, Plant, connection, order

OLD_S = ENABLED_S - 86_400


async def test_new_orders_arrive_once(plant: Plant) -> None:
    plant.place(*(order(str(number), ("A", number)) for number in range(1, 9)))
    run = await plant.import_orders()
    assert plant.warehouse.taken.created() == {f"o{number}": 1 for number in range(1, 9)}
    assert run.counts == {"staged": 8, "accepted": 8}
    sent = plant.warehouse.taken.newest()["o3"]
    assert (sent.reference, sent.number, sent.ship_method) == ("SH3", "3", "GND")
    assert [(line.sku, line.quantity, line.order_line) for line in sent.lines] == [("A", 3, "L1")]
    again = await plant.import_orders()
    assert not again.counts
    assert len(plant.warehouse.taken.effects) == 8


# ---- the first enabling


async def test_the_backlog_is_listed_and_sent_only_when_asked_for(plant: Plant) -> None:
    plant.place(*(order(f"{number}", placed_s=OLD_S + number) for number in range(50)), order("new"))
    run = await plant.import_orders()
    assert plant.warehouse.taken.created() == {"onew": 1}
    assert run.counts["staged"] == 51
    listed = plant.state.read(partial(older.backlog, flow=plant.flow(), since_s=0.0))
    assert {held.number for _, held in listed} == {str(number) for number in range(50)}
    later = plant.state.read(partial(older.backlog, flow=plant.flow(), since_s=OLD_S + 30))
    assert len(later) == 20

    run = await plant.import_orders(since_s=OLD_S + 30)
    assert run.counts["released"] == 20
    assert len(plant.warehouse.taken.created()) == 21
    await plant.import_orders()
    run = await plant.import_orders(since_s=0.0)
    assert run.counts["released"] == 30
    assert set(plant.warehouse.taken.created().values()) == {1}
    assert len(plant.warehouse.taken.created()) == 51


async def test_older_orders_that_the_run_itself_finds_are_not_let_go_with_those_agreed_to(
    plant: Plant,
) -> None:
    """A backlog that comes in over several runs: nobody has seen those that come now."""
    plant.place(order("1", placed_s=OLD_S))
    await plant.import_orders()
    plant.place(*(order(number, placed_s=OLD_S + int(number)) for number in ("2", "3")), order("new"))
    run = await plant.import_orders(since_s=OLD_S)
    assert plant.warehouse.taken.created() == {"o1": 1, "onew": 1}
    assert run.counts == {"staged": 3, "released": 1, "held_back": 2, "accepted": 2}
    run = await plant.import_orders(since_s=OLD_S + 3)
    assert run.counts == {"released": 1, "accepted": 1}
    await plant.import_orders(since_s=OLD_S)
    assert plant.warehouse.taken.created() == {"o1": 1, "o2": 1, "o3": 1, "onew": 1}


async def test_a_state_goes_by_its_code(plant: Plant) -> None:
    """Some platforms tell its name; that is no other address than the one that was sent."""
    texas = replace(order("1").ship_to, region="Texas")
    plant.place(order("1", ship_to=texas, bill_to=replace(texas, region="Oregon")))
    await plant.import_orders()
    [sent] = [effect.document for effect in plant.warehouse.taken.effects]
    assert (sent.ship_to.region, sent.bill_to and sent.bill_to.region) == ("TX", "OR")
    assert "another address" not in outbound.describe(plant.doc("o1"))


async def test_an_older_order_that_is_over_since_a_person_agreed_is_not_let_go(plant: Plant) -> None:
    plant.place(*(order(number, placed_s=OLD_S) for number in ("1", "2")))
    await plant.import_orders()
    plant.place(order("1", placed_s=OLD_S, status="cancelled"))
    run = await plant.import_orders(since_s=0.0)
    assert run.counts["released"] == 1
    assert plant.warehouse.taken.created() == {"o2": 1}


async def test_a_change_does_not_let_an_older_order_slip_through(plant: Plant) -> None:
    plant.place(order("1", ("A", 1), placed_s=OLD_S))
    await plant.import_orders()
    plant.place(order("1", ("A", 2), placed_s=OLD_S))
    await plant.import_orders()
    assert not plant.warehouse.taken.effects
    await plant.import_orders(since_s=0.0)
    assert plant.warehouse.taken.newest()["o1"].lines[0].quantity == 2


async def test_an_older_order_that_closes_and_reopens_still_waits(plant: Plant) -> None:
    """The old system shipped it; a return reopens it in the store. It must not ship from here."""
    for status in ("open", "closed", "open", "cancelled", "waiting", "open"):
        plant.place(order("1", placed_s=OLD_S, status=status))
        await plant.import_orders()
        assert not plant.warehouse.taken.effects, status
    assert plant.doc("o1").state is State.HELD
    await plant.import_orders(since_s=0.0)
    assert plant.warehouse.taken.created() == {"o1": 1}


async def test_since_does_not_send_what_the_store_holds_back(plant: Plant) -> None:
    plant.place(order("1", placed_s=OLD_S, status="waiting"), order("2", placed_s=OLD_S))
    await plant.import_orders()
    await plant.import_orders(since_s=0.0)
    assert plant.warehouse.taken.created() == {"o2": 1}
    assert plant.doc("o1").state is State.HELD
    plant.place(order("1", placed_s=OLD_S))
    await plant.import_orders()
    assert plant.warehouse.taken.created() == {"o1": 1, "o2": 1}


async def test_an_older_order_that_is_closed_already_is_not_kept(plant: Plant) -> None:
    plant.place(order("1", placed_s=OLD_S, status="closed"), order("2", status="cancelled"))
    run = await plant.import_orders()
    assert not run.counts
    with pytest.raises(AssertionError):
        plant.doc("o1")


# ---- what an order says


async def test_only_the_open_quantity_is_imported(plant: Plant) -> None:
    part = OrderLine(key="L1", sku="A", quantity=5, fulfilled=3)
    done = OrderLine(key="L2", sku="B", quantity=2, fulfilled=2)
    plant.place(order("1", part, done, ("C", 1)))
    await plant.import_orders()
    sent = plant.warehouse.taken.newest()["o1"]
    assert [(line.number, line.sku, line.quantity, line.ordered) for line in sent.lines] == [
        (1, "A", 2, 5),
        (3, "C", 1, 1),
    ]


async def test_listings_name_the_warehouse_sku(state: InlineStore) -> None:
    plant = Plant(state, connection(listings={"TEE": "100"}))
    plant.place(order("1", ("TEE", 1), ("CAP", 1)))
    await plant.import_orders()
    assert [line.sku for line in plant.warehouse.taken.newest()["o1"].lines] == ["100", "CAP"]


async def test_waiting_orders_wait_for_the_store(plant: Plant) -> None:
    plant.place(order("1", status="waiting"))
    await plant.import_orders()
    doc = plant.doc("o1")
    assert (doc.state, doc.cause, doc.standing) == (State.HELD, "waiting", Standing.HELD)
    plant.place(order("1"))
    await plant.import_orders()
    assert plant.warehouse.taken.created() == {"o1": 1}


async def test_an_order_cancelled_before_it_went_never_goes(plant: Plant) -> None:
    plant.place(order("1", method="Express"))
    await plant.import_orders()
    plant.place(order("1", method="Express", status="cancelled"))
    await plant.import_orders()
    assert plant.doc("o1").state is State.VOID
    plant.place(order("1", method="Standard"))
    await plant.import_orders()
    assert plant.warehouse.taken.created() == {"o1": 1}


async def test_nothing_left_is_void_and_no_sku_is_parked(plant: Plant) -> None:
    plant.place(
        order("1", OrderLine(key="L1", sku="A", quantity=1, fulfilled=1)),
        order("2", OrderLine(key="L1", sku="", quantity=1, name="Gift card")),
        order("3"),
    )
    run = await plant.import_orders()
    assert run.counts == {"staged": 3, "parked": 1, "nothing_left": 1, "accepted": 1}
    assert plant.doc("o1").state is State.VOID
    assert "Gift card" in plant.doc("o2").reason


# ---- parked


async def test_a_mapping_releases_without_a_fetch_and_delays_no_neighbour(plant: Plant) -> None:
    plant.place(order("1", method="Express"), order("2"))
    await plant.import_orders()
    assert plant.warehouse.taken.created() == {"o2": 1}
    doc = plant.doc("o1")
    assert (doc.state, doc.cause) == (State.PARKED, "method:Express")
    plant.stores["shop"].changes.rows.clear()
    mapped = replace(plant.connections["shop"], methods={"Standard": "GND", "Express": "AIR"})
    plant.configure(shop=mapped)
    await plant.import_orders()
    assert plant.warehouse.taken.newest()["o1"].ship_method == "AIR"
    assert plant.warehouse.taken.created() == {"o1": 1, "o2": 1}


async def test_an_unmapped_method_may_pass(state: InlineStore) -> None:
    plant = Plant(state, connection(unmapped_method="pass"))
    plant.place(order("1", method="Carrier Pigeon"))
    await plant.import_orders()
    assert plant.warehouse.taken.newest()["o1"].ship_method == "Carrier Pigeon"


@pytest.mark.parametrize(
    ("number", "said"),
    [("#/!", "no character"), ("1234567890" * 3, "has 32 characters, the warehouse takes 30")],
)
async def test_a_number_that_makes_no_reference_is_parked(plant: Plant, number: str, said: str) -> None:
    if said == "no character":
        plant.configure(shop=connection(reference="{number}"))
    plant.place(replace(order("x"), number=number), order("2"))
    await plant.import_orders()
    assert said in plant.doc("ox").reason
    assert plant.warehouse.taken.created() == {"o2": 1}


async def test_the_same_reference_of_two_connections_goes_once(state: InlineStore) -> None:
    plant = Plant(state, connection("shop", reference="{number}"), connection("ebay", reference="{number}"))
    plant.place(replace(order("1001"), key="a"))
    plant.place(replace(order("1001"), key="b"), name="ebay")
    await plant.import_orders()
    await plant.import_orders("ebay")
    assert plant.warehouse.taken.created() == {"a": 1}
    assert "already that of an order of shop" in plant.doc("b", name="ebay").reason
    plant.configure(ebay=connection("ebay"))
    await plant.import_orders("ebay")
    assert plant.warehouse.taken.newest()["b"].reference == "EB1001"


async def test_numbers_that_differ_only_in_signs_do_not_share_a_reference(plant: Plant) -> None:
    plant.place(replace(order("10#01"), key="a"), replace(order("1001"), key="b"))
    await plant.import_orders()
    assert sum(plant.warehouse.taken.created().values()) == 1
    assert {plant.doc(key).state for key in "ab"} == {State.ACCEPTED, State.PARKED}


async def test_a_refused_order_waits_for_a_person_or_a_change(plant: Plant) -> None:
    plant.warehouse.taken.refuse = {"o1": "address"}
    plant.place(order("1"), order("2"))
    run = await plant.import_orders()
    assert run.counts["refused"] == 1
    assert plant.warehouse.taken.created() == {"o2": 1}
    await plant.import_orders()
    assert len(plant.warehouse.taken.pushed) == 1, "tried again by itself"
    plant.place(order("1", note="gate code 12"))
    await plant.import_orders()
    assert len(plant.warehouse.taken.pushed) == 2
    plant.warehouse.taken.refuse = {}
    book = orders.book(plant.scopes["c-shop"])
    released = await plant.state.write(
        partial(documents.release, book=book, key="o1", now_s=START_S, run="r", why="asked for")
    )
    assert released
    await plant.import_orders()
    assert plant.warehouse.taken.created() == {"o1": 1, "o2": 1}


async def test_what_prepare_refuses_is_parked_alone(plant: Plant) -> None:
    plant.warehouse.taken.unprepared = {"o1": "charset"}
    plant.place(order("1"), order("2"))
    run = await plant.import_orders()
    assert run.counts["parked"] == 1
    assert (plant.doc("o1").state, plant.doc("o1").by_sink) == (State.PARKED, True)
    assert plant.warehouse.taken.created() == {"o2": 1}


# ---- what cannot be read


def unreadable(key: str) -> Bad:
    return Bad(key=key, place=f"order {key}", reason="lines is not a list", raw=b"{}")


async def test_one_unreadable_order_does_not_sink_its_page(plant: Plant) -> None:
    plant.place(order("1"), order("3"))
    plant.stores["shop"].changes.change("o2", unreadable("o2"))
    run = await plant.import_orders()
    assert run.counts == {"staged": 2, "undecodable": 1, "accepted": 2}
    [(key, record)] = plant.state.read(lambda tx: list(documents.bad_records(tx, plant.flow())))
    assert (key, record.place, record.raw) == ("o2", "order o2", b"{}")
    assert not (await plant.import_orders()).counts
    plant.place(order("2"))
    await plant.import_orders()
    assert plant.warehouse.taken.created() == {"o1": 1, "o2": 1, "o3": 1}
    assert not plant.state.read(lambda tx: list(documents.bad_records(tx, plant.flow())))


async def test_keys_that_cannot_be_kept_are_counted_and_shown(plant: Plant) -> None:
    plant.place(replace(order("1"), key="k" * 101), order("2"))
    run = await plant.import_orders()
    assert run.counts["undecodable"] == 1
    assert plant.warehouse.taken.created() == {"o2": 1}
    assert len(plant.state.read(lambda tx: list(documents.bad_records(tx, plant.flow())))) == 1


async def test_an_unreadable_newer_form_holds_the_older_one(plant: Plant) -> None:
    plant.place(order("1", method="Express"))
    await plant.import_orders()
    plant.stores["shop"].changes.change("o1", unreadable("o1"))
    await plant.import_orders()
    plant.configure(shop=connection(methods={"Express": "AIR"}))
    await plant.import_orders()
    assert not plant.warehouse.taken.effects
    plant.place(order("1", method="Express"))
    await plant.import_orders()
    assert plant.warehouse.taken.created() == {"o1": 1}


async def test_an_older_order_whose_newest_form_cannot_be_read_is_not_let_go(plant: Plant) -> None:
    """It may have been cancelled: `--since` waits until it can be read."""
    older = order("1", placed_s=ENABLED_S - 100)
    plant.place(older)
    await plant.import_orders()
    plant.stores["shop"].changes.change("o1", Bad(key="o1", place="order 1", reason="no currency", raw=b"{"))
    await plant.import_orders()
    await plant.import_orders(since_s=ENABLED_S - 3600)
    assert (plant.doc("o1").state, plant.doc("o1").cause) == (State.HELD, UNDECODABLE)
    plant.place(older)
    await plant.import_orders()
    assert plant.warehouse.taken.created() == {"o1": 1}


def test_order_lines_in_another_order_are_no_change() -> None:
    lines = (OrderLine(key="1", sku="A", quantity=1), OrderLine(key="2", sku="B", quantity=1))
    one: Order = replace(order("1"), lines=lines)
    other = replace(one, lines=lines[::-1])
    assert told_orders.incoming(one, 0.0).digest == told_orders.incoming(other, 0.0).digest
