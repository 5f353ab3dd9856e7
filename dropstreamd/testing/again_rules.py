"""Rules for a store whose orders can be read once more by their keys."""

from collections.abc import Sequence
from typing import Any

from dropstreamd.model.orders import Order
from dropstreamd.platform.contract import READ_AGAIN, Part, Reread
from dropstreamd.testing.daemon import Kept
from dropstreamd.testing.rig import FragileBench, OrderBench
from dropstreamd.testing.source_rules import FEW, read
from dropstreamd.testing.stand import NotApplicable, Stand, require, within

NOBODYS = ("no such key", "0", "999999999", "gid://none/Order/1", "ä" * 50)
"""Keys that the daemon may ask for as well: what could not be read may have been told under any."""


async def an_order_is_read_again_as_it_was_told(stand: Stand, part: Part) -> None:
    """Asked for by its key it is equal to what the source tells, in any order and number."""
    bench: OrderBench[Order] = stand.bench(part)
    await bench.add(FEW)
    before = await stand.rig.trace()
    kept: Kept[Order] = await read(stand, part)
    keys = sorted(kept.documents, reverse=True)[:READ_AGAIN]
    told = await _again(stand, keys)
    require(not told.bad, f"good orders are called bad: {[bad.reason for bad in told.bad][:3]}")
    found = {order.key: order for order in told.documents}
    require(
        found.keys() == set(keys), f"{len(found)} of {len(keys)} orders come when asked for by their keys"
    )
    differ = [key for key in keys if found[key] != kept.documents[key]]
    require(not differ, "an order that nobody changed differs when asked for by its key")
    require((await _again(stand, [])) == Reread(), "no keys bring orders")
    require(await stand.rig.trace() == before, "reading again has written")


async def an_order_that_changed_is_read_again_as_it_is(stand: Stand, part: Part) -> None:
    """Changed and cancelled ones come as they are by now."""
    bench: OrderBench[Order] = stand.bench(part)
    names = await bench.add(FEW)
    keys = _keys(bench, await read(stand, part), names)
    await bench.change(names[0])
    await bench.cancel(names[1])
    told = {order.key: order for order in (await _again(stand, keys)).documents}
    require(keys[0] in told and bench.changed(told[keys[0]]), "a changed order is read again as it was")
    status = told[keys[1]].status if keys[1] in told else "nothing"
    require(status == "cancelled", f"a cancelled order is read again as {status}")
    require(keys[2] in told and told[keys[2]].status == "open", "an open order is not read again as open")


async def an_odd_key_or_order_sinks_no_other(stand: Stand, part: Part) -> None:
    """What cannot be read is bad under the key that the source gave it, and nobody's keys are nothing."""
    bench: OrderBench[Order] = stand.bench(part)
    names = await bench.add(FEW)
    await bench.spoil()
    kept: Kept[Order] = await read(stand, part)
    keys = _keys(bench, kept, names)
    odd = sorted(kept.bad)
    told = await _again(stand, [*NOBODYS, keys[0], *odd, *keys[1:]])
    found = {order.key for order in told.documents}
    require(set(keys) <= found, f"beside odd keys {len(found & set(keys))} of {len(keys)} orders come")
    bad = {each.key for each in told.bad}
    require(set(odd) <= bad, "an order that cannot be read is not told of when asked for by its key")


async def an_order_that_the_store_fails_over_holds_up_no_other(stand: Stand, part: Part) -> None:
    """Its neighbours come, in a list and by their keys, and it is bad under its own key, until it can be told
    again."""
    bench: FragileBench[Order] = stand.bench(part)
    if not hasattr(bench, "fail_over"):
        raise NotApplicable("the rig cannot make its counterpart fail over one order")
    names = await bench.add(FEW)
    keys = _keys(bench, await read(stand, part), names)
    await bench.fail_over(names[1])
    listed: Kept[Order] = await read(stand, part)
    told = await _again(stand, keys)
    for how, found, bad in (
        ("in a list", set(listed.documents), set(listed.bad)),
        ("by their keys", {order.key for order in told.documents}, {each.key for each in told.bad}),
    ):
        require(
            {keys[0], keys[2]} <= found, f"beside one that the store fails over, others do not come {how}"
        )
        require(bad == {keys[1]}, f"one that the store fails over is not what is bad {how}")
    await bench.mend(names[1])
    found = {order.key for order in (await _again(stand, keys)).documents}
    require(found == set(keys), "an order that the store tells again is not read")


def _keys(bench: OrderBench[Order], kept: Kept[Order], names: Sequence[str]) -> list[str]:
    by_name = {bench.name(order): order.key for order in kept.documents.values()}
    return [by_name[name] for name in names]


async def _again(stand: Stand, keys: Sequence[str]) -> Reread[Order]:
    async with stand.session() as session:
        again: Any = session.orders_again
        if again is None:
            raise NotApplicable("its orders cannot be read by their keys")
        told: Reread[Order] = await within("read", again.read(keys))
        return told
