"""Control numbers are given once."""

from functools import partial

from dropstreamd.store import control_numbers
from dropstreamd.store.lmdb_store import InlineStore

PATH = ("acme", "main")


async def test_blocks_follow_each_other(state: InlineStore) -> None:
    assert await state.write(lambda tx: control_numbers.block(tx, PATH, "US>THEM", 3)) == 1
    assert await state.write(lambda tx: control_numbers.block(tx, PATH, "US>THEM", 1)) == 4
    assert await state.write(lambda tx: control_numbers.block(tx, PATH, "US>OTHERS", 1)) == 1
    assert await state.write(lambda tx: control_numbers.block(tx, ("acme", "two"), "US>THEM", 1)) == 1


async def test_a_purpose_keeps_its_number(state: InlineStore) -> None:
    async def of(purpose: str) -> int:
        return await state.write(lambda tx: control_numbers.for_purpose(tx, PATH, "US>THEM", purpose))

    first = await of("945 17")
    assert await state.write(lambda tx: control_numbers.block(tx, PATH, "US>THEM", 1)) == first + 1
    assert await of("945 17") == first
    assert await of("945 18") == first + 2


async def test_every_series_may_leave_some_out(state: InlineStore) -> None:
    """After a restore: those may have been given since the backup."""
    for series in ("US>THEM", "US>OTHERS"):
        await state.write(partial(control_numbers.block, path=PATH, series=series, count=3))
    replied = partial(control_numbers.for_purpose, path=PATH, series="US>THEM", purpose="997 of a file")
    assert await state.write(replied) == 4
    await state.write(partial(control_numbers.skip, count=100))
    assert await state.write(partial(control_numbers.block, path=PATH, series="US>THEM", count=1)) == 105
    assert await state.write(partial(control_numbers.block, path=PATH, series="US>OTHERS", count=1)) == 104
    assert await state.write(replied) == 4
