"""Settings that cannot be right are told one by one; the sample and the README keep up with them."""

import tomllib
from pathlib import Path

import msgspec
import pytest

import dropstream_tryton
from dropstream_tryton import PLUGIN
from dropstream_tryton.settings import Settings, account_key, check
from dropstreamd.platform.plugin_check import faults

FOLDER = Path(dropstream_tryton.__file__).parent
OWN = {"platform", "quantity", "timezone"}  # the daemon's, beside the plugin's
TABLE = {
    "url": "https://wms.example.com:8443",
    "database": "wms",
    "username": "dropstreamd",
    "password": {"secret": "wms"},
    "customer": "ACME",
}


def settings(**changes: object) -> Settings:
    return msgspec.convert({**TABLE, **changes}, Settings)


def test_the_plugin_is_a_valid_one() -> None:
    assert faults(PLUGIN, "tryton") == []


def test_good_settings() -> None:
    assert check(settings()) == []
    assert account_key(settings()) == "wms.example.com:8443/wms"
    assert settings(url="https://wms.example.com/").address == "https://wms.example.com/wms/rpc/"


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"url": "wms.example.com"}, "url"),
        ({"url": "https://["}, "url"),
        ({"database": ""}, "database"),
        ({"database": "a/b"}, "database"),
        ({"username": " "}, "username"),
        ({"customer": ""}, "customer"),
        ({"quarantine": ["Q"], "damaged": ["Q"]}, "quarantine"),
    ],
)
def test_wrong_settings(changes: dict[str, object], key: str) -> None:
    assert [problem.key for problem in check(settings(**changes))] == [key]


def test_the_sample_is_right() -> None:
    table = tomllib.loads((FOLDER / "sample.toml").read_text())["warehouses"]["main"]
    sample = msgspec.convert({key: value for key, value in table.items() if key not in OWN}, Settings)
    assert not check(sample)


def test_the_readme_and_the_sample_name_every_setting() -> None:
    for name in ("README.md", "sample.toml"):
        text = (FOLDER / name).read_text()
        assert [field for field in Settings.__struct_encode_fields__ if field not in text] == [], name
