"""What goes wrong between us and a shop is told apart, in words that a person can act on."""

import pytest
from trio.testing import MockClock

from dropstreamd.errors import (
    AuthFailed,
    DropstreamError,
    Misconfigured,
    ProtocolMismatch,
    RateLimited,
    Unreachable,
)
from dropstreamd.platform.secrets import SecretRef
from tests.fakes.woocommerce import FakeWooCommerce, Fault
from tests.fakes.woocommerce_shop import WooShop

from .stores import Account, package

READ, PROBE = "GET wc/v3/orders", "POST wc/v3/orders/batch"


async def findings(account: Account, *, write: bool = True, **changes: object) -> list[str]:
    async with account.open(**changes) as store:
        return [finding.detail for finding in await store.test(write=write)]


async def test_a_test_reads_and_asks_whether_it_may_write(fake: FakeWooCommerce, account: Account) -> None:
    assert await findings(account, write=False) == ["WooCommerce at 127.0.0.1"]
    assert fake.asked == [READ, PROBE]
    await findings(account)
    assert fake.asked[2:] == [READ, PROBE, "GET wc/v3/products", "POST wc/v3/products/batch"]


async def test_wrong_credentials(account: Account) -> None:
    with pytest.raises(AuthFailed, match=r"127\.0\.0\.1 refused the consumer key.*answered 401.*one key"):
        await findings(account, consumer_secret=SecretRef(secret="wrong"))
    with pytest.raises(AuthFailed, match="refused the consumer key"):
        await findings(account, consumer_key="ck_" + "f" * 40)


async def test_a_key_that_may_only_read_or_only_write(fake: FakeWooCommerce, account: Account) -> None:
    fake.permissions = "read"
    with pytest.raises(AuthFailed, match=r"may read orders, and not write them \(give the key .*Read/Write"):
        await findings(account)
    fake.permissions = "write"
    with pytest.raises(AuthFailed, match="the permission Read"):
        await findings(account)


async def test_no_secret_is_ever_shown(account: Account) -> None:
    with pytest.raises(AuthFailed) as caught:
        await findings(account, consumer_secret=SecretRef(secret="wrong"))
    assert "cs_" not in f"{caught.value!r} {caught.value.__cause__!r} {caught.value}"


async def test_other_addresses(fake: FakeWooCommerce, account: Account) -> None:
    """A site without WooCommerce, and one whose API is not where it should be."""
    fake.active = False
    with pytest.raises(Misconfigured, match=r"WordPress answers, and knows no such route \(is WooCommerce"):
        await findings(account)
    with pytest.raises(Misconfigured, match="not by WordPress's REST API"):
        await findings(account, url=f"{fake.url}/shop")
    with pytest.raises(Misconfigured, match="http:// would carry the credentials unencrypted"):
        await findings(account, allow_private_address=False)


async def test_plain_permalinks(fake: FakeWooCommerce, account: Account, shop: WooShop) -> None:
    fake.plain_permalinks = True
    with pytest.raises(Misconfigured, match="set permalinks to plain"):
        await findings(account)
    assert await findings(account, permalinks="plain")
    shop.add_product("TEE")
    made = shop.place({"TEE": 1})
    assert (await account.listing(permalinks="plain")).orders.keys() == {str(made["id"])}
    await account.push(package("P1", made, 1, "1Z"), permalinks="plain")
    assert made["status"] == "completed"


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("500", Unreachable),
        ("503", Unreachable),
        ("429", RateLimited),
        ("html", ProtocolMismatch),
        ("truncated", Unreachable),
        ("before", Unreachable),
        ("after", Unreachable),
        ("lost", Unreachable),
        ("401", AuthFailed),
    ],
)
async def test_every_misbehaviour_has_its_error(
    fake: FakeWooCommerce,
    account: Account,
    patient_clock: MockClock,
    fault: Fault,
    kind: type[DropstreamError],
) -> None:
    for route in (READ, PROBE):
        fake.fail(route, *[fault] * (4 if kind in (Unreachable, RateLimited) else 1))
        with pytest.raises(kind) as caught:
            await findings(account)
        assert "127.0.0.1" in str(caught.value)
        account.host.http.circuit.__init__("woocommerce:test")  # type: ignore[misc]


@pytest.mark.parametrize("fault", ["500", "503", "429", "before", "truncated", "slow", "lost"])
async def test_reads_are_tried_again(
    fake: FakeWooCommerce, account: Account, shop: WooShop, patient_clock: MockClock, fault: Fault
) -> None:
    shop.add_product("TEE")
    made = shop.place({"TEE": 1})
    for route in (READ, "GET wc/v3/products"):
        fake.fail(route, fault)
    assert (await account.listing()).orders.keys() == {str(made["id"])}


async def test_a_survey(account: Account, shop: WooShop) -> None:
    shop.add_product("A")
    shop.add_product("TWICE")
    shop.add_variable("V", ["TWICE", "V-1"], backorders="notify")
    shop.add_product("LOOSE", None)
    shop.add_product("E-BOOK", None, virtual=True)
    shop.add_product("", 3)
    shop.add_variable("W", ["W"])
    shop.place({"A": 1}, shipping_lines=[{"method_title": "Express", "method_id": "ups"}])
    shop.place({"A": 1}, shipping_lines=[{"method_title": "Shop", "method_id": "local_pickup"}])
    for chosen in (True, False):
        shop.has_variations = chosen
        async with account.open() as store:
            survey = await store.survey()
        assert survey.skus == frozenset({"A", "TWICE", "V-1", "LOOSE"})
        assert survey.duplicate_skus == {"TWICE"}
        assert survey.ship_methods == frozenset({"Express"})
        assert {(each.name, each.ok, each.detail.split(":")[0]) for each in survey.findings} == {
            ("shipments", True, "told as WooCommerce's own fulfillments"),
            (
                "untracked",
                False,
                "WooCommerce does not manage the stock of 1 SKUs, or of their product alone",
            ),
            ("backorders", True, "2 SKUs are sold beyond their stock"),
            ("SKUs", False, "2 products or variations that are shipped have no SKU of their own"),
        }


@pytest.mark.parametrize(
    ("offered", "tell_by", "ok", "words"),
    [
        ((True, True), "auto", True, "told as WooCommerce's own fulfillments"),
        ((False, True), "auto", True, "told by the Shipment Tracking extension"),
        ((False, False), "auto", True, "told by notes on the orders: there is no fulfillments API"),
        ((True, True), "note", True, "told by notes"),
        ((False, True), "fulfillments", False, "has no fulfillments API"),
        ((True, False), "tracking", False, "has no Shipment Tracking extension"),
    ],
)
async def test_a_survey_says_how_the_shop_is_told(
    account: Account, shop: WooShop, offered: tuple[bool, bool], tell_by: str, ok: bool, words: str
) -> None:
    shop.has_fulfillments, shop.has_tracking = offered
    async with account.open(tell_by=tell_by) as store:
        (found,) = [each for each in (await store.survey()).findings if each.name == "shipments"]
    assert (found.ok, words in found.detail, bool(found.remedy)) == (ok, True, not ok)
