"""What a reload changes: the least that must be told or restarted."""

import msgspec

from dropstreamd.config.schema import Config, Connection


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """Ids of connections, each in one list, sorted.

    `hot`: only what holds from the next run (name, rules, maps, listings, timezone). `restarted`: its
    store, or the warehouse account that it uses, is another, or other jobs follow from its settings.
    `daemon` names the fields of
    `DaemonSettings` that changed: these wait for a restart of the daemon.
    """

    unchanged: tuple[str, ...] = ()
    hot: tuple[str, ...] = ()
    restarted: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    daemon: tuple[str, ...] = ()


def diff(old: Config, new: Config) -> Changes:
    """What becomes of each connection when `new` takes the place of `old`. Secrets are not compared:
    they are read when used."""
    both = sorted(old.connections.keys() & new.connections.keys())
    restarted = tuple(key for key in both if _joined(old, key) != _joined(new, key))
    same = tuple(key for key in both if key not in restarted and _same(old, new, key))
    return Changes(
        unchanged=same,
        hot=tuple(key for key in both if key not in restarted and key not in same),
        restarted=restarted,
        added=tuple(sorted(new.connections.keys() - old.connections.keys())),
        removed=tuple(sorted(old.connections.keys() - new.connections.keys())),
        daemon=tuple(
            field
            for field in old.daemon.__struct_fields__
            if getattr(old.daemon, field) != getattr(new.daemon, field)
        ),
    )


def _joined(config: Config, key: str) -> tuple[object, ...]:
    """What a connection joins, and which jobs that gives it."""
    connection: Connection = config.connections[key]
    return connection.store, config.account(connection), connection.catalogs


def _same(old: Config, new: Config, key: str) -> bool:
    return old.connections[key] == new.connections[key]
