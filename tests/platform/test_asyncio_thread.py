"""Calls into an asyncio loop in another thread."""

import asyncio
import threading

import pytest
import trio

from dropstreamd.platform.asyncio_thread import AsyncioThread


def nothing() -> None: ...


async def test_results_and_errors_come_back() -> None:
    thread = await AsyncioThread.start("test")

    async def divide(a: int, b: int) -> float:
        await asyncio.sleep(0)
        return a / b

    assert await thread.call(divide, 6, 3, overdue=nothing, grace_s=1) == 2
    with pytest.raises(ZeroDivisionError):
        await thread.call(divide, 1, 0, overdue=nothing, grace_s=1)
    await thread.stop()


async def test_calls_run_beside_each_other_in_one_thread() -> None:
    thread = await AsyncioThread.start("test")
    met: list[int] = []
    both = asyncio.Event()

    async def meet() -> None:
        met.append(threading.get_ident())
        if len(met) == 2:
            both.set()
        await both.wait()

    async with trio.open_nursery() as nursery:
        for _ in range(2):
            nursery.start_soon(lambda: thread.call(meet, overdue=nothing, grace_s=1))
    await thread.stop()
    assert len(set(met)) == 1
    assert met[0] != threading.get_ident()


async def test_a_cancelled_call_is_cancelled_there_and_waited_for() -> None:
    thread = await AsyncioThread.start("test")
    ended: list[str] = []

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append("cleaned up")

    with trio.move_on_after(0.01) as scope:
        await thread.call(wait, overdue=lambda: ended.append("overdue"), grace_s=60)
    assert scope.cancelled_caught
    assert ended == ["cleaned up"]
    await thread.stop()


async def test_a_call_that_does_not_end_is_forced_to() -> None:
    thread = await AsyncioThread.start("test")
    forced = asyncio.Event()
    ended: list[str] = []

    async def ignore() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await forced.wait()
            ended.append("forced")

    with trio.move_on_after(0.01) as scope:
        await thread.call(ignore, overdue=forced.set, grace_s=0.01)
    assert scope.cancelled_caught
    assert ended == ["forced"]
    await thread.stop()


async def test_no_thread_is_left() -> None:
    names = [thread.name for thread in threading.enumerate()]
    for _ in range(3):
        await (await AsyncioThread.start("leak")).stop()
    assert [thread.name for thread in threading.enumerate() if thread.name == "leak"] == []
    assert "leak" not in names
