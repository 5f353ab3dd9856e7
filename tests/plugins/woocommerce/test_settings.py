"""Settings that cannot be right are told of, each in its place; the sample is right."""

import tomllib
from pathlib import Path

import msgspec
import pytest

from dropstream_woocommerce import PLUGIN
from dropstream_woocommerce.settings import Settings, account_key
from dropstreamd.platform.contract import Part

from .stores import settings

SAMPLE = Path(__file__).parents[3] / "plugins" / "dropstream_woocommerce" / "sample.toml"


def test_the_sample_is_right() -> None:
    text = SAMPLE.read_text()
    for source in (text, text.replace("\n# ", "\n")):
        table = tomllib.loads(source)["store"]
        assert table.pop("platform") == PLUGIN.name
        assert PLUGIN.check(msgspec.convert(table, Settings)) == []
    named = {line.split("=")[0].strip("# ") for line in text.splitlines() if "=" in line} - {"platform"}
    assert named == set(Settings.__struct_fields__), "the sample shows every setting"


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"url": "shop.example"}, "url"),
        ({"url": "ftp://shop.example"}, "url"),
        ({"url": "https://[x"}, "url"),
        ({"url": "https://shop.example/?a=b"}, "url"),
        ({"url": "https://shop.example/wp-json/wc/v3"}, "url"),
        ({"url": "https://shop.example/wp-admin/"}, "url"),
        ({"consumer_key": "cs_0123456789abcdef0123"}, "consumer_key"),
        ({"ship_statuses": ()}, "ship_statuses"),
        ({"ship_statuses": ("wc-processing",)}, "ship_statuses"),
        (
            {"ship_statuses": ("completed",), "closed_statuses": ("shipped",), "complete_as": ""},
            "ship_statuses",
        ),
        ({"ship_statuses": ("processing",), "cancelled_statuses": ("processing",)}, "cancelled_statuses"),
        ({"complete_as": "shipped"}, "complete_as"),
        ({"levels_at_once": 0}, "levels_at_once"),
        ({"levels_at_once": 101}, "levels_at_once"),
        ({"calls_per_s": 0.0}, "calls_per_s"),
    ],
)
def test_what_cannot_be_right(changes: dict[str, object], key: str) -> None:
    good = settings("https://shop.example")
    assert PLUGIN.check(good) == []
    problems = PLUGIN.check(msgspec.structs.replace(good, **changes))
    assert [problem.key for problem in problems] == [key]


def test_statuses_of_an_extension() -> None:
    mine = settings(
        "https://shop.example",
        ship_statuses=["processing", "packing"],
        closed_statuses=["completed", "shipped"],
        complete_as="shipped",
    )
    assert PLUGIN.check(mine) == []


def test_an_account_is_a_shop() -> None:
    assert account_key(settings("https://shop.example:8443/de/")) == "shop.example:8443/de"
    assert account_key(settings("https://Shop.Example")) == "shop.example"


def test_receipts_may_be_switched_off() -> None:
    offered = PLUGIN.parts(settings("https://shop.example", receipts="none"))
    assert offered == PLUGIN.provides - {Part.RECEIPTS}
