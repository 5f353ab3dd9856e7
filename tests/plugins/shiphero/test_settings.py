"""Settings that cannot be right are told one by one; the sample and the README keep up with them."""

import tomllib
from pathlib import Path

import msgspec
import pytest

import dropstream_shiphero
from dropstream_shiphero import PLUGIN
from dropstream_shiphero.settings import Settings, account_key, check
from dropstream_shiphero.translate import line_number
from dropstream_shiphero.values import Unusable, instant, iso
from dropstreamd.platform.contract import Part
from dropstreamd.platform.plugin_check import faults

from .houses import settings

FOLDER = Path(dropstream_shiphero.__file__).parent
OWN = {"platform", "quantity", "timezone"}  # the daemon's, beside the plugin's


def test_the_plugin_is_a_valid_one() -> None:
    assert faults(PLUGIN, "shiphero") == []


def test_good_settings() -> None:
    assert check(settings()) == []
    ours = account_key(settings(user="Dropstream@Acme.example"))
    assert ours == account_key(settings(user="dropstream@acme.example", warehouse="V2FyZWhvdXNlOjg="))
    others = {
        account_key(settings(**changes))
        for changes in (
            {"user": "b@acme.example"},
            {"customer_account": "QWNjb3VudDoy"},
            {"shop_name": "East"},
        )
    }
    assert len(others - {ours}) == 3, "orders of another client, or shop, are others"
    assert settings().address == "https://public-api.shiphero.com/graphql"


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"user": ""}, "user"),
        ({"user": "dropstream"}, "user"),
        ({"warehouse": ""}, "warehouse"),
        ({"warehouse": " V2"}, "warehouse"),
        ({"shop_name": ""}, "shop_name"),
        ({"shop_name": "x" * 101}, "shop_name"),
        ({"customer_account": " "}, "customer_account"),
        ({"profile": "x "}, "profile"),
        ({"look_back_days": 0}, "look_back_days"),
        ({"look_back_days": 366}, "look_back_days"),
        ({"return_carrier": "usps"}, "return_method"),
        ({"return_method": "usps-priority"}, "return_carrier"),
        ({"url": "wms.example.com"}, "url"),
        ({"url": "https://["}, "url"),
    ],
)
def test_wrong_settings(changes: dict[str, object], key: str) -> None:
    assert [problem.key for problem in check(settings(**changes))] == [key]


def test_returns_need_a_carrier_and_a_method() -> None:
    assert PLUGIN.parts(settings()) == frozenset(Part) - {Part.RETURNS, Part.STOCK_NOTICES}
    with_both = settings(return_carrier="usps", return_method="usps-priority")
    assert PLUGIN.parts(with_both) == frozenset(Part) - {Part.STOCK_NOTICES}


@pytest.mark.parametrize("uncommented", [False, True])
def test_the_sample_is_right(uncommented: bool) -> None:
    lines = (FOLDER / "sample.toml").read_text().splitlines()
    text = "\n".join(line.removeprefix("# ") if uncommented else line for line in lines)
    table = tomllib.loads(text)["warehouses"]["main"]
    sample = msgspec.convert({key: value for key, value in table.items() if key not in OWN}, Settings)
    assert not check(sample)


def test_the_readme_tells_every_setting() -> None:
    text = (FOLDER / "README.md").read_text()
    for field in msgspec.structs.fields(Settings):
        assert f"`{field.name}`" in text, field.name


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("2026-11-20T09:30:00", "2026-11-20T09:30:00"),
        ("2026-11-20 09:30:00", "2026-11-20T09:30:00"),
        ("2026-11-20T09:30:00.250000", "2026-11-20T09:30:00"),
        ("2026-11-20T09:30:00+02:00", "2026-11-20T07:30:00"),
        ("2026-11-20T09:30:00Z", "2026-11-20T09:30:00"),
    ],
)
def test_instants(text: str, told: str) -> None:
    at = instant(text)
    assert at is not None
    assert iso(at) == told


def test_no_instant() -> None:
    assert instant(None) is None
    with pytest.raises(Unusable):
        instant("yesterday")


@pytest.mark.parametrize(
    ("own", "number"),
    [
        ("SH1-2", 2),
        ("SH1-2.3", 2),
        ("SH1-", 0),
        ("SH1-x", 0),
        ("SH12-2", 0),
        ("2", 0),
        (None, 0),
        ("SH1-²", 0),
    ],
)
def test_a_line_is_known_by_its_partner_id(own: str | None, number: int) -> None:
    assert line_number(own, "SH1") == number
