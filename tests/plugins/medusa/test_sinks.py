"""What is written to Medusa, on the real server."""

import pytest
from msgspec.structs import replace

from dropstream_medusa.fulfillments import CREATING
from dropstreamd.errors import Misconfigured
from dropstreamd.model.handover import Accepted, Item, Untouched
from dropstreamd.model.products import Product
from tests.plugins.host import Steps
from tests.plugins.things import STAMP, hand_over, hand_over_all, level, package, refused

from .conftest import Stocked
from .stores import purchase, receipt

pytestmark = pytest.mark.counterpart


async def test_a_package_is_shipped_with_its_numbers(stocked: Stocked) -> None:
    order, line = stocked.order()
    item = package("PKG-1", order, {line: 2}, "1Z1", "1Z2", tracking_url="https://track.example/1Z1")
    async with stocked.account.open() as store:
        assert isinstance(await hand_over(store.shipments, item), Accepted)
        assert isinstance(await hand_over(store.shipments, item), Accepted)
    (made,) = stocked.shop.order(order).fulfillments
    assert made.shipped_at
    assert made.metadata == {
        "dropstreamd": "PKG-1",
        "dropstreamd_lines": {line: 2},
        "service": "UPS Ground",
    }
    assert [(label.tracking_number, label.tracking_url) for label in made.labels] == [
        ("1Z1", "https://track.example/1Z1"),
        ("1Z2", "https://track.example/1Z1"),
    ]
    assert stocked.stock() == (98, 1, 0)


async def test_more_than_is_open_is_refused(stocked: Stocked) -> None:
    order, line = stocked.order()
    stocked.shop.fulfill(order, {line: 2}, tracking="1Z1")
    async with stocked.account.open() as store:
        outcomes = await hand_over_all(
            store.shipments,
            package("OVER", order, {line: 2}, "1Z9"),
            package("SAME", order, {line: 2}, "1Z1"),
            package("LINE", order, {"ordli_other": 1}),
            package("NONE", order, {}),
        )
    assert [refused(outcomes[key]) for key in ("OVER", "LINE", "NONE")] == [
        "already-fulfilled",
        "no-line",
        "lines",
    ]
    # What somebody entered by hand is taken as this package.
    assert isinstance(outcomes["SAME"], Accepted)


async def test_a_part_of_a_line_ships_from_the_last_units(stocked: Stocked) -> None:
    order, line = stocked.order()
    other, other_line = stocked.order()
    stocked.shop.set_stocked({stocked.sku: 6})  # all of them are reserved
    async with stocked.account.open() as store:
        outcomes = await hand_over_all(
            store.shipments, package("PKG-1", order, {line: 1}), package("PKG-2", order, {line: 1})
        )
        assert [type(each) for each in outcomes.values()] == [Accepted, Accepted]
        assert stocked.stock() == (4, 4, 0)
        outcomes = await hand_over_all(
            store.shipments, package("PKG-3", order, {line: 1}), package("PKG-4", other, {other_line: 3})
        )
        assert [type(each) for each in outcomes.values()] == [Accepted, Accepted]
    assert stocked.stock() == (0, 0, 0)


async def test_what_a_crash_left_unreserved_is_reserved_again(stocked: Stocked) -> None:
    order, line = stocked.order()
    stocked.shop.set_stocked({stocked.sku: 3})
    item = package("PKG-1", order, {line: 2})
    async with stocked.account.open() as store:
        sink = store.shipments
        (prepared,) = sink.prepare([item], STAMP).prepared
        stocked.shop.reserve(line, 2)
        assert stocked.stock() == (3, 2, 0)
        (outcome,) = await sink.recover(prepared, CREATING, Steps())
        assert isinstance(outcome, Untouched)
        assert stocked.stock() == (3, 3, 0)


async def test_an_order_that_is_being_edited_is_waited_for(stocked: Stocked) -> None:
    order, line = stocked.order()
    stocked.shop.edit(order, {line: 2}, confirm=False)
    async with stocked.account.open() as store:
        outcome = await hand_over(store.shipments, package("PKG-1", order, {line: 1}))
        assert refused(outcome) == "order-change"
        assert not stocked.shop.order(order).fulfillments


async def test_levels_are_what_is_sold(stocked: Stocked) -> None:
    stocked.order()
    untracked = f"{stocked.shop.code}-U"
    stocked.add(U=1)
    (variant,) = stocked.shop.variants([untracked])
    path = f"/admin/products/{variant.product.id}/variants/{variant.id}"
    stocked.shop.admin.post(path, {"manage_inventory": False}, dict[str, object])
    async with stocked.account.open() as store:
        outcomes = await hand_over_all(
            store.inventory, level(stocked.sku, 7), level("no-such", 1), level(untracked, 4)
        )
    assert stocked.stock() == (10, 3, 0)
    assert stocked.shop.sellable(stocked.sku) == 7
    assert refused(outcomes["no-such"]) == "sku:no-such"
    assert refused(outcomes[untracked]) == "untracked"


async def test_a_level_is_made_where_the_location_has_none(stocked: Stocked) -> None:
    other = stocked.shop.add_location(f"Other {stocked.shop.code}")
    async with stocked.account.open() as store:
        with pytest.raises(Misconfigured, match="several stock locations"):
            await hand_over(store.inventory, level(stocked.sku, 7))
    async with stocked.account.open(stock_location=f"Other {stocked.shop.code}") as store:
        for units in (7, 6):
            assert isinstance(await hand_over(store.inventory, level(stocked.sku, units)), Accepted)
    levels = stocked.shop.items([stocked.sku])[stocked.sku].location_levels
    assert [each.stocked_quantity for each in levels if each.location_id == other] == [6]


async def test_levels_are_read_back_as_they_are_sold(stocked: Stocked) -> None:
    stocked.order()
    stocked.add(PAIR=9, U=1, **{str(number): number for number in range(60)})
    pair, untracked = f"{stocked.shop.code}-PAIR", f"{stocked.shop.code}-U"
    paths = {
        each.sku: f"/admin/products/{each.product.id}/variants/{each.id}"
        for each in stocked.shop.variants([pair, untracked])
    }
    item = stocked.shop.items([pair])[pair].id
    post = stocked.shop.admin.post
    post(f"{paths[pair]}/inventory-items/{item}", {"required_quantity": 2}, dict[str, object])
    post(paths[untracked], {"manage_inventory": False}, dict[str, object])
    many = {f"{stocked.shop.code}-{number}": number for number in range(60)}
    async with stocked.account.open() as store:
        found = await store.levels.read([*many, stocked.sku, pair, untracked, "no-such"])
    assert found == {**many, stocked.sku: 97, pair: 4}
    home, other = stocked.shop.location_id, stocked.shop.add_location(f"Other {stocked.shop.code}")
    async with stocked.account.open(stock_location=other, mapped={home: "EAST", other: "WEST"}) as store:
        assert await store.levels.read([stocked.sku]) == {}
        assert await store.located_levels.read_at(other, [stocked.sku]) == {}
        assert await store.located_levels.read_at(home, [stocked.sku, pair]) == {stocked.sku: 97, pair: 4}


async def test_a_package_takes_units_of_the_location_where_they_are_reserved(stocked: Stocked) -> None:
    """Whichever facility it left from: so each location goes on to sell what it was told."""
    order, line = stocked.order()
    home, other = stocked.shop.location_id, stocked.shop.add_location(f"Annex {stocked.shop.code}")
    mapped = {home: "EAST", other: "WEST"}
    item = package("PKG-1", order, {line: 2}, "1Z1")
    item = replace(item, document=replace(item.document, location=other))
    there = level(stocked.sku, 6)
    there = replace(there, document=replace(there.document, location=other))
    async with stocked.account.open(stock_location=home, mapped=mapped) as store:
        assert isinstance(await hand_over(store.inventory, there), Accepted)
        assert isinstance(await hand_over(store.shipments, item), Accepted)
        findings = [(each.ok, each.detail) for each in (await store.survey()).findings]
        assert (True, f"Annex {stocked.shop.code}") in findings
    levels = stocked.shop.items([stocked.sku])[stocked.sku].location_levels
    assert {each.location_id: (each.stocked_quantity, each.reserved_quantity) for each in levels} == {
        home: (98, 1),
        other: (6, 0),
    }


async def test_what_comes_back_is_restocked_only_if_it_is_said(stocked: Stocked) -> None:
    order, line = stocked.order(stocked.models.returned)
    (returned,) = stocked.shop.returns(order)
    async with stocked.account.open() as store:
        first = receipt("R-1", order, [(line, 1, "restock")], returned=returned.id)
        assert isinstance(await hand_over(store.receipts, first), Accepted)
        assert stocked.stock() == (100, 0, 0)
        again = receipt("R-2", order, [(line, 1, "restock")], returned=returned.id, restock=True)
        assert isinstance(await hand_over(store.receipts, again), Accepted)
        assert isinstance(await hand_over(store.receipts, again), Accepted)
    assert stocked.stock() == (101, 0, 0)
    units = stocked.shop.order(order).items[0].detail
    assert (units.return_received_quantity, units.return_dismissed_quantity) == (1, 1)


async def test_receipts_that_do_not_fit_are_refused(stocked: Stocked) -> None:
    order, line = stocked.order(stocked.models.returned)
    (returned,) = stocked.shop.returns(order)
    async with stocked.account.open() as store:
        outcomes = await hand_over_all(
            store.receipts,
            receipt("OVER", order, [(line, 3, "restock")], returned=returned.id),
            receipt("OTHER", order, [(line, 1, "restock")], returned="return_other"),
            receipt("REFUND", order, [(line, 1, "restock")], refund=True),
            receipt("UNASKED", order, [(line, 9, "damaged")]),
        )
    causes = [refused(outcomes[key]) for key in ("OVER", "OTHER", "REFUND", "UNASKED")]
    assert causes == ["over-receipt", "no-return", "refund", "refused"]
    # Nothing was left of the return that was drawn up in vain.
    assert [each.id for each in stocked.shop.returns(order)] == [returned.id]
    assert not [each for each in stocked.shop.changes(order) if each.status != "confirmed"]


async def test_what_is_on_its_way_is_the_sum_of_purchase_orders(stocked: Stocked) -> None:
    stocked.add(B=1)
    other = f"{stocked.shop.code}-B"
    async with stocked.account.open() as store:
        outcomes = await hand_over_all(
            store.purchase_orders,
            purchase("PO-1", {stocked.sku: 5, other: 2}),
            purchase("PO-2", {stocked.sku: 7}),
        )
        assert stocked.stock()[2] == 12
        first = outcomes["PO-1"]
        assert isinstance(first, Accepted)
        # One line less, and another figure.
        changed = purchase("PO-1", {stocked.sku: 4}, remote=first.remote)
        assert isinstance(await hand_over(store.purchase_orders, changed), Accepted)
        assert stocked.stock()[2] == 11
        assert stocked.shop.items([other])[other].location_levels[0].incoming_quantity == 0
        closed = purchase("PO-2", {stocked.sku: 7}, status="closed")
        assert isinstance(await hand_over(store.purchase_orders, closed), Accepted)
        outcome = await hand_over(store.purchase_orders, purchase("PO-3", {stocked.sku: 1, "no-such": 1}))
    assert refused(outcome) == "sku:no-such"
    assert stocked.stock()[2] == 4
    assert list(stocked.shop.items([stocked.sku])[stocked.sku].metadata or {}) == [
        f"dropstreamd incoming {stocked.shop.location_id} PO-1"
    ]


async def test_products_become_drafts_and_none_is_overwritten(stocked: Stocked) -> None:
    code = stocked.shop.code
    made = Product(
        key="1", sku=f"{code}-NEW", title="A thing", option="Red", gtin="", weight_g=120, origin="DE"
    )
    twin = Product(key="2", sku=stocked.sku, title="Another title")
    odd = Product(key="3", sku=f"{code}-ODD", title="A thing", gtin=_digits(code))
    same = Product(key="4", sku=f"{code}-SAME", title="A thing", gtin=_digits(code))
    items = [Item(key=each.key, document=each) for each in (made, twin, odd, same)]
    async with stocked.account.open() as store:
        outcomes = await hand_over_all(store.catalogue, *items)
        assert isinstance(await hand_over(store.catalogue, items[0]), Accepted)
    (draft,) = stocked.shop.variants([made.sku])
    assert (draft.product.title, draft.title, draft.product.status) == ("A thing", "Red", "draft")
    assert outcomes["1"] == Accepted(key="1", remote=draft.id)
    (kept,) = stocked.shop.variants([stocked.sku])
    assert outcomes["2"] == Accepted(key="2", remote=kept.id)
    assert (kept.product.title, kept.product.status) == (f"Product {stocked.sku}", "published")
    # Two variants may not have one EAN in Medusa: the second is refused, and holds up no other.
    assert isinstance(outcomes["3"], Accepted)
    assert refused(outcomes["4"]) == "refused"


async def test_the_survey_shows_what_there_is(stocked: Stocked) -> None:
    async with stocked.account.open() as store:
        findings = {each.name: each for each in await store.test(write=True)}
        survey = await store.survey()
    assert all(each.ok for each in findings.values())
    assert set(findings) == {"sales channel", "stock location", "writing"}
    assert survey.skus is not None
    assert stocked.sku in survey.skus
    assert survey.ship_methods == frozenset({"Standard Shipping"})


def _digits(code: str) -> str:
    return f"400000{sum(code.encode()):07d}"
