"""What is done once a day for every connection, beside its runs: personal data goes, and orders
are looked at that should not be where they are."""

import random
from functools import partial

import trio

from dropstreamd.channels import order_audit, orders, purging
from dropstreamd.channels.order_audit import Audited
from dropstreamd.channels.run import Scope
from dropstreamd.errors import StateFull
from dropstreamd.store import runs
from dropstreamd.store.runs import Line
from dropstreamd.supervisor.daemon import Daemon
from dropstreamd.supervisor.keeper import Faults, keep
from dropstreamd.supervisor.report import imports
from dropstreamd.telemetry import Metrics, get_logger

_log = get_logger(__name__)

FIRST_S = 300.0
"""How long after a start the first round begins: the channels go first."""

DAY_S = 86400.0

AT_ONCE = 200
"""Documents looked at without a pause, and changed in one transaction."""


class Housekeeping:
    """Keeps one daemon's state in order; `run` goes on until it is cancelled."""

    def __init__(self, daemon: Daemon, metrics: Metrics, rng: random.Random) -> None:
        self._daemon = daemon
        self._metrics = metrics
        self._rng = rng

    async def run(self) -> None:
        """A round a day. A fault in one is logged, and the next one comes."""
        await keep("housekeeping", self._rounds, faults=Faults(), rng=self._rng)

    async def _rounds(self) -> None:
        self.show_kept()
        await trio.sleep(FIRST_S)
        while True:
            await self.round()
            await trio.sleep(DAY_S)

    def show_kept(self) -> None:
        """Tell the metrics what the last audits found, before there are new ones."""
        for scope in self._daemon.scopes():
            connection = scope.connection.id
            if scope.state.read(partial(imports, connection=connection)):
                found = scope.state.read(partial(order_audit.last, connection=connection))
                if found is not None:
                    self._show(scope, found)

    async def round(self) -> None:
        """Once for every connection that can run."""
        for scope in self._daemon.scopes():
            await self._purge(scope)
            if scope.state.read(partial(imports, connection=scope.connection.id)):
                await self._audit(scope)
            else:
                self._metrics.not_audited(scope.connection.name)

    def _show(self, scope: Scope, found: Audited) -> None:
        self._metrics.set_audited(
            scope.connection.name,
            unaccounted=found.unaccounted.count,
            overdue=found.overdue.count,
            at_s=found.counts_from_s,
        )

    async def _audit(self, scope: Scope) -> None:
        """Report; never act."""
        found = await order_audit.audit(scope)
        try:
            keep_it = partial(order_audit.keep, connection=scope.connection.id, found=found)
            found = await scope.state.write(keep_it)
        except StateFull as error:
            _log.warning("audit_not_kept", connection=scope.connection.name, error=error.message)
        self._show(scope, found)
        name, unaccounted, overdue = scope.connection.name, found.unaccounted.count, found.overdue.count
        if not (unaccounted or overdue):
            _log.info("orders_audited", connection=name, looked_at=found.looked_at, trouble=found.trouble)
            return
        _log.warning("orders_astray", connection=name, unaccounted=unaccounted, overdue=overdue)
        some = ", ".join(each.number for each in (*found.unaccounted.some[:5], *found.overdue.some[:5]))
        text = f"{unaccounted} orders unaccounted for, {overdue} overdue: {some}"
        line = Line(at_s=found.at_s, event="order audit", text=text, channel=orders.CHANNEL)
        await self._write(scope, line)

    async def _write(self, scope: Scope, line: Line) -> None:
        try:
            await scope.state.write(partial(runs.log, connection=scope.connection.id, line=line))
        except StateFull as error:
            _log.warning("log_line_lost", connection=scope.connection.name, error=error.message)

    async def _purge(self, scope: Scope) -> None:
        try:
            count = await purging.sweep(
                scope, keep_s=self._daemon.config.daemon.keep_personal_data_s, limit=AT_ONCE
            )
        except StateFull as error:
            _log.warning("purge_failed", connection=scope.connection.name, error=error.message)
            return
        if count:
            line = Line(
                at_s=scope.clock.now_s(),
                event="purged",
                text=f"personal data was taken out of {count} closed orders, returns and packages",
            )
            await self._write(scope, line)
            _log.info("personal_data_purged", connection=scope.connection.name, documents=count)
