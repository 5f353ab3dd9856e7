"""A platform that takes documents: it remembers what it did, as the real ones do, and can be hostile.

It outlives the daemon: a session is nothing but another look at the same object.
"""

from collections import Counter, deque
from collections.abc import Sequence
from enum import Enum, auto
from typing import Generic, TypeVar

import msgspec
import trio

from dropstreamd.clock import Clock
from dropstreamd.errors import Misconfigured, OutcomeUnknown, RateLimited
from dropstreamd.model.handover import (
    Accepted,
    Item,
    Outcome,
    Preparation,
    Prepared,
    Rejected,
    Stamp,
    Untouched,
    Withdrawn,
    Writes,
)
from dropstreamd.platform.contract import Record
from tests.fakes.points import Points

T = TypeVar("T")


class Fault(Enum):
    """What a push meets."""

    NONE = auto()
    WAIT = auto()
    """Turned away before anything was applied."""
    HOLD = auto()
    LOST_BEFORE = auto()
    """No answer, and it was not applied."""
    LOST_AFTER = auto()
    """No answer, though it was applied."""
    LATE = auto()
    """No answer; applied only `visible_after_s` later."""
    BUG_BEFORE = auto()
    BUG_AFTER = auto()
    HANG = auto()
    """Applied, and then nothing comes for ever."""
    SILENT = auto()
    """Applied, and the answer names no key."""


class Effect(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """One document that was taken: a new one, or where `remote` is set a change or the end of that one."""

    key: str
    document: T
    remote: str | None
    name: str
    at_s: float
    cancel: bool = False


class Bug(Exception):
    """A fault of a plugin: none of our errors."""


class FakeSink(Generic[T]):
    """See `contract.Sink`. `steps`: it works as a folder does, in recorded steps, one of which asks
    right before the effect whether the write is still wanted."""

    def __init__(
        self, kind: type[T], writes: Writes, clock: Clock, points: Points, *, steps: bool = False
    ) -> None:
        self.writes = writes
        self.faults: deque[Fault] = deque()
        self.refuse: dict[str, str] = {}
        self.unprepared: dict[str, str] = {}
        self.fails: dict[str, Exception] = {}
        self.hangs: set[str] = set()
        self.whole_file = True
        self.answers_cancels = True
        self.effects: list[Effect[T]] = []
        self.pushed: list[str] = []
        self._decode = msgspec.msgpack.Decoder(list[Item[kind]])  # type: ignore[valid-type]
        self._clock = clock
        self._points = points
        self._steps = steps
        self._seen: dict[str, tuple[float, list[Outcome]]] = {}
        self._late: list[tuple[float, Prepared]] = []

    # ---- what tests ask

    def created(self) -> Counter[str]:
        """How often each key was taken as a new document."""
        self._land()
        return Counter(effect.key for effect in self.effects if effect.remote is None)

    def newest(self) -> dict[str, T]:
        """What the platform has of each key."""
        self._land()
        return {effect.key: effect.document for effect in self.effects if not effect.cancel}

    def stopped(self) -> Counter[str]:
        """How often each key was told to be stopped."""
        self._land()
        return Counter(effect.key for effect in self.effects if effect.cancel)

    # ---- the contract

    def prepare(self, items: Sequence[Item[T]], stamp: Stamp) -> Preparation:
        refused = [item for item in items if item.key in self.unprepared]
        good = [item for item in items if item.key not in self.unprepared]
        files = [good] if self.whole_file else [[item] for item in good]
        return Preparation(
            prepared=tuple(
                Prepared(
                    name=f"out-{stamp.attempt}-{number}",
                    keys=tuple(item.key for item in file),
                    payload=msgspec.msgpack.encode(file),
                )
                for number, file in enumerate(files)
                if file
            ),
            rejected=tuple(
                Rejected(key=item.key, cause=self.unprepared[item.key], reason="it cannot be written")
                for item in refused
            ),
        )

    async def push(self, prepared: Prepared, record: Record) -> Sequence[Outcome]:
        self._land()
        assert len(prepared.keys) <= self.writes.batch
        self.pushed.append(prepared.name)
        fault = self.faults.popleft() if self.faults else Fault.NONE
        self._points.reach("before request")
        await trio.lowlevel.checkpoint()
        await self._fail(prepared)
        match fault:
            case Fault.WAIT:
                raise RateLimited("too many calls", retry_after_s=5.0)
            case Fault.HOLD:
                raise Misconfigured("the folder is gone", remedy="make it")
            case Fault.LOST_BEFORE:
                raise OutcomeUnknown("the answer was lost")
            case Fault.LATE:
                self._late.append((self._clock.now_s() + self.writes.visible_after_s, prepared))
                raise OutcomeUnknown("the answer was lost")
            case Fault.BUG_BEFORE:
                raise Bug
        if self._steps and not await self._wanted(record):
            return [Untouched(key=key) for key in prepared.keys]
        outcomes = self._apply(prepared)
        if self._steps:
            await record("sent")
        self._points.reach("after request")
        await trio.lowlevel.checkpoint()
        match fault:
            case Fault.LOST_AFTER:
                raise OutcomeUnknown("the answer was lost")
            case Fault.BUG_AFTER:
                raise Bug
            case Fault.HANG:
                await trio.sleep_forever()
            case Fault.SILENT:
                return []
        return outcomes

    async def recover(self, prepared: Prepared, step: str, record: Record) -> Sequence[Outcome]:
        assert self.writes.repeat == "lookup"
        self._land()
        self._points.reach("before look-up")
        await trio.lowlevel.checkpoint()
        await self._fail(prepared)
        _, found = self._seen.get(prepared.name, (0.0, []))
        named = {outcome.key: outcome for outcome in found}
        return [named.get(key) or Untouched(key=key) for key in prepared.keys]

    async def _fail(self, prepared: Prepared) -> None:
        for key in prepared.keys:
            if key in self.hangs:
                await trio.sleep_forever()
            if key in self.fails:
                raise self.fails[key]

    async def _wanted(self, record: Record) -> bool:
        await record("uploaded")
        try:
            await record("renaming", if_wanted=True)
        except Withdrawn:
            await record("withdrawing")
            return False
        return True

    # ---- what the platform does

    def _land(self) -> None:
        """Requests that were given up long ago act at last."""
        now_s = self._clock.now_s()
        due = [one for one in self._late if one[0] <= now_s]
        self._late = [one for one in self._late if one[0] > now_s]
        for _, prepared in due:
            self._apply(prepared)

    def _apply(self, prepared: Prepared) -> list[Outcome]:
        now_s = self._clock.now_s()
        if self.writes.repeat == "key" and prepared.name in self._seen:
            first_s, outcomes = self._seen[prepared.name]
            if now_s <= first_s + self.writes.retention_s:
                return outcomes
        outcomes = [self._take(item, prepared.name, now_s) for item in self._decode.decode(prepared.payload)]
        self._seen[prepared.name] = (now_s, outcomes)
        return outcomes

    def _take(self, item: Item[T], name: str, now_s: float) -> Outcome:
        if item.key in self.refuse:
            return Rejected(key=item.key, cause=self.refuse[item.key], reason="it is not taken")
        self.effects.append(
            Effect(
                key=item.key,
                document=item.document,
                remote=item.remote,
                name=name,
                at_s=now_s,
                cancel=item.cancel,
            )
        )
        final = self.answers_cancels or not item.cancel
        return Accepted(key=item.key, remote=item.remote or f"at-{item.key}", final=final)
