"""Every plugin that the loader finds loads, and is held to the contract here."""

from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from dropstreamd.platform.contract import Plugin
from dropstreamd.platform.loader import PluginStatus, load_plugins

FOLDER = Path(__file__).parents[2] / "plugins"
FOUND = load_plugins([FOLDER])


def held_to_the_contract(name: str) -> Iterator[Plugin[Any]]:
    """The plugins that the module for this one tries with `contract_tests`."""
    module = f"{__package__}.test_{name.replace('-', '_')}"
    if find_spec(module) is not None:
        for value in vars(import_module(module)).values():
            plugin = getattr(value, "plugin", None)
            if isinstance(plugin, Plugin):
                yield plugin


def test_the_plugins_of_this_folder_are_found() -> None:
    here = {path.parent.name.removeprefix("dropstream_") for path in FOLDER.glob("dropstream_*/__init__.py")}
    assert {name.replace("_", "-") for name in here} <= FOUND.keys()


@pytest.mark.parametrize("status", [pytest.param(each, id=name) for name, each in FOUND.items()])
def test_it_loads_and_is_held_to_the_contract(status: PluginStatus) -> None:
    assert status.problem == ""
    tried = list(held_to_the_contract(status.name))
    assert status.plugin in tried, f"there is no tests/contract/ module with contract_tests of {status.name}"


def test_one_without_a_rig_is_noticed() -> None:
    assert list(held_to_the_contract("no-such-plugin")) == []
