"""`dropstreamd check`: is the configuration fit to run?"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TextIO

from dropstreamd.config import unreadable
from dropstreamd.config.accounts import Plugins
from dropstreamd.config.load import load
from dropstreamd.config.schema import Config, Connection, WarehouseAccount
from dropstreamd.config.secrets import SecretStore
from dropstreamd.config.untold import untold
from dropstreamd.errors import ConfigError, Problem


def _nothing(_config: Config) -> Iterable[str]:
    return ()


def check(
    conf_dir: Path,
    plugins: Plugins,
    out: TextIO,
    *,
    secrets: SecretStore | None,
    known: Callable[[Config], Iterable[str]] = _nothing,
) -> int:
    """Print every problem, a line each, and a summary; 0 if there is none, else 1.

    With `secrets`, one that cannot be read is a problem too (None where the machine is not the one that
    will run it). `known` are notes on a sound configuration, from what the daemon knows.
    """
    try:
        loaded = load(conf_dir, plugins)
    except ConfigError as error:
        return _print(error.problems, out)
    problems = list(loaded.problems)
    if secrets is not None:
        problems += unreadable.of_all(conf_dir, loaded.config, plugins, secrets)
    if problems:
        return _print(problems, out)
    accounts = sum(len(merchant.warehouses) for merchant in loaded.config.merchants.values())
    out.write(
        f"{conf_dir}: no problems in {len(loaded.config.merchants)} merchants, "
        f"{accounts} warehouses, {len(loaded.config.connections)} connections\n"
    )
    for line in _lacking(loaded.config, plugins):
        out.write(f"{line}\n")
    for connection in loaded.config.connections.values():
        for said in untold(connection, loaded.config.account(connection), plugins):
            out.write(f"note: connection {connection.name}: {said}\n")
    for said in known(loaded.config):
        out.write(f"note: {said}\n")
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


def _print(problems: Sequence[Problem], out: TextIO) -> int:
    for problem in problems:
        out.write(f"{problem}\n")
    out.write(f"{len(problems)} problem{'' if len(problems) == 1 else 's'}\n")
    return 1
