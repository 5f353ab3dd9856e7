"""What is known of a file that could not be read, once it or another one of its name was."""

from functools import partial

from dropstreamd.model.handover import Bad
from dropstreamd.platform.inbox import file_key
from dropstreamd.store import documents, unread_files
from dropstreamd.store.lmdb_store import InlineStore
from dropstreamd.store.records import Flow

FLOW = Flow("acme/main", "shipments")


async def test_a_file_that_was_read_and_others_of_its_name(state: InlineStore) -> None:
    files = {"torn": ("shp_1.csv", "aa"), "older": ("shp_1.csv", "bb"), "other": ("shp_2.csv", "aa")}
    keys = {what: file_key(*named) for what, named in files.items()}
    bad = [Bad(key=key, place=what, reason="it is torn", raw=b"") for what, key in keys.items()]
    await state.write(partial(documents.park_bad, flow=FLOW, bad=bad, now_s=1.0))
    for at_s in (86400.0, 2 * 86400.0):
        await state.write(partial(unread_files.read, flow=FLOW, key=keys["torn"], now_s=at_s))
    known = state.read(lambda tx: {one.place: one.reason for _, one in documents.bad_records(tx, FLOW)})
    since = "another file of that name was read on 1970-01-02 00:00 UTC: if in place of this one, forget it"
    assert known == {"older": f"it is torn; {since}", "other": "it is torn"}
