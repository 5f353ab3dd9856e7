"""Settings that cannot be right are told, each by its key."""

import tomllib
from pathlib import Path

import msgspec
import pytest

from dropstream_amazon import PLUGIN
from dropstream_amazon.settings import ENDPOINTS, MARKETPLACES, Settings, account_key, check
from tests.fakes.amazon import CANADA, HERE, SELLER

from .stores import settings

SAMPLE = Path(__file__).parents[3] / "plugins" / "dropstream_amazon" / "sample.toml"


@pytest.mark.parametrize(
    ("values", "key", "found"),
    [
        ({"seller": "me@example.com"}, "seller", "'me@example.com'"),
        ({"client_id": " "}, "client_id", "nothing"),
        ({"client_id": "a\nb"}, "client_id", "'a\\nb'"),
        ({"marketplaces": []}, "marketplaces", "none"),
        ({"marketplaces": ["US"]}, "marketplaces", "'US'"),
        ({"marketplaces": [HERE, HERE]}, "marketplaces", "one twice"),
        ({"region": "eu"}, "marketplaces", f"{HERE}, which is United States and belongs to region na"),
        ({"url": "ftp://x"}, "url", "no https:// address"),
        ({"login_url": "https://["}, "login_url", "no https:// address"),
    ],
)
def test_what_cannot_be_right_is_told(values: dict[str, object], key: str, found: str) -> None:
    (problem,) = check(settings(**values))
    assert (problem.key, problem.found) == (key, found)
    assert problem.allowed


def test_what_every_package_needs() -> None:
    assert PLUGIN.needs(settings()) == {"carrier", "tracking_numbers"}


def test_good_settings_have_no_problem() -> None:
    assert check(settings()) == []
    assert check(settings(marketplaces=[HERE, CANADA, "A1NEWERONE00"])) == []
    assert account_key(settings()) == f"{SELLER}-na"


def test_every_region_has_an_address_and_marketplaces() -> None:
    assert {region for region, _ in MARKETPLACES.values()} == set(ENDPOINTS)
    assert {settings(region=region, marketplaces=[]).address for region in ENDPOINTS} == set(
        ENDPOINTS.values()
    )
    assert settings(url="http://127.0.0.1:1/").address == "http://127.0.0.1:1"


def test_the_sample_is_right() -> None:
    table = tomllib.loads(SAMPLE.read_text())["store"]
    assert table.pop("platform") == PLUGIN.name
    found = msgspec.convert(table, Settings)
    assert PLUGIN.check(found) == []


def test_the_sample_shows_every_setting() -> None:
    shown = SAMPLE.read_text()
    assert [
        each.encode_name for each in msgspec.structs.fields(Settings) if each.encode_name not in shown
    ] == []
