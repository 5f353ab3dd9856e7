"""The stock locations of a store by what `[locations]` calls them: an id, or a name that is one's alone."""

from collections.abc import Collection, Iterator, Mapping

from dropstreamd.errors import Misconfigured, NoLocation
from dropstreamd.platform.contract import Finding


def find_location(there: Mapping[str, str], wanted: str, mapped: Collection[str], *, store: str) -> str:
    """The id of a location that is mapped; `there` has the names of all by id. Raises NoLocation where there
    is none, or several, and Misconfigured where another entry means the same one."""
    found = _named(there, wanted)
    if len(found) != 1:
        choices = ", ".join(f"{name} (id {key})" for key, name in list(there.items())[:20]) or "none"
        how = "several stock locations are" if found else "no stock location is"
        raise NoLocation(f"{store}: {how} {wanted!r}", remedy=f"name one of these in [locations]: {choices}")
    same = [each for each in mapped if each != wanted and _named(there, each) == found]
    if same:
        raise Misconfigured(
            f"{store}: {wanted!r} and {same[0]!r} of [locations] are one stock location",
            remedy="name it once: each would take the other's level away",
        )
    return found[0]


def _named(there: Mapping[str, str], wanted: str) -> list[str]:
    return [wanted] if wanted in there else [key for key, name in there.items() if name == wanted]


def location_findings(there: Mapping[str, str], mapped: Collection[str], *, store: str) -> Iterator[Finding]:
    """What a survey shows of the mapped locations, and of those that are not."""
    found: set[str] = set()
    for wanted in mapped:
        try:
            key = find_location(there, wanted, mapped, store=store)
        except Misconfigured as error:
            yield Finding(name="stock location", ok=False, detail=error.message, remedy=error.remedy)
        else:
            found.add(key)
            yield Finding(name="stock location", ok=True, detail=there[key])
    others = ", ".join(name for key, name in there.items() if key not in found)
    if others:
        yield Finding(
            name="stock location",
            ok=False,
            detail=f"not in [locations], and sold from: {others}",
            remedy="add them, or let the store not sell from them: nobody tells their levels",
        )
