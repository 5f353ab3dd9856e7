"""The suite on the parts of the four other channels: a good depot keeps each rule, a worse one is found."""

from functools import partial
from typing import Any

import msgspec
import pytest

from dropstreamd.platform.contract import Part, Plugin, Role
from dropstreamd.testing import check
from dropstreamd.testing.rules import rules_for
from dropstreamd.testing.stand import ContractBroken

from . import mutants
from .depot import AT, depot, depot_rig
from .mutants import paging, with_part

STORE, WAREHOUSE = depot(Role.STORE), depot(Role.WAREHOUSE)
TRIED = {
    "it-offers-what-it-provides",
    "every-document-comes",
    "a-cancelled-return-comes-as-cancelled",
    "every-key-has-an-outcome",
}
"""Of the rules for every source and sink, which are tried whole on other plugins, some."""


def rules(plugin: Plugin[Any]) -> list[str]:
    names = [rule.name for rule in rules_for(plugin)]
    return [name for name in names if name.partition("-")[2] in TRIED or "-are-fit-to-" in name]


def judge(plugin: Plugin[Any], name: str) -> None:
    (rule,) = [rule for rule in rules_for(plugin) if rule.name == name]
    check(rule, plugin, partial(depot_rig, plugin.role))


@pytest.mark.parametrize("name", rules(STORE))
def test_a_good_store_keeps_it(name: str) -> None:
    judge(STORE, name)


@pytest.mark.parametrize("name", rules(WAREHOUSE))
def test_a_good_warehouse_keeps_it(name: str) -> None:
    judge(WAREHOUSE, name)


def test_every_part_has_rules() -> None:
    for plugin in (STORE, WAREHOUSE):
        named = {rule.name.partition("-")[0] for rule in rules_for(plugin)}
        assert named == {"plugin", *(part.attribute for part in plugin.provides)}


def told(plugin: Plugin[Any], part: Part, **changes: Any) -> Plugin[Any]:
    """Its source tells each document with another value somewhere."""

    def turn(page: Any, _arguments: Any) -> Any:
        worse = tuple(msgspec.structs.replace(one, **changes) for one in page.documents)
        return msgspec.structs.replace(page, documents=worse)

    return with_part(plugin, part.attribute, paging(turn))


def lines(plugin: Plugin[Any], part: Part, **changes: Any) -> Plugin[Any]:
    """Its source tells each line so, twice where the key is the same."""

    def turn(page: Any, _arguments: Any) -> Any:
        worse = tuple(
            msgspec.structs.replace(
                one, lines=tuple(msgspec.structs.replace(line, **changes) for line in one.lines * 2)
            )
            for one in page.documents
        )
        return msgspec.structs.replace(page, documents=worse)

    return with_part(plugin, part.attribute, paging(turn))


def naive(plugin: Plugin[Any], part: Part, field: str) -> Plugin[Any]:
    return told(plugin, part, **{field: AT.replace(tzinfo=None)})


@pytest.mark.parametrize(
    ("name", "says", "plugin"),
    [
        (
            "returns-a-cancelled-return-comes-as-cancelled",
            "told as",
            with_part(STORE, "returns", paging(mutants.without_cancelled)),
        ),
        ("returns-returns-are-fit-to-expect", "name its order", told(STORE, Part.RETURNS, order_key="")),
        ("returns-returns-are-fit-to-expect", "told as waiting", told(STORE, Part.RETURNS, status="waiting")),
        ("returns-returns-are-fit-to-expect", "one key", lines(STORE, Part.RETURNS)),
        ("returns-returns-are-fit-to-expect", "no zone", naive(STORE, Part.RETURNS, "requested_at")),
        ("products-products-are-fit-to-keep", "a SKU is empty", told(STORE, Part.PRODUCTS, sku="")),
        ("products-products-are-fit-to-keep", "less than nothing", told(STORE, Part.PRODUCTS, weight_g=-1)),
        ("catalogue-products-are-fit-to-keep", "not active", told(WAREHOUSE, Part.CATALOGUE, active=False)),
        ("receipts-receipts-are-fit-to-tell", "no parcel", told(WAREHOUSE, Part.RECEIPTS, reference="")),
        ("receipts-receipts-are-fit-to-tell", "no units", lines(WAREHOUSE, Part.RECEIPTS, quantity=0)),
        (
            "purchase_orders-purchase-orders-are-fit-to-tell",
            "no number",
            told(WAREHOUSE, Part.PURCHASE_ORDERS, number=""),
        ),
        (
            "purchase_orders-purchase-orders-are-fit-to-tell",
            "no lines",
            told(WAREHOUSE, Part.PURCHASE_ORDERS, lines=()),
        ),
        (
            "acknowledgements-acknowledgements-are-fit-to-use",
            "says 'perhaps'",
            told(WAREHOUSE, Part.ACKNOWLEDGEMENTS, verdict="perhaps"),
        ),
        (
            "plugin-it-offers-what-it-provides",
            "session has none",
            with_part(STORE, "purchase_orders", lambda _sink: None),
        ),
    ],
)
def test_a_worse_one_is_found(name: str, says: str, plugin: Plugin[Any]) -> None:
    with pytest.raises(ContractBroken, match=says):
        judge(plugin, name)


def test_a_store_that_provides_acknowledgements_is_none() -> None:
    odd = msgspec.structs.replace(STORE, provides=frozenset({Part.PRODUCTS, Part.ACKNOWLEDGEMENTS}))
    good = msgspec.structs.replace(odd, provides=frozenset({Part.PRODUCTS}))
    (rule,) = [rule for rule in rules_for(good) if rule.name == "plugin-the-plugin-is-valid"]
    with pytest.raises(ContractBroken, match="which only a warehouse has"):
        check(rule, odd, partial(depot_rig, Role.STORE))
