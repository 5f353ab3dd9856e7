"""Answers that the real server gives too seldom to wait for, in the order that the plugin asks."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from dropstream_medusa import wire
from dropstream_medusa.fulfillments import CREATING
from dropstream_medusa.places import choose
from dropstream_medusa.store import MedusaStore
from dropstreamd.errors import (
    AuthFailed,
    DropstreamError,
    Misconfigured,
    NoLocation,
    OutcomeUnknown,
    ProtocolMismatch,
)
from dropstreamd.model.handover import Accepted, InDoubt, Outcome, Rejected, Untouched
from dropstreamd.platform.contract import Reread
from tests.platform.servers import Scripted, answer, scripted
from tests.plugins.host import Steps
from tests.plugins.things import STAMP, hand_over, hand_over_all, level, package, refused

from .stores import account_at, read, receipt

LOCATION = {"stock_locations": [{"id": "sloc_1", "name": "Main"}]}
REFUSED = 400, {"type": "invalid_data", "message": "Not so"}
LINES = {"ordli_1": 2}


UNCOUNTED = {"id": "ordli_1", "detail": {"quantity": 3, "fulfilled_quantity": 0}, "variant": None}
NOTHING_KEPT: tuple[object, ...] = (
    LOCATION,
    {"order": {"id": "order_1", "items": [UNCOUNTED]}},
    {"reservations": []},
)
"""What a recovery asks about reservations, of a product whose stock is not counted."""


def told(*answers: object) -> list[bytes]:
    """Bytes of answers: a document, or a status with one."""
    pairs = [each if isinstance(each, tuple) else (200, each) for each in answers]
    return [answer(status, msgspec.json.encode(document)) for status, document in pairs]


@asynccontextmanager
async def store_told(*answers: object) -> AsyncIterator[tuple[MedusaStore, Scripted]]:
    """A store whose server says these one after the other."""
    async with (
        scripted(*told(*answers)) as server,
        account_at(f"http://127.0.0.1:{server.port}").open() as store,
    ):
        yield store, server


def fulfillment(**changes: Any) -> dict[str, Any]:
    return {
        "id": "ful_1",
        "metadata": {"dropstreamd": "PKG-1"},
        "shipped_at": None,
        "canceled_at": None,
        "items": [{"line_item_id": "ordli_1", "quantity": 2}],
        "labels": [],
        **changes,
    }


def order(*fulfillments: dict[str, Any]) -> dict[str, Any]:
    line = {"id": "ordli_1", "detail": {"quantity": 3, "fulfilled_quantity": 0}}
    return {"order": {"id": "order_1", "status": "pending", "items": [line], "fulfillments": fulfillments}}


async def shipped(store: MedusaStore) -> Outcome:
    return await hand_over(store.shipments, package("PKG-1", "order_1", LINES, "1Z1"))


async def recovered(store: MedusaStore, step: str = CREATING) -> Outcome:
    (prepared,) = store.shipments.prepare([package("PKG-1", "order_1", LINES, "1Z1")], STAMP).prepared
    (outcome,) = await store.shipments.recover(prepared, step, Steps())
    return outcome


async def test_another_server_at_the_address_is_noticed() -> None:
    page = answer(404, b"<!doctype html><title>Error</title>", content_type="text/html")
    async with scripted(page) as server, account_at(f"http://127.0.0.1:{server.port}").open() as store:
        with pytest.raises(ProtocolMismatch, match="web page"):
            await store.test(write=False)


@pytest.mark.parametrize("answered", [{"orders": None}, {"others": []}, REFUSED])
async def test_an_answer_without_the_list_is_a_mismatch(answered: object) -> None:
    async with store_told(answered) as (store, _):
        with pytest.raises(ProtocolMismatch):
            await store.test(write=False)


async def test_writing_that_is_refused_is_a_finding() -> None:
    async with store_told({"orders": []}, LOCATION, REFUSED) as (store, _):
        assert [each.name for each in await store.test(write=True) if not each.ok] == ["writing"]


def listed(*keys: str) -> dict[str, Any]:
    at = "2026-11-20T10:00:00.000Z"
    bare = {"display_id": 7, "status": "pending", "created_at": at, "updated_at": at, "items": []}
    paid = {"payment_status": "captured", "currency_code": "usd", "total": 5, "shipping_methods": []}
    return {"orders": [{"id": key, **bare, **paid} for key in keys]}


ONE_BY_ONE: tuple[object, ...] = (
    REFUSED,
    listed("order_9"),
    listed("order_1"),
    REFUSED,
    listed("order_1"),
    listed("order_3"),
)
"""Three orders, of which Medusa fails over the second: all, what there is, each, the first once more."""


async def test_an_order_that_medusa_fails_over_is_read_alone() -> None:
    async with store_told(*ONE_BY_ONE) as (store, server):
        told = await store.orders_again.read(["order_1", "order_2", "order_3"])
    assert [order.key for order in told.documents] == ["order_1", "order_3"]
    assert [(bad.key, bad.reason[:27]) for bad in told.bad] == [("order_2", "the store fails to tell it:")]
    assert [b"limit=3" in server.requests[0], b"limit=1" in server.requests[2]] == [True, True]


async def test_an_order_that_medusa_fails_over_holds_up_no_other_of_its_page() -> None:
    """Nor of those that are asked for again in later runs. It is followed like one that waits."""
    marks = listed("order_1", "order_2", "order_3")
    bound = listed("order_3")
    async with store_told(bound, REFUSED, marks, *ONE_BY_ONE) as (store, server):
        first = await read(store.orders)
    assert list(first.documents) == ["order_1", "order_3"]
    assert [reason[:27] for reason in first.bad.values()] == ["the store fails to tell it:"]
    assert b"fields=id%2Ccreated_at%2Cupdated_at " in server.requests[2]
    assert msgspec.json.decode(first.cursor or "")["waiting"] == ["order_2"]

    nothing: dict[str, Any] = {"orders": []}
    alone = (REFUSED, listed("order_2"), REFUSED, listed("order_9"), listed("order_9"))
    async with store_told(bound, nothing, *alone) as (store, _):
        second = await read(store.orders, first.cursor)
    assert (list(second.documents), list(second.bad)) == ([], ["order_2"])
    assert msgspec.json.decode(second.cursor or "")["waiting"] == ["order_2"]


@pytest.mark.parametrize("told", [(REFUSED,), (REFUSED, (401, {})), (REFUSED, listed("order_1"), REFUSED)])
async def test_a_page_that_medusa_fails_over_as_a_whole(told: tuple[object, ...]) -> None:
    async with store_told(listed("order_1"), *told) as (store, _):
        with pytest.raises(ProtocolMismatch if told[-1] is REFUSED else AuthFailed):
            await read(store.orders)


@pytest.mark.parametrize("asked", [["order_1"], ["order_1", "order_2", "order_3"]])
async def test_a_medusa_that_fails_over_all_makes_no_order_bad(asked: list[str]) -> None:
    async with store_told(REFUSED, REFUSED, REFUSED) as (store, _):
        with pytest.raises(ProtocolMismatch, match="Not so"):
            await store.orders_again.read(asked)


async def test_no_key_of_medusas_is_no_request() -> None:
    async with store_told() as (store, server):
        assert await store.orders_again.read([]) == Reread()
        assert await store.orders_again.read(["no such key", "", "ä"]) == Reread()
    assert not server.requests


async def test_a_level_is_set_again_where_units_were_freed_meanwhile() -> None:
    def variant(reserved: int) -> dict[str, Any]:
        levels = [{"location_id": "sloc_1", "reserved_quantity": reserved}]
        part = {"required_quantity": 1, "inventory": {"id": "iitem_1", "location_levels": levels}}
        return {"id": "variant_1", "sku": "A", "manage_inventory": True, "inventory_items": [part]}

    freed = {"updated": [{"inventory_item_id": "iitem_1", "reserved_quantity": 1}]}
    async with store_told(LOCATION, {"variants": [variant(3)]}, freed, freed) as (store, server):
        assert await hand_over(store.inventory, level("A", 7)) == Accepted(key="A", remote="variant_1")
    sent = [request.rpartition(b"\r\n")[2] for request in server.requests[-2:]]
    assert [b'"stocked_quantity":10' in sent[0], b'"stocked_quantity":8' in sent[1]] == [True, True]


async def test_one_level_that_is_refused_holds_up_no_other() -> None:
    def variant(sku: str) -> dict[str, Any]:
        part = {"required_quantity": 2, "inventory": {"id": f"iitem_{sku}", "location_levels": []}}
        return {"id": f"variant_{sku}", "sku": sku, "manage_inventory": True, "inventory_items": [part]}

    kit = variant("K")
    kit["inventory_items"] *= 2
    good = {"created": [{"inventory_item_id": "iitem_A"}]}
    variants = {"variants": [variant("A"), variant("B"), kit]}
    async with store_told(LOCATION, variants, REFUSED, good, REFUSED) as (store, server):
        outcomes = await hand_over_all(store.inventory, level("A", 7), level("B", 7), level("K", 7))
    assert outcomes["A"] == Accepted(key="A", remote="variant_A")
    causes = [each.cause for each in outcomes.values() if isinstance(each, Rejected)]
    assert sorted(causes) == ["kit", "refused"]
    assert b'"stocked_quantity":14' in server.requests[3]


@pytest.mark.parametrize(("sku", "refused"), [("B", {"B"}), (None, {"B", "NOT-SOLD"})])
async def test_an_odd_variant_holds_up_its_own_level_alone(sku: str | None, refused: set[str]) -> None:
    """One without a SKU may be any that was not told."""
    part = {"required_quantity": 1, "inventory": {"id": "iitem_A", "location_levels": []}}
    good = {"id": "variant_A", "sku": "A", "manage_inventory": True, "inventory_items": [part]}
    variants = {"variants": [{**good, "id": "variant_B", "sku": sku, "manage_inventory": "yes"}, good]}
    made = {"created": [{"inventory_item_id": "iitem_A"}]}
    async with store_told(LOCATION, variants, made) as (store, _):
        outcomes = await hand_over_all(store.inventory, *(level(each, 7) for each in ("A", "B", "NOT-SOLD")))
    assert outcomes["A"] == Accepted(key="A", remote="variant_A")
    odd = {key for key, each in outcomes.items() if isinstance(each, Rejected) and each.cause == "unreadable"}
    assert odd == refused
    assert "variant variant_B is not as described" in str(outcomes["B"])


async def test_a_fulfillment_that_does_not_show_is_in_doubt() -> None:
    async with store_told(LOCATION, order(), order()) as (store, _):
        with pytest.raises(OutcomeUnknown):
            await shipped(store)


@pytest.mark.parametrize("status", [401, 429, 500])
async def test_what_stops_the_second_call_leaves_the_outcome_unknown(status: int) -> None:
    async with store_told(LOCATION, order(), order(fulfillment()), (status, {})) as (store, _):
        with pytest.raises(OutcomeUnknown):
            await shipped(store)


async def test_what_stops_the_first_look_is_told_as_it_is() -> None:
    async with store_told(LOCATION, (401, {})) as (store, _):
        with pytest.raises(DropstreamError) as caught:
            await shipped(store)
    assert isinstance(caught.value, AuthFailed)


async def test_a_fulfillment_that_is_not_created() -> None:
    async with store_told(LOCATION, order(), REFUSED) as (store, _):
        assert refused(await shipped(store)) == "refused"


@pytest.mark.parametrize(
    ("shown", "outcome"),
    [
        (order(fulfillment(shipped_at="2026-11-22T01:56:01.079Z")), "accepted"),
        (order(fulfillment()), "not-shipped"),
    ],
)
async def test_a_shipment_that_is_refused_is_looked_for(shown: dict[str, Any], outcome: str) -> None:
    async with store_told(LOCATION, order(), order(fulfillment()), REFUSED, shown) as (store, _):
        found = await shipped(store)
    assert outcome == ("accepted" if isinstance(found, Accepted) else refused(found))


async def test_a_package_that_is_there_twice_is_in_doubt() -> None:
    async with store_told(LOCATION, order(fulfillment(), fulfillment(id="ful_2"))) as (store, _):
        assert isinstance(await shipped(store), InDoubt)


async def test_a_package_that_is_there_with_other_units() -> None:
    other = fulfillment(items=[{"line_item_id": "ordli_1", "quantity": 1}])
    async with store_told(LOCATION, order(other)) as (store, _):
        assert refused(await shipped(store)) == "other-content"


@pytest.mark.parametrize("noted", [{"ordli_1": 2}, "not ours"])
async def test_the_parts_of_a_kit_are_more_than_its_units(noted: object) -> None:
    when = "2026-11-22T01:56:01.079Z"
    parts = [{"line_item_id": "ordli_1", "quantity": 4}, {"line_item_id": "ordli_1", "quantity": 6}]
    marked = {"dropstreamd": "PKG-1", "dropstreamd_lines": noted}
    kit = fulfillment(items=parts, metadata=marked, shipped_at=when)
    async with store_told(LOCATION, order(kit)) as (store, _):
        found = await shipped(store)
    assert isinstance(found, Accepted) is isinstance(noted, dict)


async def test_an_order_that_was_cancelled_or_is_gone() -> None:
    cancelled = order()
    cancelled["order"]["status"] = "canceled"
    async with store_told(LOCATION, cancelled) as (store, _):
        assert refused(await shipped(store)) == "cancelled"
    async with store_told(LOCATION, (404, {"type": "not_found", "message": "No"})) as (store, _):
        assert refused(await shipped(store)) == "no-order"


async def test_what_recovery_finds() -> None:
    when = "2026-11-22T01:56:01.079Z"
    async with store_told(order(fulfillment(canceled_at=when)), *NOTHING_KEPT) as (store, _):
        assert await recovered(store) == Accepted(key="PKG-1", remote="ful_1")
    async with store_told(order(fulfillment(metadata={"dropstreamd": 7})), *NOTHING_KEPT) as (store, _):
        assert await recovered(store) == Untouched(key="PKG-1")
    async with store_told(order()) as (store, server):
        assert await recovered(store, "") == Untouched(key="PKG-1")
    assert not server.requests


async def test_a_receipt_beside_an_open_edit_waits() -> None:
    stocked = {"order": {"id": "order_1", "status": "pending", "items": [{"id": "ordli_1"}]}}
    edit = {"id": "ordch_1", "status": "pending", "change_type": "edit"}
    answers: tuple[object, ...] = (stocked, {"order_changes": [edit]}, {"returns": []}, LOCATION)
    async with store_told(*answers) as (store, _):
        outcome = await hand_over(store.receipts, receipt("R-1", "order_1", [("ordli_1", 1, "restock")]))
    assert refused(outcome) == "order-change"


@pytest.mark.parametrize(
    ("choices", "wanted", "said"),
    [
        ([], "", "has no stock location"),
        (["A", "B"], "", "has several stock locations"),
        (["A", "A"], "A", "several stock locations are"),
        (["A"], "B", "no stock location is 'B'"),
    ],
)
def test_a_place_that_cannot_be_meant(choices: list[str], wanted: str, said: str) -> None:
    named = [wire.Named(id=f"sloc_{number}", name=name) for number, name in enumerate(choices)]
    with pytest.raises(Misconfigured, match=said):
        choose(named, wanted, "stock_location")


TWO = {"stock_locations": [{"id": "sloc_1", "name": "Main"}, {"id": "sloc_2", "name": "Annex"}]}


async def test_a_level_is_set_at_the_location_that_it_names() -> None:
    item = {
        "id": "iitem_1",
        "location_levels": [{"location_id": "sloc_2", "reserved_quantity": 3}],
    }
    part = {"required_quantity": 1, "inventory": item}
    variant = {"id": "v_1", "sku": "A", "manage_inventory": True, "inventory_items": [part]}
    done = {"created": [], "updated": [{"inventory_item_id": "iitem_1", "reserved_quantity": 3}]}
    async with store_told(TWO, {"variants": [variant]}, done) as (store, server):
        assert isinstance(await hand_over(store.inventory, level("A", 7, location="Annex")), Accepted)
    body = server.requests[-1].partition(b"\r\n\r\n")[2]
    assert msgspec.json.decode(body)["update"] == [
        {"inventory_item_id": "iitem_1", "location_id": "sloc_2", "stocked_quantity": 10}
    ]


async def test_a_location_that_is_not_there_is_told() -> None:
    async with store_told(TWO) as (store, _):
        with pytest.raises(NoLocation, match="no stock location is 'sloc_9'"):
            await hand_over(store.inventory, level("A", 7, location="sloc_9"))
