"""When a job is due: several rules in one timezone that add up, and what was missed meanwhile.

Pure and synchronous; instants are seconds after the Unix epoch. A fire is a whole second.
"""

import hashlib
import heapq
import math
from collections.abc import Iterator, Sequence
from itertools import islice
from zoneinfo import ZoneInfo

import msgspec

from dropstreamd.actors.local_time import LocalTime
from dropstreamd.actors.schedule_search import search
from dropstreamd.model.schedule_parser import MAX_HOURS
from dropstreamd.model.schedule_rules import Rule

MISSED_LIMIT = 250  # about 10 ms of search for the slowest rule
STEP_BACK_LIMIT_S = 3600
_SPREAD_RANGE_S = MAX_HOURS * 3600  # the longest interval there is


class Fire(msgspec.Struct, frozen=True, kw_only=True):
    """An instant at which a job is due, and the rule that says so: the first one, if several do."""

    at_s: int
    rule: Rule


class Missed(msgspec.Struct, frozen=True, kw_only=True):
    """Fires that have passed. `at_least`: there were more than were counted. `latest` is exact always."""

    count: int
    at_least: bool
    latest: Fire | None


class Tick(msgspec.Struct, frozen=True, kw_only=True):
    """What a job has to do now: one run for `due` if there is one, which stands for `coalesced` earlier
    fires too (`at_least` so many), and then nothing until `upcoming`."""

    due: Fire | None
    coalesced: int
    at_least: bool
    upcoming: Fire | None


class Schedule:
    """The rules of one job. `spread_s` (see `spread_for`) shifts its intervals, never its fixed times.

    Without rules the job runs only when it is asked to: no fire, nothing missed.
    """

    def __init__(self, rules: Sequence[Rule], *, zone: ZoneInfo, spread_s: int) -> None:
        local = LocalTime(zone)
        self._rules = tuple(rules)
        self._searches = tuple(search(rule, local, spread_s) for rule in rules)

    def fires(self, after_s: float) -> Iterator[Fire]:
        """The fires strictly after an instant, in order, for ever. Rules that agree make one fire."""
        coming: list[tuple[int, int]] = []
        for order, found in enumerate(self._searches):
            _push(coming, found.next_s(math.floor(after_s)), order)
        while coming:
            at_s, order = coming[0]
            yield Fire(at_s=at_s, rule=self._rules[order])
            while coming and coming[0][0] == at_s:
                _, order = heapq.heappop(coming)
                _push(coming, self._searches[order].next_s(at_s), order)

    def next_fire(self, after_s: float) -> Fire | None:
        """The first fire strictly after an instant; None if no rule has one within ten years."""
        return next(self.fires(after_s), None)

    def next_fires(self, after_s: float, count: int) -> list[Fire]:
        """The next fires strictly after an instant, for a preview."""
        return list(islice(self.fires(after_s), count))

    def missed(self, last_fire_s: float, now_s: float, *, limit: int = MISSED_LIMIT) -> Missed:
        """The fires after `last_fire_s` up to and including `now_s`; counting stops at `limit`.

        Nothing is replayed for a time when the job was off or had other rules: the caller passes the latest
        of the last fire, the enabling and the last edit.
        """
        count, latest = 0, None
        for fire in self.fires(last_fire_s):
            if fire.at_s > now_s:
                break
            if count == limit:
                return Missed(count=count, at_least=True, latest=self._latest(fire, now_s))
            count, latest = count + 1, fire
        return Missed(count=count, at_least=False, latest=latest)

    def tick(self, last_fire_s: float, now_s: float) -> Tick:
        """Compares the last fire with the clock.

        A clock that was set back does not fire again what has fired: the next fire is later than both. But a
        last fire over an hour in the future came from a clock that was wrong; it is disregarded, since a
        job waiting for it would have stopped silently.
        """
        since_s = now_s if last_fire_s > now_s + STEP_BACK_LIMIT_S else last_fire_s
        missed = self.missed(since_s, now_s)
        return Tick(
            due=missed.latest,
            coalesced=max(missed.count - 1, 0),
            at_least=missed.at_least,
            upcoming=self.next_fire(max(since_s, now_s)),
        )

    def _latest(self, known: Fire, now_s: float) -> Fire:
        """The last fire up to now, by bisection from one that is known to have passed."""
        end_s = math.floor(now_s)
        while known.at_s < end_s:
            middle_s = (known.at_s + end_s) // 2
            fire = self.next_fire(middle_s)
            if fire is not None and fire.at_s <= now_s:
                known = fire
            else:
                end_s = middle_s
        return known


def _push(coming: list[tuple[int, int]], at_s: int | None, order: int) -> None:
    if at_s is not None:
        heapq.heappush(coming, (at_s, order))


def spread_for(connection_id: str, job: str) -> int:
    """Seconds, from 0 to a week, by which this job's intervals are shifted: the same on every machine and in
    every process, and evenly spread, so that a thousand connections do not call at one second.

    It takes the immutable id; `job` is a stable name as in `inventory.smart`.
    """
    digest = hashlib.blake2b(f"{connection_id}\0{job}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) % _SPREAD_RANGE_S
