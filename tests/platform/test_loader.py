"""Plugins found in folders and installed ones, good and bad."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dropstreamd.platform.loader import PluginStatus, load_plugins

GOOD = """
import msgspec
from dropstreamd.platform.contract import Part, Plugin, Role
from dropstreamd.platform.secrets import SecretRef

class Inner(msgspec.Struct, forbid_unknown_fields=True):
    note: str = ""

class Settings(msgspec.Struct, forbid_unknown_fields=True):
    url: str
    password: SecretRef | None = None
    inner: dict[str, list[Inner | None]] = {}

PLUGIN = Plugin(
    name="NAME", title="A platform", role=Role.STORE, provides=frozenset({Part.ORDERS}),
    settings=Settings, account_key=lambda s: s.url, open=lambda s, h: None,
)
"""


@pytest.fixture(autouse=True)
def _forget_imports() -> Iterator[None]:
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith("dropstream_"):
            del sys.modules[name]


def package(folder: Path, name: str, source: str = GOOD, **modules: str) -> None:
    home = folder / f"dropstream_{name.replace('-', '_')}"
    home.mkdir(parents=True)
    (home / "__init__.py").write_text(source.replace("NAME", name))
    for module, text in modules.items():
        (home / f"{module}.py").write_text(text)


def only(folder: Path, name: str = "acme") -> PluginStatus:
    return load_plugins([folder])[name]


def test_a_good_plugin_loads_from_a_folder_with_its_own_modules(tmp_path: Path) -> None:
    source = "from dropstream_acme.wire import PLUGIN\nfrom . import wire\n"
    package(tmp_path, "acme", source, wire=GOOD.replace("NAME", "acme"))
    path_before = list(sys.path)
    status = only(tmp_path)
    assert status.problem == ""
    assert status.plugin is not None
    assert status.plugin.title == "A platform"
    assert status.origin == str(tmp_path / "dropstream_acme")
    assert sys.path == path_before
    assert only(tmp_path).plugin is status.plugin


def test_a_hyphen_in_a_name_is_an_underscore_in_its_folder(tmp_path: Path) -> None:
    package(tmp_path, "file-exchange-2")
    assert only(tmp_path, "file-exchange-2").plugin is not None


def test_other_folders_are_no_plugins_and_a_missing_path_holds_none(tmp_path: Path) -> None:
    (tmp_path / "dropstream_empty").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "__init__.py").write_text("raise SystemExit")
    names = load_plugins([tmp_path, tmp_path / "missing"])
    assert not {"empty", "other"} & set(names)


def test_one_that_cannot_be_imported_keeps_no_other_from_loading(tmp_path: Path) -> None:
    package(tmp_path, "broken", "import dropstream_broken.part", part="import no_such_library_xyz")
    package(tmp_path, "good")
    statuses = load_plugins([tmp_path])
    assert statuses["good"].plugin is not None
    assert "ModuleNotFoundError: No module named 'no_such_library_xyz'" in statuses["broken"].problem
    assert statuses["broken"].remedy
    assert not [name for name in sys.modules if name.startswith("dropstream_broken")]


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("def (", "SyntaxError"),
        ("1 / 0", "ZeroDivisionError"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("", "offers no PLUGIN"),
        ("PLUGIN = 7", "its PLUGIN is int, not a Plugin"),
        (GOOD.replace('name="NAME"', 'name="other"'), "its name is 'other', but it was found as 'acme'"),
        (GOOD.replace('name="NAME"', 'name="A Shop"'), "its name is 'A Shop'; a name is made of"),
        (GOOD.replace('name="NAME"', "name=7"), "its name is 7"),
        (GOOD.replace('"A platform"', '""'), "its title is empty"),
        (GOOD.replace("Role.STORE", '"shop"'), "its role is 'shop'"),
        (GOOD.replace("frozenset({Part.ORDERS})", "frozenset()"), "what it provides"),
        (GOOD.replace("frozenset({Part.ORDERS})", '{"orders"}'), "what it provides"),
        (GOOD.replace("settings=Settings", "settings=dict"), "no msgspec Struct"),
        (GOOD.replace("url: str", "url: object()"), "its settings cannot be decoded"),
        (GOOD.replace("url: str", 'url: "Missing"'), "its settings cannot be decoded"),
        (GOOD.replace("Settings(msgspec.Struct, forbid_unknown_fields=True)", "Settings(msgspec.Struct)"),
         "its settings Settings do not say forbid_unknown_fields"),
        (GOOD.replace("Inner(msgspec.Struct, forbid_unknown_fields=True)", "Inner(msgspec.Struct)"),
         "its settings Settings.inner do not say forbid_unknown_fields"),
        (GOOD.replace("password: SecretRef", "password: str"), "Settings.password holds a secret as text"),
        (GOOD.replace('note: str = ""', "api_key: list[str] = []"), "Settings.inner.api_key holds a secret"),
        (GOOD.replace("account_key=lambda s: s.url", "account_key=7"), "its account_key cannot be called"),
        (GOOD.replace("open=lambda s, h: None", "open=None"), "its open cannot be called"),
        (GOOD.replace("h: None", "h: None, consent='yes'"), "its consent is 'yes'"),
    ],
)  # fmt: skip
def test_every_stage_says_what_is_wrong(tmp_path: Path, source: str, says: str) -> None:
    package(tmp_path, "acme", source)
    status = only(tmp_path)
    assert status.plugin is None
    assert says in status.problem
    assert status.remedy


def test_everything_wrong_is_said_at_once(tmp_path: Path) -> None:
    package(tmp_path, "acme", GOOD.replace("Role.STORE", "0").replace('"A platform"', "None"))
    assert only(tmp_path).problem == "its title is empty; its role is 0; there are store and warehouse"


def test_two_of_one_name_are_both_refused(tmp_path: Path) -> None:
    package(tmp_path / "a", "acme")
    package(tmp_path / "b", "acme")
    status = load_plugins([tmp_path / "a", tmp_path / "b"])["acme"]
    assert status.plugin is None
    assert status.problem.startswith("two plugins have the name acme: ")
    assert str(tmp_path / "b" / "dropstream_acme") in status.problem
    assert "plugin_path" in status.remedy


def test_a_folder_named_twice_is_one(tmp_path: Path) -> None:
    package(tmp_path, "acme")
    assert load_plugins([tmp_path, tmp_path / ".." / tmp_path.name])["acme"].plugin is not None


def install(site: Path, points: str) -> None:
    info = site / "acme_plugins-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-plugins\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[dropstreamd.plugins]\n{points}\n")


def test_an_installed_plugin_loads_by_its_entry_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(
        tmp_path,
        "acme = dropstream_acme:PLUGIN\nlost = no_such_module_xyz:PLUGIN\nhalf = dropstream_acme:NONE",
    )
    package(tmp_path, "acme")
    monkeypatch.syspath_prepend(str(tmp_path))
    statuses = load_plugins([tmp_path])
    assert statuses["acme"].plugin is not None
    assert statuses["acme"].origin == "the package acme-plugins"
    assert "no_such_module_xyz" in statuses["lost"].problem
    assert "NONE" in statuses["half"].problem
    assert load_plugins([])["acme"].plugin is statuses["acme"].plugin
