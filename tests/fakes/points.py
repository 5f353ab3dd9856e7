"""Where a process may die: every call and every write passes a point, and one of them may be its last."""

from collections.abc import Callable
from typing import NoReturn, TypeVar

import trio

from dropstreamd.store.base import Reader, Restored, Size, Store, Writer

T = TypeVar("T")


class Killed(BaseException):
    """The process died here. Whatever is durable, and whatever the other side did, stays."""


class Points:
    """Counts the points passed. At the one numbered `fatal` it raises Killed or, with a `cancel`,
    calls that, once: the task goes on to its next unshielded checkpoint."""

    def __init__(self) -> None:
        self.labels: list[str] = []
        self._fatal: int | None = None
        self._cancel: Callable[[], None] | None = None

    def arm(self, fatal: int, *, cancel: Callable[[], None] | None = None) -> None:
        """Let the point after `fatal` more be the last; those passed so far are forgotten."""
        self.labels = []
        self._fatal = fatal
        self._cancel = cancel

    def disarm(self) -> bool:
        """No further deaths. Whether the armed point was not reached."""
        unreached = self._fatal is not None
        self._fatal = None
        return unreached

    def reach(self, label: str) -> None:
        """Pass a point."""
        here = len(self.labels)
        self.labels.append(label)
        if self._fatal == here:
            self._fatal = None
            if self._cancel is None:
                raise Killed(label)
            self._cancel()


class PointedStore:
    """A `Store` that passes a point before and after every write."""

    def __init__(self, inner: Store, points: Points) -> None:
        self.inner = inner
        self.points = points

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> NoReturn:
        await self.inner.run(task_status=task_status)

    def read(self, fn: Callable[[Reader], T]) -> T:
        return self.inner.read(fn)

    async def write(self, fn: Callable[[Writer], T]) -> T:
        name = getattr(getattr(fn, "func", fn), "__name__", "write")
        self.points.reach(f"before {name}")
        result = await self.inner.write(fn)
        self.points.reach(f"after {name}")
        return result

    async def heartbeat(self) -> None:
        await self.inner.heartbeat()

    def size(self) -> Size:
        return self.inner.size()

    def restored(self) -> Restored | None:
        return self.inner.restored()

    async def confirm_restored(self) -> None:
        await self.inner.confirm_restored()
