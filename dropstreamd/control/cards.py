"""Status: every connection, account and broken part at a glance."""

from functools import partial

import trio

from dropstreamd.channels import after_restore, order_audit
from dropstreamd.channels.jobs import CHANNELS
from dropstreamd.channels.run import Scope
from dropstreamd.channels.same_store import another_store
from dropstreamd.channels.same_warehouse import another_warehouse
from dropstreamd.config.schema import Broken, Connection, WarehouseAccount
from dropstreamd.control.channel_card import channel_card, switch_shown
from dropstreamd.control.counted import count
from dropstreamd.control.desk import Desk
from dropstreamd.control.messages.status import (
    AccountCard,
    BrokenCard,
    CircuitCard,
    ConnectionCard,
    ElsewhereShown,
    OrderAuditCard,
    PluginCard,
    SnapshotShown,
    Status,
)
from dropstreamd.control.route import Call, Empty, Route
from dropstreamd.errors import Problem
from dropstreamd.store import cursors, stock
from dropstreamd.store.base import Reader
from dropstreamd.store.stock import Generation
from dropstreamd.store.switches import CONNECTION
from dropstreamd.store.tables import Table


async def status(desk: Desk, _call: Call[Empty, Empty]) -> Status:
    """Everything."""
    daemon = desk.daemon
    cards = []
    unreadable = await desk.unreadable(daemon.config.connections.values())
    for connection in list(daemon.config.connections.values()):
        cards.append(_connection_card(desk, connection, unreadable.get(connection.id, ())))
        await trio.lowlevel.checkpoint()
    accounts = []
    for feed in list(daemon.feeds.values()):
        accounts.append(_account_card(desk, feed.account.settings))
        await trio.lowlevel.checkpoint()
    return _status(desk, cards, accounts, [_broken_card(each) for each in daemon.broken])


async def status_of_one(desk: Desk, call: Call[Empty, Empty]) -> Status:
    """One connection and its account; a broken one with its problems."""
    named = call.path["c"]
    broken = [_broken_card(each) for each in desk.daemon.broken if named in (each.name, each.id)]
    if broken:
        return _status(desk, [], [], broken)
    connection = desk.connection(named)
    unreadable = await desk.unreadable([connection])
    cards = [_connection_card(desk, connection, unreadable[connection.id])]
    return _status(desk, cards, [_account_card(desk, desk.account_of(connection))], [])


def _status(
    desk: Desk, cards: list[ConnectionCard], accounts: list[AccountCard], broken: list[BrokenCard]
) -> Status:
    daemon = desk.daemon
    size = daemon.state.size()
    return Status(
        at_s=desk.now_s(),
        version=desk.version,
        connections=tuple(sorted(cards, key=lambda card: card.name)),
        accounts=tuple(sorted(accounts, key=lambda card: (card.merchant, card.warehouse))),
        broken=tuple(broken),
        plugins=tuple(
            PluginCard(name=each.name, origin=each.origin, problem=each.problem, remedy=each.remedy)
            for each in daemon.accounts.plugins.values()
            if each.plugin is None
        ),
        circuits=tuple(
            CircuitCard(
                account=each.account,
                state=each.state,
                failures=each.failures,
                rests_s=round(each.rests_s, 1),
                error=each.error,
                remedy=each.remedy,
            )
            for each in daemon.accounts.circuits.all()
            if each.state != "closed"
        ),
        state_used_bytes=size.used_bytes,
        state_limit_bytes=size.limit_bytes,
    )


def _broken_card(broken: Broken) -> BrokenCard:
    return BrokenCard(kind=broken.kind, name=broken.name, id=broken.id, problems=broken.problems)


def _connection_card(desk: Desk, connection: Connection, unreadable: tuple[Problem, ...]) -> ConnectionCard:
    state = desk.daemon.state
    supervisor = desk.daemon.connections.get(connection.id)
    actors = {} if supervisor is None else supervisor.actors
    return ConnectionCard(
        id=connection.id,
        name=connection.name,
        merchant=connection.merchant,
        warehouse=connection.warehouse,
        store_platform=connection.store.platform,
        warehouse_platform=desk.account_of(connection).platform,
        switch=state.read(partial(switch_shown, connection=connection.id, channel=CONNECTION)),
        channels=tuple(channel_card(desk, connection, channel, actors.get(channel)) for channel in CHANNELS),
        crashes=0 if supervisor is None else supervisor.faults.troubling,
        crash="" if supervisor is None or not supervisor.faults.troubling else supervisor.faults.last,
        restored_s=state.read(partial(cursors.restored_s, connection=connection.id)),
        audit=None if supervisor is None else state.read(partial(_audit_card, scope=supervisor.scope)),
        unreadable=unreadable,
        waits=_waits(desk, connection),
        elsewhere=elsewhere(desk, connection),
    )


def elsewhere(desk: Desk, connection: Connection) -> tuple[ElsewhereShown, ...]:
    """Whether its file leads to another store or warehouse than before: its next run is held then."""
    supervisor = desk.daemon.connections.get(connection.id)
    if supervisor is None:
        return ()
    found = desk.daemon.state.read(
        lambda tx: (another_store(tx, connection), another_warehouse(tx, supervisor.scope))
    )
    return tuple(ElsewhereShown(error=each.message, remedy=each.remedy) for each in found if each is not None)


def _waits(desk: Desk, connection: Connection) -> str:
    account = desk.account_of(connection)
    restored_s = desk.daemon.state.read(
        partial(after_restore.awaits_figures, connection=connection, account=account)
    )
    return after_restore.in_words(restored_s) if restored_s else ""


def _audit_card(tx: Reader, scope: Scope) -> OrderAuditCard | None:
    found = order_audit.by_now(tx, scope)
    if found is None:
        return None
    return OrderAuditCard(
        at_s=found.at_s,
        looked_at=found.looked_at,
        unaccounted=found.unaccounted.count,
        overdue=found.overdue.count,
        trouble=found.trouble,
    )


def _account_card(desk: Desk, account: WarehouseAccount) -> AccountCard:
    path = (account.merchant, account.name)
    names = [
        each.name
        for each in desk.daemon.config.connections.values()
        if (each.merchant, each.warehouse) == path
    ]
    unmatched, undecodable, latest, held = desk.daemon.state.read(
        lambda tx: (
            count(tx, Table.UNMATCHED, *path),
            count(tx, Table.PARKED, "/".join(path)),
            stock.latest(tx, path),
            stock.held(tx, path),
        )
    )
    return AccountCard(
        merchant=account.merchant,
        warehouse=account.name,
        platform=account.platform,
        connections=tuple(sorted(names)),
        unmatched=unmatched,
        undecodable=undecodable,
        latest=_snapshot(latest),
        held=_snapshot(held),
    )


def _snapshot(made: Generation | None) -> SnapshotShown | None:
    if made is None:
        return None
    return SnapshotShown(
        id=made.id,
        snapshot=made.snapshot,
        as_of_s=made.as_of_s,
        at_s=made.at_s,
        verdict=made.verdict,
        why=made.why,
        skus=made.skus,
        changed=made.changed,
        missing=made.missing,
        units=made.units,
        bad_rows=made.bad_rows,
    )


ROUTES = (
    Route(
        method="GET",
        path="/v1/status",
        name="status",
        summary="Every connection, account and broken part",
        handle=status,
        query=Empty,
        body=Empty,
        answer=Status,
    ),
    Route(
        method="GET",
        path="/v1/status/{c}",
        name="status_of_one",
        summary="One connection and its warehouse account",
        handle=status_of_one,
        query=Empty,
        body=Empty,
        answer=Status,
    ),
)
