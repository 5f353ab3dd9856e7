"""One channel of one connection: sleeps until its next fire or a message, and does one run at a time."""

import random
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Protocol

import msgspec
import trio

from dropstreamd.actors.agenda import Agenda
from dropstreamd.actors.mailbox import Mailbox, Request
from dropstreamd.actors.raised import run_job
from dropstreamd.actors.trouble import Trouble, Troubles
from dropstreamd.actors.work import Work
from dropstreamd.channels.jobs import Job
from dropstreamd.channels.older import Agreed
from dropstreamd.channels.run import Run, RunStopped, Scope
from dropstreamd.clock import Clock, utc
from dropstreamd.errors import Hold, Unfinished, Wait
from dropstreamd.store import runs, switches
from dropstreamd.store.base import Store
from dropstreamd.store.runs import RunRecord

GRAIN_S = 0.001
"""Less than this is no time to sleep: the wall clock may not resolve it."""

END_DEADLINE_S = 5.0
"""How long the end of a run waits for its record to be taken by the writer."""


class Listener(Protocol):
    """Told what runs do: metrics, logs and those who watch."""

    def run_began(self, connection: str, channel: str, record: RunRecord) -> None: ...
    def run_ended(self, connection: str, channel: str, record: RunRecord) -> None: ...
    def counted(self, run: str, what: str, total: int) -> None: ...
    def next_fire(self, connection: str, channel: str, job: str, at_s: float | None) -> None: ...


class Actor:
    """`scope` is asked for at each run, so that a changed configuration holds from the next one.

    `gate` bounds the runs of the whole process; waiting for it counts as lateness.
    """

    def __init__(
        self,
        *,
        channel: str,
        jobs: tuple[Job, ...],
        scope: Callable[[], Scope],
        state: Store,
        clock: Clock,
        gate: AbstractAsyncContextManager[None],
        listener: Listener,
        rng: random.Random,
    ) -> None:
        self.channel = channel
        self._scope = scope
        self._state = state
        self._clock = clock
        self._gate = gate
        self._listener = listener
        self._mailbox = Mailbox()
        connection = scope().connection
        self._connection = connection.id
        self.agendas = {job.name: Agenda(connection, job, state) for job in jobs}
        self.troubles = Troubles(clock, rng)
        self.running: Run | None = None
        self._taken: Request | None = None
        self._edited = False
        self._stopping = False

    @property
    def trouble(self) -> Mapping[str, Trouble]:
        """What went wrong in the last run of each job, by its name; none of those that succeeded."""
        return self.troubles.now

    # ---- messages; none of them blocks

    def ask(self, job: str, *, run: str, who: str, agreed: Agreed | None) -> str:
        """Ask for a run; the id of the run that will answer, which may be one that waits already."""
        mine = self.agendas[job].job
        larger = next((a.job.name for a in self.agendas.values() if a.job.absorbs == job), "")
        request = Request(run=run, job=job, who=who, agreed=agreed)
        return self._mailbox.ask(request, absorbed_by=larger, absorbs=mine.absorbs)

    def waiting(self) -> list[str]:
        """The jobs of which a run was asked for that has not begun."""
        taken = [] if self._taken is None else [self._taken.job]
        return [*taken, *self._mailbox.waiting()]

    def awaits(self, run: str) -> bool:
        """Whether a run that was asked for under this id has not begun."""
        return self._mailbox.holds(run) or (self._taken is not None and self._taken.answers(run))

    def reconfigured(self) -> None:
        """The configuration changed: take it over before the next run."""
        self._edited = True
        self.look_again()

    def look_again(self) -> None:
        """A person has put something right: try again at once what waits for a person."""
        self.troubles.put_right()
        self._mailbox.wake()

    def switched(self) -> None:
        """A switch was turned. Off ends the run in hand at its next settled point."""
        if not self._is_on():
            self._forget()
            if self.running is not None:
                self.running.stop()
        self._mailbox.wake()

    def _is_on(self) -> bool:
        return self._state.read(next(iter(self.agendas.values())).enabled_since_s) is not None

    def _forget(self) -> None:
        """What was asked for or went wrong, now that it is off."""
        self._mailbox.clear()
        self.troubles.now.clear()

    def clock_stepped(self) -> None:
        """The wall clock was set: what was slept for may be another time now."""
        self.troubles.clock_stepped()
        self._mailbox.wake()

    def stop(self) -> None:
        """End, after the run in hand has settled."""
        self._stopping = True
        if self.running is not None:
            self.running.stop()
        self._mailbox.wake()

    # ---- the one task

    async def run(self) -> None:
        """Until `stop`. Whatever is none of our errors ends it: the supervisor starts it again."""
        await self._after_a_crash()
        while not self._stopping:
            if self._edited:
                await self._take_over()
            work, wake_s = self._next()
            if work is not None:
                await self._perform(work)
            else:
                await self._sleep(wake_s)

    async def _after_a_crash(self) -> None:
        """Runs that were cut off by the end of the process: have the jobs look at what they left."""
        cut = await self._state.write(
            partial(
                runs.close_crashed,
                connection=self._connection,
                channel=self.channel,
                now_s=self._clock.now_s(),
            )
        )
        for record in cut:
            if record.job in self.agendas:
                self.troubles.cut_off(record.job, record.error)

    async def _take_over(self) -> None:
        self._edited = False
        connection = self._scope().connection
        for agenda in self.agendas.values():
            before = agenda.schedule
            if agenda.follow_rules(connection):
                new, agenda.schedule = agenda.schedule, before
                now_s = self._clock.now_s()
                await self._state.write(partial(agenda.skip, until_s=now_s, why="rules changed"))
                agenda.schedule = new

    def _next(self) -> tuple[Work | None, float | None]:
        """What to do now, or else when to look again. Requests go first, then the jobs in order."""
        if not self._is_on():
            self._forget()
        now_s = self._clock.now_s()
        looks = {name: agenda.look(now_s) for name, agenda in self.agendas.items()}
        wakes: list[float] = []
        for name, agenda in self.agendas.items():
            request = self._mailbox.take(name)
            if request is not None:
                return Work(agenda=agenda, trigger="person", due=looks[name][0], request=request), None
        due_now: list[tuple[float, Work]] = []
        for name, agenda in self.agendas.items():
            due, upcoming_s = looks[name]
            self._listener.next_fire(self._connection, self.channel, name, upcoming_s)
            trouble = self.troubles.now.get(name)
            left_s = 0.0 if trouble is None else trouble.retry_at_s - trio.current_time()
            follows = trouble is None or trouble.on_schedule
            if left_s > GRAIN_S and not (follows and due is not None):
                wakes.append(now_s + left_s)
                if follows and upcoming_s is not None:
                    wakes.append(upcoming_s)
            elif due is not None:
                late = now_s - due.fire.at_s > 60 or due.fires > 1
                work = Work(agenda=agenda, trigger="catch-up" if late else "schedule", due=due)
                due_now.append((due.served_s, work))
            elif trouble is not None and left_s <= GRAIN_S:
                due_now.append((trouble.retry_s, Work(agenda=agenda, trigger="retry")))
            elif upcoming_s is not None:
                wakes.append(upcoming_s)
        if due_now:
            # A job whose runs take longer than its interval must not keep the other from its turn.
            return min(due_now, key=lambda one: one[0])[1], None
        return None, min(wakes, default=None)

    async def _sleep(self, until_s: float | None) -> None:
        if until_s is None:
            await self._mailbox.wait()
            return
        with trio.move_on_after(max(0.0, until_s - self._clock.now_s())):
            await self._mailbox.wait()

    # ---- one run

    async def _perform(self, work: Work) -> None:
        self._taken = work.request
        try:
            async with self._gate:
                if self._is_on():
                    await self._execute(work)
        finally:
            self._taken = None

    async def _execute(self, work: Work) -> None:
        job = work.agenda.job
        scope = self._scope()
        run_id = scope.ids.new() if work.request is None else work.request.run
        record = work.record(run_id, self._clock.now_s())
        await self._state.write(partial(work.begin, record=record))
        self._taken = None
        self._listener.run_began(self._connection, self.channel, record)
        self.running = Run(
            scope, run_id=record.id, priority=job.priority, agreed=work.agreed, progress=self._listener
        )
        if self._stopping or not self._is_on():  # since it began: nobody could ask it to end until now
            self.running.stop()
        ended = msgspec.structs.replace(record, result="crashed", error="a fault in dropstreamd")
        try:
            ended = await self._outcome(self.running, job, record)
        except trio.Cancelled:
            ended = msgspec.structs.replace(record, result="stopped", error="cut off by the daemon's end")
            raise
        finally:
            counts = dict(self.running.counts)
            self.running = None
            ended = msgspec.structs.replace(ended, counts=counts, ended_s=self._clock.now_s())
            # A write that was submitted is awaited beyond the deadline; where the state has failed,
            # nobody takes it, and this must not keep the process from ending.
            with trio.move_on_after(END_DEADLINE_S, shield=True):
                await self._state.write(partial(work.end, record=ended))
            self._listener.run_ended(self._connection, self.channel, ended)

    async def _outcome(self, run: Run, job: Job, record: RunRecord) -> RunRecord:
        """The run's end, with what its failure means for the next one."""
        try:
            start_s = self._state.read(lambda tx: switches.started_s(tx, self._connection, self.channel))
            await run_job(job.execute, run, record.started_s if start_s is None else start_s)
        except RunStopped:
            return msgspec.structs.replace(record, result="stopped")
        except Unfinished as error:
            again_s = self.troubles.unfinished(job.name, error)
            again = utc(again_s).astimezone(run.scope.connection.timezone)
            told = f"{error.message}: looks again at {again:%Y-%m-%d %H:%M %Z}"
            return msgspec.structs.replace(record, result="unfinished", error=told, remedy=error.remedy)
        except (Hold, Wait) as error:
            self.troubles.failed(job.name, error)
            result = "held" if isinstance(error, Hold) else "failed"
            return msgspec.structs.replace(record, result=result, error=error.message, remedy=error.remedy)
        self.troubles.now.pop(job.name, None)
        return msgspec.structs.replace(record, result="done")
