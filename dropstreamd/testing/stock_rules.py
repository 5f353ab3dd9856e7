"""Rules for a warehouse that tells its stock."""

from dropstreamd.platform.contract import Part
from dropstreamd.testing.daemon import Snapshot, snapshots
from dropstreamd.testing.rig import StockBench
from dropstreamd.testing.stand import NotApplicable, Stand, require, within

FEW = {"A": 5, "B": 0, "C": 17}
ONE_PAGE = 5_000
"""Rows of a snapshot that is said to come in one page, however many they are."""


async def a_snapshot_comes_whole(stand: Stand, part: Part) -> None:
    """Its pages bear one name and one instant with a zone, the last one alone says so, and every row
    is in them."""
    bench: StockBench = stand.bench(part)
    units = {f"SKU-{number}": number % 97 for number in range(bench.many or ONE_PAGE)}
    await bench.snapshot(units)
    (found,) = await _exactly(stand, part, 1)
    if bench.many:
        require(len(found.pages) > 1, "the rig's `many` rows came in one page: more of them are needed")
    else:
        require(len(found.pages) == 1, "the rig's `many` is 0, and a snapshot comes in several pages")
    require(found.whole, "the last page of the snapshot does not say so")
    require(found.units == units, "the rows are not those of the warehouse")
    require(len({page.as_of for page in found.pages}) == 1, "the pages of a snapshot have several instants")
    require(found.pages[0].as_of.tzinfo is not None, "as_of has no zone")


async def snapshots_come_oldest_first(stand: Stand, part: Part) -> None:
    """Of several that wait the newest comes last, each under a name of its own, and the end is the end."""
    bench: StockBench = stand.bench(part)
    await bench.snapshot(FEW)
    await bench.snapshot({**FEW, "A": 4})
    first, second = await _exactly(stand, part, 2)
    require((first.units["A"], second.units["A"]) == (5, 4), "the newest snapshot does not come last")
    require(first.pages[0].as_of <= second.pages[0].as_of, "as_of goes backwards")
    require(first.whole, "a snapshot has no last page")
    require(second.whole, "a snapshot has no last page")


async def a_snapshot_keeps_its_name(stand: Stand, part: Part) -> None:
    """Read again in another session, it is equal to itself; reading changes nothing."""
    await stand.bench(part).snapshot(FEW)
    before = await stand.rig.trace()
    first, second = await _exactly(stand, part, 1), await _exactly(stand, part, 1)
    require(first[0].pages == second[0].pages, "a snapshot that nobody changed differs when read again")
    require(await stand.rig.trace() == before, "reading has written")


async def a_bad_row_sinks_no_snapshot(stand: Stand, part: Part) -> None:
    """A row that cannot be decoded is a Bad under the same key every time; the others come."""
    await stand.bench(part).spoiled(FEW)
    (found,), (again,) = await _exactly(stand, part, 1), await _exactly(stand, part, 1)
    require(found.units == FEW, "the good rows beside a bad one do not come")
    require(found.bad, "the row that cannot be decoded is not told of")
    require(found.bad.keys() == again.bad.keys(), "a bad row comes under another key when read again")


async def a_taken_snapshot_comes_empty(stand: Stand, part: Part) -> None:
    """A mark that was taken comes again without rows, and not as a snapshot."""
    await stand.bench(part).snapshot(FEW)
    marks = _marks(await _exactly(stand, part, 1))
    if not marks:
        raise NotApplicable("its pages bear no marks")
    async with stand.session() as session:
        again = await snapshots(stand, getattr(session, part.attribute), marks)
    require(_marks(again) == marks, "a mark that was taken and not confirmed does not come again")
    for one in again:
        require(not one.units and not one.whole, "a snapshot that was taken comes as one again")


async def a_confirmed_snapshot_is_gone(stand: Stand, part: Part) -> None:
    """Confirmed twice and in another session is confirmed once; it does not come again."""
    await stand.bench(part).snapshot(FEW)
    marks = sorted(_marks(await _exactly(stand, part, 1)))
    traces: list[object] = []
    for _ in range(2):
        async with stand.session() as session:
            await within("confirm", getattr(session, part.attribute).confirm(marks))
            await within("confirm", getattr(session, part.attribute).confirm([]))
        traces.append(await stand.rig.trace())
    require(traces[0] == traces[1], "a second confirm does something")
    if marks:
        await _exactly(stand, part, 0)


async def _exactly(stand: Stand, part: Part, count: int) -> list[Snapshot]:
    """What one session reads."""
    async with stand.session() as session:
        found = await snapshots(stand, getattr(session, part.attribute), set())
    require(len(found) == count, f"{count} snapshots wait, and {len(found)} come")
    return found


def _marks(found: list[Snapshot]) -> set[str]:
    return {page.mark for one in found for page in one.pages if page.mark is not None}
