"""Secrets that the configuration names and the daemon cannot read.

They keep nobody from taking a configuration over: a consent gives its secret only to a daemon that knows the
connection, and the others go on. The connection concerned fails by itself, and this says of which secret.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from dropstreamd.config.accounts import Plugins
from dropstreamd.config.connections import CONNECTIONS
from dropstreamd.config.merchants import MERCHANTS
from dropstreamd.config.schema import Config, Connection, WarehouseAccount
from dropstreamd.config.secrets import SecretStore
from dropstreamd.errors import Misconfigured, Problem
from dropstreamd.platform.secrets import SecretRef


def of_all(conf_dir: Path, config: Config, plugins: Plugins, secrets: SecretStore) -> Iterator[Problem]:
    """Every one, each reference once. Blocks on the disk, as all here does."""
    for merchant in config.merchants.values():
        for account in merchant.warehouses.values():
            yield from _of_account(conf_dir, account, plugins, secrets, "a connection of this warehouse")
    for connection in config.connections.values():
        yield from _of_store(conf_dir, connection, plugins, secrets)


def of_connection(
    conf_dir: Path, connection: Connection, account: WarehouseAccount, plugins: Plugins, secrets: SecretStore
) -> tuple[Problem, ...]:
    """What stops runs of one connection: of its store, and of its warehouse account."""
    return (
        *_of_store(conf_dir, connection, plugins, secrets),
        *_of_account(conf_dir, account, plugins, secrets, connection.name),
    )


def _of_store(
    conf_dir: Path, connection: Connection, plugins: Plugins, secrets: SecretStore
) -> Iterator[Problem]:
    file = str(conf_dir / CONNECTIONS / f"{connection.name}.toml")
    store = connection.store
    given = _given_by_consent(store.platform, store.settings, plugins)
    yield from _missing(file, secret_refs(store.settings, "store"), secrets, given, connection.name)


def _of_account(
    conf_dir: Path, account: WarehouseAccount, plugins: Plugins, secrets: SecretStore, connection: str
) -> Iterator[Problem]:
    file = str(conf_dir / MERCHANTS / f"{account.merchant}.toml")
    refs = secret_refs(account.settings, f"warehouses.{account.name}")
    given = _given_by_consent(account.platform, account.settings, plugins)
    yield from _missing(file, refs, secrets, given, connection)


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
