"""One row that is not as described is set aside with its id, and the others go on."""

import pytest

from dropstream_ebay.fulfillments import CREATING
from dropstreamd.errors import ProtocolMismatch
from dropstreamd.model.handover import Accepted, InDoubt
from tests.fakes.ebay import FakeEbay
from tests.fakes.ebay_shop import EbayShop
from tests.plugins.host import Steps
from tests.plugins.things import prepared, push, refused

from .stores import Account, package, push_levels


async def test_an_order_with_odd_fulfillments_stands_alone(
    fake: FakeEbay, account: Account, shop: EbayShop
) -> None:
    odd, good = shop.place({"TEE": 3}), shop.place({"TEE": 1})
    async with account.open() as store:
        assert isinstance(await push(store, package(odd, 1, "1Z1")), Accepted)
        fake.spoil("fulfillments", b'"fulfillmentId":', b'"x":')
        found = await account.listing()
        assert found.orders.keys() == {good["orderId"]}
        assert "is not as described" in found.bad[odd["orderId"]]
        assert refused(await push(store, package(odd, 1, "1Z2"))) == "unreadable"
        assert isinstance(await push(store, package(good, 1, "1Z3")), Accepted)
        (told,) = await store.shipments.recover(
            prepared(store, package(odd, 1, "1Z2")), f"{CREATING}0", Steps()
        )
        assert isinstance(told, InDoubt)


async def test_an_odd_order_holds_up_its_own_packages_alone(
    fake: FakeEbay, account: Account, shop: EbayShop
) -> None:
    odd = shop.place({"TEE": 3})
    fake.spoil("order", b'"lineItems":', b'"x":')
    async with account.open() as store:
        assert refused(await push(store, package(odd, 1, "1Z1"))) == "unreadable"
        fake.spoil("order", b".+", b'{"hello":1}')
        with pytest.raises(ProtocolMismatch, match="not as described"):
            await push(store, package(odd, 1, "1Z1"))


@pytest.mark.parametrize(
    ("call", "found", "into"),
    [
        ("items_of", b'"quantity":7', b'"quantity":"7"'),
        ("items_of", b'"sku":"ODD"', b'"sku":7'),
        ("offers", b'"offerId":', b'"x":'),
    ],
)
async def test_an_odd_item_or_offer_holds_up_its_own_level_alone(
    fake: FakeEbay, account: Account, shop: EbayShop, call: str, found: bytes, into: bytes
) -> None:
    shop.add_item("ODD", 7, offer=7)
    if call == "items_of":
        shop.add_item("GOOD", 1)
    fake.spoil(call, found, into)
    async with account.open() as store:
        outcomes = await push_levels(store, dict.fromkeys(shop.items, 5))
        assert refused(outcomes.pop("ODD")) == "unreadable"
        assert all(isinstance(each, Accepted) for each in outcomes.values())
        assert "ODD" not in await store.levels.read(["ODD", "GOOD"])
