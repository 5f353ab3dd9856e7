"""Settings that cannot be right are told one by one."""

import tomllib
from pathlib import Path

import msgspec
import pytest

import dropstream_vendure
from dropstream_vendure import PLUGIN
from dropstream_vendure.settings import Settings, account_key, check
from dropstreamd.platform.plugin_check import faults

from .stores import settings

URL = "https://shop.example/admin-api"


def test_the_plugin_is_a_valid_one() -> None:
    assert faults(PLUGIN, "vendure") == []


def test_right_settings_have_no_problem() -> None:
    assert check(settings(url=URL)) == []
    assert check(settings(url=URL, username="", password=None, api_key={"secret": "key"})) == []


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("url", {"url": "shop.example"}),
        ("url", {"url": "https://shop.example:port/admin-api"}),
        ("url", {"url": "sftp://shop.example/admin-api"}),
        ("username", {"username": ""}),
        ("password", {"password": None}),
        ("api_key", {"api_key": {"secret": "key"}}),
        ("open_states", {"open_states": []}),
        ("open_states", {"open_states": ["PaymentSettled", "Shipped"]}),
        ("open_states", {"open_states": ["Cancelled"]}),
        ("lookback_days", {"lookback_days": 0}),
    ],
)
def test_a_wrong_setting_is_named(key: str, values: dict[str, object]) -> None:
    assert [problem.key for problem in check(settings(**{"url": URL, **values}))] == [key]


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="chanel"):
        msgspec.convert({"url": URL, "chanel": "x"}, Settings)


def test_channels_of_one_server_are_accounts_of_their_own() -> None:
    keys = [account_key(settings(url=URL, channel=channel)) for channel in ("a", "b", "")]
    assert keys == ["shop.example/a", "shop.example/b", "shop.example/"]
    assert account_key(settings(url="https://SHOP.example:8443/x")) == "shop.example:8443/"


def test_one_call_is_made_at_a_time() -> None:
    assert PLUGIN.pace(settings(url=URL)).at_once == 1


def test_the_sample_is_valid_with_every_line_of_it() -> None:
    text = (Path(dropstream_vendure.__file__).parent / "sample.toml").read_text()
    whole = tomllib.loads("\n".join(line.removeprefix("# ") for line in text.splitlines()))["store"]
    assert whole.pop("platform") == "vendure"
    fields = {field.encode_name for field in msgspec.structs.fields(Settings)}
    assert whole.keys() == fields - {"mapped"}
    assert [problem.key for problem in check(msgspec.convert(whole, Settings))] == ["api_key"]
    few = tomllib.loads(text)["store"]
    del few["platform"]
    assert check(msgspec.convert(few, Settings)) == []
