"""One server is one account, however its address is written, and whoever has run with it goes on."""

from typing import Any

import msgspec
import pytest

import dropstream_file_exchange
import dropstream_medusa
import dropstream_tryton
import dropstream_vendure
import dropstream_woocommerce
from dropstreamd.platform.contract import Plugin

LOGIN = {"username": "u", "password": {"secret": "x"}}
AT_A_SERVER: list[tuple[Plugin[Any], str, dict[str, Any]]] = [
    (dropstream_vendure.PLUGIN, "/demo", {**LOGIN, "channel": "demo"}),
    (dropstream_medusa.PLUGIN, "/web", {"api_key": {"secret": "x"}, "sales_channel": "web"}),
    (
        dropstream_woocommerce.PLUGIN,
        "",
        {"consumer_key": "ck_1", "consumer_secret": {"secret": "b"}},
    ),
    (
        dropstream_tryton.PLUGIN,
        "/acme",
        {"database": "acme", **LOGIN, "customer": "C1"},
    ),
]


def account_of(plugin: Plugin[Any], url: str, given: dict[str, Any]) -> tuple[str, list[str]]:
    settings = msgspec.convert({"url": url, **given}, plugin.settings)
    return plugin.account_key(settings), list(plugin.formerly(settings))


@pytest.mark.parametrize(("plugin", "rest", "given"), AT_A_SERVER, ids=[one[0].name for one in AT_A_SERVER])
def test_an_account_has_one_name(plugin: Plugin[Any], rest: str, given: dict[str, Any]) -> None:
    common, before = account_of(plugin, "https://shop.example", given)
    assert common == f"shop.example{rest}", "as it has always been"
    assert f"shop.example:443{rest}" in before
    for url, former in (
        ("https://shop.example:443", "shop.example:443"),
        ("https://SHOP.example:443/", "shop.example:443"),
        ("https://shop.example.", "shop.example."),
        ("http://shop.example:80", "shop.example:80"),
        ("https://shop.example.:443", "shop.example.:443"),
    ):
        key, before = account_of(plugin, url, given)
        assert key == common
        assert f"{former}{rest}" in before
    assert account_of(plugin, "https://shop.example:8443", given)[0] == f"shop.example:8443{rest}"
    assert account_of(plugin, "http://shop.example:443", given)[0] == f"shop.example:443{rest}"
    assert account_of(plugin, "https://shop.example:80", given)[0] == f"shop.example:80{rest}"


@pytest.mark.parametrize("scheme", ["sftp", "ftp"])
def test_a_folder_of_a_login_has_one_name(scheme: str) -> None:
    port = {"sftp": 22, "ftp": 21}[scheme]
    plugin = dropstream_file_exchange.PLUGIN
    common, _ = account_of(plugin, f"{scheme}://acme@wms.example/out", {})
    assert common == f"{scheme}://acme@wms.example:{port}/out"
    key, before = account_of(plugin, f"{scheme}://acme@WMS.example.:{port}/out/", {})
    assert (key, before) == (common, [f"{scheme}://acme@wms.example.:{port}/out"])
