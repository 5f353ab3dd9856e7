"""Rules for a part that tells documents: a store's orders, a warehouse's packages."""

from typing import Any

from dropstreamd.model.orders import Order
from dropstreamd.platform.contract import Part
from dropstreamd.testing.daemon import MOST_KEY_BYTES, Kept
from dropstreamd.testing.error_rules import MOST_STEPS
from dropstreamd.testing.rig import OrderBench, SourceBench
from dropstreamd.testing.stand import (
    ContractBroken,
    NotApplicable,
    Stand,
    broken,
    ours,
    require,
    told,
    within,
)

FEW = 3


async def every_document_comes(stand: Stand, part: Part) -> None:
    """More than a page of documents of one instant: each comes, and `more` ends."""
    bench = stand.bench(part)
    names = await bench.add(bench.many)
    kept = await read(stand, part)
    all_there(bench, kept, names)
    require(not kept.bad, f"good documents are called bad: {_reasons(kept)}")
    require(len(kept.pages) > 1, "the rig's `many` documents came in one page: more of them are needed")


async def the_same_document_has_the_same_key(stand: Stand, part: Part) -> None:
    """Read again in another session, each document is equal to itself, and what was not confirmed
    comes again."""
    bench = stand.bench(part)
    names = await bench.add(FEW)
    first, second = await read(stand, part), await read(stand, part)
    all_there(bench, first, names)
    all_there(bench, second, names)
    require(first.documents == second.documents, "a document that nobody changed differs when read again")


async def reading_changes_nothing(stand: Stand, part: Part) -> None:
    """The counterpart is the same after a run that confirmed nothing."""
    await stand.bench(part).add(FEW)
    before = await stand.rig.trace()
    await read(stand, part)
    require(await stand.rig.trace() == before, "reading has written")


async def the_cursor_loses_nothing(stand: Stand, part: Part) -> None:
    """From the cursor of a finished run comes all that changed and all that is new."""
    bench = stand.bench(part)
    old = await bench.add(FEW)
    kept = await read(stand, part, confirm=True)
    new = await bench.add(FEW)
    await bench.change(old[0])
    before = set(kept.documents)
    await read(stand, part, kept, confirm=True)
    all_there(bench, kept, [*old, *new])
    require(_changed(bench, kept, old[0]), "a document that changed after a run does not come in the next")
    require(before <= set(kept.documents), "a key is lost")
    same = [document for document in kept.documents.values() if bench.name(document) == old[0]]
    require(len(same) == 1, "a document that changed comes under another key")


async def what_changes_while_paging_comes(stand: Stand, part: Part) -> None:
    """A document that changes between two pages, and one that appears then, are there after the next
    run at the latest."""
    bench = stand.bench(part)
    names = list(await bench.add(bench.many))
    later: list[str] = []

    async def between(pages: int) -> None:
        if pages == 1:
            await bench.change(names[0])
            await bench.change(names[-1])
            later.extend(await bench.add(1))

    kept: Kept[Any] = Kept()
    async with stand.session() as session:
        source = getattr(session, part.attribute)
        await kept.run(stand, source, between)
        await source.confirm(sorted(kept.marks))
    await read(stand, part, kept, confirm=True)
    all_there(bench, kept, [*names, *later])
    for name in (names[0], names[-1]):
        require(_changed(bench, kept, name), "a document that changed while paging is not seen changed")


async def a_bad_document_sinks_no_page(stand: Stand, part: Part) -> None:
    """One that cannot be decoded is a Bad under the same key every time; the others come."""
    bench = stand.bench(part)
    names = list(await bench.add(FEW))
    await bench.spoil()
    names += await bench.add(1)
    kept, again = await read(stand, part), await read(stand, part)
    all_there(bench, kept, names)
    require(kept.bad, "the document that cannot be decoded is not told of")
    require(kept.bad.keys() == again.bad.keys(), "a bad document comes under another key when read again")


async def what_was_taken_comes_empty(stand: Stand, part: Part) -> None:
    """A mark that was taken and not confirmed comes again without documents."""
    bench = stand.bench(part)
    await bench.add(FEW)
    kept = await read(stand, part)
    if not kept.marks:
        raise NotApplicable("its pages bear no marks")
    again: Kept[Any] = Kept()
    again.marks = set(kept.marks)
    await read(stand, part, again)
    require(not again.documents and not again.bad, "what was taken brings its documents again")
    found = {page.mark for page in again.pages if page.mark is not None}
    require(found == kept.marks, "a mark that was taken and not confirmed does not come again")


async def confirm_is_idempotent(stand: Stand, part: Part) -> None:
    """Confirmed twice and in another session is confirmed once; what was confirmed is not there again."""
    await stand.bench(part).add(FEW)
    kept = await read(stand, part, confirm=True)
    before = await stand.rig.trace()
    for _ in range(2):
        async with stand.session() as session:
            await within("confirm", getattr(session, part.attribute).confirm(sorted(kept.marks)))
            await within("confirm", getattr(session, part.attribute).confirm([]))
    require(await stand.rig.trace() == before, "a second confirm does something")
    again: Kept[Any] = Kept()
    again.cursor = kept.cursor
    await read(stand, part, again)
    found = {page.mark for page in again.pages if page.mark is not None}
    require(not found & kept.marks, "a mark that was confirmed comes again")


async def a_cut_run_loses_nothing(stand: Stand, part: Part) -> None:
    """Cut at each step, a run raises our errors and the next one brings what is missing."""
    bench = stand.bench(part)
    names = await bench.add(FEW)
    for at in range(1, MOST_STEPS):
        kept: Kept[Any] = Kept()
        error = await _cut_run(stand, part, kept, at)
        struck = stand.proxy.struck.is_set()
        stand.proxy.mend()
        require(error is None or ours(error), f"a run that is cut at step {at} raises {told(error)}")
        await read(stand, part, kept)
        if not kept.marks:
            all_there(bench, kept, names)
        if not struck:
            all_there(bench, kept, names)
            return
    broken(f"a run takes more than {MOST_STEPS} steps")


async def a_cancelled_order_comes_as_cancelled(stand: Stand, part: Part) -> None:
    """An order that was read and then cancelled comes again, cancelled."""
    await _comes_as_cancelled(stand, part)


async def a_cancelled_return_comes_as_cancelled(stand: Stand, part: Part) -> None:
    """A return that was read and then cancelled comes again, cancelled."""
    await _comes_as_cancelled(stand, part)


async def _comes_as_cancelled(stand: Stand, part: Part) -> None:
    bench: OrderBench[Any] = stand.bench(part)
    names = await bench.add(FEW)
    kept: Kept[Any] = await read(stand, part, confirm=True)
    await bench.cancel(names[1])
    await read(stand, part, kept)
    found = [each.status for each in kept.documents.values() if bench.name(each) == names[1]]
    require(found == ["cancelled"], f"one that was cancelled is told as {found}")


async def orders_are_fit_to_send(stand: Stand, part: Part) -> None:
    """Their instants are aware, and each line has a key of its own, a SKU and a quantity."""
    bench: OrderBench[Order] = stand.bench(part)
    await bench.add(FEW)
    kept: Kept[Order] = await read(stand, part)
    for order in kept.documents.values():
        require(order.number, "an order has no number")
        aware = order.placed_at.tzinfo is not None and order.updated_at.tzinfo is not None
        require(aware, "an order's instants have no zone")
        require(order.status == "open", f"the rig's order is told as {order.status}")
        require(order.lines, "an order has no lines")
        keys = [line.key for line in order.lines]
        require(len(set(keys)) == len(keys), "two lines of an order have one key")
        for line in order.lines:
            require(
                0 < len(line.sku.encode()) <= MOST_KEY_BYTES, "a line has no SKU, or one that is too long"
            )
            require(line.open_quantity > 0, "an open order's line has nothing open")


async def read(
    stand: Stand, part: Part, kept: Kept[Any] | None = None, *, confirm: bool = False
) -> Kept[Any]:
    """One run in a session of its own."""
    kept = Kept() if kept is None else kept
    async with stand.session() as session:
        source = getattr(session, part.attribute)
        await kept.run(stand, source)
        if confirm:
            await within("confirm", source.confirm(sorted(kept.marks)))
    return kept


async def _cut_run(stand: Stand, part: Part, kept: Kept[Any], at: int) -> Exception | None:
    try:
        async with stand.session() as session:
            stand.proxy.cut(at=at)
            await kept.run(stand, getattr(session, part.attribute))
    except ContractBroken:
        raise
    except Exception as error:  # noqa: BLE001 - the rule judges it
        return error
    return None


def all_there(bench: SourceBench[Any], kept: Kept[Any], names: Any) -> None:
    """Require that each came, under one key."""
    found = [bench.name(document) for document in kept.documents.values()]
    missing = sorted(set(names) - set(found))
    require(not missing, f"{len(missing)} of {len(names)} documents do not come, {missing[:3]} among them")
    twice = sorted({name for name in found if found.count(name) > 1})
    require(not twice, f"documents come under two keys: {twice[:3]}")


def _changed(bench: SourceBench[Any], kept: Kept[Any], name: str) -> bool:
    return any(
        bench.changed(document) for document in kept.documents.values() if bench.name(document) == name
    )


def _reasons(kept: Kept[Any]) -> list[str]:
    return [bad.reason for bad in kept.bad.values()][:3]
