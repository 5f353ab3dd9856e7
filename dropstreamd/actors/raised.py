"""What a run raised, alone: libraries that open a nursery wrap it in a group."""

from dropstreamd.channels.jobs import Execute
from dropstreamd.channels.run import Run, RunStopped
from dropstreamd.errors import DropstreamError, Hold


async def run_job(execute: Execute, run: Run, start_s: float) -> None:
    """Run the job; an exception group that holds one of our errors, or a stop, is that alone.

    Of a group that holds a bug too, the bug passes, alone: beside a stop, which is no `Exception`, no
    supervisor would catch it.
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
