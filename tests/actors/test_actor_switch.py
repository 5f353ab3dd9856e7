"""A switch that is turned off while a run of its actor begins."""

from collections.abc import Callable
from typing import TypeVar

import trio
from trio.testing import MockClock

from dropstreamd.channels.run import Run
from dropstreamd.store.base import Writer
from dropstreamd.store.lmdb_store import InlineStore
from tests.actors.around import Around
from tests.actors.rig import Rig, at

T = TypeVar("T")


class Slow(Around):
    """A state whose writes take a while to be known, as where many are under way."""

    takes_s = 0.0

    async def write(self, fn: Callable[[Writer], T]) -> T:
        takes_s = self.takes_s
        done = await super().write(fn)
        await trio.sleep(takes_s)
        return done


async def test_a_run_that_begins_as_it_is_disabled_hands_nothing_over(
    state: InlineStore, autojump_clock: MockClock
) -> None:
    """`disable` has answered, and nothing of the connection is to go any more."""
    handed: list[float] = []

    async def hand_over(run: Run) -> None:
        for _ in range(10):
            await run.settled()
            handed.append(trio.current_time())

    slow = Slow(state)
    rig = Rig(slow)
    rig.does = hand_over
    await rig.enable()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(rig.actor.run)
        await trio.sleep(at(0, 59))
        slow.takes_s = 1.0  # the run is due at 10:00
        await trio.sleep(at(0, 1) + 0.5)
        slow.takes_s = 0.0
        await rig.switch(on=False)
        await trio.sleep(60)
        rig.actor.stop()
    assert not handed
