"""One document on its way into a sink, as the daemon takes it there: prepared, pushed, recovered."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import trio

from dropstreamd.clock import utc
from dropstreamd.errors import DropstreamError, OutcomeUnknown
from dropstreamd.model.handover import (
    Accepted,
    InDoubt,
    Item,
    Outcome,
    Preparation,
    Prepared,
    Rejected,
    Stamp,
    Untouched,
    Writes,
)
from dropstreamd.platform.contract import Part, Sink
from dropstreamd.testing.daemon import Killed, Steps
from dropstreamd.testing.rig import SinkBench
from dropstreamd.testing.stand import ContractBroken, Stand, broken, require, told, within

STAMP_NUMBERS = 1_000
"""Control numbers that one stamp has for itself."""
FIRST_STAMP = Stamp(attempt="CONTRACT0", at=utc(1_800_000_000))


def stamp(number: int) -> Stamp:
    """One for each attempt; the same number gives the same. Its control numbers are no other's."""
    at = FIRST_STAMP.at + timedelta(seconds=number)
    return Stamp(attempt=f"CONTRACT{number}", at=at, number=1 + STAMP_NUMBERS * number)


class Lost(msgspec.Struct, frozen=True):
    """What a push came to is not known."""


class Attempt:
    """An attempt to hand over one document. For an amendment `before` is what was handed over."""

    def __init__(
        self, stand: Stand, part: Part, item: Item[Any], number: int, *, before: Item[Any] | None = None
    ) -> None:
        self.stand = stand
        self.part = part
        self.item = item
        self.number = number
        self.before = before
        self.prepared: Prepared | None = None
        self.writes: Writes | None = None
        self.struck = False
        self.error: DropstreamError | None = None

    async def push(
        self,
        steps: Steps,
        *,
        cut_at: int = 0,
        cancel_at: int = 0,
        strike: Callable[[], None] | None = None,
    ) -> Outcome | Lost:
        """Push it in a session of its own that has been used before, with one fault at most: `strike` sets
        one of the proxy's. Errors mean what the contract says that they mean; the last one is kept."""
        try:
            async with self.stand.session() as session:
                await self.stand.findings(session, write=False)
                sink: Sink[Any] = getattr(session, self.part.attribute)
                self.writes = sink.writes
                if self.prepared is None:
                    self.prepared = self._prepare(sink)
                if cut_at:
                    self.stand.proxy.cut(at=cut_at)
                if strike is not None:
                    strike()
                if cancel_at:
                    outcome = await self._cancelled(sink, steps, cancel_at)
                else:
                    outcome = await self._pushed(sink, steps)
                self.struck = self.stand.proxy.struck.is_set()
                self.stand.proxy.mend()
        except Killed:
            return Lost()
        return outcome

    async def recover(self, steps: Steps) -> Outcome | Lost:
        """Ask what became of it, as late as the daemon may."""
        await self._late()
        require(self.prepared is not None, "nothing was prepared")
        try:
            async with self.stand.session() as session:
                sink: Sink[Any] = getattr(session, self.part.attribute)
                found = await within("recover", sink.recover(self._frozen(), steps.step, steps))
                return self._only(found)
        except Killed:
            return Lost()
        except DropstreamError as error:
            raise ContractBroken(f"recover raises {told(error)}, with nothing in its way") from error

    async def settle(self, outcome: Outcome | Lost, steps: Steps) -> None:
        """Bring it to its end, and require that it had its effect once: recovered or repeated where it
        is not known, pushed again where it was untouched."""
        writes = self._declared()
        self.stand.disturbed += self.struck
        if isinstance(outcome, Lost):
            await self._late()
            if writes.repeat == "never":
                self.stand.doubted += 1
                require(len(await self.effects()) <= 1, "a write had more than one effect")
                return
            if writes.repeat == "key":
                outcome = await self.push(Steps())
            else:
                outcome = await self.recover(Steps(step=steps.step))
        await self.judge(outcome)
        if isinstance(outcome, Untouched):
            again = Attempt(self.stand, self.part, self.item, self.number + 1, before=self.before)
            await again.judge(await again.push(Steps()), accepted=True)

    async def judge(self, outcome: Outcome | Lost, *, accepted: bool = False) -> None:
        """Hold an outcome against what is in the counterpart."""
        effects = await self.effects()
        match outcome:
            case Accepted():
                require(effects == ["whole"], f"Accepted, and its effects in the counterpart are {effects}")
            case Untouched() if not accepted and self.before is not None:
                stands = list(await self._bench.effects(self.before))
                require(
                    stands == ["whole"],
                    f"Untouched, and the effects of what was to be amended are {stands}",
                )
            case Untouched() if not accepted:
                once_only = self.part is not Part.INVENTORY
                require(not (once_only and effects), f"Untouched, and its effects are {effects}")
            case Rejected():
                broken(f"a good document is rejected: {outcome.reason}")
            case InDoubt():
                broken(f"a document is in doubt that need not be: {outcome.why}")
            case _:
                broken(f"a push with nothing in its way comes to {outcome}")

    async def effects(self) -> list[str]:
        """What it came to."""
        return list(await self._bench.effects(self.item))

    @property
    def _bench(self) -> SinkBench[Any]:
        bench: SinkBench[Any] = self.stand.bench(self.part)
        return bench

    async def _pushed(self, sink: Sink[Any], steps: Steps) -> Outcome | Lost:
        try:
            found = await within("push", sink.push(self._frozen(), steps))
        except OutcomeUnknown as error:
            self.error = error
            self.stand.see("an error", str(error))
            return Lost()
        except DropstreamError as error:
            self.error = error
            # It says that the write had no effect.
            self.stand.see("an error", str(error))
            await self.stand.proxy.settled()
            return Untouched(key=self.item.key)
        return self._only(found)

    async def _cancelled(self, sink: Sink[Any], steps: Steps, at: int) -> Outcome | Lost:
        """Pushed, and cancelled as soon as the counterpart's or our step `at` is held back."""
        with trio.CancelScope() as scope:
            self.stand.proxy.hold(at=at, then=scope.cancel)
            return await self._pushed(sink, steps)
        return Lost()

    def _prepare(self, sink: Sink[Any]) -> Prepared:
        found: Preparation = sink.prepare([self.item], stamp(self.number))
        require(
            len(found.prepared) == 1 and not found.rejected,
            f"one good document is prepared as {len(found.prepared)} and rejected as {len(found.rejected)}",
        )
        return found.prepared[0]

    def _frozen(self) -> Prepared:
        """As it comes back from the state: equal, and another object."""
        if self.prepared is None:
            raise AssertionError("it was not prepared")
        return msgspec.msgpack.decode(msgspec.msgpack.encode(self.prepared), type=Prepared)

    def _only(self, found: Any) -> Outcome:
        require(len(found) == 1, f"one document has {len(found)} outcomes")
        require(found[0].key == self.item.key, "the outcome bears another key than the document")
        for name in ("reason", "why", "cause"):
            self.stand.see("an outcome", str(getattr(found[0], name, "")))
        outcome: Outcome = found[0]
        return outcome

    def _declared(self) -> Writes:
        if self.writes is None:
            raise AssertionError("it was not pushed")
        return self.writes

    async def _late(self) -> None:
        """As late as the sink says that an abandoned request may still act."""
        self.stand.proxy.mend()
        await within("what was abandoned", self.stand.proxy.settled())
        self.stand.pass_time(self._declared().visible_after_s)
