"""Settings that cannot be right are told with their key."""

import tomllib
from pathlib import Path

import msgspec
import pytest

from dropstream_bigcommerce import PLUGIN
from dropstream_bigcommerce.settings import STATUS_IDS, Settings, check

from .stores import settings

FOLDER = Path(__file__).parents[3] / "plugins" / "dropstream_bigcommerce"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("store_hash", ""),
        ("store_hash", "https://api.bigcommerce.com/stores/abc"),
        ("url", "ftp://x"),
        ("url", "https://["),
        ("url", ""),
        ("location", 0),
        ("ship_when", []),
        ("currency", "dollars"),
    ],
)
def test_what_cannot_be_right(key: str, value: object) -> None:
    (problem,) = check(settings(**{key: value}))
    assert problem.key == key


def test_what_is_right() -> None:
    assert not check(settings(ship_when=list(STATUS_IDS)))
    assert PLUGIN.account_key(settings()) == "bigcommerce:abc123xyz9"


def test_an_unknown_status_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="ship_when"):
        settings(ship_when=["Completed"])


def test_the_sample_is_a_table_that_can_be_used() -> None:
    lines = (FOLDER / "sample.toml").read_text().splitlines()
    for text in ("\n".join(lines), "\n".join(line.removeprefix("# ") for line in lines)):
        table = tomllib.loads(text)["store"]
        assert table.pop("platform") == "bigcommerce"
        assert not check(msgspec.convert(table, Settings))


def test_every_setting_is_explained() -> None:
    readme = (FOLDER / "README.md").read_text()
    sample = (FOLDER / "sample.toml").read_text()
    for field in msgspec.structs.fields(Settings):
        assert f"`{field.name}`" in readme, field.name
        assert field.name in sample, field.name
