# ruff: noqa: E501 - tables of cases, a case a line
"""`[locations]`, and connections that share a store account by their locations."""

import msgspec
import pytest

from dropstreamd.config.load import load
from dropstreamd.platform.contract import Locations
from dropstreamd.platform.loader import PluginStatus, load_plugins
from tests.config.fakes import (
    FILES,
    MERCHANT,
    PLUGINS,
    SHOP,
    Folder,
    ShopSettings,
    connection,
    only,
    problems,
)
from tests.config.test_check import checked
from tests.config.test_load import CONF

MAP = '[locations]\n"1" = "EAST"\n"2" = "WEST"\n'


class MappedSettings(ShopSettings, frozen=True, kw_only=True):
    """Of a platform that keeps stock by location; `home` is where what names none goes."""

    mapped: dict[str, str] = msgspec.field(default_factory=dict)
    home: str = ""
    owned: tuple[str, ...] = ()


@pytest.fixture(autouse=True)
def shop(monkeypatch: pytest.MonkeyPatch) -> None:
    plugin = msgspec.structs.replace(
        SHOP,
        settings=MappedSettings,
        locations=lambda settings: Locations(home=settings.home, owned=frozenset(settings.owned)),
    )
    monkeypatch.setitem(PLUGINS, "vendure", PluginStatus(name="vendure", origin="here", plugin=plugin))


def test_the_map_reaches_the_connection_and_its_plugin(folder: Folder) -> None:
    folder.write("connections.d/a.toml", connection(1, store='home = "2"', rest=MAP))
    config = load(folder.path, PLUGINS).config
    first, second = config.connections["c-001"], config.connections["c-002"]
    assert (first.locations, first.home) == ({"1": "EAST", "2": "WEST"}, "2")
    assert isinstance(first.store.settings, MappedSettings)
    assert first.store.settings.mapped == first.locations
    assert (second.locations, second.home) == ({}, "")
    assert (first.facility_of("2"), first.facility_of("3")) == ("WEST", "")
    assert (first.location_of("EAST"), first.location_of("N")) == ("1", "")


def test_a_single_location_is_home(folder: Folder) -> None:
    folder.write("connections.d/a.toml", connection(1, rest='[locations]\n"1" = "EAST"\n'))
    assert load(folder.path, PLUGINS).config.connections["c-001"].home == "1"


@pytest.mark.parametrize(
    ("rest", "store", "merchant", "expected"),
    [
        ("[locations]\n", "", "", "locations: found an empty table"),
        ('[locations]\n"1" = 5\n', "", "", 'locations.1: found 5, expected the code of a facility'),
        (f'[locations]\n"{"x" * 81}" = "E"\n', "", "", "expected a location's id of 1 to 80 bytes"),
        ('[locations]\n"1" = "E"\n"2" = "E"\n', 'home = "1"', "", 'locations.2: found "E", which "1" has, expected a facility of its own'),
        (MAP, "", "", "locations: found several locations, expected the location that [store] names"),
        (MAP, 'home = "3"', "", 'locations: found no "3", which [store] names'),
        (MAP, 'home = "1"', 'duplicates = "refuse"\n', 'locations: found duplicates = "refuse" at main'),
        (MAP, 'home = "1"', 'facilities = ["EAST"]\n', 'locations.2: found "WEST", which `facilities` of main leaves out, expected one of EAST'),
        ("", 'mapped = { "1" = "E" }', "", "store.mapped: found an unknown key, expected a table [locations]"),
    ],
)  # fmt: skip
def test_wrong_maps(folder: Folder, rest: str, store: str, merchant: str, expected: str) -> None:
    folder.write("merchants.d/acme.toml", MERCHANT + merchant)
    folder.write("connections.d/a.toml", connection(1, store=store, rest=rest))
    assert any(expected in problem for problem in problems(folder)), problems(folder)


def test_a_store_that_keeps_one_stock_has_no_locations(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PLUGINS, "vendure", PluginStatus(name="vendure", origin="here", plugin=SHOP))
    folder.write("connections.d/a.toml", connection(1, rest=MAP))
    assert "locations of a store of the plugin vendure, which keeps one stock" in only(folder)


STORE_KEYS = "allow_private_address, page, password, platform, timezone, url, username"


@pytest.mark.parametrize(
    ("store", "top", "expected"),
    [
        ("urll = 1", "", f'store.urll: found an unknown key, expected one of {STORE_KEYS}; did you mean "url"?'),
        ("mapped = {}", "", f"store.mapped: found an unknown key, expected one of {STORE_KEYS}"),
        ("", "location = {}", "ship_within, shipping, store, timezone, unknown_sku, warehouse; did you mean"),
    ],
)  # fmt: skip
def test_keys_of_locations_are_not_offered_to_a_store_that_keeps_one_stock(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, store: str, top: str, expected: str
) -> None:
    monkeypatch.setitem(PLUGINS, "vendure", PluginStatus(name="vendure", origin="here", plugin=SHOP))
    folder.write("connections.d/a.toml", connection(1, top=top, store=store))
    assert expected.removesuffix("; did you mean") in only(folder)
    assert "locations" not in only(folder)


def test_keys_that_are_offered_to_a_store_with_locations(folder: Folder) -> None:
    folder.write("connections.d/a.toml", connection(1, top="location = {}"))
    assert "locations, merchant, " in only(folder)
    folder.write("connections.d/a.toml", connection(1, store="hom = 1"))
    assert only(folder).endswith(
        "expected one of allow_private_address, home, owned, page, password, platform, timezone, url, username; "
        'did you mean "home"?'
    )


def test_a_warehouse_whose_adjustments_count_has_no_facilities(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = msgspec.structs.replace(FILES, adjusts=lambda _settings: True)
    monkeypatch.setitem(
        PLUGINS, "file-exchange", PluginStatus(name="file-exchange", origin="here", plugin=files)
    )
    folder.write("connections.d/a.toml", connection(1, rest='[locations]\n"1" = "EAST"\n'))
    assert "locations: found stock adjustments that count, at main" in only(folder)


def test_two_connections_of_one_account_say_which_orders_are_theirs(folder: Folder) -> None:
    one = connection(1, store='home = "1"\nowned = ["1"]', rest='[locations]\n"1" = "EAST"\n')
    other = connection(2, store='home = "2"\nowned = ["2"]').replace("shop2.example", "shop1.example")
    folder.write("connections.d/a.toml", one)
    folder.write("connections.d/b.toml", other)
    config = load(folder.path, PLUGINS).config
    assert config.connections["c-001"].taken == {"2"}
    assert config.connections["c-002"].taken == {"1"}
    assert config.connections["c-001"].shares_store


@pytest.mark.parametrize(
    ("address", "shares"),
    [("shop1.example/two", True), ("shop2.example/one", False), ("shop2.example", False)],
)
def test_channels_of_one_server_share_its_stock(folder: Folder, address: str, *, shares: bool) -> None:
    folder.write("connections.d/a.toml", connection(1).replace("shop1.example", "shop1.example/one"))
    folder.write("connections.d/b.toml", connection(2).replace("shop2.example", address))
    config = load(folder.path, PLUGINS).config
    assert [each.shares_store for each in config.connections.values()] == [shares, shares]
    assert not config.connections["c-001"].taken


def test_a_warehouse_that_is_told_no_facility_is_noted(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.write("connections.d/a.toml", connection(1, rest='[locations]\n"1" = "EAST"\n'))
    noted = "note: warehouse acme.main is not told which facility is to send an order: what orders take is taken off every location of a"
    assert checked(folder)[1][1:] == [noted]
    files = msgspec.structs.replace(FILES, routes=lambda _settings: True)
    monkeypatch.setitem(
        PLUGINS, "file-exchange", PluginStatus(name="file-exchange", origin="here", plugin=files)
    )
    assert checked(folder)[1][1:] == []


@pytest.mark.parametrize(
    ("owned", "expected"),
    [
        ('["1", "3"]', "store: found location 1, as in connections.d/a.toml"),
        ("[]", "store: found the same as in connections.d/a.toml"),
    ],
)
def test_an_overlap_breaks_both(folder: Folder, owned: str, expected: str) -> None:
    folder.write("connections.d/a.toml", connection(1, store='owned = ["1"]'))
    other = connection(2, store=f"owned = {owned}").replace("shop2.example", "shop1.example")
    folder.write("connections.d/b.toml", other)
    found = problems(folder)
    assert len(found) == 2
    assert any(expected in each for each in found), found


def test_a_shop_on_shopify_by_locations(folder: Folder) -> None:
    """The plugins themselves: the map stands in the place of Shopify's own list."""
    plugins = load_plugins([CONF.parent / "plugins"])
    folder.write("merchants.d/acme.toml", MERCHANT)
    store = """
[store]
platform = "shopify"
shop = "acme.myshopify.com"
access_token = { secret = "x" }
"""
    top = connection(1).partition("[store]")[0]
    (folder.path / "connections.d/b.toml").unlink()
    folder.write("connections.d/a.toml", top + store + MAP)
    found = [str(each) for each in load(folder.path, plugins).problems]
    assert len(found) == 1
    assert "store.inventory_location: found nothing" in found[0]
    both = 'inventory_location = "1"\nlocations = { "1" = "main" }\n'
    folder.write("connections.d/a.toml", top + store + both + MAP)
    assert "one of the two" in str(load(folder.path, plugins).problems[0])
    folder.write("connections.d/a.toml", top + store + 'inventory_location = "2"\n' + MAP)
    loaded = load(folder.path, plugins)
    assert loaded.problems == ()
    assert loaded.config.connections["c-001"].home == "2"
    other = connection(2).partition("[store]")[0] + store
    folder.write("connections.d/b.toml", other + 'locations = { "3" = "main" }\n')
    loaded = load(folder.path, plugins)
    assert loaded.problems == ()
    assert loaded.config.connections["c-001"].taken == {"gid://shopify/Location/3"}
    folder.write("connections.d/b.toml", other + 'locations = { "2" = "main" }\n')
    found = [str(each) for each in load(folder.path, plugins).problems]
    assert len(found) == 2
    assert all("found location gid://shopify/Location/2, as in" in each for each in found)
