"""Packages of an order with kits, in any order and of any content: pure."""

from collections import Counter
from datetime import UTC, datetime

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from dropstreamd.channels import kits, parcels
from dropstreamd.channels.references import Allocation, Taken
from dropstreamd.model.orders import OutboundLine, OutboundOrder
from dropstreamd.model.shipments import Package, PackageLine
from tests.channels.plant import HOME

SKUS = ("TEE", "MUG", "CAP")
RECIPES = st.dictionaries(st.sampled_from(SKUS), st.integers(1, 3), min_size=1).filter(
    lambda recipe: sum(recipe.values()) > 1
)
SOLD = st.tuples(RECIPES | st.sampled_from(SKUS), st.integers(1, 4))


def order(sold: list[tuple[dict[str, int] | str, int]]) -> OutboundOrder:
    lines: list[OutboundLine] = []
    for at, (what, count) in enumerate(sold):
        parts = {what: 0} if isinstance(what, str) else what
        lines += [
            OutboundLine(
                number=len(lines) + number,
                order_line=f"L{at}",
                sku=sku,
                quantity=count * (units or 1),
                ordered=count,
                kit="" if isinstance(what, str) else f"K{at}",
                units_per_kit=units,
            )
            for number, (sku, units) in enumerate(parts.items(), start=1)
        ]
    return OutboundOrder(
        reference="R",
        number="1",
        placed_at=datetime(2026, 3, 2, tzinfo=UTC),
        ship_to=HOME,
        ship_method="GND",
        lines=tuple(lines),
    )


@settings(max_examples=300, deadline=None)
@given(sold=st.lists(SOLD, min_size=1, max_size=4), data=st.data())
def test_however_it_is_packed_the_store_sees_what_was_sold(
    sold: list[tuple[dict[str, int] | str, int]], data: st.DataObject
) -> None:
    """Every unit leaves in some package: then every line is told in full, no line ever beyond that, and
    the tracking of every package once."""
    sent = order(sold)
    units = [sku for line in sent.lines for sku in [line.sku] * line.quantity]
    units = data.draw(st.permutations(units))
    told: Counter[str] = Counter()
    tracked: Counter[str] = Counter()
    taken = Taken(units={}, told={})
    number = 0
    while units:
        size = data.draw(st.integers(1, len(units)))
        inside, units = Counter(units[:size]), units[size:]
        number += 1
        key = data.draw(st.sampled_from([f"A{number}", f"Z{number}"])) if number % 2 else f"M{number}"
        lines = tuple(PackageLine(sku=sku, quantity=count) for sku, count in inside.items())
        package = Package(key=key, reference="R", lines=lines)
        allocation, spare = parcels.allocate(package, sent, taken.units.values())
        assert not spare
        now = parcels.completed(sent, allocation, taken)
        assert not parcels.lacking(sent, allocation, taken)
        fulfilled = parcels.fulfilled(sent, allocation, now)
        for line in fulfilled:
            assert line.quantity > 0
            told[line.order_line] += line.quantity
        if fulfilled:
            tracked.update([key, *now.others])
        taken.units[key] = allocation
        if now.kits or now.others:
            taken.told[key] = now
        ordered = {f"L{at}": count for at, (_, count) in enumerate(sold)}
        assert all(count <= ordered[line] for line, count in told.items())
    assert told == {f"L{at}": count for at, (_, count) in enumerate(sold)}
    assert tracked == dict.fromkeys(taken.units, 1)
    assert not parcels.loose(sent, taken.units)


@settings(max_examples=100, deadline=None)
@given(sold=st.lists(SOLD, min_size=1, max_size=3), data=st.data())
def test_what_left_is_whole_kits_and_loose_components(
    sold: list[tuple[dict[str, int] | str, int]], data: st.DataObject
) -> None:
    sent = order(sold)
    counts = [data.draw(st.integers(0, line.quantity)) for line in sent.lines]
    lines = tuple(
        PackageLine(sku=line.sku, quantity=count, order_line=line.number)
        for line, count in zip(sent.lines, counts, strict=True)
        if count
    )
    empty = Taken(units={}, told={})
    if not lines:
        return
    allocation, _ = parcels.allocate(Package(key="P", reference="R", lines=lines), sent, ())
    now = parcels.completed(sent, allocation, empty)
    told = kits.line_map(sent.lines)
    whole: Counter[str] = Counter()
    for line, count in now.kits.items():
        whole.update(kits.components(told[line].recipe, count))
    left: Counter[str] = Counter()
    for one in allocation:
        if one.order_line in told:
            left[one.sku] += one.quantity
    assert whole + parcels.loose(sent, {"P": allocation}) == left


@settings(max_examples=50, deadline=None)
@given(recipe=RECIPES, count=st.integers(1, 4), data=st.data())
def test_kits_that_change_their_line_are_told_of_the_line_that_has_them_last(
    recipe: dict[str, int], count: int, data: st.DataObject
) -> None:
    """Before each package some of the kits that the store was not told of go to another line, and back."""
    sent = order([(recipe, count), (recipe, count), ("TEE", 1)])
    kits_of = {"L0": count, "L1": 0}
    units = [sku for line in sent.lines if line.order_line != "L1" for sku in [line.sku] * line.quantity]
    units = data.draw(st.permutations(units))
    told: Counter[str] = Counter()
    tracked: Counter[str] = Counter()
    taken = Taken(units={}, told={})
    number = 0
    while units:
        size = data.draw(st.integers(1, len(units)))
        inside, units = Counter(units[:size]), units[size:]
        free = {line: kits_of[line] - told[line] for line in kits_of}
        here, there = data.draw(st.permutations(list(kits_of)))
        some = data.draw(st.integers(0, free[here]))
        kits_of[here] -= some
        kits_of[there] += some
        now = with_kits(sent, kits_of)
        lines = tuple(PackageLine(sku=sku, quantity=units_in) for sku, units_in in inside.items())
        number += 1
        taken = parcels.settled(now, taken)
        allocation, spare = parcels.allocate(
            Package(key=f"P{number}", reference="R", lines=lines), now, taken.units.values()
        )
        assert not spare
        completes = parcels.completed(now, allocation, taken)
        fulfilled = parcels.fulfilled(now, allocation, completes)
        told.update({line.order_line: line.quantity for line in fulfilled})
        tracked.update([f"P{number}", *completes.others] if fulfilled else [])
        taken = Taken(units={**taken.units, f"P{number}": allocation}, told=dict(taken.told))
        if completes.kits:
            taken.told[f"P{number}"] = completes
        assert all(told[line] <= kits_of[line] for line in kits_of)
        assert parcels.told(now, taken) == told
    assert +told == +Counter({**kits_of, "L2": 1})
    assert tracked == dict.fromkeys(taken.units, 1)


def with_kits(sent: OutboundOrder, kits_of: dict[str, int]) -> OutboundOrder:
    """The order with so many kits on each of these lines."""
    lines = [
        replace(line, quantity=kits_of[line.order_line] * line.units_per_kit) if line.kit else line
        for line in sent.lines
    ]
    return replace(sent, lines=tuple(line for line in lines if line.quantity))


def test_what_an_older_program_kept_of_a_package_opens() -> None:
    kept = msgspec.msgpack.encode([["L1", "TEE", 2]])
    assert msgspec.msgpack.decode(kept, type=tuple[Allocation, ...]) == (Allocation("L1", "TEE", 2),)
