"""`dropstreamd check`: is the configuration fit to run?"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TextIO

import msgspec

from dropstreamd.config.accounts import Plugins
from dropstreamd.config.load import load
from dropstreamd.config.schema import Config, Connection, WarehouseAccount
from dropstreamd.config.secrets import SecretStore
from dropstreamd.errors import ConfigError, Misconfigured, Problem
from dropstreamd.platform.secrets import SecretRef


def check(conf_dir: Path, plugins: Plugins, out: TextIO, *, secrets: SecretStore | None) -> int:
    """Print every problem, a line each, and a summary; 0 if there is none, else 1.

    With `secrets`, one that cannot be read is a problem too (None where the machine is not the one that
    will run it).
    """
    try:
        loaded = load(conf_dir, plugins)
    except ConfigError as error:
        return _print(error.problems, out)
    problems = list(loaded.problems)
    if secrets is not None:
        problems += _unreadable(conf_dir, loaded.config, plugins, secrets)
    if problems:
        return _print(problems, out)
    accounts = sum(len(merchant.warehouses) for merchant in loaded.config.merchants.values())
    out.write(
        f"{conf_dir}: no problems in {len(loaded.config.merchants)} merchants, "
        f"{accounts} warehouses, {len(loaded.config.connections)} connections\n"
    )
    for line in _lacking(loaded.config, plugins):
        out.write(f"{line}\n")
    return 0


def _lacking(config: Config, plugins: Plugins) -> Iterator[str]:
    """What orders may say and a warehouse is not told: no problem, but to be known."""
    for merchant in config.merchants.values():
        for account in merchant.warehouses.values():
            plugin = plugins[account.platform].plugin
            fields = () if plugin is None else plugin.lacks(account.settings)
            if fields:
                yield f"note: warehouse {merchant.name}.{account.name} is not told of {', '.join(fields)}"
            place = f"{merchant.name}.{account.name}"
            names = [each.name for each in config.connections.values() if _is_by_location(each, account)]
            if names and not account.takes_facility:
                yield (
                    f"note: warehouse {place} is not told which facility is to send an order: "
                    f"what orders take is taken off every location of {', '.join(sorted(names))}"
                )


def _is_by_location(connection: Connection, account: WarehouseAccount) -> bool:
    used = (connection.merchant, connection.warehouse) == (account.merchant, account.name)
    return used and bool(connection.locations)


def secret_refs(settings: object, key: str = "") -> Iterator[tuple[str, SecretRef]]:
    """Every reference in a plugin's settings, with its dotted key."""
    if isinstance(settings, SecretRef):
        yield key, settings
    elif isinstance(settings, msgspec.Struct):
        for field in msgspec.structs.fields(settings):
            yield from secret_refs(getattr(settings, field.name), _below(key, field.encode_name))
    elif isinstance(settings, Mapping):
        for name, item in settings.items():
            yield from secret_refs(item, _below(key, str(name)))
    elif isinstance(settings, list | tuple | set | frozenset):
        for index, item in enumerate(settings):
            yield from secret_refs(item, f"{key}[{index}]")


def _below(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name


def _unreadable(conf_dir: Path, config: Config, plugins: Plugins, secrets: SecretStore) -> Iterator[Problem]:
    for merchant in config.merchants.values():
        file = str(conf_dir / "merchants.d" / f"{merchant.name}.toml")
        for name, account in merchant.warehouses.items():
            given = _given_by_consent(account.platform, account.settings, plugins)
            refs = secret_refs(account.settings, f"warehouses.{name}")
            yield from _missing(file, refs, secrets, given, "a connection of this warehouse")
    for connection in config.connections.values():
        file = str(conf_dir / "connections.d" / f"{connection.name}.toml")
        store = connection.store
        given = _given_by_consent(store.platform, store.settings, plugins)
        yield from _missing(file, secret_refs(store.settings, "store"), secrets, given, connection.name)


def _given_by_consent(platform: str, settings: msgspec.Struct, plugins: Plugins) -> SecretRef | None:
    """The secret that a person's consent gives, and nobody sets."""
    plugin = plugins[platform].plugin
    return None if plugin is None or plugin.consent is None else plugin.consent.keeps(settings)


def _missing(
    file: str,
    refs: Iterator[tuple[str, SecretRef]],
    secrets: SecretStore,
    given: SecretRef | None,
    connection: str,
) -> Iterator[Problem]:
    for key, ref in refs:
        try:
            secrets.read(ref)
        except Misconfigured as error:
            consent = f"once the daemon runs: dropstreamctl authorize {connection}"
            yield Problem(
                file=file,
                key=key,
                found=error.message,
                allowed="a secret that the daemon can read",
                hint=consent if ref == given else error.remedy,
            )


def _print(problems: Sequence[Problem], out: TextIO) -> int:
    for problem in problems:
        out.write(f"{problem}\n")
    out.write(f"{len(problems)} problem{'' if len(problems) == 1 else 's'}\n")
    return 1
