"""Returns of kits: the warehouse expects and receives components, the store is told kits."""

import pytest

from dropstreamd.channels import receipts, returns
from dropstreamd.config.schema import ReturnSettings
from dropstreamd.model.returns import Condition
from dropstreamd.platform.contract import Part
from dropstreamd.store.lmdb_store import InlineStore
from dropstreamd.store.records import State
from tests.channels.plant import Plant, asked_back, came_back, connection, order, package

BUNDLES = {"GIFT": {"TEE": 2, "MUG": 1}, "3PACK": {"TEE": 3}}
PAYS_BACK = ReturnSettings(reference="R{number}", restock=True, refund=True)


async def sold(state: InlineStore, *, returned: ReturnSettings = PAYS_BACK) -> Plant:
    """Two gifts (2 × TEE, 1 × MUG each), sold as PRESENT, and one TEE left in one package."""
    listings = {"PRESENT": "GIFT"}
    plant = Plant(state, connection(bundles=BUNDLES, listings=listings, returns=returned))
    plant.place(order("1", ("PRESENT", 2), ("TEE", 1)))
    await plant.import_orders()
    plant.ship(package("P1", "SH1", ("TEE", 5), ("MUG", 2)))
    await plant.export()
    return plant


async def expected(state: InlineStore) -> Plant:
    """Both gifts are to come back, in return 7."""
    plant = await sold(state)
    plant.ask_back(asked_back("7", ("PRESENT", 2)))
    await plant.returns()
    return plant


async def receive(plant: Plant, key: str, *lines: tuple[str, int, Condition], reference: str = "R7") -> None:
    plant.receive(came_back(key, *lines, reference=reference))
    await plant.returns()


def told(plant: Plant) -> dict[str, list[tuple[str, str, int, str]]]:
    """Receipt → the store's order line, its SKU, units and condition of each line that it was told."""
    return {
        key: [(line.order_line, line.sku, line.quantity, line.condition) for line in receipt.lines]
        for key, receipt in plant.stores["shop"].received.newest().items()
    }


def refunded(plant: Plant) -> dict[str, bool]:
    return {key: receipt.refund for key, receipt in plant.stores["shop"].received.newest().items()}


# ---- what is asked for


def awaited(plant: Plant, key: str = "r7") -> list[tuple[int, str, str, int]]:
    lines = plant.warehouse.expected.newest()[key].lines
    return [(line.number, line.return_line, line.sku, line.quantity) for line in lines]


async def test_the_warehouse_expects_components(state: InlineStore) -> None:
    plant = await expected(state)
    assert awaited(plant) == [(1, "RL1", "TEE", 4), (2, "RL1", "MUG", 2)]


async def test_they_are_those_that_were_shipped(state: InlineStore) -> None:
    """Also after the bundle was changed, and of an order that never went through us, once it was told."""
    plant = await sold(state)
    plant.amends = frozenset({Part.RETURNS})
    plant.ask_back(asked_back("8", ("GIFT", 1), order_key="o99"))
    await plant.returns()
    assert awaited(plant, "r8") == [(1, "RL1", "TEE", 2), (2, "RL1", "MUG", 1)]
    plant.configure(shop=connection(bundles={"PRESENT": {"CAP": 2}, "GIFT": {"CAP": 2}}, returns=PAYS_BACK))
    plant.ask_back(asked_back("7", ("PRESENT", 1)), asked_back("8", ("GIFT", 2), order_key="o99"))
    await plant.returns()
    assert awaited(plant) == [(1, "RL1", "TEE", 2), (2, "RL1", "MUG", 1)]
    assert awaited(plant, "r8") == [(1, "RL1", "TEE", 4), (2, "RL1", "MUG", 2)]


async def test_a_changed_return_is_told_in_kits(state: InlineStore) -> None:
    plant = await expected(state)
    plant.ask_back(asked_back("7", ("PRESENT", 1), ("TEE", 1)))
    await plant.returns()
    detail = plant.tasks()["returns", "r7"].detail
    assert detail == "PRESENT: 2 were to come back, now 1 are; line added: 1 × TEE"


# ---- what came back


async def test_whole_kits_come_back(state: InlineStore) -> None:
    plant = await expected(state)
    await receive(plant, "C1", ("TEE", 4, "restock"), ("MUG", 2, "restock"))
    assert told(plant) == {"C1": [("L1", "PRESENT", 2, "restock")]}
    assert refunded(plant) == {"C1": True}
    assert not plant.tasks()


async def test_one_component_is_the_kit_that_it_is_of(state: InlineStore) -> None:
    """Told as set aside: nobody can sell it as a kit. What it lacks is for a person."""
    plant = await expected(state)
    await receive(plant, "C1", ("MUG", 1, "restock"))
    assert told(plant) == {"C1": [("L1", "PRESENT", 1, "quarantine")]}
    assert refunded(plant) == {"C1": False}
    task = plant.tasks()["receipts", "C1 kits"]
    assert (task.kind, task.title) == ("incomplete-kit", "7: 1 × PRESENT came back incomplete")
    assert task.detail.startswith("receipt C1: 2 × TEE are missing")


async def test_the_rest_of_it_is_told_nothing_more(state: InlineStore) -> None:
    plant = await expected(state)
    await receive(plant, "C1", ("MUG", 1, "restock"))
    await receive(plant, "C2", ("TEE", 2, "restock"))
    assert list(told(plant)) == ["C1"]
    assert plant.doc("C2", receipts.FLOW).state is State.VOID
    await receive(plant, "C3", ("TEE", 2, "restock"), ("MUG", 1, "restock"))
    assert told(plant)["C3"] == [("L1", "PRESENT", 1, "restock")]
    assert not [key for key in plant.tasks() if key[1].startswith("C3")]


async def test_the_second_of_two_receipts_tells_the_kits_that_it_adds(state: InlineStore) -> None:
    plant = await expected(state)
    await receive(plant, "C1", ("MUG", 1, "restock"))
    await receive(plant, "C2", ("TEE", 4, "restock"), ("MUG", 1, "restock"))
    assert told(plant)["C2"] == [("L1", "PRESENT", 1, "restock")]


@pytest.mark.parametrize(
    ("came", "kits"),
    [
        ([("TEE", 4, "restock"), ("MUG", 1, "restock"), ("MUG", 1, "damaged")], {"restock": 1, "damaged": 1}),
        ([("TEE", 2, "restock"), ("MUG", 1, "damaged")], {"damaged": 1}),
        ([("TEE", 2, "quarantine"), ("MUG", 1, "restock")], {"quarantine": 1}),
        ([("TEE", 3, "restock"), ("MUG", 1, "restock")], {"restock": 1, "quarantine": 1}),
        ([("TEE", 3, "damaged"), ("TEE", 1, "quarantine")], {"damaged": 2}),
    ],
)
async def test_a_kit_is_as_bad_as_the_worst_of_it(
    state: InlineStore, came: list[tuple[str, int, Condition]], kits: dict[str, int]
) -> None:
    plant = await expected(state)
    await receive(plant, "C1", *came)
    assert {condition: units for _, _, units, condition in told(plant)["C1"]} == kits


async def test_a_return_to_sender_is_told_in_kits_of_the_order(state: InlineStore) -> None:
    plant = await sold(state)
    sender = {"tracking_numbers": ("1Z1",), "kind": "return-to-sender"}
    plant.receive(came_back("C1", ("TEE", 5, "restock"), ("MUG", 2, "restock"), **sender))
    await plant.returns()
    assert told(plant) == {"C1": [("L2", "TEE", 1, "restock"), ("L1", "PRESENT", 2, "restock")]}
    assert not plant.tasks()


async def test_one_component_without_a_return_is_of_its_order(state: InlineStore) -> None:
    plant = await sold(state)
    await receive(plant, "C1", ("MUG", 1, "damaged"), reference="SH1")
    assert told(plant) == {"C1": [("L1", "PRESENT", 1, "damaged")]}


@pytest.mark.parametrize(
    ("came", "lines"),
    [
        ([("TEE", 1, "restock")], [("L2", "TEE", 1, "restock")]),
        ([("TEE", 2, "restock"), ("MUG", 1, "restock")], [("L1", "PRESENT", 1, "restock")]),
        (
            [("TEE", 3, "restock"), ("MUG", 1, "restock")],
            [("L2", "TEE", 1, "restock"), ("L1", "PRESENT", 1, "restock")],
        ),
        (
            [("TEE", 2, "damaged")],
            [("L2", "TEE", 1, "damaged"), ("L1", "PRESENT", 1, "damaged")],
        ),
    ],
)
async def test_what_was_also_sold_alone_is_of_no_kit_unless_it_makes_one(
    state: InlineStore, came: list[tuple[str, int, Condition]], lines: list[tuple[str, str, int, str]]
) -> None:
    plant = await sold(state)
    await receive(plant, "C1", *came, reference="SH1")
    assert told(plant) == {"C1": lines}


async def test_too_many_components_are_told_in_the_warehouses_words(state: InlineStore) -> None:
    plant = await expected(state)
    await receive(plant, "C1", ("TEE", 4, "restock"), ("MUG", 5, "restock"))
    assert told(plant) == {"C1": [("L1", "PRESENT", 2, "restock")]}
    assert "3 × MUG too many" in plant.tasks()["receipts", "C1 over"].detail


async def test_a_receipt_that_changed_tells_its_kits_again(state: InlineStore) -> None:
    plant = await expected(state)
    plant.amends = frozenset({Part.RECEIPTS})
    plant.configure()
    await receive(plant, "C1", ("MUG", 2, "restock"))
    await receive(plant, "C2", ("TEE", 4, "restock"))
    assert told(plant) == {"C1": [("L1", "PRESENT", 2, "quarantine")]}
    # One MUG less: two kits were opened all the same, as C2 says, which told the store of none.
    await receive(plant, "C1", ("MUG", 1, "restock"))
    assert told(plant)["C1"] == [("L1", "PRESENT", 2, "quarantine")]
    plant.amends = frozenset()
    plant.configure()
    await receive(plant, "C1", ("MUG", 1, "damaged"))
    detail = plant.tasks()["receipts", "C1"].detail
    assert detail == "the store was told 2 × PRESENT (quarantine); now it is 1 × MUG (damaged)"


async def test_a_receipt_that_the_store_refused_is_tried_again_in_kits(state: InlineStore) -> None:
    plant = await expected(state)
    sink = plant.stores["shop"].received
    sink.refuse["C1"] = "unwanted"
    await receive(plant, "C1", ("MUG", 1, "restock"))
    assert plant.doc("C1", receipts.FLOW).state is State.PARKED
    sink.refuse.clear()
    await receive(plant, "C1", ("MUG", 2, "restock"))
    assert told(plant) == {"C1": [("L1", "PRESENT", 2, "quarantine")]}
    assert plant.doc("r7", returns.CHANNEL).state is State.ACCEPTED


async def test_the_store_sees_kits_throughout(state: InlineStore) -> None:
    """Sold, picked short, shipped in two packages, and one component returned."""
    plant = Plant(state, connection(bundles=BUNDLES, listings={"PRESENT": "GIFT"}))
    plant.place(order("1", ("PRESENT", 2)))
    await plant.import_orders()
    plant.ship(package("P1", "SH1", ("TEE", 4)))
    await plant.export()
    assert not plant.stores["shop"].fulfilled.effects
    plant.ship(package("P2", "SH1", ("MUG", 2), tracking="1Z2"))
    await plant.export()
    [fulfillment] = plant.stores["shop"].fulfilled.newest().values()
    assert [(line.order_line, line.quantity) for line in fulfillment.lines] == [("L1", 2)]
    assert fulfillment.tracking_numbers == ("1Z2", "1Z1")
    plant.ask_back(asked_back("7", ("PRESENT", 1)))
    await plant.returns()
    assert awaited(plant) == [(1, "RL1", "TEE", 2), (2, "RL1", "MUG", 1)]
    plant.receive(came_back("C1", ("MUG", 1, "restock"), tracking_numbers=("1Z2",)))
    await plant.returns()
    assert told(plant) == {"C1": [("L1", "PRESENT", 1, "quarantine")]}
    assert list(plant.tasks()) == [("receipts", "C1 kits")]
