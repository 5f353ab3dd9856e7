"""Products, drafts of what the shop lacks, returns and what came back."""

from datetime import timedelta

import pytest
from trio.testing import MockClock

from dropstream_shopify.store import ShopifyStore
from dropstreamd.errors import OutcomeUnknown, ProtocolMismatch
from dropstreamd.model.handover import Accepted, Bad, InDoubt, Item, Outcome, Prepared, Untouched
from dropstreamd.model.products import Product
from dropstreamd.model.returns import Condition, Return, ReturnedLine, ReturnReceipt
from tests.fakes.shopify import FakeShopify
from tests.fakes.shopify_shop import ELSEWHERE, Row, ShopifyShop
from tests.plugins.host import Steps
from tests.plugins.things import STAMP, refused

from .stores import Account

MAT = Product(
    key="W-1",
    sku="MAT-1",
    title="Mat",
    option="Red",
    gtin="0123456789012",
    vendor="Acme",
    weight_g=1200,
    hs_code="570500",
    origin="PT",
)


class TestProducts:
    async def test_every_variant_that_is_shipped_is_told(self, account: Account, shop: ShopifyShop) -> None:
        shop.add_products({"A": 1})
        shop.add_variant("", 1)
        shop.add_variant("CARD", 1)["inventoryItem"]["requiresShipping"] = False
        shop.add_variant("OLD", 1)["product"]["status"] = "ARCHIVED"
        shop.add_variant("RED", 1)["title"] = "Red / M"
        shop.add_variant("FREE", 1)["price"] = "no price"
        async with account.open() as store:
            page = await store.products.page(None, lambda _mark: False)
        found = {product.sku: product for product in page.documents}
        assert found.keys() == {"A", "OLD", "RED", "FREE"}
        assert (found["A"].weight_g, found["A"].hs_code, found["A"].option) == (250, "610910", "")
        assert (found["RED"].option, found["OLD"].active, found["FREE"].price) == ("Red / M", False, None)
        assert not page.more
        assert page.cursor is None


class TestDrafts:
    def _prepared(self, store: ShopifyStore, product: Product = MAT) -> Prepared:
        (one,) = store.catalogue.prepare([Item(key=product.key, document=product)], STAMP).prepared
        return one

    async def test_a_draft_has_what_is_known(self, account: Account, shop: ShopifyShop) -> None:
        async with account.open() as store:
            (outcome,) = await store.catalogue.push(self._prepared(store), Steps())
        (variant,) = shop.variants("MAT-1")
        assert outcome == Accepted(key="W-1", remote=variant["product"]["id"])
        assert variant["product"]["status"] == "DRAFT"
        assert variant["product"]["title"] == "Mat - Red"

    async def test_what_the_shop_has_stays_as_it_is(self, fake: FakeShopify, account: Account) -> None:
        there = fake.shop.add_variant("MAT-1", 3)
        async with account.open() as store:
            (outcome,) = await store.catalogue.push(self._prepared(store), Steps())
        assert outcome == Accepted(key="W-1", remote=there["product"]["id"])
        assert "Draft" not in fake.asked

    async def test_a_second_one_cannot_be_made_though_the_search_lags(
        self, fake: FakeShopify, account: Account, patient_clock: MockClock
    ) -> None:
        fake.shop.lag = timedelta(hours=1)
        fake.fail("Draft", "after")
        async with account.open() as store:
            one, steps = self._prepared(store), Steps()
            with pytest.raises(OutcomeUnknown):
                await store.catalogue.push(one, steps)
            (found,) = await store.catalogue.recover(one, steps.taken[-1], Steps())
            assert isinstance(found, Accepted)
            (again,) = await store.catalogue.push(one, Steps())
            assert again == found
        assert len(fake.shop.variants("MAT-1")) == 1

    async def test_what_is_refused_or_not_wanted_is_not_made(
        self, account: Account, shop: ShopifyShop
    ) -> None:
        async with account.open() as store:
            one = self._prepared(store, Product(key="R", sku="REFUSED"))
            (outcome,) = await store.catalogue.push(one, Steps())
            assert refused(outcome) == "refused"
            one = self._prepared(store)
            assert await store.catalogue.push(one, Steps(wanted=False)) == [Untouched(key="W-1")]
            nameless = Item(key="N", document=Product(key="N", sku=""))
            assert store.catalogue.prepare([nameless], STAMP).rejected[0].cause == "sku:"
        assert not shop.variants("MAT-1")


def shipped(shop: ShopifyShop, units: int = 3) -> Row:
    made = shop.place({"A": units})
    shop.fulfill(made, {made["lineItems"][0]["id"]: units}, {"number": "1Z"})
    return made


class TestReturns:
    async def _run(
        self, account: Account, cursor: str | None = None
    ) -> tuple[dict[str, Return], list[Bad], str | None]:
        found: dict[str, Return] = {}
        bad: list[Bad] = []
        async with account.open() as store:
            while True:
                page = await store.returns.page(cursor, lambda _mark: False)
                found |= {ret.number: ret for ret in page.documents}
                bad += page.bad
                cursor = page.cursor
                if not page.more:
                    return found, bad, cursor

    async def test_a_return_is_told_with_its_lines_and_parcel(
        self, account: Account, shop: ShopifyShop
    ) -> None:
        made = shipped(shop)
        row = shop.ask_back(made, 2)
        row["returnLineItems"][0] |= {"customerNote": "too tight", "returnReasonNote": "size"}
        row["reverseFulfillmentOrders"][0]["reverseDeliveries"] = [
            {
                "deliverable": {
                    "__typename": "ReverseDeliveryShippingDeliverable",
                    "tracking": {"number": "R1Z", "carrierName": "UPS"},
                }
            }
        ]
        found, bad, _ = await self._run(account)
        ret = found[row["name"]]
        assert not bad
        assert (ret.status, ret.order_key, ret.order_number) == ("open", made["id"], made["order"]["name"])
        assert (ret.carrier, ret.tracking_numbers, ret.note) == ("UPS", ("R1Z",), "too tight")
        (line,) = ret.lines
        assert (line.sku, line.quantity, line.reason) == ("A", 2, "Too small: size")
        assert line.order_line == made["lineItems"][0]["lineItem"]["id"]

    async def test_a_return_is_followed_to_its_end(self, account: Account, shop: ShopifyShop) -> None:
        asked = shop.ask_back(shipped(shop), status="REQUESTED")
        declined = shop.ask_back(shipped(shop), status="REQUESTED")
        shop.ask_back(shipped(shop), status="CLOSED")
        found, _, cursor = await self._run(account)
        assert {ret.status for ret in found.values()} == {"waiting"}
        asked["status"], declined["status"] = "OPEN", "DECLINED"
        found, _, cursor = await self._run(account, cursor)
        assert (found[asked["name"]].status, found[declined["name"]].status) == ("open", "cancelled")
        asked["status"] = "CLOSED"
        asked["closedAt"] = "2026-12-01T00:00:00Z"
        found, _, cursor = await self._run(account, cursor)
        assert {name: ret.status for name, ret in found.items()} == {asked["name"]: "closed"}
        found, _, _ = await self._run(account, cursor)
        assert not found

    async def test_those_of_other_locations_are_not_told(self, account: Account, shop: ShopifyShop) -> None:
        made = shop.place({"A": 1}, location=ELSEWHERE)
        shop.fulfill(made, {made["lineItems"][0]["id"]: 1}, None)
        shop.ask_back(made)
        found, bad, _ = await self._run(account)
        assert not found
        assert not bad

    async def test_too_many_returns_or_lines_are_told_as_bad(
        self, account: Account, shop: ShopifyShop
    ) -> None:
        made = shipped(shop)
        for _ in range(11):
            shop.ask_back(made)
        long = shop.ask_back(shipped(shop))
        long["returnLineItems"] *= 51
        odd = shop.ask_back(shipped(shop))
        odd["createdAt"] = "yesterday"
        found, bad, _ = await self._run(account)
        assert len(found) == 10
        assert {each.key for each in bad} == {made["order"]["id"], long["id"], odd["id"]}

    async def test_a_cursor_of_another_plugin_is_refused(self, account: Account) -> None:
        with pytest.raises(ProtocolMismatch, match="cursor"):
            await self._run(account, "nonsense")


def receipt(ret: Row, *parts: tuple[int, Condition], restock: bool = False) -> Item[ReturnReceipt]:
    line = ret["returnLineItems"][0]
    sold = line["fulfillmentLineItem"]["lineItem"]
    lines = tuple(
        ReturnedLine(
            order_line=sold["id"], sku="A", quantity=units, condition=condition, return_line=line["id"]
        )
        for units, condition in parts
    )
    document = ReturnReceipt(
        receipt_key="R1", order_key="", order_number="", lines=lines, return_key=ret["id"], restock=restock
    )
    return Item(key="R1", document=document)


def disposed(ret: Row) -> list[tuple[str, int]]:
    return [
        (one["type"], one["quantity"])
        for order in ret["reverseFulfillmentOrders"]
        for line in order["lineItems"]
        for one in line["dispositions"]
    ]


class TestReceipts:
    async def _push(self, account: Account, item: Item[ReturnReceipt]) -> Outcome:
        async with account.open() as store:
            (one,) = store.receipts.prepare([item], STAMP).prepared
            (outcome,) = await store.receipts.push(one, Steps())
            return outcome

    async def test_each_condition_has_its_disposition(self, account: Account, shop: ShopifyShop) -> None:
        ret = shop.ask_back(shipped(shop, 6), 6)
        parts: tuple[tuple[int, Condition], ...] = ((3, "restock"), (1, "damaged"), (2, "quarantine"))
        assert await self._push(account, receipt(ret, *parts)) == Accepted(key="R1", remote=ret["id"])
        assert disposed(ret) == [("NOT_RESTOCKED", 4), ("PROCESSING_REQUIRED", 2)]
        again = shop.ask_back(shipped(shop, 6), 6)
        await self._push(account, receipt(again, *parts, restock=True))
        assert disposed(again) == [("RESTOCKED", 3), ("NOT_RESTOCKED", 1), ("PROCESSING_REQUIRED", 2)]

    async def test_what_cannot_be_told_says_why(self, account: Account, shop: ShopifyShop) -> None:
        ret = shop.ask_back(shipped(shop), 2)
        assert refused(await self._push(account, receipt(ret, (3, "restock")))) == "too-many"
        ret["status"] = "CLOSED"
        assert refused(await self._push(account, receipt(ret, (1, "restock")))) == "return-closed"
        ret["id"] = "gid://shopify/Return/404"
        assert refused(await self._push(account, receipt(ret, (1, "restock")))) == "no-return"
        assert not disposed(ret)

    async def test_over_two_reverse_orders_it_is_finished_from_where_it_was_cut_off(
        self, fake: FakeShopify, account: Account, patient_clock: MockClock
    ) -> None:
        shop = fake.shop
        made = shipped(shop, 4)
        ret, other = shop.ask_back(made, 2), shop.ask_back(made, 2)
        ret["reverseFulfillmentOrders"] += other["reverseFulfillmentOrders"]
        fake.fail("Dispose", "after")
        async with account.open() as store:
            (one,) = store.receipts.prepare([receipt(ret, (4, "restock"))], STAMP).prepared
            steps = Steps()
            with pytest.raises(OutcomeUnknown):
                await store.receipts.push(one, steps)
            assert disposed(ret) == [("NOT_RESTOCKED", 2)]
            (found,) = await store.receipts.recover(one, steps.taken[-1], Steps())
            assert isinstance(found, Accepted)
            assert disposed(ret) == [("NOT_RESTOCKED", 2)] * 2
            (found,) = await store.receipts.recover(one, steps.taken[-1], Steps())
            assert isinstance(found, Accepted)
            shop.rows[ret["reverseFulfillmentOrders"][0]["lineItems"][0]["id"]]["dispositions"].append(
                {"type": "MISSING", "quantity": 1}
            )
            (found,) = await store.receipts.recover(one, steps.taken[-1], Steps())
            assert isinstance(found, InDoubt)

    async def test_a_refund_is_not_this_plugins(self, account: Account, shop: ShopifyShop) -> None:
        item = receipt(shop.ask_back(shipped(shop)), (1, "restock"))
        paid = ReturnReceipt(
            receipt_key="R1",
            order_key="",
            order_number="",
            lines=item.document.lines,
            return_key=item.document.return_key,
            refund=True,
        )
        async with account.open() as store:
            (wrong,) = store.receipts.prepare([Item(key="R1", document=paid)], STAMP).rejected
        assert wrong.cause == "refund"
