"""What the API's handlers work with: the daemon, looked up by the names that people use."""

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from pathlib import Path
from typing import NoReturn, TypeVar

import trio

from dropstreamd.actors.actor import Actor
from dropstreamd.channels import inventory
from dropstreamd.channels.jobs import ACTS, ALL_FLOWS, CHANNELS, Job, of_channel
from dropstreamd.channels.run import Scope
from dropstreamd.config.changes import Changes
from dropstreamd.config.edit import Editor
from dropstreamd.config.place import meant
from dropstreamd.config.schema import Connection, WarehouseAccount
from dropstreamd.config.secrets import SecretStore
from dropstreamd.config.unreadable import of_connection
from dropstreamd.control.consents import Consents
from dropstreamd.control.events import Events
from dropstreamd.control.refused import refuse
from dropstreamd.errors import Problem
from dropstreamd.store import level_flows, runs
from dropstreamd.store.base import Reader
from dropstreamd.store.documents import Book
from dropstreamd.store.environment import Environment
from dropstreamd.store.keys import is_part
from dropstreamd.store.runs import Line
from dropstreamd.supervisor.connection import ConnectionSupervisor
from dropstreamd.supervisor.daemon import Daemon
from dropstreamd.supervisor.support import unsupported
from dropstreamd.telemetry import get_logger

_log = get_logger(__name__)

T = TypeVar("T")

SCANS_AT_ONCE = 2
"""Long looks into the state at the same time; each takes a thread."""


class Desk:
    """Made once, by the composition root.

    `environment` is the state's, for backups. `reload` reads the configuration anew and goes over to
    it; it raises ConfigError with every problem, and then nothing has changed. `events` is among the
    daemon's listeners. `consents` are those that people were asked for.
    """

    def __init__(
        self,
        *,
        daemon: Daemon,
        environment: Environment,
        conf_dir: Path,
        secrets: SecretStore,
        events: Events,
        reload: Callable[[], Awaitable[Changes]],
        consents: Consents,
        version: str,
    ) -> None:
        self.daemon = daemon
        self.environment = environment
        self.conf_dir = conf_dir
        self.secrets = secrets
        self.events = events
        self.reload = reload
        self.consents = consents
        self.version = version
        self.editor = Editor(conf_dir, daemon.accounts.plugins)
        self.files = trio.Lock()
        """Held by whoever writes configuration files or secrets."""
        self._scans = trio.CapacityLimiter(SCANS_AT_ONCE)

    def now_s(self) -> float:
        return self.daemon.clock.now_s()

    async def scan(self, look: Callable[[Reader], T]) -> T:
        """What a look into the state returns that may take long; the loop goes on meanwhile."""
        return await trio.to_thread.run_sync(self.daemon.state.read, look, limiter=self._scans)

    # ---- names

    def connection(self, named: str) -> Connection:
        """The connection of that name or id. Refused where there is none, or where it is broken."""
        config = self.daemon.config
        found = config.connections.get(named) or config.named(named)
        if found is not None:
            return found
        for broken in self.daemon.broken:
            if broken.kind == "connection" and named in (broken.name, broken.id):
                problems = "; ".join(str(problem) for problem in broken.problems)
                refuse("not possible", f"connection {broken.name} cannot run: {problems}")
        return _unknown("connection", named, [each.name for each in config.connections.values()])

    def supervisor(self, connection: Connection) -> ConnectionSupervisor:
        """What runs it. Refused in the moment in which it is restarted."""
        supervisor = self.daemon.connections.get(connection.id)
        if supervisor is None:
            refuse("not possible", f"connection {connection.name} is being restarted", remedy="ask again")
        return supervisor

    def account(self, merchant: str, warehouse: str) -> WarehouseAccount:
        """The warehouse account of these names."""
        merchants = self.daemon.config.merchants
        if merchant not in merchants:
            return _unknown("merchant", merchant, merchants)
        warehouses = merchants[merchant].warehouses
        if warehouse not in warehouses:
            return _unknown(f"warehouse of {merchant}", warehouse, warehouses)
        return warehouses[warehouse]

    def account_of(self, connection: Connection) -> WarehouseAccount:
        return self.daemon.config.account(connection)

    def scope(self, connection: Connection) -> Scope:
        """The connection as its runs see it."""
        return self.supervisor(connection).scope

    def channel(self, named: str) -> str:
        """A channel's name, once it was found to be one."""
        return named if named in CHANNELS else _unknown("channel", named, CHANNELS)

    def job(self, channel: str, named: str) -> Job:
        """A channel's job."""
        found = {job.name: job for job in of_channel(self.channel(channel))}
        return found[named] if named in found else _unknown(f"job of {channel}", named, found)

    def unsupported(self, connection: Connection, job: Job) -> str:
        """Why the job does not exist for the connection; empty where it does."""
        return unsupported(job, connection, self.account_of(connection), self.daemon.accounts)

    def actor(self, connection: Connection, channel: str) -> Actor:
        """The channel's actor. Refused where the channel is not supported."""
        actor = self.supervisor(connection).actors.get(channel)
        if actor is None:
            why = "; ".join(dict.fromkeys(self.unsupported(connection, job) for job in of_channel(channel)))
            refuse("not supported", f"{connection.name} has no {channel}: {why}")
        return actor

    def key(self, text: str) -> str:
        """A document's key as a client gave it, once it was found to be one."""
        if not text or not is_part(text):
            refuse("bad request", "a key is text of at least one character, without NUL")
        return text

    def flow(self, named: str) -> str:
        """A flow's name, once it was found to be one: a channel's, that of its other direction, or of its
        levels at a location."""
        plain, location = level_flows.location_of(named)
        at_a_location = location and plain == inventory.CHANNEL
        return named if at_a_location or named in ALL_FLOWS else _unknown("channel", named, ALL_FLOWS)

    def book(self, connection: Connection, channel: str) -> Book:
        """The documents of a flow whose documents are acts."""
        made = ACTS.get(channel)
        if made is None:
            refuse("not possible", f"{channel} has no documents of this kind")
        return made(self.scope(connection))

    async def unreadable(self, connections: Iterable[Connection]) -> dict[str, tuple[Problem, ...]]:
        """By id, the secrets that are named for each and cannot be read now."""
        sides = [(each, self.account_of(each)) for each in connections]
        plugins = self.daemon.accounts.plugins

        def look() -> dict[str, tuple[Problem, ...]]:
            return {
                each.id: of_connection(self.conf_dir, each, account, plugins, self.secrets)
                for each, account in sides
            }

        return await trio.to_thread.run_sync(look)

    # ---- who did what

    async def note(
        self, connection: Connection, event: str, text: str, *, who: str, channel: str = ""
    ) -> None:
        """Write what a person did into the connection's log."""
        line = Line(at_s=self.now_s(), event=event, text=text, channel=channel, who=who)
        await self.daemon.state.write(partial(runs.log, connection=connection.id, line=line))
        self.tell(event, who, connection=connection.name)

    def tell(self, event: str, who: str, **fields: str) -> None:
        """Log that a person did something. `fields` name things, and hold no customer's data."""
        _log.info("operator_action", action=event, who=who, **fields)


def _unknown(what: str, named: str, known: Iterable[str]) -> NoReturn:
    names = sorted(known)
    remedy = meant(named, names) or (f"there are: {', '.join(names[:20])}" if names else "there is none yet")
    refuse("not found", f"there is no {what} {named[:100]!r}", remedy=remedy)
