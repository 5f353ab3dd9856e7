"""Settings that cannot be right are named, and a survey says what the shop has."""

import tomllib
from pathlib import Path

import msgspec
import pytest

import dropstream_shopify
from dropstream_shopify.settings import Settings, account_key, amends, check
from dropstreamd.platform.contract import Part
from tests.fakes.shopify import FakeShopify
from tests.fakes.shopify_shop import ELSEWHERE, HERE

from .stores import Account, settings

SAMPLE = Path(dropstream_shopify.__file__).with_name("sample.toml")


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("shop", {"shop": "https://acme.myshopify.com"}),
        ("shop", {"shop": "acme.example"}),
        ("url", {"url": "ftp://acme"}),
        ("url", {"url": "https://["}),
        ("client_id", {"client_id": ""}),
        ("client_secret", {"client_secret": None}),
        ("access_token", {"access_token": {"secret": "token"}}),
        ("locations", {"locations": {}}),
        ("locations", {"locations": {"Main": "main"}}),
        ("inventory_location", {"inventory_location": "99"}),
        ("inventory_location", {"locations": {HERE: "a", ELSEWHERE: "b"}}),
        ("delivery", {"delivery": []}),
    ],
)
def test_a_setting_that_cannot_be_is_named(key: str, values: dict[str, object]) -> None:
    assert [problem.key for problem in check(settings(**values))] == [key]


def test_locations_may_be_written_as_numbers() -> None:
    found = settings(locations={"11": "main", "12": "shop"}, inventory_location="12")
    assert not check(found)
    assert found.location_ids == (HERE, ELSEWHERE)
    assert found.stock_location == ELSEWHERE
    assert found.address == "https://acme.myshopify.com/admin/api/2026-07/graphql.json"


def test_an_account_is_a_shop_and_its_shipments_can_be_amended() -> None:
    assert account_key(settings()) == "acme.myshopify.com"
    assert amends(settings()) == {Part.SHIPMENTS}


def test_the_sample_is_right_and_has_every_setting() -> None:
    text = SAMPLE.read_text()
    table = tomllib.loads(text)["store"]
    assert table.pop("platform") == "shopify"
    assert not check(msgspec.convert(table, Settings))
    whole = tomllib.loads(text.replace("\n# ", "\n"))["store"]
    whole.pop("platform")
    whole.pop("access_token")
    whole.pop("url")
    assert {field.name for field in msgspec.structs.fields(Settings)} - whole.keys() == {
        "access_token",
        "mapped",
        "url",
    }
    assert not check(msgspec.convert(whole, Settings))


async def test_a_survey_says_what_the_shop_has(fake: FakeShopify, account: Account) -> None:
    shop = fake.shop
    shop.add_products({"A": 1, "B": 1})
    shop.add_variant("B", 1)
    shop.add_variant("LOOSE", 1, tracked=False)
    shop.place({"A": 1})
    fake.scopes -= {"read_all_orders"}
    async with account.open() as store:
        survey = await store.survey()
    assert survey.skus == frozenset({"A", "B", "LOOSE"})
    assert survey.duplicate_skus == {"B"}
    assert survey.ship_methods == frozenset({"Standard"})
    wrong = [finding.detail for finding in survey.findings if not finding.ok]
    assert wrong == [
        "the app lacks read_all_orders, for orders older than 60 days",
        "1 SKUs are sold without limit, since their quantity is not tracked: LOOSE",
    ]
    assert any("Boutique" in finding.detail for finding in survey.findings if finding.ok)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"isActive": False}, "deactivated"),
        ({"isFulfillmentService": True}, "another app's fulfillment service"),
        ({"fulfillsOnlineOrders": False}, "does not fulfill online orders"),
    ],
)
async def test_a_survey_says_what_is_wrong_with_a_location(
    fake: FakeShopify, account: Account, change: dict[str, object], words: str
) -> None:
    fake.shop.rows[HERE] |= change
    async with account.open() as store:
        survey = await store.survey()
    assert any(words in finding.detail for finding in survey.findings if not finding.ok)
    async with account.open(locations={"404": "main"}) as store:
        survey = await store.survey()
    assert any("no location gid://shopify/Location/404" in each.detail for each in survey.findings)
