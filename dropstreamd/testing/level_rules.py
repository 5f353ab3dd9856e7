"""Rules for a store whose levels are by location."""

from dropstreamd.errors import NoLocation
from dropstreamd.model.handover import Accepted, Item
from dropstreamd.model.stock import Level
from dropstreamd.platform.contract import Part, Sink
from dropstreamd.testing.attempt import stamp
from dropstreamd.testing.daemon import Steps
from dropstreamd.testing.rig import LocatedBench
from dropstreamd.testing.stand import NotApplicable, Stand, broken, require, within

NOT_LOCATED = "its levels have no locations"


async def a_level_is_set_at_the_location_that_it_names(stand: Stand, part: Part) -> None:
    """And at no other; read back there, it is what was set."""
    bench = _bench(stand, part)
    here, there = await bench.locations()
    (item,) = await bench.items(1)
    sku = item.document.sku
    for number, (location, units) in enumerate(((here, 5), (there, 3), (here, 4)), start=1):
        before = await bench.shows(there, sku)
        await _set(stand, part, item, location, units, number)
        require(await bench.shows(location, sku) == units, f"a level of {units} at {location} is not there")
        if location == here and number > 1:
            require(await bench.shows(there, sku) == before, "a level at one location changes another's")
    async with stand.session() as session:
        if session.located_levels is not None:
            found = await within("read_at", session.located_levels.read_at(there, [sku]))
            require(found == {sku: 3}, f"of a level of 3 at {there} it reads back {dict(found)}")


async def a_level_at_no_location_of_the_store_is_told_so(stand: Stand, part: Part) -> None:
    """NoLocation, and nothing is written."""
    bench = _bench(stand, part)
    await bench.locations()
    (item,) = await bench.items(1)
    before = await stand.rig.trace()
    try:
        await _set(stand, part, item, bench.nowhere, 5, 1)
    except NoLocation as error:
        require(bool(error.remedy), "a location that is not there is told without a remedy")
        stand.see("an error", error.message, error.remedy)
    else:
        broken("a level at a location that the store does not have is taken")
    require(await stand.rig.trace() == before, "a level at no location has written")


def _bench(stand: Stand, part: Part) -> LocatedBench:
    if stand.plugin.locations(stand.settings()) is None:
        raise NotApplicable(NOT_LOCATED)
    bench: LocatedBench = stand.bench(part)
    return bench


async def _set(stand: Stand, part: Part, item: Item[Level], location: str, units: int, number: int) -> None:
    document = Level(sku=item.document.sku, available=units, location=location)
    async with stand.session() as session:
        sink: Sink[Level] = getattr(session, part.attribute)
        (prepared,) = sink.prepare([Item(key=item.key, document=document)], stamp(number)).prepared
        (outcome,) = await within("push", sink.push(prepared, Steps()))
    require(isinstance(outcome, Accepted), f"a good level at {location} comes to {outcome}")
