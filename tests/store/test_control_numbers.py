"""Control numbers are given once."""

from functools import partial

from dropstreamd.store import control_numbers
from dropstreamd.store.control_numbers import LEAP
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


async def test_a_restored_state_leaves_out_what_may_have_been_given(state: InlineStore) -> None:
    for path, series in ((PATH, "US>THEM"), (PATH, "US>OTHERS"), (("acme", "two"), "US>THEM")):
        await state.write(partial(control_numbers.block, path=path, series=series, count=3))
    known = await state.write(lambda tx: control_numbers.for_purpose(tx, PATH, "US>THEM", "945 17"))
    assert await state.write(control_numbers.leap) == 3
    assert await state.write(lambda tx: control_numbers.block(tx, PATH, "US>THEM", 1)) == 5 + LEAP
    assert await state.write(lambda tx: control_numbers.block(tx, PATH, "US>OTHERS", 1)) == 4 + LEAP
    assert await state.write(lambda tx: control_numbers.for_purpose(tx, PATH, "US>THEM", "945 17")) == known
