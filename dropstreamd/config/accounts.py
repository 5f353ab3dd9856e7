"""The tables that name an account at a platform: `[store]` and `[warehouses.NAME]`.

A table holds keys of the daemon and settings of the plugin. The plugin's are decoded strictly by its
own Struct; a key of the daemon that the Struct declares too is given to both.
"""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from dropstreamd.config.convert import convert
from dropstreamd.config.place import Place, meant, redacted, shown
from dropstreamd.platform.contract import Claim, Locations, Plugin, Role
from dropstreamd.platform.loader import PREFIX, PluginStatus
from dropstreamd.platform.plugin_check import NAME

Plugins = Mapping[str, PluginStatus]
"""Every plugin that was found, by the name under which a file asks for it."""


NOTHING: Mapping[str, str] = MappingProxyType({})


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """What the plugin's half of a table gives. `locations` are a store's (`Plugin.locations`);
    `takes_facility`: a warehouse's plugin, set like this, tells it which facility is to send an order;
    `adjusts`: it tells differences of stock, too; `takes_within_s` is the plugin's. `claims` are what no
    other account may have; `former_keys` name the same account too, as was done before."""

    platform: str
    settings: msgspec.Struct
    account_key: str
    locations: Locations | None = None
    takes_facility: bool = False
    adjusts: bool = False
    takes_within_s: float = 0.0
    claims: tuple[Claim, ...] = ()
    former_keys: frozenset[str] = frozenset()


def read_account(
    table: Mapping[str, object],
    role: Role,
    plugins: Plugins,
    *,
    own: Collection[str],
    lent: Mapping[str, object],
    place: Place,
    elsewhere: Mapping[str, str] = NOTHING,
) -> Account | None:
    """The account; None after everything wrong with it was reported.

    `own` names the daemon's keys in this table; `lent` are values that a Struct which declares such a
    key gets where the table has none. `elsewhere` are those of them that the table may not have, with what
    takes their place.
    """
    plugin = _plugin(table.get("platform"), role, plugins, place)
    if plugin is None:
        return None
    declared = {field.encode_name for field in msgspec.structs.fields(plugin.settings)}
    misplaced = [name for name in elsewhere if name in table and name in declared]
    for name in misplaced:
        place.at(name).wrong(found="an unknown key", allowed=elsewhere[name])
    if misplaced:
        return None
    theirs = {name: value for name, value in table.items() if name not in own or name in declared}
    theirs |= {name: value for name, value in lent.items() if name in declared and name not in table}
    offered = (declared | set(own)) - elsewhere.keys()
    settings = convert(theirs, plugin.settings, place, offered=offered)
    if settings is None:
        return None
    wrong = plugin.check(settings)
    for each in wrong:
        at = Place(place.file, place.problems, ".".join(part for part in (place.key, each.key) if part))
        at.wrong(found=redacted(each.found), allowed=redacted(each.allowed))
    if wrong:
        return None
    key = f"{plugin.name}:{plugin.account_key(settings)}"
    return Account(
        platform=plugin.name,
        settings=settings,
        account_key=key,
        locations=plugin.locations(settings),
        takes_facility=plugin.routes(settings),
        adjusts=plugin.adjusts(settings),
        takes_within_s=plugin.takes_within_s,
        claims=tuple(plugin.claims(settings)),
        former_keys=frozenset(f"{plugin.name}:{former}" for former in plugin.formerly(settings)) - {key},
    )


def _plugin(name: object, role: Role, plugins: Plugins, place: Place) -> Plugin[Any] | None:
    at = place.at("platform")
    names = sorted(each for each, status in plugins.items() if _serves(status, role))
    allowed = f"a {role} plugin: {', '.join(names) or 'none is installed'}"
    if name is None:
        at.wrong(found="nothing", allowed=allowed)
        return None
    if not isinstance(name, str) or name not in plugins:
        at.wrong(found=shown(name), allowed=allowed, hint=_where(name, names))
        return None
    status = plugins[name]
    if status.plugin is None:
        found = f"{shown(name)}, which did not load: {redacted(status.problem)}"
        at.wrong(found=found, allowed="a plugin that loads", hint=status.remedy)
        return None
    if status.plugin.role is not role:
        at.wrong(found=f"{shown(name)}, which is a {status.plugin.role} plugin", allowed=allowed)
        return None
    return status.plugin


def _where(name: object, names: Collection[str]) -> str:
    """What a person meant, or where a plugin of this name would be found."""
    if not isinstance(name, str) or not NAME.fullmatch(name):
        return ""
    folder = f"{PREFIX}{name.replace('-', '_')}"
    return meant(name, names) or (
        f"is it installed where dropstreamd is, or the folder {folder} in a folder of plugin_path?"
    )


def _serves(status: PluginStatus, role: Role) -> bool:
    return status.plugin is not None and status.plugin.role is role
