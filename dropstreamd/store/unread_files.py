"""Files that could not be read, once they could be, or another one of their name was."""

import msgspec

from dropstreamd.clock import utc
from dropstreamd.store import documents
from dropstreamd.store.base import Writer
from dropstreamd.store.records import BadRecord, Flow
from dropstreamd.store.tables import Table

OF_ONE_NAME = 100
"""Files of one name that are told of another one."""

_SINCE = "; another file of that name was read on"

_bad = msgspec.msgpack.Decoder(BadRecord)


def read(tx: Writer, flow: Flow, key: str, *, now_s: float) -> None:
    """The file of this key (`inbox.file_key`) was read to its end: if it could not be before, that is mended.

    Others of its name, which are alike up to the last space, stay, and say so: a warehouse may have sent this
    one in the place of one of them, or may give the name to each of its files, so that one would go missing.
    """
    documents.mended(tx, flow, key)
    named, index = key.rpartition(" ")[0] + " ", (*flow, "bad", "undecodable")
    for path, raw in list(tx.scan(Table.PARKED, index, after=(*index, named), limit=OF_ONE_NAME)):
        record = _bad.decode(raw)
        if path[-1].startswith(named) and _SINCE not in record.reason:
            told = (
                f"{record.reason}{_SINCE} {utc(now_s):%Y-%m-%d %H:%M} UTC: if in place of this one, forget it"
            )
            told_record = msgspec.structs.replace(record, reason=told)
            tx.put(Table.PARKED, path, msgspec.msgpack.encode(told_record))
