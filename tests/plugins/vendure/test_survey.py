"""What a survey tells before the first order."""

from datetime import timedelta

from dropstreamd.clock import utc
from tests.counterparts.vendure.records import NewOrder
from tests.counterparts.vendure.shop import VendureShop
from tests.fakes.vendure import FakeVendure
from tests.fakes.vendure_shop import FakeShop
from tests.plugins.host import NOW_S

from .stores import Account

Either = tuple[Account, FakeShop | VendureShop]


async def test_a_survey_has_skus_and_ship_methods(either: Either) -> None:
    account, shop = either
    shop.add_products({"A": 1, "B": 2})
    shop.add_products({"A": 3})
    async with account.open() as store:
        survey = await store.survey()
    assert survey.skus == frozenset({"A", "B"})
    assert survey.duplicate_skus == {"A"}
    assert survey.ship_methods is not None
    assert "standard-shipping" in survey.ship_methods
    assert all(finding.ok for finding in survey.findings), survey.findings


async def test_ship_methods_may_be_named(account: Account) -> None:
    async with account.open(ship_method="name") as store:
        assert (await store.survey()).ship_methods == frozenset({"Standard Shipping"})


async def test_many_skus_are_read_page_by_page(account: Account, fake: FakeVendure) -> None:
    fake.shop.add_products({f"S{number}": 0 for number in range(1000)})
    async with account.open() as store:
        survey = await store.survey()
    assert survey.skus is not None
    assert len(survey.skus) == 1000
    assert fake.asked.count("Skus") == 3


async def test_a_role_that_may_not_read_ship_methods_is_told(account: Account, fake: FakeVendure) -> None:
    fake.permissions.discard("ReadShippingMethod")
    async with account.open() as store:
        survey = await store.survey()
    assert survey.ship_methods is None
    (finding,) = [each for each in survey.findings if not each.ok]
    assert "ReadShippingMethod" in finding.remedy


async def test_what_a_person_must_know_is_told(account: Account, fake: FakeVendure) -> None:
    fake.shop.add_products({"A": 9})
    placed = fake.shop.place_orders([NewOrder(units={"A": 1})] * 3)
    old = f"{utc(NOW_S) - timedelta(days=91):%Y-%m-%dT%H:%M:%S}.000Z"
    fake.shop.orders_by_id[placed[0].id]["orderPlacedAt"] = old
    fake.shop.states.append("Packing")
    fake.shop.threshold = -3
    fake.shop.locations.append({"id": "8", "name": "Annex"})
    async with account.open(channel="", stock_location="Main", open_states=("Paid",)) as store:
        survey = await store.survey()
    told = " ".join(f"{finding.detail} {finding.remedy}" for finding in survey.findings)
    for part in (
        "2 locations",
        "Packing, ",
        "no order state Paid",
        "3 units more than it is told",
        "orders of all channels",
        "2 orders of the last 90 days are open; 1 older ones",
    ):
        assert part in told


async def test_a_location_that_is_not_chosen_is_a_finding(account: Account, fake: FakeVendure) -> None:
    fake.shop.locations.append({"id": "8", "name": "Annex"})
    fake.shop.threshold = 2
    async with account.open() as store:
        survey = await store.survey()
    told = {finding.name: finding for finding in survey.findings}
    assert not told["stock location"].ok
    assert "Annex (id 8)" in told["stock location"].remedy
    assert "2 units fewer" in told["out of stock threshold"].detail
