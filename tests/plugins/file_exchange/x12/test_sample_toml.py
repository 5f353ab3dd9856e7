"""The sample configuration is right, and the README names every setting."""

import tomllib
from pathlib import Path

import msgspec
import pytest

import dropstream_file_exchange.x12
from dropstream_file_exchange import PLUGIN
from dropstream_file_exchange.settings import Settings
from dropstream_file_exchange.x12.settings import (
    X12,
    Adjustments,
    Inventory,
    Notices,
    Orders,
    Receipts,
    Shipments,
)

FOLDER = Path(dropstream_file_exchange.x12.__file__).parent
OWN = {"platform", "quantity"}  # the daemon's, beside the plugin's


def test_the_sample_is_right() -> None:
    table = tomllib.loads((FOLDER / "sample.toml").read_text())["warehouses"]["edi"]
    settings = msgspec.convert({key: value for key, value in table.items() if key not in OWN}, Settings)
    assert not PLUGIN.check(settings)


@pytest.mark.parametrize("struct", [X12, Orders, Shipments, Inventory, Adjustments, Receipts, Notices])
def test_the_readme_names_every_setting_and_its_default(struct: type[msgspec.Struct]) -> None:
    text = (FOLDER / "README.md").read_text()
    for field in msgspec.structs.fields(struct):
        assert f"`{field.name}`" in text or f"[{field.name}]" in text, field.name
        if isinstance(field.default, str) and field.default:
            assert f"`{field.default}`" in text, field.name
        for code in field.default if isinstance(field.default, tuple) else ():
            assert f'"{code}"' in text, field.name
