"""One run to do now, and what the state keeps of its beginning and its end."""

import msgspec

from dropstreamd.actors.agenda import Agenda, Due
from dropstreamd.actors.mailbox import Request
from dropstreamd.channels.older import Agreed
from dropstreamd.model.counts import counts_text
from dropstreamd.store import runs
from dropstreamd.store.base import Writer
from dropstreamd.store.runs import Line, RunRecord, Trigger


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """One run to do now."""

    agenda: Agenda
    trigger: Trigger
    due: Due | None = None
    request: Request | None = None

    @property
    def agreed(self) -> Agreed | None:
        """What people agreed to who asked for it."""
        return None if self.request is None else self.request.agreed

    def record(self, run: str, now_s: float) -> RunRecord:
        """Its record as it begins, under this id."""
        return RunRecord(
            id=run,
            job=self.agenda.job.name,
            trigger=self.trigger,
            started_s=now_s,
            fires=self.due.fires if self.due else 0,
            late_s=max(0.0, now_s - self.due.fire.at_s) if self.due else 0.0,
            since_s=self.agreed.since.timestamp() if self.agreed else None,
            who=self.request.who if self.request else "",
        )

    def begin(self, tx: Writer, record: RunRecord) -> None:
        """Keep that it began, which accounts for its fires and answers all who asked for it."""
        channel = self.agenda.job.channel
        runs.put(tx, self.agenda.connection, channel, record)
        if self.due is not None:
            self.agenda.run_began(tx, self.due)
        for merged in self.request.merged if self.request else ():
            alias = RunRecord(
                id=merged,
                job=record.job,
                trigger="person",
                started_s=record.started_s,
                ended_s=record.started_s,
                result="merged",
                into=record.id,
            )
            runs.put(tx, self.agenda.connection, channel, alias)

    def end(self, tx: Writer, record: RunRecord) -> None:
        """Keep how it ended, and tell it in the connection's activity."""
        channel = self.agenda.job.channel
        runs.put(tx, self.agenda.connection, channel, record)
        if record.result == "done":
            self.agenda.succeeded(tx, record.ended_s)
        counted = counts_text(record.counts)
        told = [record.error or counted or "nothing to do"]
        if record.result == "unfinished" and counted:
            told.insert(0, counted)
        line = Line(
            at_s=record.ended_s,
            event=f"run {record.result}",
            text="; ".join(told),
            channel=f"{channel}.{record.job}",
            run=record.id,
            who=record.who,
        )
        runs.log(tx, self.agenda.connection, line)
