"""Products are listed whole; drafts are made once, seen by nobody, and take the place of nothing."""

from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest

from dropstreamd.errors import OutcomeUnknown, Unreachable
from dropstreamd.model.handover import Accepted, Item, Outcome, Prepared, Untouched
from dropstreamd.model.money import Money
from dropstreamd.model.products import Product
from tests.fakes.bigcommerce import FakeBigCommerce
from tests.fakes.bigcommerce_shop import BigCommerceShop
from tests.plugins.host import Steps
from tests.plugins.things import STAMP, refused

from .stores import Account

TEE = Product(
    key="T",
    sku="TEE",
    title="Tee",
    option="Red",
    gtin="0123456789012",
    weight_g=454,
    price=Money(amount=Decimal("12.50"), currency="USD"),
)


async def products(account: Account, **changes: object) -> tuple[list[Product], dict[str, str]]:
    found: list[Product] = []
    bad: dict[str, str] = {}
    async with account.open(**changes) as store:
        while True:
            page = await store.products.page(None, lambda _mark: False)
            found += page.documents
            bad |= {each.key: each.reason for each in page.bad}
            if not page.more:
                return found, bad


async def test_every_variant_with_a_sku_is_told(account: Account, shop: BigCommerceShop) -> None:
    shop.add_product("MUG", mpn="ACME-1")
    tee = shop.add_product("TEE", tracking="variant", variants={"TEE-S": 1, "TEE-M": 1}, is_visible=False)
    tee["variants"][1].update(price=12.5, weight=2, upc="222")
    shop.add_product("E-BOOK", type="digital")
    shop.add_product("", tracking="none")
    mug, small, medium = (await products(account))[0]
    assert (mug.sku, mug.title, mug.option, mug.vendor_code, mug.active) == (
        "MUG",
        "Product MUG",
        "",
        "ACME-1",
        True,
    )
    assert (mug.gtin, mug.weight_g, mug.price) == (
        "012345678901",
        227,
        Money(amount=Decimal(10), currency="USD"),
    )
    assert mug.updated_at is not None
    assert mug.updated_at.astimezone(UTC) == datetime.fromtimestamp(1_795_300_000 - 86_400, UTC)
    assert (small.sku, small.option, small.active) == ("TEE-S", "TEE-S", False)
    assert (medium.gtin, medium.weight_g, medium.price) == (
        "222",
        907,
        Money(amount=Decimal("12.5"), currency="USD"),
    )
    assert {each.key for each in (mug, small, medium)} == {"1001", "1002", "1003"}
    plain = (await products(account, weight_unit="", currency=""))[0][0]
    assert (plain.weight_g, plain.price) == (None, None)


async def test_a_product_that_goes_meanwhile_hides_no_other(account: Account, shop: BigCommerceShop) -> None:
    shop.add_products({f"S-{number}": 1 for number in range(600)})
    seen: list[str] = []
    async with account.open() as store:
        for _ in range(3):
            page = await store.products.page(None, lambda _mark: False)
            seen += [each.sku for each in page.documents]
            shop.products.pop(min(shop.products))
    assert seen == [f"S-{number}" for number in range(600)]
    assert not page.more


async def test_pages_that_are_smaller_than_asked_for_lose_nothing(
    fake: FakeBigCommerce, account: Account, shop: BigCommerceShop
) -> None:
    fake.api.most = 10
    shop.add_products({f"S-{number}": 1 for number in range(30)})
    assert len((await products(account))[0]) == 30


async def test_a_bad_product_sinks_no_page(account: Account, shop: BigCommerceShop) -> None:
    shop.add_products({"A": 1, "X" * 101: 1, "B": 1})
    found, bad = await products(account)
    assert [each.sku for each in found] == ["A", "B"]
    assert bad == {"variant 1002": f"its SKU has more than 100 bytes: {'X' * 20}…"}


async def draft(account: Account, product: Product, steps: Steps | None = None, **changes: object) -> Outcome:
    async with account.open(**changes) as store:
        (one,) = store.catalogue.prepare([Item(key=product.key, document=product)], STAMP).prepared
        (outcome,) = await store.catalogue.push(one, steps or Steps())
        return outcome


async def test_a_draft_is_seen_by_nobody(
    fake: FakeBigCommerce, account: Account, shop: BigCommerceShop
) -> None:
    outcome = await draft(account, TEE, draft_categories=(23,))
    (made,) = shop.things("TEE")
    assert outcome == Accepted(key="T", remote=str(made["id"]))
    assert (made["is_visible"], made["inventory_tracking"], made["categories"]) == (False, "product", [23])
    assert (made["name"], made["price"], made["weight"], made["upc"]) == (
        "Tee - Red (TEE)",
        12.5,
        1.0009,
        "0123456789012",
    )
    assert await draft(account, TEE) == outcome
    assert fake.asked.count("createProduct") == 1


async def test_a_sku_that_is_there_is_left_as_it_is(account: Account, shop: BigCommerceShop) -> None:
    tee = shop.add_product("TOP", tracking="variant", variants={"TEE": 1, "TEE-M": 1})
    before = repr(shop.products)
    assert await draft(account, TEE) == Accepted(key="T", remote=str(tee["id"]))
    assert repr(shop.products) == before
    assert refused(await draft(account, msgspec.structs.replace(TEE, sku="tee"))) == "conflict"
    assert refused(await draft(account, msgspec.structs.replace(TEE, sku="REFUSED"))) == "refused"
    assert repr(shop.products) == before


@pytest.mark.parametrize("fault", ["before", "after"])
async def test_a_lost_answer_is_looked_up(
    fake: FakeBigCommerce, account: Account, shop: BigCommerceShop, fault: str
) -> None:
    fake.fail("createProduct", fault)  # type: ignore[arg-type]
    steps = Steps()
    with pytest.raises(OutcomeUnknown):
        await draft(account, TEE, steps)
    async with account.open() as store:
        (one,) = store.catalogue.prepare([Item(key="T", document=TEE)], STAMP).prepared
        (outcome,) = await store.catalogue.recover(one, steps.taken[-1], steps)
    made = shop.things("TEE")
    assert outcome == (Accepted(key="T", remote=str(made[0]["id"])) if made else Untouched(key="T"))
    assert bool(made) == (fault == "after")


async def test_what_cannot_be_drafted(fake: FakeBigCommerce, account: Account) -> None:
    fake.fail("createProduct", "423")
    with pytest.raises(Unreachable, match="locked"):
        await draft(account, TEE)
    assert await draft(account, TEE, Steps(wanted=False)) == Untouched(key="T")
    async with account.open() as store:
        nameless = Item(key="N", document=Product(key="N", sku=""))
        assert store.catalogue.prepare([nameless], STAMP).rejected[0].cause == "sku:"
        long = Item(key="L", document=Product(key="L", sku="L", title="t" * 400, gtin="9" * 20))
        (one,) = store.catalogue.prepare([long], STAMP).prepared
    assert isinstance(one, Prepared)
    assert isinstance(await draft(account, long.document), Accepted)


async def test_a_survey_tells_what_a_person_must_know(account: Account, shop: BigCommerceShop) -> None:
    shop.add_product("A")
    shop.add_product("FREE", tracking="none")
    shop.add_product("MUG", variants={"MUG-RED": 1, "MUG-BLUE": 1})
    shop.add_product("E-BOOK", type="digital")
    shop.place({"A": 1})["consignments"]["shipping"][0]["shipping_method"] = "Express"
    async with account.open() as store:
        survey = await store.survey()
    assert survey.skus == frozenset({"A", "FREE", "MUG-RED", "MUG-BLUE"})
    assert survey.ship_methods == frozenset({"Express"})
    assert [each.name for each in survey.findings] == ["untracked", "tracked together"]
    assert survey.duplicate_skus == frozenset()
