"""SKUs of a store that look as if they fitted the warehouse's, and do not: what `preflight` warns of."""

from collections.abc import Collection

from dropstreamd.channels import deriving
from dropstreamd.channels.known_skus import plain
from dropstreamd.config.schema import Connection


def hidden(connection: Connection, ours: Collection[str], theirs: Collection[str]) -> set[str]:
    """SKUs that the store sells by the warehouse's own name, while a listing sells them under another: these
    have no listing, and so no level. `ours` are the store's SKUs, `theirs` the warehouse's."""
    return set(deriving.Reach(connection).hidden(theirs)).intersection(ours)


def near(connection: Connection, unmatched: Collection[str], theirs: Collection[str]) -> dict[str, list[str]]:
    """Of the store's SKUs that the warehouse lacks, those whose warehouse SKU differs from one that it has by
    case, spaces or leading zeros alone, each with what it may mean."""
    missing = {
        sku: [each for each in deriving.recipe(connection, sku) if each not in theirs] for sku in unmatched
    }
    wanted = {plain(each) for parts in missing.values() for each in parts} - {""}
    alike: dict[str, list[str]] = {}
    for each in theirs if wanted else ():
        if plain(each) in wanted:
            alike.setdefault(plain(each), []).append(each)
    found = {
        sku: sorted({one for each in parts for one in alike.get(plain(each), ())})
        for sku, parts in missing.items()
    }
    return {sku: meant for sku, meant in sorted(found.items()) if meant}
