"""The daemon's own: secrets, reload, backup, and what is made of a sample file."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import trio

from dropstreamd.config.schema import Connection
from dropstreamd.config.unreadable import secret_refs
from dropstreamd.control.cards import elsewhere
from dropstreamd.control.desk import Desk
from dropstreamd.control.messages.look import Done
from dropstreamd.control.messages.setup import (
    BackupMade,
    BadRow,
    DeleteSecret,
    FileTried,
    MakeBackup,
    PutSecret,
    Reloaded,
    SecretNames,
    TryFile,
    Unreadable,
)
from dropstreamd.control.messages.status import ElsewhereShown
from dropstreamd.control.refused import name_of, refuse
from dropstreamd.control.route import Call, Empty, Route
from dropstreamd.control.side_tests import shown
from dropstreamd.model.handover import Bad
from dropstreamd.platform.limiter import Priority
from dropstreamd.store import switches
from dropstreamd.store.backup import make_backup

FILE_LIMIT_BYTES = 10 * 1024 * 1024
FILE_BODY_LIMIT_BYTES = 14 * 1024 * 1024
"""A file in base64, and its names."""

FILE_LIMIT_S = 60.0
ROWS = 200
BAD_TEXT_BYTES = 500


# ---- secrets


async def list_secrets(desk: Desk, _call: Call[Empty, Empty]) -> SecretNames:
    """Their names."""
    return SecretNames(names=await trio.to_thread.run_sync(desk.secrets.names))


async def put_secret(desk: Desk, call: Call[Empty, PutSecret]) -> Done:
    """Keep a secret; whoever uses it takes the new value from its next session on."""
    name = call.path["name"]
    async with desk.files:
        await trio.to_thread.run_sync(desk.secrets.put, name, call.body.value)
    await _note_secret(desk, name, f"secret {name} was set", call.who)
    return Done(text=f"secret {name} was set")


async def delete_secret(desk: Desk, call: Call[DeleteSecret, Empty]) -> Done:
    """Forget a secret; where somebody uses it, once a person has seen who."""
    name = call.path["name"]
    async with desk.files:
        if name in await trio.to_thread.run_sync(desk.secrets.names):
            _refuse_used(desk, name, call.query)
        gone = await trio.to_thread.run_sync(desk.secrets.delete, name)
    if not gone:
        refuse("not found", f"there is no secret {name!r}")
    await _note_secret(desk, name, f"secret {name} was deleted", call.who)
    return Done(text=f"secret {name} was deleted")


def _refuse_used(desk: Desk, name: str, asked: DeleteSecret) -> None:
    used = tuple(_users(desk, name))
    shown = name_of(used)
    if used and not asked.confirmed and asked.shown != shown:
        refuse(
            "unconfirmed",
            f"secret {name} is in use, and runs that need it would be held: {'; '.join(used)}",
            remedy="take it out of these files first, or confirm it",
            known=used,
            shown=shown,
        )


def _users(desk: Desk, name: str) -> Iterator[str]:
    """Who names it, and in which setting."""
    config = desk.daemon.config
    for connection in sorted(config.connections.values(), key=lambda each: each.name):
        for key, ref in secret_refs(connection.store.settings, "store"):
            if ref.secret == name:
                yield f"connection {connection.name} ({key})"
    for merchant in config.merchants.values():
        for account in merchant.warehouses.values():
            users = [
                each.name
                for each in config.connections.values()
                if (each.merchant, each.warehouse) == (account.merchant, account.name)
            ]
            of = f", of {', '.join(sorted(users))}" if users else ""
            for key, ref in secret_refs(account.settings):
                if ref.secret == name:
                    yield f"warehouse {account.merchant}.{account.name} ({key}){of}"


async def _note_secret(desk: Desk, name: str, text: str, who: str) -> None:
    """Into the log of every connection that uses it; what waits for it is tried again."""
    desk.tell("secret", who, name=name)
    for connection in list(desk.daemon.config.connections.values()):
        if _uses(desk, connection, name):
            await desk.note(connection, "secret", text, who=who)
            desk.daemon.look_again(connection.id)


def _uses(desk: Desk, connection: Connection, name: str) -> bool:
    sides = (connection.store.settings, desk.account_of(connection).settings)
    return any(ref.secret == name for settings in sides for _, ref in secret_refs(settings))


# ---- reload and backup


async def reload(desk: Desk, call: Call[Empty, Empty]) -> Reloaded:
    """Go over to what the files say now; with any problem in them, nothing changes. A secret that is not
    there is none: it may come later, and the other connections go on."""
    async with desk.files:
        before = {each.id: each.name for each in desk.daemon.config.connections.values()}
        changes = await desk.reload()
    connections = sorted(desk.daemon.config.connections.values(), key=lambda each: each.name)
    names = {**before, **{each.id: each.name for each in connections}}
    still_on = desk.daemon.state.read(
        lambda tx: tuple(one for one in changes.added if switches.get(tx, one).on)
    )
    unreadable = await desk.unreadable(connections)
    for connection_id in (*changes.hot, *changes.restarted, *changes.added):
        connection = desk.daemon.config.connections.get(connection_id)
        if connection is not None:
            await desk.note(connection, "reloaded", "its configuration was taken over", who=call.who)
    desk.tell("reloaded", call.who)
    return Reloaded(
        changes=changes,
        names=names,
        unreadable=tuple(
            Unreadable(connection=each.name, problems=unreadable[each.id])
            for each in connections
            if unreadable[each.id]
        ),
        elsewhere={each.id: found for each in connections if (found := elsewhere(desk, each))},
        still_on=still_on,
        left_behind=tuple(
            ElsewhereShown(error=each.message, remedy=each.remedy) for each in desk.daemon.left_behind()
        ),
    )


async def backup(desk: Desk, call: Call[Empty, MakeBackup]) -> BackupMade:
    """Copy the state, without secrets, to a new folder."""
    target = Path(call.body.target)
    if not target.is_absolute() or "\0" in call.body.target:
        refuse("bad request", "target: an absolute path is wanted, of a folder that is not there yet")
    made = await make_backup(desk.environment, target, clock=desk.daemon.clock)
    desk.tell("backup", call.who, target=str(target))
    return BackupMade(target=str(target), made_at_s=made.made_at_s, rows=made.rows)


# ---- sample files


async def try_file(desk: Desk, call: Call[Empty, TryFile]) -> FileTried:
    """What the warehouse's plugin makes of a file, as it is configured now. Nothing is kept."""
    asked = call.body
    if len(asked.content) > FILE_LIMIT_BYTES:
        refuse("too large", f"a sample has at most {FILE_LIMIT_BYTES} bytes")
    account = desk.account(asked.merchant, asked.warehouse)
    with trio.move_on_after(FILE_LIMIT_S) as trying:
        async with desk.daemon.accounts.open_warehouse(account, Priority.ORDERS) as session:
            read = partial(session.sample, asked.name, asked.content)
            sample = await trio.to_thread.run_sync(read)
    if trying.cancelled_caught:
        refuse("not possible", f"the file was not read within {FILE_LIMIT_S:.0f} s")
    return FileTried(
        kind=sample.kind,
        package_count=len(sample.packages),
        stock_count=len(sample.stock),
        bad_count=len(sample.bad),
        packages=sample.packages[:ROWS],
        stock=sample.stock[:ROWS],
        bad=tuple(_bad_row(each) for each in sample.bad[:ROWS]),
        findings=tuple(shown(each) for each in sample.findings),
    )


def _bad_row(bad: Bad) -> BadRow:
    text = bad.raw[:BAD_TEXT_BYTES].decode("utf-8", "replace")
    return BadRow(place=bad.place, reason=bad.reason, text=text)


ROUTES = (
    Route(
        method="GET",
        path="/v1/secrets",
        name="list_secrets",
        summary="The names of the secrets",
        handle=list_secrets,
        query=Empty,
        body=Empty,
        answer=SecretNames,
    ),
    Route(
        method="PUT",
        path="/v1/secrets/{name}",
        name="put_secret",
        summary="Keep a secret, whose value is never shown again",
        handle=put_secret,
        query=Empty,
        body=PutSecret,
        answer=Done,
    ),
    Route(
        method="DELETE",
        path="/v1/secrets/{name}",
        name="delete_secret",
        summary="Forget a secret",
        handle=delete_secret,
        query=DeleteSecret,
        body=Empty,
        answer=Done,
    ),
    Route(
        method="POST",
        path="/v1/reload",
        name="reload",
        summary="Go over to what the configuration files say now",
        handle=reload,
        query=Empty,
        body=Empty,
        answer=Reloaded,
    ),
    Route(
        method="POST",
        path="/v1/backup",
        name="backup",
        summary="Copy the state to a new folder",
        handle=backup,
        query=Empty,
        body=MakeBackup,
        answer=BackupMade,
    ),
    Route(
        method="POST",
        path="/v1/try-file",
        name="try_file",
        summary="What is made of a warehouse's sample file",
        handle=try_file,
        query=Empty,
        body=TryFile,
        answer=FileTried,
        limit_bytes=FILE_BODY_LIMIT_BYTES,
    ),
)
