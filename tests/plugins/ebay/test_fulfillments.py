"""A package becomes a shipping fulfillment, once."""

from datetime import timedelta

import pytest
import trio

from dropstreamd.errors import OutcomeUnknown
from dropstreamd.model.handover import Accepted, Rejected, Untouched
from tests.fakes.ebay import FakeEbay, Fault
from tests.fakes.ebay_shop import EbayShop
from tests.plugins.host import Steps
from tests.plugins.things import STAMP, prepared, push, refused

from .stores import Account, package


async def test_two_packages_of_an_order(account: Account, shop: EbayShop) -> None:
    order = shop.place({"TEE": 3})
    shop.pass_time(hours=1)
    async with account.open() as store:
        first = await push(store, package(order, 1, " 1Z 999-AA/1 ", at=STAMP.at + timedelta(hours=9)))
        assert first == Accepted(key="PKG", remote="1Z999AA1")
        assert await push(store, package(order, 2, "1Z2")) == Accepted(key="PKG", remote="1Z2")
    one, two = shop.fulfillments[order["orderId"]]
    assert (one["shipmentTrackingNumber"], one["shippingCarrierCode"]) == ("1Z999AA1", "UPS")
    assert two["lineItems"][0]["quantity"] == 2
    assert order["orderFulfillmentStatus"] == "FULFILLED"


async def test_the_day_it_left_goes_along_unless_it_cannot_be(account: Account, shop: EbayShop) -> None:
    order = shop.place({"TEE": 2}, at=STAMP.at - timedelta(days=2))
    async with account.open() as store:
        await push(store, package(order, 1, "1Z1", at=STAMP.at - timedelta(days=1)))
        await push(store, package(order, 1, "1Z2", at=STAMP.at - timedelta(days=3)))
    first, second = shop.fulfillments[order["orderId"]]
    assert first["shippedDate"].startswith(f"{STAMP.at - timedelta(days=1):%Y-%m-%dT%H:%M}")
    assert second["shippedDate"].startswith(f"{STAMP.at:%Y-%m-%dT%H:%M}")


async def test_without_a_tracking_number_and_without_a_carrier(account: Account, shop: EbayShop) -> None:
    order = shop.place({"TEE": 3})
    async with account.open() as store:
        assert await push(store, package(order, 1)) == Accepted(key="PKG", remote="999")
        assert await push(store, package(order, 1)) == Accepted(key="PKG", remote="999")
        assert isinstance(await push(store, package(order, 1, "77", carrier="")), Accepted)
    assert [each.get("shippingCarrierCode") for each in shop.fulfillments[order["orderId"]]] == [
        None,
        None,
        "Other",
    ]


@pytest.mark.parametrize("tracking", [(), ("1Z1",)])
@pytest.mark.parametrize("fault", ["after", "truncated", "503", "system", "before"])
async def test_a_lost_answer_is_looked_up(
    fake: FakeEbay, account: Account, shop: EbayShop, fault: Fault, tracking: tuple[str, ...]
) -> None:
    order = shop.place({"TEE": 3})
    item = package(order, 1, *tracking)
    async with account.open() as store:
        if not tracking:
            await push(store, item)  # one like it, of a package before
        before = len(shop.fulfillments[order["orderId"]])
        fake.fail("ship", fault)
        steps = Steps()
        with pytest.raises(OutcomeUnknown):
            await push(store, item, steps)
        (found,) = await store.shipments.recover(prepared(store, item), steps.taken[-1], Steps())
    applied = len(shop.fulfillments[order["orderId"]]) > before
    assert isinstance(found, Accepted if applied else Untouched)
    assert applied == (fault in ("after", "truncated"))


async def test_what_is_cancelled_meanwhile_is_found(fake: FakeEbay, account: Account, shop: EbayShop) -> None:
    order = shop.place({"TEE": 1})
    fake.fail("ship", "lost")
    item, steps = package(order, 1, "1Z1"), Steps()
    async with account.open() as store:
        with trio.move_on_after(0.2):
            await push(store, item, steps)
        (found,) = await store.shipments.recover(prepared(store, item), steps.taken[-1], Steps())
    assert found == Accepted(key="PKG", remote="1Z1")


async def test_what_somebody_entered_by_hand(account: Account, shop: EbayShop) -> None:
    order = shop.place({"TEE": 1})
    line = order["lineItems"][0]["lineItemId"]
    by_hand = {"lineItems": [{"lineItemId": line}], "trackingNumber": "1z 1", "shippingCarrierCode": "UPS"}
    shop.ship(order, by_hand)
    async with account.open() as store:
        assert await push(store, package(order, 1, "1Z-1")) == Accepted(key="PKG", remote="1z 1")
        assert refused(await push(store, package(order, 1, "1Z2"))) == "already-fulfilled"


async def test_what_is_refused_says_why(account: Account, shop: EbayShop) -> None:
    order = shop.place({"TEE": 1})
    gone = shop.place({"TEE": 1})
    shop.cancel(gone)
    async with account.open() as store:
        assert refused(await push(store, package({**order, "orderId": "12-1"}, 1, "1Z1"))) == "no-order"
        unknown = {**order, "lineItems": [{"lineItemId": "1"}]}
        assert refused(await push(store, package(unknown, 1, "1Z1"))) == "no-line"
        assert refused(await push(store, package(order, 2, "1Z1"))) == "already-fulfilled"
        assert refused(await push(store, package(gone, 1, "1Z1"))) == "cancelled"
        assert (
            refused(await push(store, package(order, 1, "1Z1", carrier="Ups Ground"))) == "carrier:Ups Ground"
        )
        nothing, torn = package(order, 0, "1Z1"), package(order, 1, "---")
        made = store.shipments.prepare([nothing, torn], STAMP)
        assert [each.cause for each in made.rejected] == ["lines", "tracking"]
        assert not made.prepared
        steps = Steps(wanted=False)
        assert isinstance(await push(store, package(order, 1, "1Z1"), steps), Untouched)
    assert shop.fulfillments[order["orderId"]] == []


async def test_one_number_for_two_lines_is_refused_in_words(account: Account, shop: EbayShop) -> None:
    """eBay takes a tracking number once for an order."""
    order = shop.place({"TEE": 1, "CAP": 1})
    async with account.open() as store:
        await push(store, package(order, 1, "1Z1"))
        outcome = await push(store, package(order, 1, "1Z1", line=1))
    assert isinstance(outcome, Rejected)
    assert "34500" in outcome.reason
