"""Finds plugins: installed ones by entry point, others in the folders of `plugin_path`.

A plugin passes four stages: found, imported, offers a `Plugin`, is a valid one. Where it stops is a
status that a person can read; no failure of one keeps another from loading.
"""

import importlib.util
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec

from dropstreamd.errors import DropstreamError, Misconfigured, ProtocolMismatch
from dropstreamd.platform.contract import Plugin
from dropstreamd.platform.plugin_check import faults

GROUP = "dropstreamd.plugins"
PREFIX = "dropstream_"


class PluginStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a plugin. `plugin` is None where `problem` says why; `origin` is where it was
    found (a distribution or a folder)."""

    name: str
    origin: str
    plugin: Plugin[Any] | None = None
    problem: str = ""
    remedy: str = ""


class _Found(msgspec.Struct, frozen=True, kw_only=True):
    """A candidate. `place` is the file of its package, by which the same one found twice is known."""

    name: str
    origin: str
    place: str
    load: Callable[[], object]


def load_plugins(paths: Sequence[Path]) -> dict[str, PluginStatus]:
    """Every plugin found, by name: installed ones, then those in the folders `paths`.

    A folder of `paths` holds packages named `dropstream_NAME`; one that is not there holds none.
    Two that claim one name are both refused under it. `sys.path` stays as it is; the packages of
    folders are imported under their own names.
    """
    installed = list(_installed())
    places = {found.place for found in installed}
    in_folders = {found.place: found for found in _in_folders(paths) if found.place not in places}
    statuses: dict[str, PluginStatus] = {}
    for found in [*installed, *in_folders.values()]:
        status = _load(found)
        other = statuses.get(status.name)
        statuses[status.name] = status if other is None else _twice(other, status)
    return statuses


def _installed() -> Iterator[_Found]:
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        distribution = f"the package {point.dist.name}" if point.dist else "an installed package"
        yield _Found(name=point.name, origin=distribution, place=_place(point), load=point.load)


def _place(point: EntryPoint) -> str:
    """The file of its top-level package, without importing it; its module's name if there is none."""
    try:
        spec = importlib.util.find_spec(point.module.partition(".")[0])
    except (ImportError, ValueError):
        spec = None
    return str(Path(spec.origin).resolve()) if spec and spec.origin else point.module


def _in_folders(paths: Sequence[Path]) -> Iterator[_Found]:
    for folder in paths:
        for package in sorted(folder.glob(f"{PREFIX}*/__init__.py")):
            yield _Found(
                name=package.parent.name.removeprefix(PREFIX).replace("_", "-"),
                origin=str(package.parent),
                place=str(package.resolve()),
                load=partial(_offered, package),
            )


def _load(found: _Found) -> PluginStatus:
    try:
        offered = found.load()
    except DropstreamError as error:
        return _failed(found, error.message, error.remedy)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin's import may raise anything
        return _failed(
            found,
            f"it cannot be imported: {type(error).__name__}: {error}",
            "install what it needs, or ask its author",
        )
    if not isinstance(offered, Plugin):
        return _failed(
            found,
            f"its PLUGIN is {type(offered).__name__}, not a Plugin",
            "is it written for this version of dropstreamd?",
        )
    wrong = faults(offered, found.name)
    if wrong:
        return _failed(found, "; ".join(wrong), "ask its author")
    return PluginStatus(name=found.name, origin=found.origin, plugin=offered)


def _failed(found: _Found, problem: str, remedy: str) -> PluginStatus:
    return PluginStatus(name=found.name, origin=found.origin, problem=problem, remedy=remedy)


def _twice(one: PluginStatus, other: PluginStatus) -> PluginStatus:
    origins = f"{one.origin} and {other.origin}"
    return PluginStatus(
        name=one.name,
        origin=origins,
        problem=f"two plugins have the name {one.name}: {origins}",
        remedy="remove one of them, or its folder from plugin_path",
    )


def _offered(package: Path) -> object:
    module = _import(package)
    if not hasattr(module, "PLUGIN"):
        raise ProtocolMismatch(f"{package} offers no PLUGIN", remedy="ask its author")
    return module.PLUGIN


def _import(package: Path) -> ModuleType:
    """Import the package of this file under its folder's name; leave nothing behind on failure."""
    name = package.parent.name
    known = sys.modules.get(name)
    if known is not None:
        if known.__file__ is not None and Path(known.__file__).resolve() == package.resolve():
            return known
        raise Misconfigured(
            f"a package {name} was already imported from {known.__file__}",
            remedy="remove one of them, or its folder from plugin_path",
        )
    loader = SourceFileLoader(name, str(package))
    spec = ModuleSpec(name, loader, origin=str(package), is_package=True)
    spec.submodule_search_locations = [str(package.parent)]
    spec.has_location = True
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        loader.exec_module(module)
    except BaseException:
        for loaded in [one for one in sys.modules if one == name or one.startswith(f"{name}.")]:
            del sys.modules[loaded]
        raise
    return module
