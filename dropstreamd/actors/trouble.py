"""The failures in a row of a channel's jobs, and when each is tried again."""

import random

import msgspec
import trio

from dropstreamd.actors.backoff import HOLD, WAIT
from dropstreamd.clock import Clock
from dropstreamd.errors import Hold, Incomplete, RateLimited, Unfinished, Wait


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """A job's failures in a row. Not before `retry_s` is it tried again.

    `retry_at_s` is that instant by trio's clock, which nobody sets: it decides. `on_schedule`: at a fire of
    its schedule it is tried sooner. `unfinished`: it did not fail, and could not look at everything.
    """

    failures: int
    retry_s: float
    retry_at_s: float
    error: str
    remedy: str
    held: bool
    unfinished: bool = False
    on_schedule: bool = False

    def tried_s(self, next_fire_s: float | None) -> float:
        """When the job is tried again, as people are told."""
        if not self.on_schedule or next_fire_s is None:
            return self.retry_s
        return min(self.retry_s, next_fire_s)


class Troubles:
    """What went wrong since each job's last success: `now`, by the job's name."""

    def __init__(self, clock: Clock, rng: random.Random) -> None:
        self.now: dict[str, Trouble] = {}
        self._clock = clock
        self._rng = rng

    def failed(self, job: str, error: Hold | Wait) -> None:
        """A run of the job failed, once more."""
        before = self.now.get(job)
        failures = 1 if before is None else before.failures + 1
        held = isinstance(error, Hold)
        wait_s = (HOLD if held else WAIT).wait_s(failures, self._rng)
        if isinstance(error, RateLimited):
            wait_s = max(wait_s, error.retry_after_s)
        self._keep(
            job,
            wait_s,
            failures,
            error.message,
            error.remedy,
            held=held,
            on_schedule=isinstance(error, Incomplete),
        )

    def cut_off(self, job: str, error: str) -> None:
        """A run of the job was cut off: it is to look soon at what that one left, and did not fail."""
        self._keep(job, WAIT.first_s, 0, error, "", held=False)

    def unfinished(self, job: str, error: Unfinished) -> float:
        """A run of the job could not look at everything; when it is tried again, seconds since the epoch.
        That is no failure, and none less than there were."""
        before = self.now.get(job)
        failures = 0 if before is None else before.failures
        wait_s = max(WAIT.first_s, error.again_s)
        self._keep(
            job,
            wait_s,
            failures,
            error.message,
            error.remedy,
            held=False,
            unfinished=True,
            on_schedule=True,
        )
        return self.now[job].retry_s

    def clock_stepped(self) -> None:
        """The wall clock was set: what people are told must not be long after it."""
        latest_s = self._clock.now_s() + HOLD.cap_s
        for job, trouble in self.now.items():
            self.now[job] = msgspec.structs.replace(trouble, retry_s=min(trouble.retry_s, latest_s))

    def put_right(self) -> None:
        """A person did something about it: what waits for one is tried again at once."""
        for job, trouble in self.now.items():
            if trouble.held:
                self.now[job] = msgspec.structs.replace(
                    trouble, retry_s=self._clock.now_s(), retry_at_s=trio.current_time()
                )

    def _keep(
        self,
        job: str,
        wait_s: float,
        failures: int,
        error: str,
        remedy: str,
        *,
        held: bool,
        unfinished: bool = False,
        on_schedule: bool = False,
    ) -> None:
        self.now[job] = Trouble(
            failures=failures,
            retry_s=self._clock.now_s() + wait_s,
            retry_at_s=trio.current_time() + wait_s,
            error=error,
            remedy=remedy,
            held=held,
            unfinished=unfinished,
            on_schedule=on_schedule,
        )
