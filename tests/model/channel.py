"""The channel's loop over the model: pull, confirm, push, recover. What it knows may vanish at any point."""

from collections.abc import Callable

from tests.model.ledger import Ledger
from tests.model.sinks import ApiSink, Folder, Rename, Source, World, part
from tests.model.tables import Abilities, Attempt, Item, Kind, Outcome, Step

FILES = Abilities(batch=2)


def pull(source: Source, ledger: Ledger, world: World, limit: int = 2) -> bool:
    """One page. True: there was something in it. Confirmed is only what is durable."""
    world.point("before pull")
    rows, cursor = source.pull(ledger.tables.cursor, limit)
    ledger.stage(rows, cursor)
    world.point("before confirm")
    source.confirm(rows)
    world.point("after confirm")
    return bool(rows) if source.queue else cursor.position is not None


class ApiChannel:
    """Pushes to a sink that is called."""

    def __init__(self, world: World, ledger: Ledger, sink: ApiSink, boot: int) -> None:
        self.world, self.ledger, self.sink, self.boot = world, ledger, sink, boot

    def push(self, unresolved: Callable[[str], str | None], limit: int = 3) -> bool:
        attempt = self.ledger.open(limit, unresolved)
        if attempt is not None:
            self._send(attempt)
        return attempt is not None

    def recover(self) -> None:
        """Resolve what is open. R20: an attempt that must wait keeps only its own documents waiting."""
        for attempt in list(self.ledger.tables.attempts.values()):
            self._resolve(self.ledger.unsure(attempt))

    def _send(self, attempt: Attempt) -> None:
        answers = self.sink.push(attempt.items)
        if answers is None:
            self.ledger.unsure(attempt)
        else:
            self.ledger.settle(attempt, answers)

    def _resolve(self, attempt: Attempt) -> None:
        able, now = self.sink.abilities, self.world.now()
        assert attempt.unsure_since is not None
        if attempt.items[0].kind is Kind.LEVEL:  # the newest goes out anew: nothing old is repeated
            self._settle_all(attempt, Outcome.UNKNOWABLE)
        elif (
            able.retention_s is not None and now + able.visible_after_s < attempt.opened_at + able.retention_s
        ):
            # R21: the repeat must arrive within the retention, counted from the open, for the first send is
            # no earlier; a repeat that may itself be delayed past it would be a second order.
            self._repeat(attempt)
        elif not able.lookup:
            self._settle_all(attempt, Outcome.UNKNOWABLE)
        else:
            waited = now - self._last_leave(attempt) >= able.visible_after_s
            found = {item.key: self._look(item, waited=waited) for item in attempt.items}
            self.ledger.settle(attempt, {key: outcome for key, outcome in found.items() if outcome})

    def _repeat(self, attempt: Attempt) -> None:
        """R28: a repeat that is refused proves nothing of the first send: a platform may validate before it
        looks at the key, and what was valid then (a SKU) may not be now. It is looked up, or in doubt."""
        answers = self.sink.push(attempt.items)
        if answers is None:
            return
        outcomes: dict[str, Outcome] = {}
        for item in attempt.items:
            if answers[item.key] is Outcome.ACCEPTED:
                outcomes[item.key] = Outcome.ACCEPTED
            elif not self.sink.abilities.lookup:
                outcomes[item.key] = Outcome.UNKNOWABLE
            elif found := self._look(item, waited=False):
                outcomes[item.key] = found
        self.ledger.settle(attempt, outcomes)

    def _last_leave(self, attempt: Attempt) -> int:
        """R22: where a key is repeated before it is looked up, the last repeat may have left as late as
        the retention allowed; the wait for "not found" counts from there."""
        able = self.sink.abilities
        assert attempt.unsure_since is not None
        if able.retention_s is None:
            return attempt.unsure_since
        return max(attempt.unsure_since, attempt.opened_at + able.retention_s - able.visible_after_s)

    def _look(self, item: Item, *, waited: bool) -> Outcome | None:
        found = self.sink.find(item)
        if found == item.digest:
            return Outcome.ACCEPTED
        return Outcome.ABSENT if waited else None

    def _settle_all(self, attempt: Attempt, outcome: Outcome) -> None:
        self.ledger.settle(attempt, {item.key: outcome for item in attempt.items})


class FileChannel:
    """Pushes files into a folder: upload to a part, compare, record, rename, record."""

    def __init__(self, world: World, ledger: Ledger, folder: Folder, boot: int, fresh_s: int = 20) -> None:
        self.world, self.ledger, self.folder, self.boot = world, ledger, folder, boot
        self.fresh_s = fresh_s

    def push(self, unresolved: Callable[[str], str | None], limit: int = 3) -> bool:
        """R23: each marker is a new value, and the attempt keeps the one it was opened under: a marker that
        was put again proves nothing about files that were put before it."""
        marker = self.folder.see_marker()
        if marker is None:
            marker = f"m{self.boot}.{self.world.passed}"
            self.folder.put_marker(marker)
        attempt = self.ledger.open(limit, unresolved, marker=marker)
        if attempt is not None:
            self._upload(attempt)
        return attempt is not None

    def recover(self) -> None:
        for attempt in list(self.ledger.tables.attempts.values()):
            resume = {
                Step.OPENED: self._upload,
                Step.UPLOADED: self._uploaded,
                Step.RENAMING: self._renaming,
                Step.SENT: self._sent,
                Step.WITHDRAWING: self._withdrawing,
            }[attempt.step]
            resume(attempt)

    def _upload(self, attempt: Attempt) -> None:
        """The bytes are the attempt's, so that an upload may be repeated over its own remains."""
        began = self.world.now()
        self.folder.write_part(attempt.name, attempt.items)
        if self.folder.size(part(attempt.name)) != len(attempt.items):
            self._settle_all(attempt, Outcome.UNKNOWABLE)  # somebody else took or touched it
            return
        self._rename(self._record(attempt, Step.UPLOADED, part_at=began))

    def _uploaded(self, attempt: Attempt) -> None:
        """R24: a part may have been swept as stale, or be about to: one older than `fresh_s` is written
        again before it is renamed, so that "the part is gone" within that time means "renamed"."""
        size = self.folder.size(part(attempt.name))
        if size is None:
            self._settle_all(attempt, Outcome.UNKNOWABLE)
        elif size != len(attempt.items) or self.world.now() - attempt.part_at >= self.fresh_s:
            self._upload(attempt)
        else:
            self._rename(attempt)

    def _rename(self, attempt: Attempt) -> None:
        renaming = self.ledger.record(attempt, Step.RENAMING)
        if renaming is None:
            self._withdraw(attempt)
        elif self.folder.rename(attempt.name):
            self._sent(self._record(renaming, Step.SENT))
        else:
            self._renaming(renaming)

    def _renaming(self, attempt: Attempt) -> None:
        """R25: NAME counts only in full size: a server that copies may have died with a torn one, and
        deleting the part would then delete the order."""
        whole = len(attempt.items)
        atomic = self.folder.habits.rename is Rename.ATOMIC
        left = self.folder.size(part(attempt.name))
        there = self.folder.size(attempt.name)
        if there == whole:
            if left is not None:
                self.folder.delete(part(attempt.name))
            self._sent(self._record(attempt, Step.SENT))
        elif self.folder.acknowledgement(attempt.name):
            self._sent(self._record(attempt, Step.SENT))
        elif left is not None and atomic:
            # R26: the part alone proves that it was not renamed: back to `uploaded`, recorded, so that a
            # stale part is refreshed and a cancelled order can still be withdrawn.
            self._uploaded(self._record(attempt, Step.UPLOADED))
        elif left is None and there is None and self._proven(attempt):
            self._sent(self._record(attempt, Step.SENT))
        else:
            self._settle_all(attempt, Outcome.UNKNOWABLE)

    def _proven(self, attempt: Attempt) -> bool:
        """R24: the marker proves the folder, not the rename: a part that was old enough to be swept may
        have gone without it."""
        fresh = self.world.now() - attempt.part_at < self.fresh_s
        return fresh and attempt.marker is not None and self.folder.see_marker() == attempt.marker

    def _withdraw(self, attempt: Attempt) -> None:
        """R27: `withdrawing` is recorded first, or our own deletion would read as "the part is gone"."""
        size = self.folder.size(part(attempt.name))
        if size is None:
            self._settle_all(attempt, Outcome.UNKNOWABLE)
            return
        withdrawing = self._record(attempt, Step.WITHDRAWING)
        outcome = Outcome.ABSENT if self.folder.delete(part(attempt.name)) else Outcome.UNKNOWABLE
        self._settle_all(withdrawing, outcome)

    def _withdrawing(self, attempt: Attempt) -> None:
        self.folder.delete(part(attempt.name))
        self._settle_all(attempt, Outcome.ABSENT)

    def _sent(self, attempt: Attempt) -> None:
        self._settle_all(attempt, Outcome.ACCEPTED)

    def _record(self, attempt: Attempt, step: Step, *, part_at: int | None = None) -> Attempt:
        recorded = self.ledger.record(attempt, step, part_at=part_at)
        assert recorded is not None
        return recorded

    def _settle_all(self, attempt: Attempt, outcome: Outcome) -> None:
        self.ledger.settle(attempt, {item.key: outcome for item in attempt.items})
