"""What the shop sells, as products; and drafts of what it lacks."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from graphql import GraphQLError
from trio.testing import MockClock

from dropstream_vendure.catalogue import slug
from dropstream_vendure.products import PAGE
from dropstream_vendure.store import VendureStore
from dropstreamd.errors import AuthFailed, OutcomeUnknown, ProtocolMismatch, RateLimited, Unreachable
from dropstreamd.model.handover import Accepted, Item, Outcome, Prepared, Untouched
from dropstreamd.model.money import Money
from dropstreamd.model.products import Product
from tests.counterparts.vendure.server import VendureServer
from tests.counterparts.vendure.shop import VendureShop
from tests.fakes.vendure import FakeVendure
from tests.fakes.vendure_shop import FakeShop, Row
from tests.plugins.host import Steps
from tests.plugins.things import STAMP, refused

from .conftest import real_account
from .stores import Account

Either = tuple[Account, FakeShop | VendureShop]


class Told(msgspec.Struct):
    """All pages of one run. No variant comes twice."""

    products: list[Product] = []
    bad: dict[str, str] = {}
    pages: int = 0

    @property
    def skus(self) -> list[str]:
        return [each.sku for each in self.products]


async def told(account: Account, **changes: object) -> Told:
    found = Told()
    async with account.open(**changes) as store:
        while True:
            page = await store.products.page(None, lambda _mark: False)
            found.pages += 1
            found.products += page.documents
            found.bad |= {bad.key: bad.reason for bad in page.bad}
            assert page.cursor is None
            if not page.more:
                keys = [each.key for each in found.products]
                assert len(set(keys)) == len(keys)
                return found


def fails(_info: object) -> object:
    """The value of a field that Vendure cannot resolve."""
    raise GraphQLError("no translation")


def variant(fake: FakeVendure, sku: str) -> Row:
    (found,) = [each for each in fake.shop.variants.values() if each["sku"] == sku]
    return found


# ---- products


async def test_each_variant_is_a_product(either: Either) -> None:
    account, shop = either
    shop.add_products({"A": 1, "OFF": 2, "GONE": 3})
    shop.update_product("OFF", {"enabled": False})
    shop.remove("GONE")
    (sold,) = shop.sold(["A"])
    found = await told(account)
    assert found.bad == {}
    assert found.products[0] == Product(
        key=sold.id,
        sku="A",
        title="Product A",
        price=Money(amount=Decimal("10.00"), currency="USD"),
        active=True,
    )
    assert {each.sku: each.active for each in found.products} == {"A": True, "OFF": False}
    shop.update_variants([{"id": sold.id, "enabled": False}])
    assert not any(each.active for each in (await told(account)).products)


async def test_two_variants_of_one_sku_are_two_products(either: Either) -> None:
    account, shop = either
    shop.add_products({"A": 1})
    shop.add_products({"A": 1})
    assert (await told(account)).skus == ["A", "A"]


@pytest.mark.counterpart
async def test_another_channels_goods_are_nobodys_here(
    vendure: VendureServer, new_shop: Callable[[VendureServer], VendureShop]
) -> None:
    ours, other = new_shop(vendure), new_shop(vendure)
    other.add_products({"A": 1})
    assert (await told(real_account(ours))).products == []
    async with real_account(ours).open() as store:
        outcomes = await draft(store, Product(key="A", sku="A", title="Ours"))
    (made,) = ours.sold(["A"])
    assert outcomes == {"A": Accepted(key="A", remote=made.id)}
    assert [each.name for each in other.made()] == ["Product A"]


async def test_a_variant_is_told_by_its_name(account: Account, fake: FakeVendure) -> None:
    options = {"Tee": "", "Tee Red M": "Red M", "Teenager": "Teenager", "Red": "Red", "Tee ": ""}
    for name in options:
        fake.shop.add_products({name: 1})
        variant(fake, name)["name"] = name
        variant(fake, name)["product"]["name"] = "Tee"
    assert {each.sku: each.option for each in (await told(account)).products} == options


async def test_a_price_is_exact(account: Account, fake: FakeVendure) -> None:
    fake.shop.precision = 3
    fake.shop.add_products({"A": 1})
    variant(fake, "A")["price"] = 19995
    (found,) = (await told(account)).products
    assert found.price == Money(amount=Decimal("19.995"), currency="USD")


async def test_what_no_warehouse_has_is_left_out(account: Account, fake: FakeVendure) -> None:
    fake.shop.add_products({"A": 1, "": 1, "GIFTCARD": 1})
    assert (await told(account, unshipped_skus=("GIFTCARD",))).skus == ["A"]


async def test_what_cannot_be_read_is_bad_by_itself(account: Account, fake: FakeVendure) -> None:
    fake.shop.add_products({"A": 1, "B": 1, "C": 1})
    variant(fake, "B")["price"] = "much"
    variant(fake, "C")["sku"] = "C" * 101
    found = await told(account)
    assert found.skus == ["A"]
    assert sorted(found.bad) == [variant(fake, "B")["id"], variant(fake, "C" * 101)["id"]]


async def test_pages_are_as_large_as_the_server_allows(
    account: Account, fake: FakeVendure, monkeypatch: pytest.MonkeyPatch
) -> None:
    skus = [f"S{number}" for number in range(PAGE + 50)]
    fake.shop.add_products(dict.fromkeys(skus, 1))
    found = await told(account)
    assert (found.skus, found.pages) == (skus, 2)
    monkeypatch.setattr("tests.fakes.vendure_lists.TAKE_LIMIT", PAGE // 2)
    found = await told(account)
    assert (found.skus, found.pages) == (skus, 3)
    monkeypatch.setattr("tests.fakes.vendure_lists.TAKE_LIMIT", 10)
    with pytest.raises(ProtocolMismatch) as caught:
        await told(account)
    assert "adminListQueryLimit" in caught.value.remedy


async def test_what_is_removed_meanwhile_hides_no_other(account: Account, fake: FakeVendure) -> None:
    skus = [f"S{number}" for number in range(PAGE + 50)]
    fake.shop.add_products(dict.fromkeys(skus, 1))

    def remove() -> None:
        for sku in skus[:20]:
            fake.shop.remove(sku)

    async with account.open() as store:
        first = await store.products.page(None, lambda _mark: False)
        remove()
        rest = [await store.products.page(None, lambda _mark: False) for _ in range(3)]
    seen = {each.sku for page in (first, *rest) for each in page.documents}
    assert [page.more for page in rest] == [True, True, False]
    assert seen == set(skus)


async def test_one_that_vendure_fails_to_tell_sinks_no_page(account: Account, fake: FakeVendure) -> None:
    skus = [f"S{number}" for number in range(20)]
    fake.shop.add_products(dict.fromkeys(skus, 1))
    variant(fake, "S7")["name"] = fails
    fake.before["Skus"] = lambda: fake.before.update(Products=lambda: fake.shop.remove("S9"))
    found = await told(account)
    assert found.skus == [sku for sku in skus if sku not in ("S7", "S9")]
    assert list(found.bad) == [variant(fake, "S7")["id"]]


async def test_a_vendure_that_tells_nothing_is_a_fault_of_the_whole(
    account: Account, fake: FakeVendure
) -> None:
    fake.shop.add_products({f"S{number}": 1 for number in range(40)})
    for each in fake.shop.variants.values():
        each["name"] = fails
    with pytest.raises(ProtocolMismatch, match="more than 25"):
        await told(account)
    fake.fail("Products", "database")
    fake.fail("Skus", "database")
    with pytest.raises(Unreachable):
        await told(account)


# ---- drafts


def prepared(store: VendureStore, *products: Product) -> Prepared:
    items = [Item(key=each.key, document=each) for each in products]
    (one,) = store.catalogue.prepare(items, STAMP).prepared
    return one


async def draft(store: VendureStore, *products: Product) -> dict[str, Outcome]:
    outcomes = await store.catalogue.push(prepared(store, *products), Steps())
    assert len(outcomes) == len(products)
    return {outcome.key: outcome for outcome in outcomes}


def item(sku: str, **changes: Any) -> Product:
    return Product(key=sku, sku=sku, title=f"The {sku}", **changes)


async def test_what_is_there_is_left_as_it_is(either: Either) -> None:
    account, shop = either
    shop.add_products({"A": 5, "OFF": 0})
    shop.update_product("OFF", {"enabled": False})
    before = shop.made(), shop.sold(["A", "OFF"])
    async with account.open() as store:
        outcomes = await draft(store, item("A"), item("NEW", option="XL"), item("OFF"))
        assert await draft(store, item("A"), item("NEW", option="XL"), item("OFF")) == outcomes
    ids = {each.sku: each.id for each in shop.sold(["A", "OFF", "NEW"])}
    assert outcomes == {sku: Accepted(key=sku, remote=remote) for sku, remote in ids.items()}
    assert (shop.made()[:2], shop.sold(["A", "OFF"])) == before
    (made,) = shop.sold(["NEW"])
    assert (made.name, made.enabled, made.track_inventory) == ("The NEW - XL", False, "TRUE")
    assert (made.product.name, made.product.enabled) == ("The NEW - XL", False)
    assert made.product.slug == slug("NEW")


async def test_a_price_is_set_where_it_is_the_channels(either: Either) -> None:
    account, shop = either
    prices = {
        "GOOD": Money(amount=Decimal("19.9"), currency="USD"),
        "OTHER": Money(amount=Decimal("19.9"), currency="CHF"),
        "FINER": Money(amount=Decimal("19.999"), currency="USD"),
        "HUGE": Money(amount=Decimal(10**9), currency="USD"),
        "LESS": Money(amount=Decimal(-1), currency="USD"),
        "NONE": None,
    }
    async with account.open() as store:
        await draft(store, *(item(sku, price=price) for sku, price in prices.items()))
    found = {each.sku: each.price for each in shop.sold(list(prices))}
    assert found == {**dict.fromkeys(prices, 0), "GOOD": 1990}


async def test_a_sku_is_made_once(either: Either) -> None:
    account, shop = either
    twins = [Item(key=key, document=Product(key=key, sku="T", title="T")) for key in ("1", "2")]
    async with account.open() as store:
        preparation = store.catalogue.prepare([*twins, Item(key="", document=item(" "))], STAMP)
        assert [(each.key, each.cause) for each in preparation.rejected] == [("2", "sku"), ("", "sku")]
        await store.catalogue.push(preparation.prepared[0], Steps())
    assert len(shop.made()) == 1


async def test_many_are_made_twenty_at_once(account: Account, fake: FakeVendure) -> None:
    items = [Item(key=f"S{number}", document=item(f"S{number}")) for number in range(45)]
    async with account.open() as store:
        for one in store.catalogue.prepare(items, STAMP).prepared:
            await store.catalogue.push(one, Steps())
    assert len(fake.shop.variants) == 45
    assert [fake.asked.count(name) for name in ("Drafted", "CreateProduct", "CreateVariants")] == [3, 45, 3]


async def test_a_refused_variant_holds_up_no_other(account: Account, fake: FakeVendure) -> None:
    fake.shop.refused_skus.add("C")
    async with account.open() as store:
        outcomes = await draft(store, *map(item, "ABCDE"))
        assert [key for key, each in outcomes.items() if isinstance(each, Accepted)] == list("ABDE")
        assert refused(outcomes["C"]) == "refused"
        (left,) = fake.shop.made("The C")
        assert left.id in str(outcomes["C"])
        fake.shop.refused_skus.clear()
        assert isinstance((await draft(store, item("C")))["C"], Accepted)
    (made,) = fake.shop.made("The C")
    assert (made.id, len(made.variants)) == (left.id, 1)


async def test_a_refused_product_holds_up_no_other(account: Account, fake: FakeVendure) -> None:
    fake.fail("CreateProduct", "database")
    async with account.open() as store:
        outcomes = await draft(store, item("A"), item("B"))
    assert refused(outcomes["A"]) == "refused"
    assert isinstance(outcomes["B"], Accepted)
    assert [each.name for each in fake.shop.made()] == ["The B"]


@pytest.mark.parametrize("operation", ["CreateProduct", "CreateVariants"])
async def test_a_refusal_that_comes_late_is_none(account: Account, fake: FakeVendure, operation: str) -> None:
    fake.fail(operation, "late-database")
    async with account.open() as store:
        assert isinstance((await draft(store, item("A")))["A"], Accepted)
    assert len(fake.shop.variants) == len(fake.shop.products) == 1


@pytest.mark.parametrize("operation", ["CreateProduct", "CreateVariants"])
@pytest.mark.parametrize("fault", ["before", "after", "truncated"])
async def test_a_lost_answer_is_looked_up(
    account: Account, fake: FakeVendure, operation: str, fault: Any
) -> None:
    fake.fail(operation, fault)
    async with account.open() as store:
        one, steps = prepared(store, item("A")), Steps()
        with pytest.raises(OutcomeUnknown):
            await store.catalogue.push(one, steps)
        (outcome,) = await store.catalogue.recover(one, steps.taken[-1], Steps())
        nothing_made = (operation, fault) == ("CreateProduct", "before")
        assert isinstance(outcome, Untouched if nothing_made else Accepted)
        assert isinstance((await draft(store, item("A")))["A"], Accepted)
    assert len(fake.shop.variants) == len(fake.shop.products) == 1


async def test_a_call_that_was_not_made_leaves_no_doubt(
    account: Account, fake: FakeVendure, patient_clock: MockClock
) -> None:
    async with account.open() as store:
        fake.fail("CreateProduct", "429")
        with pytest.raises(RateLimited):
            await draft(store, item("A"))
        assert fake.shop.products == {}
        fake.fail("CreateVariants", "429")
        with pytest.raises(OutcomeUnknown, match="begun"):
            await draft(store, item("A"))
        one = prepared(store, item("A"))
        assert await store.catalogue.recover(one, "", Steps()) == [Untouched(key="A")]


async def test_a_draft_that_a_person_changed_is_still_ours(account: Account, fake: FakeVendure) -> None:
    async with account.open() as store:
        await draft(store, item("A"))
        variant(fake, "A")["sku"] = "A-1"
        (outcome,) = await store.catalogue.recover(prepared(store, item("A")), "creating", Steps())
    assert outcome == Accepted(key="A", remote=variant(fake, "A-1")["id"])


async def test_a_product_that_is_removed_meanwhile_is_untouched(account: Account, fake: FakeVendure) -> None:
    fake.before["CreateVariants"] = fake.shop.products.clear
    async with account.open() as store:
        assert await draft(store, item("A")) == {"A": Untouched(key="A")}


async def test_what_is_not_wanted_any_more_is_not_made(account: Account, fake: FakeVendure) -> None:
    async with account.open() as store:
        outcomes = await store.catalogue.push(prepared(store, item("A")), Steps(wanted=False))
    assert outcomes == [Untouched(key="A")]
    assert fake.shop.products == {}


async def test_more_variants_than_can_be_looked_at(account: Account, fake: FakeVendure) -> None:
    for _ in range(101):
        fake.shop.add_products({"A": 1})
    async with account.open() as store:
        with pytest.raises(ProtocolMismatch, match="more than 100"):
            await draft(store, item("A"))


async def test_the_permission_to_make_drafts_is_named(account: Account, fake: FakeVendure) -> None:
    fake.permissions.discard("CreateCatalog")
    async with account.open() as store:
        assert all(finding.ok for finding in await store.test(write=True))
        findings = {each.name: each for each in (await store.survey()).findings}
        with pytest.raises(AuthFailed) as caught:
            await draft(store, item("A"))
    assert findings["draft products"].ok
    assert "lacks CreateCatalog" in findings["draft products"].detail
    assert "CreateCatalog" in caught.value.remedy


def test_a_slug_is_of_its_sku_alone() -> None:
    skus = ["TEE", "tee", "TEE ", "Ä", "-", "A/B", "A_B", "x" * 100]
    slugs = [slug(sku) for sku in skus]
    assert len(set(slugs)) == len(skus)
    for each in slugs:
        assert each.isascii()
        assert each.replace("-", "").isalnum()
        assert "--" not in each
        assert each == each.lower()
