"""Orders come once each, as they are, whatever moves while they are read."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest

from dropstreamd.errors import Misconfigured, ProtocolMismatch
from dropstreamd.model.money import Money
from tests.fakes.ebay import FakeEbay
from tests.fakes.ebay_shop import EbayShop, instructions, written
from tests.plugins.host import NOW_S

from .stores import Account

USD = "USD"


async def test_an_order_as_a_warehouse_needs_it(account: Account, shop: EbayShop) -> None:
    made = shop.place({"TEE": 3, "CAP": 1})
    made["buyerCheckoutNotes"] = "ring twice"
    made["lineItems"][0]["discountedLineItemCost"] = {"value": "45.00", "currency": USD}
    made["lineItems"][1]["ebayCollectAndRemitTaxes"] = [
        {"taxType": "VAT", "ebayReference": {"name": "IOSS", "value": "IM2760000742"}}
    ]
    order = await account.one()
    assert (order.key, order.number, order.status) == (made["orderId"], made["orderId"], "open")
    assert (order.ship_to.name, order.ship_to.line2, order.ship_to.region) == ("Jo Doe", "Apt 2", "TX")
    assert (order.email, order.ship_method, order.note) == (
        "abc123@members.ebay.com",
        "USPSPriority",
        "ring twice",
    )
    assert order.total == Money(amount=Decimal("59.98"), currency=USD)
    tee, cap = order.lines
    assert (tee.sku, tee.quantity, tee.unit_price) == ("TEE", 3, Money(amount=Decimal("20.00"), currency=USD))
    assert tee.declared_value == Money(amount=Decimal("15.00"), currency=USD)
    assert cap.declared_value is None
    assert order.tax_ids == ("IOSS:IM2760000742",)
    assert order.channel_code == "EBAY_US"
    now = datetime.fromtimestamp(NOW_S, UTC)
    assert (order.ship_by, order.deliver_by) == (now + timedelta(days=2), now + timedelta(days=6))


async def test_a_price_that_cannot_be_told_exactly_is_not_told(account: Account, shop: EbayShop) -> None:
    made = shop.place({"TEE": 3})
    made["lineItems"][0]["lineItemCost"] = {"value": "10.00", "currency": USD}
    assert (await account.one()).lines[0].unit_price is None


async def test_it_goes_to_the_shipping_step_and_never_to_the_final_destination(
    account: Account, shop: EbayShop
) -> None:
    made = shop.place({"TEE": 1})
    step = instructions(shipToReferenceId="1234567890123456")
    step["ebaySupportedFulfillment"] = True
    step["finalDestinationAddress"] = {"addressLine1": "Rue du Bout 1", "countryCode": "FR"}
    made["fulfillmentStartInstructions"] = [step]
    order = await account.one()
    assert (order.ship_to.line1, order.ship_to.country) == ("1 Main St", "US")
    assert order.ship_to.company == "Reference #1234567890123456"
    assert order.delivery_note == "Reference #1234567890123456"
    assert "Rue du Bout" not in repr(order)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"orderPaymentStatus": "PENDING"}, "waiting"),
        ({"orderPaymentStatus": "FAILED"}, "waiting"),
        ({"orderPaymentStatus": "PARTIALLY_REFUNDED"}, "open"),
        ({"orderPaymentStatus": "FULLY_REFUNDED"}, "cancelled"),
        ({"cancelStatus": {"cancelState": "CANCELED"}}, "cancelled"),
        ({"orderFulfillmentStatus": "FULFILLED"}, "closed"),
        ({"program": {"ebayShipping": {"shippingLabelProvidedBy": "EBAY"}}}, "waiting"),
        ({"program": {"ebayInternationalShipping": {"returnsManagedBy": "EBAY"}}}, "open"),
    ],
)
async def test_what_may_be_shipped(
    account: Account, shop: EbayShop, changes: dict[str, object], status: str
) -> None:
    first = await account.listing()
    made = shop.place({"TEE": 1})
    made |= changes
    assert (await account.listing(first.cursor)).statuses == {made["orderId"]: status}


async def test_a_buyer_who_wants_out_is_heard(account: Account, shop: EbayShop) -> None:
    made = shop.place({"TEE": 1})
    made["cancelStatus"]["cancelState"] = "IN_PROGRESS"
    order = await account.one()
    assert (order.status, order.cancel_requested) == ("open", True)
    shop.cancel(made)
    assert (await account.listing((await account.listing()).cursor)).statuses == {order.key: "cancelled"}


async def test_a_line_that_was_paid_back_is_not_sent(account: Account, shop: EbayShop) -> None:
    made = shop.place({"TEE": 2, "CAP": 1, "SOCK": 1})
    made["orderPaymentStatus"] = "PARTIALLY_REFUNDED"
    tee, cap, sock = made["lineItems"]
    tee["refunds"] = [
        {"amount": {"value": "25.00", "currency": USD}},
        {"amount": {"value": "15.00", "currency": USD}},
    ]
    cap["refunds"] = [{"amount": {"value": "5.00", "currency": USD}}]
    sock["refunds"] = [{"amount": {"value": "99.00", "currency": "EUR"}}]
    order = await account.one()
    assert [(line.sku, line.open_quantity) for line in order.lines] == [("TEE", 0), ("CAP", 1), ("SOCK", 1)]
    for line in (cap, sock):
        line["refunds"] = [{"amount": line["lineItemCost"]}]
    assert (await account.one()).status == "cancelled"


async def test_what_has_left_in_part_is_told_by_its_units(
    fake: FakeEbay, account: Account, shop: EbayShop
) -> None:
    made = shop.place({"TEE": 3, "CAP": 1})
    tee, cap = (line["lineItemId"] for line in made["lineItems"])
    shop.ship(made, {"lineItems": [{"lineItemId": tee, "quantity": 1}, {"lineItemId": cap, "quantity": 1}]})
    order = await account.one()
    assert [(line.fulfilled, line.open_quantity) for line in order.lines] == [(1, 2), (1, 0)]
    assert fake.asked.count("fulfillments") == 1


async def test_what_is_not_for_a_warehouse_of_the_sellers(account: Account, shop: EbayShop) -> None:
    kinds = ("DIGITAL", "PREPARE_FOR_PICKUP", "FULFILLED_BY_EBAY")
    for kind in kinds:
        shop.place({"TEE": 1})["fulfillmentStartInstructions"] = [
            {**instructions(), "fulfillmentInstructionsType": kind}
        ]
    shop.place({"TEE": 1})["program"] = {"fulfillmentProgram": {"fulfilledBy": "EBAY"}}
    shop.place({"TEE": 1})["lineItems"][0]["listingMarketplaceId"] = "EBAY_DE"
    ours = shop.place({"TEE": 1})
    assert set((await account.listing(marketplaces=("EBAY_US",))).orders) == {ours["orderId"]}


async def test_what_cannot_be_read_is_told_and_sinks_nothing(account: Account, shop: EbayShop) -> None:
    good = shop.place({"TEE": 1})
    bad = [shop.place({"TEE": 1}) for _ in range(6)]
    bad[0]["lineItems"] = []
    bad[1]["lineItems"][0]["quantity"] = 0
    bad[2]["lineItems"][0]["lineItemCost"]["value"] = "a lot"
    bad[3]["fulfillmentStartInstructions"].append(instructions())
    bad[4]["fulfillmentStartInstructions"] = [instructions(shipTo={"fullName": "Jo"})]
    bad[5]["lineItems"] *= 2
    found = await account.listing()
    assert set(found.orders) == {good["orderId"]}
    assert [found.bad[row["orderId"]] for row in bad] == [
        "it has no lines",
        f"line {bad[1]['lineItems'][0]['lineItemId']} has 0 units",
        "an amount of it is no number",
        "it is to be shipped to several addresses",
        "it has no address to be shipped to",
        "two of its lines have one id",
    ]


async def test_what_is_null_is_not_told(account: Account, shop: EbayShop) -> None:
    made = shop.place({"TEE": 1})
    made["buyerCheckoutNotes"] = made["program"] = None
    made["lineItems"][0]["refunds"] = [None]
    assert (await account.one()).note == ""


async def test_a_listing_without_a_sku_has_its_item_number(account: Account, shop: EbayShop) -> None:
    made = shop.place({"TEE": 1})
    line = made["lineItems"][0]
    del line["sku"]
    line["legacyVariationId"] = "42"
    assert (await account.one()).lines[0].sku == "110012345678-42"


@pytest.mark.parametrize("newest_first", [False, True])
async def test_2000_orders_of_one_instant_while_some_change(
    fake: FakeEbay, account: Account, shop: EbayShop, newest_first: bool
) -> None:
    """Pages end on equal times; orders are shipped, changed, and placed while they are read."""
    fake.newest_first = newest_first
    rows = [shop.place({"TEE": 1}) for _ in range(2_000)]
    shop.pass_time(seconds=30)
    changed, shipped = [rows[at] for at in (3, 250, 1_999)], [rows[at] for at in (0, 199, 398, 900)]

    def disturb() -> None:
        shop.pass_time(seconds=1)
        for row in changed:
            row["buyerCheckoutNotes"] = "ring twice"
            shop.touch(row)
        for row in shipped:
            line = row["lineItems"][0]["lineItemId"]
            shop.ship(row, {"lineItems": [{"lineItemId": line, "quantity": 1}]})
        shop.place({"TEE": 1})

    async with account.open() as store:
        keys: list[str] = []
        cursor, pages = None, 0
        while True:
            if pages == 4:
                disturb()
            page = await store.orders.page(None, lambda _mark: False)
            keys += [order.key for order in page.documents]
            cursor, pages = page.cursor or cursor, pages + 1
            if not page.more:
                break
    assert len(keys) == len(set(keys)), "each once"
    missing = {row["orderId"] for row in rows} - set(keys)
    assert missing <= {row["orderId"] for row in shipped}, "none of those that are still to ship is left out"
    assert pages <= 14
    then = await account.listing(cursor)
    assert all(then.orders[row["orderId"]].note == "ring twice" for row in changed)
    assert {then.statuses[row["orderId"]] for row in shipped} == {"closed"}
    assert len(then.told) == len(then.orders)
    assert set(keys) | set(then.orders) == set(shop.orders)


async def test_the_next_run_begins_by_ebays_clock_and_some_minutes_early(
    account: Account, shop: EbayShop
) -> None:
    first = await account.listing()
    since = datetime.fromtimestamp(NOW_S - 900, UTC).isoformat().replace("+00:00", "Z")
    assert first.cursor == f'{{"since":"{since}","which":"[] hold"}}'
    made = shop.place({"TEE": 1}, at=datetime.fromtimestamp(NOW_S - 800, UTC))
    assert set((await account.listing(first.cursor)).orders) == {made["orderId"]}


async def test_the_first_run_takes_what_is_not_shipped(account: Account, shop: EbayShop) -> None:
    shop.place({"TEE": 1})["orderFulfillmentStatus"] = "FULFILLED"
    shop.place({"TEE": 1}, at=shop.now - timedelta(days=91))
    due = shop.place({"TEE": 1}, at=shop.now - timedelta(days=89))
    assert set((await account.listing()).orders) == {due["orderId"]}


async def test_a_cursor_of_another_and_a_clock_that_is_ahead(account: Account, shop: EbayShop) -> None:
    with pytest.raises(ProtocolMismatch, match="not one of this plugin's"):
        await account.listing("{}")
    ahead = written(shop.now + timedelta(days=1))
    with pytest.raises(Misconfigured, match="one in the future"):
        await account.listing(f'{{"since":"{ahead}","which":"[] hold"}}')


async def test_what_waits_is_listed_once_more_when_the_settings_say_otherwise(
    account: Account, shop: EbayShop
) -> None:
    labelled, cancelled = shop.place({"TEE": 1}), shop.place({"TEE": 1})
    labelled["program"] = {"ebayShipping": {"shippingLabelProvidedBy": "EBAY"}}
    shop.pass_time(hours=2)
    first = await account.listing()
    assert first.statuses == {labelled["orderId"]: "waiting", cancelled["orderId"]: "open"}
    shop.pass_time(hours=2)
    shop.cancel(cancelled)
    shop.ship(cancelled, {"lineItems": [{"lineItemId": cancelled["lineItems"][0]["lineItemId"]}]})
    second = await account.listing(first.cursor, ebay_labels="ship")
    assert second.statuses == {labelled["orderId"]: "open"}
    third = await account.listing(second.cursor, ebay_labels="ship")
    assert third.statuses == {cancelled["orderId"]: "cancelled"}, "nothing is left out for that"


async def test_orders_that_change_behind_the_page_hide_none(account: Account, shop: EbayShop) -> None:
    """Two that were told move to the end, so that the next page begins with one of them."""
    begun = datetime.fromtimestamp(NOW_S, UTC) - timedelta(hours=2)
    made = [shop.place({"TEE": 1}, at=begun + timedelta(seconds=number)) for number in range(201)]
    cursor = msgspec.json.encode({"since": begun - timedelta(hours=1), "which": "[] hold"}).decode()
    async with account.open() as store:
        page = await store.orders.page(cursor, lambda _mark: False)
        told = {order.key for order in page.documents}
        shop.touch(made[0])
        shop.touch(made[1])
        while page.more:
            page = await store.orders.page(cursor, lambda _mark: False)
            told |= {order.key for order in page.documents}
    assert told == {order["orderId"] for order in made}
