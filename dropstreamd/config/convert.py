"""A plugin's table against its settings Struct: every problem at once, leaf by leaf.

`msgspec.convert` stops at the first problem. Here the table is walked beside the type, each leaf is
converted by itself, and only a table without a problem is converted whole. What stands at a secret's
place is never shown.
"""

import typing
from collections.abc import Collection, Mapping, Sequence
from enum import Enum
from pathlib import PurePosixPath
from types import UnionType
from typing import Annotated, Any, TypeVar, get_args, get_origin

import msgspec
from msgspec import inspect

from dropstreamd.config.place import Place, meant, redacted, shown, unknown
from dropstreamd.config.secrets import ALLOWED_NAME, SECRET_NAME
from dropstreamd.platform.secrets import SecretRef

S = TypeVar("S", bound=msgspec.Struct)

_LISTS = (list, tuple, set, frozenset, Sequence)
_TABLES = (dict, Mapping)
_REFERENCE = '{ secret = "NAME" }, { credential = "NAME" } or { file = "/PATH" }'
_REMEDY = (
    "keep secrets out of this file: run `dropstreamctl secret set NAME`, then name it here; "
    "and change this one, it has been seen"
)


def convert(
    table: Mapping[str, object], struct: type[S], place: Place, *, offered: Collection[str]
) -> S | None:
    """The settings; None after everything wrong with them was reported. `offered` are the keys that the table
    may have, these and others."""
    if not _struct_fits(table, (struct,), place, offered):
        return None
    try:
        return msgspec.convert(table, struct, str_keys=True)
    except msgspec.ValidationError as error:  # what spans leaves: lengths, the Struct's own __post_init__
        place.wrong(found="settings that do not fit together", allowed=redacted(str(error)))
        return None


def _fits(value: object, hint: Any, place: Place) -> bool:
    kinds = _kinds(hint)
    if SecretRef in kinds and not (isinstance(value, str) and str in kinds):
        return _secret_fits(value, place)
    if isinstance(value, dict):
        structs = tuple(kind for kind in kinds if _is_struct(kind))
        if structs:
            return _struct_fits(value, structs, place)
        tables = [get_args(kind) for kind in kinds if get_origin(kind) in _TABLES and get_args(kind)]
        if tables:
            entries = [_entry_fits(name, item, tables[0], place) for name, item in value.items()]
            return all(entries)
    if isinstance(value, list):
        lists = [get_args(kind)[0] for kind in kinds if _is_list(kind)]
        if lists:
            items = [_fits(item, lists[0], place.item(index)) for index, item in enumerate(value)]
            return all(items)
    return _leaf_fits(value, hint, place)


def _struct_fits(
    value: Mapping[str, object], structs: Sequence[Any], place: Place, offered: Collection[str] | None = None
) -> bool:
    struct, tag_field = _chosen(value, structs, place)
    if struct is None:
        return False
    fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}
    fine = True
    for name, field in fields.items():
        if name in value:
            fine = _fits(value[name], field.type, place.at(name)) and fine
        elif field.required:
            secret = SecretRef in _kinds(field.type)
            allowed = _REFERENCE if secret else _described(field.type)
            place.at(name).wrong(found="nothing", allowed=allowed)
            fine = False
    for name in value:
        if name not in fields and name != tag_field:
            unknown(name, fields if offered is None else offered, place)
            fine = False
    return fine


def _chosen(value: Mapping[str, object], structs: Sequence[Any], place: Place) -> tuple[Any, str | None]:
    """The Struct that a table is meant to be, by its tag, and the tag's key."""
    config = structs[0].__struct_config__
    if len(structs) == 1:
        return structs[0], config.tag_field
    tags = {each.__struct_config__.tag: each for each in structs}
    tag = value.get(config.tag_field)
    if isinstance(tag, str | int) and tag in tags:
        return tags[tag], config.tag_field
    names = [str(each) for each in tags]
    found = shown(tag) if config.tag_field in value else "nothing"
    hint = meant(tag, names) if isinstance(tag, str) else ""
    place.at(config.tag_field).wrong(found=found, allowed=f"one of {', '.join(names)}", hint=hint)
    return None, None


def _entry_fits(name: str, value: object, hints: tuple[Any, ...], place: Place) -> bool:
    key_fits = _leaf_fits(name, hints[0], place.at(name), loosely=True)
    return _fits(value, hints[1], place.at(name)) and key_fits


def _leaf_fits(value: object, hint: Any, place: Place, *, loosely: bool = False) -> bool:
    try:
        msgspec.convert(value, hint, strict=not loosely)
    except msgspec.ValidationError:
        wanted = _words(hint)
        suggestion = meant(value, wanted) if isinstance(value, str) else ""
        place.wrong(found=shown(value), allowed=_described(hint), hint=suggestion)
        return False
    return True


def _secret_fits(value: object, place: Place) -> bool:
    """Whether it is a reference that can be followed. Nothing of the value reaches the problem."""
    if isinstance(value, str):
        place.wrong(found="a literal value", allowed=_REFERENCE, hint=_REMEDY)
        return False
    if not isinstance(value, dict) or len(value) != 1 or not set(value) <= {"secret", "credential", "file"}:
        place.wrong(found="something else", allowed=_REFERENCE)
        return False
    kind, name = next(iter(value.items()))
    if kind == "file":
        if isinstance(name, str) and PurePosixPath(name).is_absolute() and "\0" not in name:
            return True
        place.at(kind).wrong(found="something else", allowed="the absolute path of a file")
    elif isinstance(name, str) and SECRET_NAME.fullmatch(name):
        return True
    else:
        place.at(kind).wrong(found="something else", allowed=f"a name: {ALLOWED_NAME}")
    return False


def _kinds(hint: Any) -> tuple[Any, ...]:
    """The members of a union, without annotations; of anything else, itself."""
    if get_origin(hint) is Annotated:
        return _kinds(get_args(hint)[0])
    if get_origin(hint) in (typing.Union, UnionType):
        return tuple(kind for member in get_args(hint) for kind in _kinds(member))
    return (hint,)


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _is_list(kind: Any) -> bool:
    """A list of things of one type; a tuple of a fixed form is a leaf."""
    origin, args = get_origin(kind), get_args(kind)
    return origin in _LISTS and (origin is not tuple or args[1:] == (...,))


def _words(hint: Any) -> list[str]:
    """The texts that a type names one by one."""
    words: list[str] = []
    for kind in _kinds(hint):
        if get_origin(kind) is typing.Literal:
            words += [str(word) for word in get_args(kind)]
        elif isinstance(kind, type) and issubclass(kind, Enum):
            words += [str(member.value) for member in kind]
    return words


_NAMES: Mapping[type, str] = {
    inspect.IntType: "a whole number",
    inspect.FloatType: "a number",
    inspect.StrType: "text",
    inspect.BoolType: "true or false",
    inspect.DecimalType: "a decimal number",
    inspect.DateTimeType: "a date and time",
    inspect.DateType: "a date",
    inspect.TimeType: "a time of day",
    inspect.DictType: "a table",
    inspect.StructType: "a table",
    inspect.ListType: "a list",
    inspect.VarTupleType: "a list",
    inspect.SetType: "a list",
    inspect.FrozenSetType: "a list",
    inspect.TupleType: "a list",
}
_LIMITS = {
    "ge": "at least",
    "gt": "more than",
    "le": "at most",
    "lt": "less than",
    "multiple_of": "a multiple of",
    "min_length": "of a length of at least",
    "max_length": "of a length of at most",
    "pattern": "matching",
}


def _described(hint: Any) -> str:
    """What a type allows, in words."""
    words = _words(hint)
    parts = [f"one of {', '.join(words)}"] if words else []
    for kind in _members(inspect.type_info(hint)):
        if isinstance(kind, inspect.LiteralType | inspect.EnumType | inspect.NoneType):
            continue
        limits = [f"{word} {getattr(kind, name)}" for name, word in _LIMITS.items() if _limited(kind, name)]
        name = _NAMES.get(type(kind), "another value")
        part = f"{name} {', '.join(limits)}" if limits else name
        if part not in parts:
            parts.append(part)
    return " or ".join(parts)


def _members(kind: inspect.Type) -> Sequence[inspect.Type]:
    if isinstance(kind, inspect.Metadata):
        return _members(kind.type)
    return kind.types if isinstance(kind, inspect.UnionType) else (kind,)


def _limited(kind: inspect.Type, name: str) -> bool:
    return getattr(kind, name, None) is not None
