"""Each package is one shipment of its order, whatever becomes of an answer."""

import msgspec
import pytest
from trio.testing import MockClock

from dropstreamd.errors import OutcomeUnknown, Unreachable
from dropstreamd.model.handover import Accepted, InDoubt, Rejected, Untouched
from dropstreamd.model.shipments import FulfillmentLine
from tests.fakes.bigcommerce import FakeBigCommerce, Fault
from tests.fakes.bigcommerce_shop import BigCommerceShop, Row
from tests.plugins.host import Steps
from tests.plugins.things import STAMP, prepared, push, refused

from .stores import Account, package


def line_of(made: Row, place: int = 0) -> int:
    return int(made["consignments"]["shipping"][place]["line_items"][0]["id"])


async def test_a_package_becomes_a_shipment_of_its_address(
    fake: FakeBigCommerce, account: Account, shop: BigCommerceShop
) -> None:
    made = shop.place({"A": 3}, addresses=2)
    first, second = shop.addresses(made)
    async with account.open() as store:
        outcome = await push(store, package("P-1", made, 2, "1Z9", "1Z8", address=1, service="Ground"))
        assert isinstance(outcome, Accepted)
        assert fake.asked == ["getOrder", "createOrderShipments"], "two calls"
        await push(store, package("P-2", made, 3, carrier="Bob's Vans", tracking_url="https://bob.example/1"))
    one, other = shop.shipments_of(made["id"])
    assert outcome.remote == str(one["id"])
    assert (one["order_address_id"], other["order_address_id"]) == (second, first)
    assert one["items"] == [{"order_product_id": line_of(made, 1), "product_id": 0, "quantity": 2}]
    assert (one["tracking_number"], one["shipping_provider"], one["shipping_method"]) == (
        "1Z9",
        "ups",
        "Ground",
    )
    assert one["comments"] == "Package P-1\nAlso: 1Z8"
    assert (other["shipping_provider"], other["shipping_method"]) == ("", "Bob's Vans")
    assert other["tracking_link"] == "https://bob.example/1"
    assert made["status_id"] == 3


@pytest.mark.parametrize(
    ("name", "provider", "courier"),
    [
        ("USPS", "usps", ""),
        ("Canada Post", "canadapost", ""),
        ("FedEx", "fedex", ""),
        ("Royal Mail", "royalmail", ""),
        ("DHL eCommerce", "", "dhl-global-mail"),
        ("OnTrac", "", "ontrac"),
        ("aftership:yodel", "", "yodel"),
        ("carrier_12", "carrier_12", ""),
        ("Nobody", "", ""),
        ("", "", ""),
    ],
)
async def test_carriers_are_named_as_bigcommerce_does(
    account: Account, shop: BigCommerceShop, name: str, provider: str, courier: str
) -> None:
    made = shop.place({"A": 1})
    async with account.open() as store:
        assert isinstance(await push(store, package("P", made, 1, "T", carrier=name)), Accepted)
    (there,) = shop.shipments_of(made["id"])
    assert (there["shipping_provider"], there["tracking_carrier"]) == (provider, courier)


@pytest.mark.parametrize("fault", ["after", "truncated", "500"])
async def test_a_lost_answer_is_looked_up(
    fake: FakeBigCommerce, account: Account, shop: BigCommerceShop, fault: Fault
) -> None:
    """Without a tracking number, beside a package of the same units."""
    made = shop.place({"A": 4})
    async with account.open() as store:
        await push(store, package("P-1", made, 2))
        fake.fail("createOrderShipments", fault)
        one, steps = prepared(store, package("P-2", made, 2)), Steps()
        with pytest.raises(OutcomeUnknown):
            await store.shipments.push(one, steps)
        (outcome,) = await store.shipments.recover(one, steps.taken[-1], steps)
    there = shop.shipments_of(made["id"])
    if fault == "500":
        assert outcome == Untouched(key="P-2")
        assert len(there) == 1
    else:
        assert outcome == Accepted(key="P-2", remote=str(there[1]["id"]))
        assert len(there) == 2


async def test_nothing_recorded_is_untouched(account: Account, shop: BigCommerceShop) -> None:
    made = shop.place({"A": 1})
    async with account.open() as store:
        one = prepared(store, package("P", made, 1))
        assert await store.shipments.recover(one, "", Steps()) == [Untouched(key="P")]
        assert await store.shipments.push(one, Steps(wanted=False)) == [Untouched(key="P")]
    assert not shop.shipments


async def test_one_that_is_there_already_is_not_made_again(account: Account, shop: BigCommerceShop) -> None:
    """The state was lost, and the package comes again."""
    made = shop.place({"A": 4})
    async with account.open() as store:
        first = await push(store, package("P-1", made, 1, "1Z"))
        assert await push(store, package("P-1", made, 1, "1Z")) == first
    assert len(shop.shipments) == 1


async def test_what_was_entered_by_hand_is_taken_for_the_package(
    account: Account, shop: BigCommerceShop
) -> None:
    made = shop.place({"A": 2})
    address = shop.addresses(made)[0]
    byhand = shop.ship(made, address, {line_of(made): 2}, tracking_number="1Z9")
    async with account.open() as store:
        assert await push(store, package("P", made, 2, "1Z9")) == Accepted(key="P", remote=str(byhand["id"]))
        assert refused(await push(store, package("Q", made, 2, "1Z8"))) == "already-shipped"
        assert refused(await push(store, package("Q", made, 2))) == "already-shipped"


@pytest.mark.parametrize("key", ["P 1 ", " P 1", "P\t1", "P\x1c1", "P\n1", "P\u20281"])
async def test_a_key_with_odd_blanks_is_found_again(
    account: Account, shop: BigCommerceShop, key: str
) -> None:
    made = shop.place({"A": 4})
    async with account.open() as store:
        first = await push(store, package(key, made, 1))
        again = await push(store, package(key, made, 1))
        other = await push(store, package("P", made, 1))
    assert isinstance(first, Accepted)
    assert first == again
    assert isinstance(other, Accepted)
    assert len(shop.shipments) == 2


async def test_two_of_one_mark_are_in_doubt(account: Account, shop: BigCommerceShop) -> None:
    made = shop.place({"A": 4})
    address = shop.addresses(made)[0]
    for _ in range(2):
        shop.ship(made, address, {line_of(made): 1}, comments="Package P")
    async with account.open() as store:
        outcome = await push(store, package("P", made, 1))
    assert isinstance(outcome, InDoubt)
    assert "more than once: shipments 1, 2" in outcome.why


async def test_more_than_is_open_is_refused_without_a_call(
    fake: FakeBigCommerce, account: Account, shop: BigCommerceShop
) -> None:
    made, cancelled, archived = (shop.place({"A": 2}) for _ in range(3))
    shop.set_status(cancelled, 5)
    archived["is_deleted"] = True
    item = package("P", made, 1)
    strange = msgspec.structs.replace(item.document, lines=(FulfillmentLine(order_line="9", quantity=1),))
    other = shop.place({"A": 1}, addresses=2)
    both = tuple(FulfillmentLine(order_line=str(line_of(other, place)), quantity=1) for place in (0, 1))
    across = package("P", other, 1)
    async with account.open() as store:
        assert refused(await push(store, package("P", made, 3))) == "already-shipped"
        assert refused(await push(store, package("P", cancelled, 1))) == "cancelled"
        assert refused(await push(store, package("P", archived, 1))) == "cancelled"
        assert refused(await push(store, msgspec.structs.replace(item, document=strange))) == "no-line"
        document = msgspec.structs.replace(across.document, lines=both)
        assert refused(await push(store, msgspec.structs.replace(across, document=document))) == "addresses"
        shop.lines(made)[0]["price_ex_tax"] = "NaN"
        assert refused(await push(store, package("P", made, 1))) == "order-unreadable"
    assert "createOrderShipments" not in fake.asked


async def test_what_bigcommerce_refuses_is_told_with_the_field(
    fake: FakeBigCommerce, account: Account, shop: BigCommerceShop
) -> None:
    """Somebody ships the same between our look and our call; or something else is wrong."""
    made, other = shop.place({"A": 2}), shop.place({"A": 2})
    address = shop.addresses(made)[0]
    fake.before["createOrderShipments"] = lambda: shop.ship(made, address, {line_of(made): 2})
    async with account.open() as store:
        assert refused(await push(store, package("P", made, 2, "1Z"))) == "already-shipped"
        (line,) = shop.lines(other)
        fake.before["createOrderShipments"] = lambda: line.update(order_address_id=99)
        outcome = await push(store, package("Q", other, 2, "1Z"))
    assert isinstance(outcome, Rejected)
    assert outcome.reason == "BigCommerce did not create the shipment (status 400, for order_address_id)"


async def test_a_locked_order_is_tried_later(
    fake: FakeBigCommerce, account: Account, shop: BigCommerceShop
) -> None:
    made = shop.place({"A": 2})
    fake.fail("createOrderShipments", "423")
    async with account.open() as store:
        with pytest.raises(Unreachable, match="locked"):
            await push(store, package("P", made, 2))
        assert isinstance(await push(store, package("P", made, 2)), Accepted)


async def test_what_cannot_be_told_is_refused_before(account: Account, shop: BigCommerceShop) -> None:
    made = shop.place({"A": 2})
    item = package("P", made, 1)

    def changed(**fields: object) -> object:
        return msgspec.structs.replace(item, document=msgspec.structs.replace(item.document, **fields))

    odd = [
        changed(lines=()),
        changed(lines=(FulfillmentLine(order_line="1", quantity=0),)),
        changed(lines=(FulfillmentLine(order_line="one", quantity=1),)),
        changed(order_key="gid://1"),
        changed(order_key="1-x"),
        changed(tracking_numbers=("9" * 51,)),
        msgspec.structs.replace(item, remote="x"),
    ]
    async with account.open() as store:
        causes = [store.shipments.prepare([each], STAMP).rejected[0].cause for each in odd]  # type: ignore[list-item]
    assert causes == ["lines"] * 5 + ["tracking", "amend"]


async def test_a_changed_tracking_is_changed_in_place(
    fake: FakeBigCommerce, account: Account, shop: BigCommerceShop, patient_clock: MockClock
) -> None:
    made = shop.place({"A": 2})
    async with account.open() as store:
        first = await push(store, package("P", made, 1, "1Z1"))
        assert isinstance(first, Accepted)
        again = msgspec.structs.replace(package("P", made, 1, "1Z2", carrier="DPD"), remote=first.remote)
        assert await push(store, again) == first
        (there,) = shop.shipments_of(made["id"])
        assert (there["tracking_number"], there["shipping_provider"], there["tracking_carrier"]) == (
            "1Z2",
            "",
            "dpd",
        )
        fake.asked.clear()
        assert await push(store, again) == first
        assert fake.asked == ["getOrderShipment"], "nothing to change"
        there["items"][0]["quantity"] = 2
        assert refused(await push(store, again)) == "amend"
        shop.shipments.clear()
        assert refused(await push(store, again)) == "amend"


async def test_an_interrupted_change_is_looked_up(
    fake: FakeBigCommerce, account: Account, shop: BigCommerceShop
) -> None:
    made = shop.place({"A": 2})
    async with account.open() as store:
        first = await push(store, package("P", made, 1, "1Z1"))
        assert isinstance(first, Accepted)
        again = msgspec.structs.replace(package("P", made, 1, "1Z2"), remote=first.remote)
        for fault, outcome in (("before", Untouched(key="P")), ("after", first)):
            fake.fail("updateOrderShipment", fault)  # type: ignore[arg-type]
            steps, one = Steps(), prepared(store, again)
            with pytest.raises(OutcomeUnknown):
                await store.shipments.push(one, steps)
            assert await store.shipments.recover(one, steps.taken[-1], steps) == [outcome]
