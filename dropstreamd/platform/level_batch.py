"""Levels as a sink freezes them: those of one call, all of one location."""

from collections.abc import Sequence

import msgspec

from dropstreamd.model.handover import Item, Preparation, Prepared, Stamp
from dropstreamd.model.stock import Level


class LevelBatch(msgspec.Struct, frozen=True, kw_only=True):
    """Units by SKU. `location` is None where the settings say which it is."""

    levels: dict[str, int]
    location: str | None = None


_batch = msgspec.json.Decoder(LevelBatch)


def prepare_levels(items: Sequence[Item[Level]], stamp: Stamp, *, most: int) -> Preparation:
    """One call for up to `most` SKUs; the items are of one location."""
    prepared = []
    for start in range(0, len(items), most):
        some = items[start : start + most]
        batch = LevelBatch(
            levels={item.document.sku: item.document.available for item in some},
            location=some[0].document.location,
        )
        name = f"{stamp.attempt}-{start}"
        keys = tuple(item.key for item in some)
        prepared.append(Prepared(name=name, keys=keys, payload=msgspec.json.encode(batch)))
    return Preparation(prepared=tuple(prepared))


def read_batch(prepared: Prepared) -> LevelBatch:
    """What `prepare_levels` froze."""
    return _batch.decode(prepared.payload)
