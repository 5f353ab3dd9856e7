"""What makes a `Plugin` value a valid one, said in words for its author."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from dropstreamd.platform.contract import Consent, Part, Plugin, Role
from dropstreamd.platform.secrets import SecretRef

NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
OF_WAREHOUSES = frozenset({Part.ACKNOWLEDGEMENTS, Part.STOCK_NOTICES})
_SECRET = re.compile(r"(^|_)(secret|password|passphrase|token|api_key|private_key|credential)$")


def faults(plugin: Plugin[Any], found_as: str) -> list[str]:
    """Everything wrong with it; empty for a valid one. `found_as`: the name it was found under."""
    return [*_identity(plugin, found_as), *_abilities(plugin), *_settings(plugin.settings)]


def _identity(plugin: Plugin[Any], found_as: str) -> Iterator[str]:
    name: object = plugin.name
    if not isinstance(name, str) or not NAME.fullmatch(name):
        yield f"its name is {name!r}; a name is made of small letters, digits and hyphens"
    elif name != found_as:
        yield f"its name is {name!r}, but it was found as {found_as!r}"
    title: object = plugin.title
    if not isinstance(title, str) or not title:
        yield "its title is empty"


def _abilities(plugin: Plugin[Any]) -> Iterator[str]:
    role: object = plugin.role
    if not isinstance(role, Role):
        yield f"its role is {role!r}; there are store and warehouse"
    provides: object = plugin.provides
    if not isinstance(provides, frozenset) or not provides or not all(isinstance(p, Part) for p in provides):
        yield "what it provides is no set of Part values, or empty"
    elif role is Role.STORE:
        for part in sorted(provides & OF_WAREHOUSES):
            yield f"it provides {part}, which only a warehouse has"
    for field in (
        "account_key",
        "open",
        "amends",
        "cancels",
        "pace",
        "check",
        "lacks",
        "routes",
        "adjusts",
        "locations",
        "claims",
        "needs",
        "untold",
        "formerly",
    ):
        if not callable(getattr(plugin, field)):
            yield f"its {field} cannot be called"
    consent: object = plugin.consent
    if consent is not None and not isinstance(consent, Consent):
        yield f"its consent is {consent!r}; there is None, or a Consent"


def _settings(settings: object) -> Iterator[str]:
    if not (isinstance(settings, type) and issubclass(settings, msgspec.Struct)):
        yield "its settings are no msgspec Struct"
        return
    try:
        info = msgspec.inspect.type_info(settings)
    except (TypeError, NameError) as error:
        yield f"its settings cannot be decoded: {error}"
        return
    yield from _struct(info, settings.__name__, set())


def _struct(info: msgspec.inspect.Type, place: str, seen: set[type]) -> Iterator[str]:
    """Walk the settings' types; `place` is where we are, for the message."""
    if isinstance(info, msgspec.inspect.StructType):
        if info.cls in seen or info.cls is SecretRef:
            return
        seen.add(info.cls)
        if not info.forbid_unknown_fields:
            yield f"its settings {place} do not say forbid_unknown_fields=True"
        for field in info.fields:
            if _SECRET.search(field.encode_name) and _holds_text(field.type):
                yield f"its setting {place}.{field.encode_name} holds a secret as text; make it a SecretRef"
            yield from _struct(field.type, f"{place}.{field.encode_name}", seen)
    for inner in _inner(info):
        yield from _struct(inner, place, seen)


def _inner(info: msgspec.inspect.Type) -> Iterator[msgspec.inspect.Type]:
    if isinstance(info, msgspec.inspect.UnionType):
        yield from info.types
    elif isinstance(info, msgspec.inspect.DictType):
        yield info.value_type
    elif isinstance(info, msgspec.inspect.CollectionType):
        yield info.item_type
    elif isinstance(info, msgspec.inspect.TupleType):
        yield from info.item_types
    elif isinstance(info, msgspec.inspect.Metadata):
        yield info.type


def _holds_text(info: msgspec.inspect.Type) -> bool:
    return isinstance(info, msgspec.inspect.StrType) or any(_holds_text(inner) for inner in _inner(info))
