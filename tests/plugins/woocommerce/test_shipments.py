"""Each package is told once, in the way that the shop has; the order is completed by its last."""

from collections.abc import Callable

import pytest
from trio.testing import MockClock

from dropstreamd.errors import AuthFailed, DropstreamError, OutcomeUnknown, RateLimited, Unreachable
from dropstreamd.model.handover import Accepted, Rejected, Untouched
from tests.fakes.woocommerce import FakeWooCommerce, Fault
from tests.fakes.woocommerce_rows import Row, field, units_of
from tests.fakes.woocommerce_shop import WooShop
from tests.plugins.host import Steps
from tests.plugins.things import STAMP, refused

from .stores import Account, package

WAYS = ("fulfillments", "tracking", "note")
TELL = {
    "fulfillments": "POST wc/v3/orders/*/fulfillments",
    "tracking": "POST wc-shipment-tracking/v3/orders/*/shipment-trackings",
    "note": "POST wc/v3/orders/*/notes",
}
ORDER = "GET wc/v3/orders/*"
SETTLE = "POST wc/v3/orders/*"


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, shop: WooShop) -> str:
    """A shop that has this way, and no better one."""
    name: str = request.param
    shop.has_fulfillments, shop.has_tracking = name == "fulfillments", name == "tracking"
    return name


@pytest.fixture
def made(shop: WooShop) -> Row:
    """An order of three and two, and of something that needs no shipping."""
    shop.add_product("TEE")
    shop.add_product("CAP")
    shop.add_product("E-BOOK", virtual=True)
    return shop.place({"TEE": 3, "CAP": 2, "E-BOOK": 1})


def told(shop: WooShop, order: Row) -> int:
    number = order["id"]
    return sum(len(kept.get(number, [])) for kept in (shop.fulfillments, shop.trackings, shop.notes))


async def test_packages_one_after_the_other(account: Account, shop: WooShop, way: str, made: Row) -> None:
    """Part of a line, the rest of it, the other line: only then the order is completed."""
    assert isinstance(await account.push(package("P1", made, 2, "1Z1")), Accepted)
    assert isinstance(await account.push(package("P2", made, 2, "1Z2", line=1)), Accepted)
    assert (told(shop, made), made["status"]) == (2, "processing")
    assert isinstance(await account.push(package("P3", made, 1, "1Z3")), Accepted)
    assert (told(shop, made), made["status"]) == (3, "completed")
    assert shop.mailed.count(f"completed {made['id']}") == 1
    assert refused(await account.push(package("P4", made, 1, "1Z4"))) == "already-fulfilled"
    assert told(shop, made) == 3
    again = await account.push(package("P3", made, 1, "1Z3"))
    assert isinstance(again, Accepted), "one that was told is found again"
    assert told(shop, made) == 3
    assert way in WAYS


async def test_nothing_completes_an_order_that_somebody_took_away(
    fake: FakeWooCommerce, account: Account, shop: WooShop, way: str, made: Row
) -> None:
    await account.push(package("P1", made, 3, "1Z1"))
    fake.before[TELL[way]] = lambda: shop.set_status(made, "on-hold")
    assert isinstance(await account.push(package("P2", made, 2, "1Z2", line=1)), Accepted)
    assert made["status"] == "on-hold"
    other = shop.place({"TEE": 1})
    assert isinstance(await account.push(package("P3", other, 1, "1Z3"), complete_as=""), Accepted)
    assert other["status"] == "processing"


async def test_what_was_refunded_need_not_leave(account: Account, shop: WooShop, way: str, made: Row) -> None:
    shop.refund(made, 1, 2)
    assert isinstance(await account.push(package("P1", made, 2, "1Z1")), Accepted)
    assert made["status"] == "processing"
    assert isinstance(await account.push(package("P2", made, 1, "1Z2")), Accepted)
    assert made["status"] == "completed"
    assert way in WAYS


async def test_what_left_and_was_refunded_since_is_told(account: Account, shop: WooShop, made: Row) -> None:
    shop.refund(made, 0, 3)
    assert isinstance(await account.push(package("P1", made, 3, "1Z1")), Accepted)
    assert len(shop.shipped(made)) == 1


async def test_a_refusal_after_it_was_told_is_none(
    fake: FakeWooCommerce, account: Account, shop: WooShop, way: str, made: Row
) -> None:
    """WooCommerce answers 400 also where a fulfillment is kept and its mail fails."""
    await account.push(package("P1", made, 3, "1Z1"))
    fake.fail(TELL[way], "late-400")
    assert isinstance(await account.push(package("P2", made, 2, "1Z2", line=1)), Accepted)
    assert (told(shop, made), made["status"]) == (2, "completed")


@pytest.mark.parametrize("fault", ["before", "after", "truncated", "html", "500", "lost"])
async def test_an_answer_that_was_lost_is_looked_up(
    fake: FakeWooCommerce,
    patient_clock: MockClock,
    account: Account,
    shop: WooShop,
    way: str,
    made: Row,
    fault: Fault,
) -> None:
    """At the call that tells the package, and at the one that settles its order."""
    for number, route in enumerate((TELL[way], SETTLE)):
        fake.fail(route, fault)
        item = package(f"P{number}", made, 3 - number, f"1Z{number}", line=number)
        outcome = await account.push_or_recover(item)
        if isinstance(outcome, Untouched):
            assert fault in ("before", "html", "500")
            assert told(shop, made) == number
            outcome = await account.push_or_recover(item)
        assert isinstance(outcome, Accepted), outcome
        assert told(shop, made) == number + 1
    assert made["status"] == "completed"
    assert shop.mailed.count(f"completed {made['id']}") == 1


async def test_refusals_that_have_no_effect_are_told_so(
    fake: FakeWooCommerce, patient_clock: MockClock, account: Account, shop: WooShop, way: str, made: Row
) -> None:
    errors: dict[Fault, type[DropstreamError]] = {"429": RateLimited, "401": AuthFailed}
    for fault, kind in errors.items():
        fake.fail(TELL[way], *[fault] * (4 if fault == "429" else 1))
        with pytest.raises(kind):
            await account.push(package("P1", made, 1, "1Z1"))
    fake.fail(ORDER, "500", "500", "500", "500")
    with pytest.raises(Unreachable):
        await account.push(package("P1", made, 1, "1Z1"))
    assert told(shop, made) == 0
    fake.fail(TELL[way], "503")
    with pytest.raises(OutcomeUnknown):
        await account.push(package("P1", made, 1, "1Z1"))


async def test_after_the_package_was_told_no_error_says_that_nothing_happened(
    fake: FakeWooCommerce, account: Account, shop: WooShop, way: str
) -> None:
    shop.add_product("CUP")
    made = shop.place({"CUP": 1})
    fake.fail(SETTLE, "401")
    with pytest.raises(OutcomeUnknown, match="begun and not finished"):
        await account.push(package("P1", made, 1, "1Z1"))
    assert (told(shop, made), made["status"]) == (1, "processing")
    assert isinstance(await account.push(package("P1", made, 1, "1Z1")), Accepted)
    assert (told(shop, made), made["status"]) == (1, "completed")
    assert way in WAYS


async def test_several_tracking_numbers(
    fake: FakeWooCommerce, account: Account, shop: WooShop, way: str, made: Row
) -> None:
    fake.fail(TELL[way], "slow", "after") if way == "tracking" else fake.fail(TELL[way], "after")
    item = package("P1", made, 3, "1Z1", "1Z2", url="https://t.example/1Z1")
    assert isinstance(await account.push_or_recover(item), Accepted)
    match way:
        case "fulfillments":
            (one,) = shop.shipped(made)
            assert (field(one, "_tracking_number"), field(one, "_tracking_url")) == (
                "1Z1, 1Z2",
                "https://t.example/1Z1",
            )
            assert field(one, "_shipment_provider") == "UPS"
        case "tracking":
            shown = [(each["tracking_number"], each["tracking_link"]) for each in shop.trackings[made["id"]]]
            assert shown == [("1Z1", "https://t.example/1Z1"), ("1Z2", "https://t.example/1Z1")]
            assert shop.trackings[made["id"]][0]["date_shipped"] == "2026-11-20"
        case _:
            (note,) = shop.notes[made["id"]]
            assert note["note"].startswith("Shipped: 3 × TEE. UPS 1Z1, 1Z2. https://t.example/1Z1 [package ")


async def test_one_without_a_number_is_a_note_where_the_extension_wants_one(
    account: Account, shop: WooShop, made: Row
) -> None:
    shop.has_fulfillments, shop.has_tracking = False, True
    assert isinstance(await account.push(package("P1", made, 3)), Accepted)
    assert isinstance(await account.push(package("P2", made, 2, "1Z", line=1)), Accepted)
    assert (len(shop.notes[made["id"]]), len(shop.trackings[made["id"]])) == (1, 1)
    assert made["status"] == "completed"


async def test_a_number_that_comes_later(
    fake: FakeWooCommerce, account: Account, shop: WooShop, made: Row
) -> None:
    shop.has_fulfillments, shop.has_tracking = False, True
    first = await account.push(package("P1", made, 3))
    assert isinstance(first, Accepted)
    for fault in ("before", "after"):
        fake.fail(TELL["tracking"], fault)
        second = await account.push_or_recover(package("P1", made, 3, "1Z1", remote=first.remote))
    assert isinstance(second, Accepted)
    assert [each["tracking_number"] for each in shop.trackings[made["id"]]] == ["1Z1"]
    assert second.remote == f"tracking:{shop.trackings[made['id']][0]['tracking_id']}"


async def test_notes_to_buyers_or_not(account: Account, shop: WooShop, way: str, made: Row) -> None:
    await account.push(package("P1", made, 1, "1Z1"), notify_customer=False)
    assert shop.mailed == []
    await account.push(package("P2", made, 1, "1Z2"))
    assert len(shop.mailed) == (0 if way == "tracking" else 1)


async def test_what_cannot_be_told(account: Account, shop: WooShop, way: str, made: Row) -> None:
    assert way in WAYS
    assert refused(await account.push(package("P1", made, 4, "1Z"))) == "already-fulfilled"
    assert refused(await account.push(package("P1", {**made, "id": 9}, 1, "1Z"))) == "no-order"
    stranger = {**made, "line_items": [{"id": 5}]}
    assert refused(await account.push(package("P1", stranger, 1, "1Z"))) == "no-line"
    for status in ("cancelled", "refunded", "failed", "trash"):
        shop.set_status(made, status)
        outcome = await account.push(package("P1", made, 1, "1Z"))
        assert isinstance(outcome, Rejected)
        assert (outcome.cause, status in outcome.reason) == ("cancelled", True)
    shop.set_status(made, "completed")
    assert isinstance(await account.push(package("P1", made, 1, "1Z")), Accepted), "completed by hand"
    assert told(shop, made) == 1


async def test_documents_of_another_make_are_refused_before_anything_is_sent(
    fake: FakeWooCommerce, account: Account, made: Row
) -> None:
    good = package("P1", made, 1)
    odd = [package("P2", made, 0), package("P3", {**made, "id": "gid"}, 1)]
    odd.append(package("P4", {**made, "line_items": [{"id": "x"}]}, 1))
    async with account.open() as store:
        preparation = store.shipments.prepare([good, *odd], STAMP)
    assert [(each.key, each.cause) for each in preparation.rejected] == [
        ("P2", "lines"),
        ("P3", "no-order"),
        ("P4", "no-line"),
    ]
    assert [each.keys for each in preparation.prepared] == [("P1",)]
    assert fake.asked == []


async def test_what_somebody_entered_by_hand(account: Account, shop: WooShop, made: Row) -> None:
    """The same units under the same number are the package; a draft holds its units."""
    tee, cap = made["line_items"][0]["id"], made["line_items"][1]["id"]
    by_hand = shop.fulfill_by_hand(made, {tee: 3}, "1Z1")
    outcome = await account.push(package("P1", made, 3, "1Z1"))
    assert outcome == Accepted(key="P1", remote=str(by_hand["id"]))
    assert refused(await account.push(package("P2", made, 3, "1Z2"))) == "already-fulfilled"
    shop.fulfill_by_hand(made, {cap: 2}, "", draft=True)
    outcome = await account.push(package("P3", made, 1, "1Z3", line=1))
    assert isinstance(outcome, Rejected)
    assert "0 are open in WooCommerce (fulfillments " in outcome.reason


async def test_what_can_be_downloaded_is_shipped_all_the_same(account: Account, shop: WooShop) -> None:
    """WooCommerce fulfills it by itself once it is paid, a record with its files too."""
    shop.add_product("RECORD", downloadable=True)
    shop.add_product("TEE")
    made = shop.place({"RECORD": 1, "TEE": 1})
    record, tee = (line["id"] for line in made["line_items"])
    shop.fulfill_by_hand(made, {record: 1}, "")
    (order,) = (await account.listing()).orders.values()
    assert [(line.sku, line.open_quantity) for line in order.lines] == [("RECORD", 1), ("TEE", 1)]
    shop.fulfill_by_hand(made, {tee: 1}, "")
    (order,) = (await account.listing()).orders.values()
    assert [line.open_quantity for line in order.lines] == [1, 0]
    assert isinstance(await account.push(package("P1", made, 1, "1Z1")), Accepted)
    assert made["status"] == "completed"
    assert refused(await account.push(package("P2", made, 1, "1Z2", line=1))) == "already-fulfilled"


async def test_a_change_of_tracking_leaves_the_rest(account: Account, shop: WooShop, made: Row) -> None:
    first = await account.push(package("P1", made, 3, "1Z1"))
    assert isinstance(first, Accepted)
    (one,) = shop.shipped(made)
    one["meta_data"].append({"id": 7, "key": "_lock", "value": [1, {"deep": True}]})
    second = await account.push(package("P1", made, 3, "1Z9", remote=first.remote, url="https://t.example/9"))
    assert second == first
    assert (field(one, "_tracking_number"), field(one, "_lock")) == ("1Z9", [1, {"deep": True}])
    assert field(one, "_tracking_url") == "https://t.example/9"
    assert (units_of(one), field(one, "_date_fulfilled") is None) == ({made["line_items"][0]["id"]: 3}, False)
    assert refused(await account.push(package("P1", made, 2, "1Z8", remote=first.remote))) == "amend"
    one["date_deleted"] = "2026-11-21 10:00:00"
    assert refused(await account.push(package("P1", made, 3, "1Z8", remote=first.remote))) == "amend"


async def test_a_change_of_tracking_by_the_extension(
    fake: FakeWooCommerce, account: Account, shop: WooShop, made: Row
) -> None:
    """Entries of others stay; what was begun is finished."""
    shop.has_fulfillments, shop.has_tracking = False, True
    other = await account.push(package("P0", made, 1, "1Z0"))
    assert isinstance(other, Accepted)
    first = await account.push(package("P1", made, 2, "1Z1", "1Z2"))
    assert isinstance(first, Accepted)
    fake.fail("DELETE wc-shipment-tracking/v3/orders/*/shipment-trackings/*", "before")
    item = package("P1", made, 2, "1Z2", "1Z3", remote=first.remote)
    second = await account.push_or_recover(item)
    assert isinstance(second, Accepted)
    assert [each["tracking_number"] for each in shop.trackings[made["id"]]] == ["1Z0", "1Z2", "1Z3"]


@pytest.mark.parametrize(
    ("chosen", "kept"),
    [
        ("fulfillments", lambda shop: shop.fulfillments),
        ("tracking", lambda shop: shop.trackings),
        ("note", lambda shop: shop.notes),
    ],
)
async def test_the_way_may_be_chosen(
    account: Account, shop: WooShop, made: Row, chosen: str, kept: Callable[[WooShop], dict[int, list[Row]]]
) -> None:
    shop.has_tracking = True
    assert isinstance(await account.push(package("P1", made, 3, "1Z1"), tell_by=chosen), Accepted)
    assert len(kept(shop)[made["id"]]) == 1
    assert told(shop, made) == 1
    assert refused(await account.push(package("P2", made, 1, "1Z2"), tell_by="note")) == "already-fulfilled"


async def test_a_way_that_the_shop_lost_says_so(account: Account, shop: WooShop, made: Row) -> None:
    shop.has_fulfillments = False
    with pytest.raises(DropstreamError, match="knows no such route"):
        await account.push(package("P1", made, 3, "1Z1"), tell_by="fulfillments")


async def test_what_is_not_wanted_any_more_is_not_told(account: Account, shop: WooShop, made: Row) -> None:
    async with account.open() as store:
        (prepared,) = store.shipments.prepare([package("P1", made, 3, "1Z1")], STAMP).prepared
        assert await store.shipments.push(prepared, Steps(wanted=False)) == [Untouched(key="P1")]
        assert await store.shipments.recover(prepared, "", Steps()) == [Untouched(key="P1")]
    assert told(shop, made) == 0
