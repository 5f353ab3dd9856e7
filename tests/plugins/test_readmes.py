"""The tables of settings in the plugins' READMEs say what the Structs do."""

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

PLUGINS = Path(__file__).parents[2] / "plugins"
FOLDERS = sorted(path.name for path in PLUGINS.glob("dropstream_*"))

LENT = {"mapped"}
"""What the daemon gives to a Struct, and no file has."""

_HEADS = ("| setting | default |", "| key | default |")
_NAME = re.compile(r"`([a-z0-9_]+)`")

Field = msgspec.structs.FieldInfo


def fields(struct: type[msgspec.Struct]) -> Iterator[tuple[str, Field]]:
    """Every setting by its name, those of tables in it too."""
    for field in msgspec.structs.fields(struct):
        if field.encode_name not in LENT:
            yield field.encode_name, field
            default = default_of(field)
            if isinstance(default, msgspec.Struct):
                yield from fields(type(default))


def default_of(field: Field) -> Any:
    if field.default is not msgspec.NODEFAULT:
        return field.default
    return None if field.default_factory is msgspec.NODEFAULT else field.default_factory()


def rows(folder: Path) -> Iterator[tuple[str, list[str], str]]:
    """Where it stands, the names and the default of each row of a table of settings."""
    for file in sorted(folder.rglob("README.md")):
        within = False
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            within = line.startswith(_HEADS) or (within and line.startswith("|"))
            cells = [cell.strip() for cell in line.split("|")] if within else []
            names = _NAME.findall(cells[1]) if cells else []
            if names:
                yield f"{file.relative_to(PLUGINS)}:{number}", names, cells[2]


def wrong(field: Field, said: str) -> str:
    """How the cell of a default differs from the Struct; "" for not at all."""
    if field.required:
        return "" if said.startswith("required") else "it is required"
    default = default_of(field)
    if said == "required":
        return "it is not required"
    if isinstance(default, bool):
        return "" if str(default).lower() in said.lower() else f"it is {default}"
    known = [default] if isinstance(default, str | int | float) else default
    parts = known if isinstance(known, list | tuple) else ()
    texts = [f"{part:g}" if isinstance(part, float) else str(part) for part in parts]
    lacking = [text for text in texts if text and text not in said]
    return f"it is {default!r}" if lacking and not said.startswith("required") else ""


def untold(struct: type[msgspec.Struct], listed: set[str]) -> Iterator[str]:
    """Settings that no row names; of a table that a row names whole, or that is a section, those in it."""
    for field in msgspec.structs.fields(struct):
        key, default = field.encode_name, default_of(field)
        if key in listed or key in LENT:
            continue
        if isinstance(default, msgspec.Struct):
            yield from untold(type(default), listed)
        else:
            yield key


@pytest.mark.parametrize("name", FOLDERS)
def test_every_setting_is_told_with_its_default(name: str) -> None:
    plugin = importlib.import_module(name).PLUGIN
    known: dict[str, list[Field]] = {}
    for key, field in fields(plugin.settings):
        known.setdefault(key, []).append(field)
    told = list(rows(PLUGINS / name))
    assert told, "it has no table of settings"
    problems = []
    for where, names, said in told:
        if not said:
            problems.append(f"{where}: {', '.join(names)}: its default is blank")
        for key in names:
            if key not in known:
                problems.append(f"{where}: {key} is no setting")
            elif said and all(wrong(field, said) for field in known[key]):
                problems.append(f"{where}: {key}: {wrong(known[key][0], said)}, not {said}")
    listed = {key for _, names, _ in told for key in names}
    problems += [f"{key} is in no table" for key in untold(plugin.settings, listed)]
    assert not problems, "\n".join(problems)
