"""Kits and components: there and back."""

from hypothesis import given, settings
from hypothesis import strategies as st

from dropstreamd.channels import kits
from dropstreamd.model.orders import OrderLine, OutboundLine

GIFT = {"TEE": 2, "MUG": 1}
SKUS = st.sampled_from(["A", "B", "C"])


def test_what_a_sku_takes() -> None:
    bundles = {"GIFT": GIFT}
    assert kits.sold_from({"STORE-GIFT": "GIFT"}, bundles, "STORE-GIFT") == GIFT
    assert kits.sold_from({}, bundles, "GIFT") == GIFT
    assert kits.sold_from({"X": "TEE"}, bundles, "X") == {"TEE": 1}
    assert kits.sold_from({}, {}, "Y") == {"Y": 1}


def test_a_bundle_that_the_platform_took_apart_is_not_sent_itself() -> None:
    lines = (
        OrderLine(key="L1", sku="GIFT", quantity=1),
        OrderLine(key="L2", sku="TEE", quantity=2, part_of="L1"),
        OrderLine(key="L3", sku="CAP", quantity=1),
    )
    assert [line.key for line in kits.to_ship(lines)] == ["L2", "L3"]
    assert [line.key for line in kits.to_ship(lines[2:])] == ["L3"]


def test_the_line_map() -> None:
    lines = (
        OutboundLine(number=1, order_line="L1", sku="TEE", quantity=6, kit="GIFT", units_per_kit=2),
        OutboundLine(number=2, order_line="L1", sku="MUG", quantity=3, kit="GIFT", units_per_kit=1),
        OutboundLine(number=3, order_line="L2", sku="TEE", quantity=1),
    )
    assert kits.line_map(lines) == {"L1": kits.Kit(sku="GIFT", recipe=GIFT, ordered=3)}


def test_whole_and_loose() -> None:
    assert kits.whole(GIFT, {"TEE": 5, "MUG": 2, "CAP": 1}) == kits.Whole(kits=2, loose={"TEE": 1, "CAP": 1})
    assert kits.whole(GIFT, {"MUG": 1, "TEE": -1}) == kits.Whole(kits=0, loose={"MUG": 1})
    assert kits.touched(GIFT, {"MUG": 1}) == 1
    assert kits.touched(GIFT, {"TEE": 3}) == 2
    assert kits.touched(GIFT, {}) == 0


@settings(max_examples=100, deadline=None)
@given(
    recipe=st.dictionaries(SKUS, st.integers(1, 5), min_size=1),
    count=st.integers(0, 30),
    units=st.dictionaries(SKUS, st.integers(0, 50)),
)
def test_there_and_back(recipe: dict[str, int], count: int, units: dict[str, int]) -> None:
    assert kits.whole(recipe, kits.components(recipe, count)) == kits.Whole(kits=count, loose={})
    found = kits.whole(recipe, units)
    assert kits.touched(recipe, units) >= found.kits
    rebuilt = kits.components(recipe, found.kits)
    for sku in recipe.keys() | units.keys():
        assert rebuilt.get(sku, 0) + found.loose.get(sku, 0) == units.get(sku, 0)
