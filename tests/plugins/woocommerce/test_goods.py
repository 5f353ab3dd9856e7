"""Products out, drafts and what came back in."""

from decimal import Decimal

from dropstreamd.clock import utc
from dropstreamd.errors import OutcomeUnknown
from dropstreamd.model.handover import Accepted, Item, Outcome, Rejected, Untouched
from dropstreamd.model.money import Money
from dropstreamd.model.products import Product
from dropstreamd.model.returns import ReturnedLine, ReturnReceipt
from tests.fakes.woocommerce import FakeWooCommerce
from tests.fakes.woocommerce_rows import Row
from tests.fakes.woocommerce_shop import WooShop
from tests.plugins.host import Steps
from tests.plugins.things import STAMP, refused

from .stores import Account

CREATE = "POST wc/v3/products/batch"
NOTE = "POST wc/v3/orders/*/notes"


async def products(account: Account) -> tuple[dict[str, Product], dict[str, str]]:
    found: dict[str, Product] = {}
    bad: dict[str, str] = {}
    async with account.open() as store:
        for _ in range(100):
            page = await store.products.page(None, lambda _mark: False)
            found |= {each.sku: each for each in page.documents}
            bad |= {each.key: each.reason for each in page.bad}
            if not page.more:
                return found, bad
    raise AssertionError("it does not end")


async def drafted(account: Account, *made: Product) -> dict[str, Outcome]:
    outcomes: dict[str, Outcome] = {}
    async with account.open() as store:
        preparation = store.catalogue.prepare([Item(key=each.key, document=each) for each in made], STAMP)
        outcomes |= {each.key: each for each in preparation.rejected}
        for prepared in preparation.prepared:
            outcomes |= {each.key: each for each in await store.catalogue.push(prepared, Steps())}
    return outcomes


async def test_a_product_that_cannot_be_loaded_ends_no_list(account: Account, shop: WooShop) -> None:
    """What a listing does not have any more is taken for gone: all behind that page would be."""
    for number in range(250):
        shop.add_product(f"S-{number}", broken=True) if number in (3, 99) else shop.add_product(f"S-{number}")
    found, _ = await products(account)
    assert len(found) == 248


async def test_products_and_variations(fake: FakeWooCommerce, account: Account, shop: WooShop) -> None:
    shop.weight_unit = "lbs"
    shop.add_product("A", weight="2", global_unique_id="4006381333931", status="draft")
    shop.add_variable("V", ["V-1", "V-2"])
    shop.add_variable("W", ["W"])
    shop.add_product("E-BOOK", virtual=True)
    shop.add_product("GROUP", type="grouped")
    shop.add_product("")
    bad = shop.add_product("L" * 101)
    for at_once in (True, False):
        shop.has_variations = at_once
        fake.asked.clear()
        found, wrong = await products(account)
        assert found.keys() == {"A", "V-1", "V-2"}
        assert wrong.keys() == {str(bad["id"])}
        assert found["A"] == Product(
            key=str(shop.product("A")["id"]),
            sku="A",
            title="A A",
            gtin="4006381333931",
            weight_g=907,
            price=Money(amount=Decimal("9.5"), currency="EUR"),
            active=False,
            updated_at=shop.now,
        )
        assert (found["V-2"].title, found["V-2"].option) == ("All V", "S1")
        assert fake.calls("GET wc/v3/products/*/variations") == (0 if at_once else 2)
    shop.weight_unit = "stone"
    assert (await products(account))[0]["A"].weight_g is None


async def test_what_goes_while_products_are_listed_takes_no_other_with_it(
    fake: FakeWooCommerce, account: Account, shop: WooShop
) -> None:
    for number in range(350):
        shop.add_product(f"S-{number}")

    def trash() -> None:
        for number in range(0, 150, 2):
            shop.product(f"S-{number}")["status"] = "trash"

    async with account.open() as store:
        seen = {each.sku for each in (await store.products.page(None, lambda _mark: False)).documents}
        fake.before["GET wc/v3/products"] = trash
        more = True
        while more:
            page = await store.products.page(None, lambda _mark: False)
            seen |= {each.sku for each in page.documents}
            more = page.more
    assert seen >= {f"S-{number}" for number in range(350) if number % 2 or number >= 150}


async def test_drafts_are_made_once_and_leave_what_is_there(
    fake: FakeWooCommerce, account: Account, shop: WooShop
) -> None:
    there = shop.add_product("THERE", 5, name="Ours")
    shop.add_variable("V", ["V-1"])
    shop.add_product("X", global_unique_id="4006381333931")
    outcomes = await drafted(
        account,
        Product(key="1", sku="NEW", title="Tee", option="Red", gtin="12345670", weight_g=100_000),
        Product(key="2", sku="THERE", title="Theirs"),
        Product(key="3", sku="V-1", title="Theirs"),
        Product(key="4", sku="BAD", gtin="4006381333931"),
        Product(key="5", sku=""),
        Product(key="6", sku="NEW"),
    )
    new = shop.product("NEW")
    assert outcomes["1"] == Accepted(key="1", remote=str(new["id"]))
    assert outcomes["2"] == Accepted(key="2", remote=str(there["id"]))
    assert isinstance(outcomes["3"], Accepted)
    assert [refused(outcomes[key]) for key in "456"] == ["refused", "sku:", "sku-duplicate"]
    assert "product_invalid_global_unique_id" in str(outcomes["4"])
    assert (there["name"], there["stock_quantity"]) == ("Ours", 5)
    shown = {key: new[key] for key in ("name", "status", "manage_stock", "stock_quantity", "weight")}
    assert shown == {
        "name": "Tee - Red",
        "status": "draft",
        "manage_stock": True,
        "stock_quantity": 0,
        "weight": "100.000",
    }
    assert fake.calls(CREATE) == 1


async def test_drafts_whose_answer_was_lost_are_found(
    fake: FakeWooCommerce, account: Account, shop: WooShop
) -> None:
    async with account.open() as store:
        items = [Item(key=sku, document=Product(key=sku, sku=sku)) for sku in ("A", "B")]
        (prepared,) = store.catalogue.prepare(items, STAMP).prepared
        for fault, expected in (("before", Untouched), ("after", Accepted)):
            fake.fail(CREATE, fault)  # type: ignore[arg-type]
            steps = Steps()
            try:
                await store.catalogue.push(prepared, steps)
            except OutcomeUnknown:
                outcomes = await store.catalogue.recover(prepared, steps.taken[-1], Steps())
                assert [type(each) for each in outcomes] == [expected] * 2
        assert await store.catalogue.recover(prepared, "", Steps()) == [
            Untouched(key="A"),
            Untouched(key="B"),
        ]
    assert [each["sku"] for each in shop.products.values()] == ["A", "B"]


def receipt(made: Row, key: str = "R-1", **changes: object) -> Item[ReturnReceipt]:
    line = made["line_items"][0]
    values: dict[str, object] = {
        "receipt_key": key,
        "order_key": str(made["id"]),
        "order_number": made["number"],
        "lines": (
            ReturnedLine(order_line=str(line["id"]), sku="TEE <b>", quantity=2, condition="restock"),
            ReturnedLine(order_line=str(line["id"]), sku="TEE", quantity=1, condition="damaged"),
        ),
        "received_at": utc(1_795_200_000),
        **changes,
    }
    return Item(key=key, document=ReturnReceipt(**values))  # type: ignore[arg-type]


async def told(account: Account, item: Item[ReturnReceipt]) -> Outcome:
    async with account.open() as store:
        assert store.receipts is not None
        preparation = store.receipts.prepare([item], STAMP)
        if preparation.rejected:
            return preparation.rejected[0]
        steps = Steps()
        try:
            (outcome,) = await store.receipts.push(preparation.prepared[0], steps)
        except OutcomeUnknown:
            (outcome,) = await store.receipts.recover(preparation.prepared[0], steps.taken[-1], Steps())
        return outcome


async def test_what_came_back_is_a_private_note(
    fake: FakeWooCommerce, account: Account, shop: WooShop
) -> None:
    shop.add_product("TEE", 5)
    made = shop.place({"TEE": 3})
    fake.fail(NOTE, "after")
    outcome = await told(account, receipt(made))
    (note,) = shop.notes[made["id"]]
    assert outcome == Accepted(key="R-1", remote=f"note:{note['id']}")
    assert note["note"].startswith(
        "Goods came back on 2026-11-20: 2 × TEE b (back in stock at the warehouse); 1 × TEE (damaged). Noth"
    )
    assert (note["customer_note"], shop.mailed, shop.product("TEE")["stock_quantity"]) == (False, [], 5)
    assert isinstance(await told(account, receipt(made)), Accepted)
    assert isinstance(await told(account, receipt(made, "R-2", kind="return-to-sender")), Accepted)
    assert len(shop.notes[made["id"]]) == 2
    assert "came back undelivered" in shop.notes[made["id"]][1]["note"]
    fake.fail(NOTE, "before")
    assert await told(account, receipt(made, "R-3")) == Untouched(key="R-3")


async def test_receipts_that_are_not_the_plugins(account: Account, shop: WooShop) -> None:
    shop.add_product("TEE")
    made = shop.place({"TEE": 3})
    odd = {
        "refund": receipt(made, refund=True),
        "no-order": receipt(made, order_key="gid"),
        "lines": receipt(made, lines=()),
    }
    assert {cause: refused(await told(account, item)) for cause, item in odd.items()} == {
        key: key for key in odd
    }
    assert refused(await told(account, receipt(made, restock=True))) == "refund"
    assert isinstance(await told(account, receipt(made, order_key="9")), Rejected)
    async with account.open(receipts="none") as store:
        assert store.receipts is None
