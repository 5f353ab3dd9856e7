"""Keeps a task going: after a fault it starts again, later each time; a fault never goes further."""

import random
from collections.abc import Awaitable, Callable

import trio

from dropstreamd.actors.backoff import CRASH
from dropstreamd.errors import StoreError
from dropstreamd.telemetry import get_logger

_log = get_logger(__name__)

CALM_S = 600.0
"""A task that ran this long without a fault is trusted again."""


RECOVERED_S = 300.0
"""A task that has run this long since its last fault is shown as well."""


class Faults:
    """The faults of one task: how many in a row, and what the last one was; since when it has run, None while
    it does not."""

    def __init__(self) -> None:
        self.in_a_row = 0
        self.last = ""
        self.total = 0
        self.runs_since: float | None = None

    @property
    def troubling(self) -> int:
        """How many in a row, until it has gone well for a while."""
        if self.runs_since is not None and trio.current_time() - self.runs_since > RECOVERED_S:
            return 0
        return self.in_a_row


async def keep(
    name: str,
    task: Callable[[], Awaitable[None]],
    *,
    faults: Faults,
    rng: random.Random,
    give_up_after: int | None = None,
) -> None:
    """Run `task` until it returns. A fault is logged and the task begun again after a while.

    A failed state is no fault of the task: StoreError passes, and ends the process. After
    `give_up_after` faults in a row the last one passes too: whoever owns the task begins afresh.
    """
    while True:
        began_s = faults.runs_since = trio.current_time()
        try:
            await task()
        except Exception as error:
            faults.runs_since = None
            if holds_store_error(error):
                raise
            if trio.current_time() - began_s > CALM_S:
                faults.in_a_row = 0
            faults.in_a_row += 1
            faults.total += 1
            faults.last = f"{type(error).__name__}"
            wait_s = CRASH.wait_s(faults.in_a_row, rng)
            _log.error("task_crashed", task=name, in_a_row=faults.in_a_row, wait_s=wait_s, exc_info=error)
            if give_up_after is not None and faults.in_a_row >= give_up_after:
                raise
            await trio.sleep(wait_s)
        else:
            return


def holds_store_error(error: BaseException) -> bool:
    """Whether the state failed, however deep in a group."""
    if isinstance(error, BaseExceptionGroup):
        return error.subgroup(StoreError) is not None
    return isinstance(error, StoreError)
