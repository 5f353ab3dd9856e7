"""The arithmetic of levels: no store shows more than can be built, nor do all together with shares."""

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dropstreamd.channels.allocation import Component, Worked, work_out
from dropstreamd.channels.places import Place
from dropstreamd.config.schema import WHOLE_PPM, Allocation, StockRule

STOCK = ("A", "B", "C")
UNITS = st.integers(-5, 60)


def single(reported: int | None, *, unsent: int = 0, **rule: int) -> Worked:
    component = Component(sku="A", units=1, reported=reported, unsent=unsent)
    return work_out("A", [component], Allocation(default=StockRule(**rule)), bundle=False)


@pytest.mark.parametrize(
    ("worked", "level"),
    [
        (single(10), 10),
        (single(None), 0),
        (single(-4), 0),
        (single(10, unsent=3), 7),
        (single(10, unsent=13), 0),
        (single(10, safety_units=2), 8),
        (single(1, safety_units=2), 0),
        (single(101, safety_ppm=50_000), 95),  # 5.05 held back is 6
        (single(100, unsent=50, safety_ppm=50_000), 45),
        (single(-10, safety_ppm=50_000), 0),
        (single(100, fixed=30), 30),
        (single(20, fixed=30), 20),
        (single(100, maximum=5), 5),
        (single(100, maximum=0), 0),
        (single(4, minimum=5), 0),
        (single(5, minimum=5), 5),
        (single(100, unsent=98, maximum=5, minimum=3), 0),
    ],
)
def test_single_skus(worked: Worked, level: int) -> None:
    assert worked.level == level


def test_a_bundle_is_as_many_as_its_scarcest_component_gives() -> None:
    parts = [
        Component(sku="TEE", units=3, reported=20, unsent=4),
        Component(sku="MUG", units=1, reported=9),
    ]
    allocation = Allocation(
        default=StockRule(safety_units=2),
        overrides={"GIFT": StockRule(safety_units=1, maximum=2)},
        share_ppm=800_000,
    )
    worked = work_out("GIFT", parts, allocation, bundle=True)
    assert [(left.left, left.builds) for left in worked.components] == [(14, 4), (7, 7)]
    assert (worked.built, worked.safety, worked.offered) == (4, 1, 3)
    assert (worked.shared, worked.capped, worked.level) == (2, 2, 2)


def test_a_bundle_without_a_rule_of_its_own_holds_back_components_alone() -> None:
    part = Component(sku="TEE", units=3, reported=11)
    allocation = Allocation(default=StockRule(safety_units=2))
    assert work_out("3PACK", [part], allocation, bundle=True).level == 3


def test_a_component_that_the_warehouse_never_had_builds_nothing() -> None:
    parts = [
        Component(sku="TEE", units=1, reported=20),
        Component(sku="MUG", units=1, reported=None),
    ]
    assert work_out("GIFT", parts, Allocation(), bundle=True).level == 0


RULES = st.builds(
    StockRule,
    safety_units=st.integers(0, 5),
    safety_ppm=st.integers(0, 300_000),
    fixed=st.none() | st.integers(0, 40),
    maximum=st.none() | st.integers(0, 40),
    minimum=st.integers(0, 5),
)
RECIPES = st.dictionaries(st.sampled_from(STOCK), st.integers(1, 4), min_size=1)
SHARES = st.lists(st.integers(1, 100), min_size=1, max_size=4).map(
    lambda parts: [part * WHOLE_PPM // sum(parts) for part in parts]
)


@settings(max_examples=300, deadline=None)
@given(
    figures=st.fixed_dictionaries({sku: UNITS | st.none() for sku in STOCK}),
    unsent=st.fixed_dictionaries({sku: st.integers(0, 20) for sku in STOCK}),
    recipes=st.lists(RECIPES, max_size=3),
    default=RULES,
    overrides=st.dictionaries(st.sampled_from([*STOCK, "K0", "K1"]), RULES),
    shares=SHARES,
    choice=st.randoms(use_true_random=False),
)
def test_nobody_shows_more_than_can_be_built(
    figures: dict[str, int | None],
    unsent: dict[str, int],
    recipes: list[dict[str, int]],
    default: StockRule,
    overrides: dict[str, StockRule],
    shares: list[int],
    choice: random.Random,
) -> None:
    """Whatever SKU each store sells of: what they all show together can be built from what is there."""
    sold = {sku: {sku: 1} for sku in STOCK} | {f"K{at}": recipe for at, recipe in enumerate(recipes)}
    free = {sku: max(0, (figures[sku] or 0) - unsent[sku]) for sku in STOCK}

    def level(name: str, share_ppm: int) -> int:
        recipe = sold[name]
        parts = [
            Component(sku=sku, units=units, reported=figures[sku], unsent=unsent[sku])
            for sku, units in recipe.items()
        ]
        allocation = Allocation(default=default, overrides=overrides, share_ppm=share_ppm)
        return work_out(name, parts, allocation, bundle=name not in STOCK).level

    taken: Counter[str] = Counter()
    for share_ppm in shares:
        name = choice.choice(sorted(sold))
        shown = level(name, share_ppm)
        assert shown >= 0
        for sku, units in sold[name].items():
            taken[sku] += shown * units
    assert all(taken[sku] <= free[sku] for sku in STOCK)
    for name, recipe in sold.items():
        alone = level(name, WHOLE_PPM)
        assert all(alone * units <= free[sku] for sku, units in recipe.items())


@given(
    stock=st.lists(UNITS, min_size=1, max_size=5),
    unsent=st.integers(0, 30),
    rule=st.builds(
        StockRule,
        safety_units=st.integers(0, 5),
        safety_ppm=st.integers(0, 500_000),
        fixed=st.none() | st.integers(0, 50),
        maximum=st.none() | st.integers(0, 50),
        minimum=st.integers(0, 5),
    ),
    share=st.integers(0, WHOLE_PPM),
)
@settings(max_examples=300, deadline=None)
def test_locations_together_keep_to_what_is_set_for_the_store(
    stock: list[int], unsent: int, rule: StockRule, share: int
) -> None:
    """Each of them alone, and the sum of all, shows no more than there is or was set for one store."""
    allocation = Allocation(default=rule, share_ppm=share)
    levels = []
    for number, reported in enumerate(stock):
        place = Place(location=str(number), facility=str(number), number=number, among=len(stock))
        component = Component(sku="A", units=1, reported=reported, unsent=unsent)
        levels.append(work_out("A", [component], allocation, bundle=False, place=place).level)
        assert 0 <= levels[-1] <= max(0, reported - unsent - rule.safety_units)
    there = sum(max(0, reported) for reported in stock)
    assert sum(levels) <= max(0, there - unsent) * share // WHOLE_PPM
    for most in (rule.fixed, rule.maximum):
        assert most is None or sum(levels) <= most
