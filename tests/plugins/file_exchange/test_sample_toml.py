"""The sample configuration is right, and the README names every setting."""

import tomllib
from pathlib import Path

import msgspec
import pytest

import dropstream_file_exchange
from dropstream_file_exchange import PLUGIN
from dropstream_file_exchange.settings import (
    CsvForm,
    Inventory,
    InventoryColumns,
    Orders,
    Settings,
    ShipmentColumns,
    Shipments,
)

FOLDER = Path(dropstream_file_exchange.__file__).parent
OWN = {"platform", "quantity"}  # the daemon's, beside the plugin's


def test_the_sample_is_right() -> None:
    table = tomllib.loads((FOLDER / "sample.toml").read_text())["warehouses"]["main"]
    settings = msgspec.convert({key: value for key, value in table.items() if key not in OWN}, Settings)
    assert not PLUGIN.check(settings)


@pytest.mark.parametrize(
    "struct", [Settings, Orders, CsvForm, Shipments, Inventory, ShipmentColumns, InventoryColumns]
)
def test_the_readme_names_every_setting(struct: type[msgspec.Struct]) -> None:
    text = (FOLDER / "README.md").read_text()
    assert [
        field
        for field in struct.__struct_encode_fields__
        if f"`{field}`" not in text and f"[{field}]" not in text
    ] == []
