"""The ledger as an executable model: in-memory tables that survive a crash, one algorithm for all flows.

Every public operation of `Ledger` is one transaction: it happens whole or not at all, and a crash may
fall directly before or after it. What a process knows beyond `Tables` is lost with it. The rules that
the algorithm turned out to need are named R1, R2 … where they stand; each says what fails without it.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from msgspec.structs import replace

from tests.model.tables import (
    CANCELLED,
    Abilities,
    Attempt,
    Cursor,
    Document,
    Item,
    Kind,
    Outcome,
    Row,
    Step,
    Tables,
    Verb,
    digest,
    owed,
    owner,
)

T = TypeVar("T")


class Ledger:
    """The transactions. `point` is called on both sides of each commit, where a crash may fall."""

    def __init__(
        self,
        tables: Tables,
        abilities: Abilities,
        *,
        now: Callable[[], int],
        point: Callable[[str], None],
        boot: int,
        epoch: str = "e0",
    ) -> None:
        self.tables = tables
        self.abilities = abilities
        self._now = now
        self._point = point
        self._boot = boot
        self._epoch = epoch

    # --- inwards ---------------------------------------------------------------------------------

    def stage(self, rows: Iterable[Row], cursor: Cursor) -> None:
        """Take a page and move the cursor with it.

        R4: a version older than the known one is dropped (overlap, replicas and redelivery bring stale
        states back). R5: a newer version that cannot be decoded holds its document, whose older
        revision must not go out: the unread change may be its cancellation.
        """

        def work(t: Tables) -> None:
            for row in rows:
                self._stage_row(t, row)
            t.cursor = cursor

        self._write("stage", work)

    def _stage_row(self, t: Tables, row: Row) -> None:
        known = t.documents.get(row.key)
        if row.version < max(known.version if known else 0, t.unready.get(row.key, 0)):
            return
        if not row.readable:
            t.unready[row.key] = row.version
        else:
            t.unready.pop(row.key, None)
            desired = CANCELLED if row.content is None else digest(row.content)
            document = known or Document(key=row.key, kind=row.kind, version=row.version)
            if known is None or desired != document.desired:
                document = replace(
                    document, revision=document.revision + 1, desired=desired, content=row.content
                )
                t.parked.pop(row.key, None)  # the change may have removed the cause
            t.documents[row.key] = replace(document, version=row.version)
        _place(t, row.key, self.abilities)

    # --- outwards --------------------------------------------------------------------------------

    def open(
        self, limit: int, unresolved: Callable[[str], str | None], *, marker: str | None = None
    ) -> Attempt | None:
        """Freeze the next pending documents (of one verb) in an attempt; park those that do not resolve.

        R6: the payload itself is frozen, not only its digest: the document may have a newer revision when
        the attempt is repeated. R7: idempotency key and name belong to the attempt and bear the epoch of
        the state: a refusal may be cached under an old key, A→B→A would replay an old answer, and a
        restored counter would reuse names. The reference belongs to the document and stays.
        """

        def work(t: Tables) -> Attempt | None:
            items: list[Item] = []
            t.last_id += 1
            for key in list(t.pending):
                document = t.documents[key]
                verb = owed(document)
                assert verb is not None
                if self._too_early(document) or (items and (document.solo or verb != items[0].verb)):
                    continue
                if (cause := unresolved(key)) and verb is not Verb.CANCEL:
                    t.parked[key] = cause
                    _place(t, key, self.abilities)
                    continue
                reference = f"R{key}"
                items.append(
                    Item(
                        key=key,
                        kind=document.kind,
                        verb=verb,
                        revision=document.revision,
                        digest=document.desired,
                        payload=document.content or "",
                        once=f"{self._epoch}-{t.last_id}-{key}",
                        reference=reference,
                    )
                )
                t.links[reference] = key
                if document.solo or len(items) >= min(limit, self.abilities.batch):
                    break
            for item in items:
                del t.pending[item.key]
            if not items:
                return None
            attempt = Attempt(
                id=t.last_id,
                name=f"ord_{self._epoch}_{t.last_id}",
                items=tuple(items),
                opened_at=self._now(),
                boot=self._boot,
                marker=marker,
            )
            t.attempts[attempt.id] = attempt
            return attempt

        return self._write("open", work)

    def _too_early(self, document: Document) -> bool:
        """R8, second half: the closing push of an unsure level waits until nothing can overwrite it."""
        return document.early == document.desired and self._now() < document.unsure_until

    def record(self, attempt: Attempt, step: Step, *, part_at: int | None = None) -> Attempt | None:
        """Make a step of an attempt durable. None: refused, withdraw instead.

        `part_at` is the time *before* the upload began: its age must never read younger than the file's.

        R9: `renaming` is refused, in the same transaction, when a document of the attempt has changed
        or was cancelled since; this closes the race between a cancellation and the hand-over.
        """

        def work(t: Tables) -> Attempt | None:
            current = t.attempts[attempt.id]
            if step is Step.RENAMING and any(
                item.digest != t.documents[item.key].desired or item.key in t.unready
                for item in current.items
            ):
                return None
            since = current.part_at if part_at is None else part_at
            t.attempts[attempt.id] = replace(current, step=step, part_at=since)
            return t.attempts[attempt.id]

        return self._write(f"record {step}", work)

    def unsure(self, attempt: Attempt) -> Attempt:
        """Note that a push of `attempt` got no answer, or that its process died.

        R10: the time until "not found" counts runs from here, the last moment at which a request could
        have left, not from the open. It is durable, or a crash loop would restart it for ever; nothing
        may push a noted attempt save under its idempotency key.
        """

        def work(t: Tables) -> Attempt:
            current = t.attempts[attempt.id]
            if current.unsure_since is None:
                t.attempts[attempt.id] = replace(current, unsure_since=self._now())
            return t.attempts[attempt.id]

        return self._write("unsure", work)

    def settle(self, attempt: Attempt, outcomes: Mapping[str, Outcome], cause: str = "refused") -> None:
        """Close the named documents of an attempt; the others stay open in it (R11: per document, since
        a bulk answer may be cut off). The attempt ends with its last document."""

        def work(t: Tables) -> None:
            current = t.attempts.get(attempt.id)
            if current is None:
                return
            rest = tuple(item for item in current.items if item.key not in outcomes)
            if rest:
                t.attempts[current.id] = replace(current, items=rest)
            else:
                del t.attempts[current.id]
            for item in current.items:
                if item.key in outcomes:
                    self._conclude(t, item, current, outcomes[item.key], cause)

        self._write("settle", work)

    def _conclude(self, t: Tables, item: Item, attempt: Attempt, outcome: Outcome, cause: str) -> None:
        document = t.documents[item.key]
        if item.kind is Kind.LEVEL:
            document = self._level(document, item, attempt, outcome)
        elif outcome is Outcome.ACCEPTED:
            document = replace(document, handed=True, shown=item.digest)
        elif outcome is Outcome.UNKNOWABLE:
            t.doubts[item.key] = (item, attempt)
        if outcome is Outcome.REFUSED_WHOLE and len(attempt.items) > 1:
            # R12: one bad document must not park its neighbours: each is tried alone.
            document = replace(document, solo=True)
        elif outcome in (Outcome.REFUSED, Outcome.REFUSED_WHOLE) and item.revision == document.revision:
            if item.verb in (Verb.AMEND, Verb.CANCEL):
                # R13: a refused amendment ("already shipped") is a person's: waiting will not mend it.
                t.tasks[item.key] = document.revision
            else:
                t.parked[item.key] = cause
        elif outcome is Outcome.ACCEPTED:
            document = replace(document, solo=False)
        t.documents[item.key] = document
        _place(t, item.key, self.abilities)

    def _level(self, document: Document, item: Item, attempt: Attempt, outcome: Outcome) -> Document:
        """R8: an unanswered push may land after a later one. So what the store shows stays unknown, though
        levels go on being pushed, until one opened after `visible_after_s` is accepted."""
        if outcome is Outcome.ACCEPTED:
            if attempt.opened_at >= document.unsure_until:
                return replace(document, shown=item.digest, early=None)
            return replace(document, shown=None, early=item.digest)
        if outcome in (Outcome.UNKNOWABLE, Outcome.ABSENT):
            until = self._now() + self.abilities.visible_after_s
            return replace(document, shown=None, early=None, unsure_until=until)
        return document

    # --- people and evidence ---------------------------------------------------------------------

    def release(self, cause: str) -> None:
        """Everything parked for `cause` is pending again, from what is kept."""

        def work(t: Tables) -> None:
            for key in [key for key, found in t.parked.items() if found == cause]:
                del t.parked[key]
                _place(t, key, self.abilities)

        self._write("release", work)

    def resolve(self, key: str, *, arrived: bool) -> None:
        """A person says what became of a document in doubt."""
        self._write("resolve", lambda t: self._close_doubt(t, key, arrived=arrived))

    def _close_doubt(self, t: Tables, key: str, *, arrived: bool) -> None:
        item, attempt = t.doubts.pop(key)
        outcome = Outcome.ACCEPTED if arrived else Outcome.ABSENT
        self._conclude(t, item, attempt, outcome, "")

    def witness(self, reference: str) -> None:
        """R14: a shipment, receipt or acknowledgement that bears our reference proves the hand-over: it
        settles the open or doubtful creation of that document, and of all that went in the same file."""

        def work(t: Tables) -> None:
            key = t.links[reference]
            attempt = t.doubts[key][1] if key in t.doubts else t.busy().get(key)
            if attempt is None or attempt.items[0].verb is not Verb.CREATE:
                return
            proven = [item for item in attempt.items if item.key == key or attempt.marker is not None]
            rest = tuple(item for item in attempt.items if item not in proven)
            if t.attempts.pop(attempt.id, None) and rest:
                t.attempts[attempt.id] = replace(attempt, items=rest)
            for item in proven:
                t.doubts.pop(item.key, None)
                self._conclude(t, item, attempt, Outcome.ACCEPTED, "")

        self._write("witness", work)

    def done(self, key: str, revision: int) -> bool:
        """A person has told the other side of `revision`. False: there is a newer one, look again (R15:
        a task is closed only by a person and only for the revision shown, never because the document
        changed back: the other side may have been told already)."""

        def work(t: Tables) -> bool:
            document = t.documents[key]
            if t.tasks.get(key) != revision or document.revision != revision:
                return False
            del t.tasks[key]
            t.documents[key] = replace(document, shown=document.desired)
            _place(t, key, self.abilities)
            return True

        return self._write("done", work)

    def purge(self, key: str) -> bool:
        """Drop the content of a closed act. R16: key, version and digest stay, or the next touch of an old
        order in the store would read as a change, or as a new order."""

        def work(t: Tables) -> bool:
            if owner(t, key) is not None:
                return False
            t.documents[key] = replace(t.documents[key], content=None)
            return True

        return self._write("purge", work)

    def _write(self, label: str, work: Callable[[Tables], T]) -> T:
        self._point(f"before {label}")
        fork = self.tables.fork()
        result = work(fork)
        for name in fork.__struct_fields__:  # the caller's tables are the disk: changed in place, at once
            setattr(self.tables, name, getattr(fork, name))
        self._point(f"after {label}")
        return result


def _place(t: Tables, key: str, abilities: Abilities) -> None:
    """Give a document its one owner after whatever happened to it.

    R17: called at the end of every transaction for each document touched, so that "accepted" of an older
    revision never clears a newer one, and a change while an attempt is open or in doubt waits for it.
    """
    t.pending.pop(key, None)
    if key in t.busy() or key in t.doubts or key in t.unready:
        return
    document = t.documents[key]
    if key in t.tasks:
        t.tasks[key] = document.revision
        t.parked.pop(key, None)
        return
    verb = owed(document)
    if verb is None:
        t.parked.pop(key, None)
        return
    able = {Verb.AMEND: abilities.amends, Verb.CANCEL: abilities.cancels}.get(verb, True)
    if not able or (verb is Verb.AMEND and document.shown == CANCELLED):
        # An act cancelled at the sink is not created again under its key: a person decides.
        t.tasks[key] = document.revision
        t.parked.pop(key, None)
    elif key not in t.parked:
        t.pending[key] = None
