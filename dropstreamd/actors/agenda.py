"""What one job has to do now: its schedule held against its switch, the clock and what was done."""

from collections.abc import Sequence
from itertools import pairwise

import msgspec

from dropstreamd.actors.schedule import STEP_BACK_LIMIT_S, Fire, Schedule, spread_for
from dropstreamd.channels.jobs import Job
from dropstreamd.config.schema import Connection
from dropstreamd.model.schedule_rules import Rule
from dropstreamd.store import switches
from dropstreamd.store.base import Reader, Store, Writer
from dropstreamd.store.switches import Followed

SKIPPED_LIMIT = 1_000
"""Skipped fires are counted this far."""

GAPS = 200
"""Fires looked at for the longest gap."""


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """Fires that one run now stands for: the newest, and how many in all. `served_s` is how far the
    schedule had been followed before them: of two jobs, the one served longer ago goes first."""

    fire: Fire
    fires: int
    served_s: float


class Agenda:
    """One job's schedule. Every fire that passes is accounted for, in the state."""

    def __init__(self, connection: Connection, job: Job, state: Store) -> None:
        self.job = job
        self.connection = connection.id
        self._state = state
        self._rules: tuple[Rule, ...] = ()
        self.schedule = Schedule((), zone=connection.timezone, spread_s=0)
        self._zone = connection.timezone
        self._gap: tuple[Schedule, float | None] | None = None
        self._noticed_s: float | None = None
        self.follow_rules(connection)

    def follow_rules(self, connection: Connection) -> bool:
        """Take over the rules of a new configuration; whether they differ from those before."""
        rules = tuple(connection.schedules.get(self.job.key, ()))
        if rules == self._rules and connection.timezone == self._zone:
            return False
        self._rules, self._zone = rules, connection.timezone
        spread_s = spread_for(self.connection, f"{self.job.channel}.{self.job.name}")
        self.schedule = Schedule(rules, zone=connection.timezone, spread_s=spread_s)
        return True

    @property
    def rules(self) -> Sequence[Rule]:
        return self._rules

    def followed(self) -> Followed:
        """How far the schedule was followed."""
        return self._state.read(self._followed)

    def _followed(self, tx: Reader) -> Followed:
        return switches.followed(tx, self.connection, self.job.channel, self.job.name)

    def _keep(self, tx: Writer, followed: Followed) -> None:
        switches.follow(tx, self.connection, self.job.channel, self.job.name, followed)

    def enabled_since_s(self, tx: Reader) -> float | None:
        """Since when both switches are on; None while one is off."""
        return switches.enabled_since_s(tx, self.connection, self.job.channel)

    def look(self, now_s: float) -> tuple[Due | None, float | None]:
        """What is due, and when to look again; nothing of either while a switch is off.

        Fires from before the switch was turned on are not due: `skip` accounts for them.
        """
        since_s, followed = self._state.read(lambda tx: (self.enabled_since_s(tx), self._followed(tx)))
        if since_s is None:
            return None, None
        served_s = self._served_s(followed.last_fire_s, since_s, now_s)
        tick = self.schedule.tick(served_s, now_s)
        due = None
        if tick.due is not None:
            due = Due(fire=tick.due, fires=tick.coalesced + 1, served_s=served_s)
        return due, None if tick.upcoming is None else float(tick.upcoming.at_s)

    def _served_s(self, last_fire_s: float, since_s: float, now_s: float) -> float:
        """Up to when fires were accounted for. What a clock wrote that was far ahead tells nothing:
        then it is the instant at which that was noticed."""
        ahead_s = now_s + STEP_BACK_LIMIT_S
        known = [at_s for at_s in (last_fire_s, since_s) if 0 < at_s <= ahead_s]
        if known and last_fire_s <= ahead_s:
            return max(known)
        if self._noticed_s is None or self._noticed_s > now_s:
            self._noticed_s = now_s
        return self._noticed_s

    def run_began(self, tx: Writer, due: Due) -> None:
        """Account for the fires that a run stands for, in the transaction that it begins in."""
        followed = self._followed(tx)
        self._keep(
            tx,
            msgspec.structs.replace(
                followed,
                last_fire_s=_later(followed.last_fire_s, float(due.fire.at_s)),
                fired=followed.fired + due.fires,
                ran=followed.ran + 1,
                coalesced=followed.coalesced + due.fires - 1,
            ),
        )

    def longest_gap_s(self, now_s: float) -> float | None:
        """The longest time between two of its next fires; None for a manual job."""
        if self._gap is None or self._gap[0] is not self.schedule:
            fires = [fire.at_s for fire in self.schedule.next_fires(now_s, GAPS)]
            gaps = [after - before for before, after in pairwise(fires)]
            self._gap = (self.schedule, float(max(gaps)) if gaps else None)
        return self._gap[1]

    def succeeded(self, tx: Writer, now_s: float) -> None:
        self._keep(tx, msgspec.structs.replace(self._followed(tx), last_success_s=now_s))

    def skip(self, tx: Writer, until_s: float, why: str) -> None:
        """Account for the fires up to then that nothing will run for: it was off, or the rules are new."""
        followed = self._followed(tx)
        last_s = followed.last_fire_s
        if _later(last_s, until_s) == last_s:
            return
        passed = (
            self.schedule.missed(last_s, until_s, limit=SKIPPED_LIMIT).count if 0 < last_s < until_s else 0
        )
        skipped = {**followed.skipped, why: followed.skipped.get(why, 0) + passed}
        counted = msgspec.structs.replace(
            followed,
            last_fire_s=until_s,
            fired=followed.fired + passed,
            skipped=skipped if passed else followed.skipped,
        )
        self._keep(tx, counted)


def _later(last_fire_s: float, at_s: float) -> float:
    """The later of the two, unless the first comes from a clock that was far ahead."""
    return at_s if last_fire_s > at_s + STEP_BACK_LIMIT_S else max(last_fire_s, at_s)
