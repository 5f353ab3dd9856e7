"""Following a list by its rows' time of change.

A run reads every row that changed since the cursor. What changes while it reads may be missed by it; so
the next run's bound is the latest change that stood in the list before the run began, less an overlap for
changes that were written then and became visible later.
"""

from datetime import UTC, datetime, timedelta

import msgspec

from dropstream_medusa import wire
from dropstream_medusa.client import Api, Params
from dropstream_medusa.listing import read_rows
from dropstreamd.errors import ProtocolMismatch
from dropstreamd.platform.rows import UNREADABLE

OVERLAP = timedelta(minutes=10)


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """`since` is the bound of the next run; `waiting` are ids of rows to be read again whatever their
    time of change says."""

    since: datetime
    waiting: tuple[str, ...] = ()


_cursor = msgspec.json.Decoder(Cursor)


def read_cursor(text: str | None, *, at_first: datetime) -> Cursor:
    """The stored cursor; where there is none yet, the time `at_first`."""
    if text is None:
        return Cursor(since=at_first)
    try:
        return _cursor.decode(text)
    except msgspec.DecodeError as error:
        raise ProtocolMismatch("the stored cursor is not one of this plugin's") from error


def written(cursor: Cursor) -> str:
    return msgspec.json.encode(cursor).decode()


def changed_since(since: datetime) -> Params:
    """The filter of a list."""
    return {"updated_at[$gte]": since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")}


async def next_bound(api: Api, path: str, params: Params, since: datetime) -> datetime:
    """Where the next run is to begin, asked before this one reads."""
    latest = {**params, "order": "-updated_at", "limit": 1, "fields": "id,updated_at"}
    rows = await read_rows(api, path, latest, path)
    if not rows:
        return since
    try:
        newest = msgspec.json.decode(rows[0], type=wire.Stamped).updated_at
    except UNREADABLE as error:
        raise ProtocolMismatch(f"Medusa told no time of change of its latest {path}") from error
    return max(since, newest - OVERLAP)
