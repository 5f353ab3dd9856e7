"""Reads all files of the configuration's folder and reports every problem of every file at once."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from dropstreamd.config.accounts import Plugins
from dropstreamd.config.connections import CONNECTIONS, ReadConnection, read_connection
from dropstreamd.config.daemon import read_daemon
from dropstreamd.config.files import ConfFolder, Overlay
from dropstreamd.config.merchants import MERCHANTS, ReadMerchant, read_merchant
from dropstreamd.config.place import Place
from dropstreamd.config.schema import Broken, Config, Connection, DaemonSettings, Loaded, WarehouseAccount
from dropstreamd.config.selling import too_much
from dropstreamd.errors import ConfigError, Problem
from dropstreamd.platform.claims import Claim

DAEMON_FILE = "dropstreamd.toml"


def load_daemon(conf_dir: Path) -> DaemonSettings:
    """The daemon's own file alone, for what must be known before plugins can be found. Raises
    ConfigError."""
    problems: list[Problem] = []
    settings = _daemon(ConfFolder(conf_dir, {}), problems)
    if problems:
        raise ConfigError(problems)
    return settings


def load(conf_dir: Path, plugins: Plugins, *, overlay: Overlay | None = None) -> Loaded:
    """Everything in `conf_dir`: `dropstreamd.toml`, `merchants.d/*.toml`, `connections.d/*.toml`.

    A wrong merchant, warehouse or connection is broken by itself and the others stand; connections that
    contradict each other are all broken. Blocks on the disk. Raises ConfigError, with every problem of
    every file, where the daemon's own file or the two folders cannot be used.
    """
    folder = ConfFolder(conf_dir, overlay or {})
    fatal: list[Problem] = []
    daemon = _daemon(folder, fatal)
    merchant_names = folder.names(MERCHANTS, Place(folder.shown_path(MERCHANTS), fatal))
    connection_names = folder.names(CONNECTIONS, Place(folder.shown_path(CONNECTIONS), fatal))
    merchants = {name: read_merchant(name, folder, plugins) for name in merchant_names}
    reads = [read_connection(name, folder, merchants, plugins) for name in connection_names]
    clashes = _clashes(reads)
    for name, problem in _shared_accounts(reads, merchants):
        clashes[name].append(problem)
    for name, problem in _shared_claims(reads, merchants, folder):
        clashes[name].append(problem)
    for name, problem in _oversold(reads, merchants, folder):
        clashes[name].append(problem)
    broken = [each for read in merchants.values() for each in read.broken]
    sound = {}
    for read in reads:
        problems = (*read.problems, *clashes.get(read.name, ()))
        if read.connection is None or problems:
            broken.append(Broken(kind="connection", name=read.name, problems=problems, id=read.identity.id))
        else:
            sound[read.connection.id] = _beside_others(read.connection, read, reads)
    found = (*fatal, *(problem for each in broken for problem in each.problems))
    if fatal:
        raise ConfigError(list(found))
    config = Config(
        daemon=daemon,
        merchants={name: read.merchant for name, read in merchants.items() if read.sound},
        connections=sound,
    )
    return Loaded(config=config, broken=tuple(broken), problems=found)


def _daemon(folder: ConfFolder, problems: list[Problem]) -> DaemonSettings:
    place = Place(folder.shown_path(DAEMON_FILE), problems)
    data = folder.toml(DAEMON_FILE, place)
    return read_daemon(data or {}, folder.folder, place)


def _clashes(reads: Iterable[ReadConnection]) -> defaultdict[str, list[Problem]]:
    """What connections say against each other, by name: each of them is told of the others.

    One id for two would mix their state. One store account for two would import its orders twice, unless
    each says by locations which are its own. One
    reference template for two stores at one warehouse would give two orders, or returns, one name there.
    """
    by_id, by_reference, by_return = (defaultdict[object, list[ReadConnection]](list) for _ in range(3))
    by_store = defaultdict[str, list[ReadConnection]](list)
    for read in reads:
        identity = read.identity
        if identity.id is not None:
            by_id[identity.id].append(read)
        if identity.store_key is not None:
            by_store[identity.store_key].append(read)
        if None not in (identity.merchant, identity.warehouse, identity.reference):
            by_reference[identity.merchant, identity.warehouse, identity.reference].append(read)
            by_return[identity.merchant, identity.warehouse, identity.returns].append(read)
    problems: defaultdict[str, list[Problem]] = defaultdict(list)
    for group in by_id.values():
        _report(group, problems, "id", "an id of its own", "ids never change: which of them was copied?")
    for key, group in by_store.items():
        _report_shared_store(group, problems)
        _report_contained(key, group, by_store, problems)
    for group in by_reference.values():
        hint = "give each a prefix of its own"
        _report(group, problems, "reference", "a template of its own at this warehouse", hint)
    for group in by_return.values():
        if len({read.identity.reference for read in group}) > 1:  # else the orders' is what is wrong
            hint = "give each a prefix of its own, or leave it out"
            _report(group, problems, "returns.reference", "a template of its own at this warehouse", hint)
    return problems


def _shared_accounts(
    reads: Iterable[ReadConnection], merchants: Mapping[str, ReadMerchant]
) -> Iterator[tuple[str, Problem]]:
    """Names of connections whose warehouse is one account with another that is in use, and the problem.

    Each table has a feed of its own: two on one account take each other's files, and a package that the
    wrong one took finds no order.
    """
    users: dict[str, dict[str, list[ReadConnection]]] = defaultdict(lambda: defaultdict(list))
    for read in reads:
        if read.connection is not None:
            merchant, warehouse = read.connection.merchant, read.connection.warehouse
            account = merchants[merchant].merchant.warehouses[warehouse]
            users[account.account_key][f"{merchant}.{warehouse}"].append(read)
    for tables in users.values():
        for table, group in tables.items():
            others = ", ".join(other for other in tables if other != table)
            for read in group if others else ():
                yield (
                    read.name,
                    Problem(
                        file=read.file,
                        key="warehouse",
                        found=f"the account of {others} under another name",
                        allowed="one table for all connections of an account",
                        hint=f"use {others} here too, or correct the address of {table}",
                    ),
                )


def _shared_claims(
    reads: Iterable[ReadConnection], merchants: Mapping[str, ReadMerchant], folder: ConfFolder
) -> Iterator[tuple[str, Problem]]:
    """Names of connections whose warehouse is set to what only one account may have, as another one that is
    in use is, and the problem: in the merchant's file."""
    users: dict[tuple[str, str], list[tuple[str, Claim, WarehouseAccount]]] = defaultdict(list)
    for read in reads:
        if read.connection is not None:
            merchant, warehouse = read.connection.merchant, read.connection.warehouse
            account = merchants[merchant].merchant.warehouses[warehouse]
            for claim in account.claims:
                users[account.platform, claim.what].append((read.name, claim, account))
    for group in users.values():
        places = {account.account_key: _place(account, claim, folder) for _, claim, account in group}
        for name, claim, account in group:
            others = [" in ".join(place) for key, place in places.items() if key != account.account_key]
            if others:
                key, file = _place(account, claim, folder)
                found = f"{claim.what}, as {', '.join(others)}"
                allowed = "what no other warehouse account that is in use has"
                yield name, Problem(file=file, key=key, found=found, allowed=allowed, hint=claim.hint)


def _place(account: WarehouseAccount, claim: Claim, folder: ConfFolder) -> tuple[str, str]:
    """The setting, and its file."""
    file = folder.shown_path(f"{MERCHANTS}/{account.merchant}.toml")
    return f"warehouses.{account.name}.{claim.key}", file


def _oversold(
    reads: Iterable[ReadConnection], merchants: Mapping[str, ReadMerchant], folder: ConfFolder
) -> Iterator[tuple[str, Problem]]:
    """Names of connections whose shares of one warehouse's stock come to more than all of it. A broken
    one counts: its store goes on showing what it was told."""
    users: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for read in reads:
        merchant, warehouse = read.identity.merchant or "", read.identity.warehouse or ""
        shares = merchants[merchant].merchant.shares if merchant in merchants else {}
        if read.name in shares:
            users[merchant, warehouse][read.name] = shares[read.name]
    for (merchant, _), given in users.items():
        found = too_much(given)
        for name in given if found else ():
            file = folder.shown_path(f"{MERCHANTS}/{merchant}.toml")
            allowed = "100% at most for the connections of one warehouse"
            yield name, Problem(file=file, key="allocation.share", found=found, allowed=allowed)


def _report_shared_store(group: Sequence[ReadConnection], problems: defaultdict[str, list[Problem]]) -> None:
    """Each order of a store account is one connection's: where all of them say by locations which are
    theirs, and none has a location of another's."""
    for read in group:
        others = [other for other in group if other is not read]
        common = [other for other in others if _share_orders(read, other)]
        if common:
            files = ", ".join(other.file for other in common)
            theirs = sorted(read.identity.owned.intersection(*(each.identity.owned for each in common)))
            same = f"location {theirs[0]}, as" if theirs else "the same as"
            problem = Problem(
                file=read.file,
                key="store",
                found=f"{same} in {files}",
                allowed="a store account of its own",
                hint="say in [store] of each which orders are its own, or by its locations if the platform "
                "assigns orders to them",
            )
            problems[read.name].append(problem)


def _report_contained(
    key: str,
    group: Sequence[ReadConnection],
    by_store: Mapping[str, Sequence[ReadConnection]],
    problems: defaultdict[str, list[Problem]],
) -> None:
    """An account that has the orders of others in it (`Plugin.account_key`) stands beside none of these."""
    others = [
        read for other, reads in by_store.items() if other != key and other.startswith(key) for read in reads
    ]
    if not key.endswith("/") or not others:
        return
    for one, many, what in ((group, others, "all orders of"), (others, group, "orders that are also in")):
        files = ", ".join(sorted(read.file for read in many))
        for read in one:
            problem = Problem(
                file=read.file,
                key="store",
                found=f"an account that has {what} {files}",
                allowed="a store account of its own",
                hint="name the channel of each: without one, the orders of every channel are meant",
            )
            problems[read.name].append(problem)


def _share_orders(one: ReadConnection, other: ReadConnection) -> bool:
    """Whether an order may be both connections'."""
    mine, theirs = one.identity.owned, other.identity.owned
    return not mine or not theirs or bool(mine & theirs)


def _beside_others(
    connection: Connection, read: ReadConnection, reads: Iterable[ReadConnection]
) -> Connection:
    """The connection, with what others stand for in its store account. What several channels of one server
    sell comes from the same stock there, as far as their keys tell: they share the store."""
    key = read.identity.store_key
    stores = [(other.identity.store_key, other) for other in reads if other is not read]
    if key is None or _server(key) not in {_server(each) for each, _ in stores if each is not None}:
        return connection
    taken: set[str] = set()
    for other in (each for theirs, each in stores if theirs == key):
        taken |= other.identity.owned
        taken |= other.connection.locations.keys() if other.connection is not None else set()
    return msgspec.structs.replace(connection, taken=frozenset(taken), shares_store=True)


def _server(store_key: str) -> str:
    """An account's key without what follows its last slash, as a channel does; the whole of one without."""
    server = store_key.rpartition("/")[0]
    return store_key if server.endswith("/") or not server else server


def _report(
    group: Sequence[ReadConnection], problems: dict[str, list[Problem]], key: str, allowed: str, hint: str
) -> None:
    for read in group:
        others = ", ".join(other.file for other in group if other is not read)
        if others:
            found = f"the same as in {others}"
            problem = Problem(file=read.file, key=key, found=found, allowed=allowed, hint=hint)
            problems[read.name].append(problem)
