"""Deaths on a plant: before or after any write of the state, any request, any page, any archiving."""

import os
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager

import trio

from dropstreamd.errors import Hold, Wait
from tests.channels.plant import Plant
from tests.fakes.points import Killed
from tests.fakes.sessions import KEY, LOOKUP, NEVER

Step = Callable[[], Awaitable[object]]

MORE = int(os.environ.get("DROPSTREAMD_DEATHS", "1"))
"""How many times as many of the sampled deaths."""

KINDS = {"key": (KEY, False), "lookup": (LOOKUP, False), "steps": (LOOKUP, True), "never": (NEVER, False)}
"""What the sinks promise of a repetition, and whether they record steps."""


class Deaths:
    """Dies at each of these `points` in turn, counted from the death before; or is cancelled there."""

    def __init__(self, plant: Plant, points: list[int], *, cancels: bool) -> None:
        self.plant = plant
        self.points = points
        self.cancels = cancels
        self.died: list[str] = []
        self.unreached = False

    async def outlive(self, steps: Iterable[Step]) -> None:
        """Take every step until it has ended by itself, well."""
        self._arm()
        for step in steps:
            while not await self._done(step):
                self.plant.later(seconds=40)
        self.unreached = self.plant.points.disarm() or bool(self.points)

    @contextmanager
    def told(self) -> Iterator[None]:
        """What does not hold is told with the deaths that led to it."""
        try:
            yield
        except AssertionError as error:
            error.add_note(f"died {self.died}")
            raise

    def _arm(self) -> None:
        self.plant.points.disarm()
        if self.points:
            self.plant.points.arm(self.points[0])

    async def _done(self, step: Step) -> bool:
        points = self.plant.points
        before = len(points.labels)
        with trio.CancelScope() as scope:
            if self.cancels and self.points:
                points._cancel = scope.cancel
            try:
                await step()
            except Killed as killed:
                self._dead(str(killed))
                return False
            except (Wait, Hold):
                return False
        if scope.cancel_called:
            self._dead(points.labels[max(before, self.points[0])])
            return not scope.cancelled_caught
        return True

    def _dead(self, label: str) -> None:
        self.died.append(label)
        self.points.pop(0)
        self.plant.configure()
        self._arm()
