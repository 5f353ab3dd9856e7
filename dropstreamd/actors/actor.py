"""One channel of one connection: sleeps until its next fire or a message, and does one run at a time."""

import random
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Protocol

import msgspec
import trio

from dropstreamd.actors.agenda import Agenda, Due
from dropstreamd.actors.backoff import HOLD, WAIT
from dropstreamd.actors.mailbox import Mailbox, Request
from dropstreamd.channels.jobs import Execute, Job
from dropstreamd.channels.older import Agreed
from dropstreamd.channels.run import Run, RunStopped, Scope
from dropstreamd.clock import Clock
from dropstreamd.errors import DropstreamError, Hold, RateLimited, Wait
from dropstreamd.store import runs, switches
from dropstreamd.store.base import Store, Writer
from dropstreamd.store.runs import Line, RunRecord, Trigger

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


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """One run to do now."""

    agenda: Agenda
    trigger: Trigger
    due: Due | None = None
    request: Request | None = None


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """A job's failures in a row. Not before `retry_s` is it tried again.

    `retry_at_s` is that instant by trio's clock, which nobody sets: it decides.
    """

    failures: int
    retry_s: float
    retry_at_s: float
    error: str
    remedy: str
    held: bool


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
        self._rng = rng
        self._mailbox = Mailbox()
        connection = scope().connection
        self._connection = connection.id
        self.agendas = {job.name: Agenda(connection, job, state) for job in jobs}
        self.trouble: dict[str, Trouble] = {}
        self.running: Run | None = None
        self._taken: Request | None = None
        self._edited = False
        self._stopping = False

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
        held = {job: trouble for job, trouble in self.trouble.items() if trouble.held}
        for job, trouble in held.items():
            self.trouble[job] = msgspec.structs.replace(
                trouble, retry_s=self._clock.now_s(), retry_at_s=trio.current_time()
            )
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
        self.trouble.clear()

    def clock_stepped(self) -> None:
        """The wall clock was set: what was slept for may be another time now."""
        latest_s = self._clock.now_s() + HOLD.cap_s
        for job, trouble in self.trouble.items():
            self.trouble[job] = msgspec.structs.replace(trouble, retry_s=min(trouble.retry_s, latest_s))
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
                self._fail(record.job, WAIT.first_s, record.error, "", held=False, failures=0)

    async def _take_over(self) -> None:
        self._edited = False
        connection = self._scope().connection
        for agenda in self.agendas.values():
            before = agenda.schedule
            if agenda.follow_rules(connection):
                new, agenda.schedule = agenda.schedule, before
                await agenda.skip(self._clock.now_s(), "rules changed")
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
            trouble = self.trouble.get(name)
            left_s = 0.0 if trouble is None else trouble.retry_at_s - trio.current_time()
            if left_s > GRAIN_S:
                wakes.append(now_s + left_s)
            elif due is not None:
                late = now_s - due.fire.at_s > 60 or due.fires > 1
                work = Work(agenda=agenda, trigger="catch-up" if late else "schedule", due=due)
                due_now.append((due.served_s, work))
            elif trouble is not None:
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
        job, request = work.agenda.job, work.request
        scope = self._scope()
        now_s = self._clock.now_s()
        record = RunRecord(
            id=scope.ids.new() if request is None else request.run,
            job=job.name,
            trigger=work.trigger,
            started_s=now_s,
            fires=work.due.fires if work.due else 0,
            late_s=max(0.0, now_s - work.due.fire.at_s) if work.due else 0.0,
            since_s=request.agreed.since.timestamp() if request and request.agreed else None,
            who=request.who if request else "",
        )
        await self._state.write(partial(self._begin, work=work, record=record))
        self._taken = None
        self._listener.run_began(self._connection, self.channel, record)
        agreed = None if request is None else request.agreed
        self.running = Run(
            scope, run_id=record.id, priority=job.priority, agreed=agreed, progress=self._listener
        )
        if self._stopping:
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
                await self._state.write(partial(self._end, agenda=work.agenda, record=ended))
            self._listener.run_ended(self._connection, self.channel, ended)

    def _begin(self, tx: Writer, work: Work, record: RunRecord) -> None:
        runs.put(tx, self._connection, self.channel, record)
        if work.due is not None:
            work.agenda.run_began(tx, work.due)
        for merged in work.request.merged if work.request else ():
            alias = RunRecord(
                id=merged,
                job=record.job,
                trigger="person",
                started_s=record.started_s,
                ended_s=record.started_s,
                result="merged",
                into=record.id,
            )
            runs.put(tx, self._connection, self.channel, alias)

    def _end(self, tx: Writer, agenda: Agenda, record: RunRecord) -> None:
        runs.put(tx, self._connection, self.channel, record)
        if record.result == "done":
            agenda.succeeded(tx, record.ended_s)
        line = Line(
            at_s=record.ended_s,
            event=f"run {record.result}",
            text=record.error or _summary(record),
            channel=f"{self.channel}.{record.job}",
            run=record.id,
            who=record.who,
        )
        runs.log(tx, self._connection, line)

    async def _outcome(self, run: Run, job: Job, record: RunRecord) -> RunRecord:
        """The run's end, with what its failure means for the next one."""
        try:
            start_s = self._state.read(lambda tx: switches.started_s(tx, self._connection, self.channel))
            await _ours(job.execute, run, record.started_s if start_s is None else start_s)
        except RunStopped:
            return msgspec.structs.replace(record, result="stopped")
        except Hold as error:
            wait_s = HOLD.wait_s(self._failures(job.name) + 1, self._rng)
            self._fail(job.name, wait_s, error.message, error.remedy, held=True)
            return msgspec.structs.replace(record, result="held", error=error.message, remedy=error.remedy)
        except Wait as error:
            wait_s = WAIT.wait_s(self._failures(job.name) + 1, self._rng)
            if isinstance(error, RateLimited):
                wait_s = max(wait_s, error.retry_after_s)
            self._fail(job.name, wait_s, error.message, error.remedy, held=False)
            return msgspec.structs.replace(record, result="failed", error=error.message, remedy=error.remedy)
        self.trouble.pop(job.name, None)
        return msgspec.structs.replace(record, result="done")

    def _failures(self, job: str) -> int:
        trouble = self.trouble.get(job)
        return 0 if trouble is None else trouble.failures

    def _fail(
        self, job: str, wait_s: float, error: str, remedy: str, *, held: bool, failures: int | None = None
    ) -> None:
        self.trouble[job] = Trouble(
            failures=self._failures(job) + 1 if failures is None else failures,
            retry_s=self._clock.now_s() + wait_s,
            retry_at_s=trio.current_time() + wait_s,
            error=error,
            remedy=remedy,
            held=held,
        )


def _summary(record: RunRecord) -> str:
    return ", ".join(f"{total} {what.replace('_', ' ')}" for what, total in record.counts.items())


async def _ours(execute: Execute, run: Run, start_s: float) -> None:
    """Run the job; an exception group that holds one of our errors, or a stop, is that alone.

    A library that opens a nursery wraps what is raised inside it. Of a group that holds a bug too,
    the bug passes, alone: beside a stop, which is no `Exception`, no supervisor would catch it.
    """
    try:
        await execute(run, start_s)
    except BaseExceptionGroup as group:
        known, rest = group.split((DropstreamError, RunStopped))
        if known is None:
            raise
        raise (_worst(known) if rest is None else rest) from group


def _worst(group: BaseExceptionGroup[BaseException]) -> BaseException:
    leaves: list[BaseException] = []
    todo: list[BaseException] = [group]
    while todo:
        one = todo.pop()
        if isinstance(one, BaseExceptionGroup):
            todo.extend(one.exceptions)
        else:
            leaves.append(one)
    return max(leaves, key=lambda one: (isinstance(one, Hold), isinstance(one, DropstreamError)))
