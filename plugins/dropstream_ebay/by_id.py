"""Orders by their ids ("getOrders": `orderIds`, at most 50), as they are told in a list."""

from collections.abc import Sequence
from functools import partial

import msgspec

from dropstream_ebay import translate, wire
from dropstream_ebay.client import FULFILLMENT, Api, errors_of, read
from dropstreamd.errors import ProtocolMismatch
from dropstreamd.model.handover import Bad
from dropstreamd.platform.halves import by_halves
from dropstreamd.platform.http import Response, decode

_NO_SUCH_ORDER = 32100


class Refused(ProtocolMismatch):
    """eBay refuses to tell orders by their ids: over one of them, or over all."""


async def by_id(api: Api, keys: Sequence[str]) -> list[bytes | Bad]:
    """Each of them, in this order. One that eBay has not, or refuses to tell, is bad. Raises Refused where it
    tells none."""
    told, refused = await by_halves(keys, partial(_asked, api), Refused)
    rows = {translate.row_key(row): row for row in told}
    return [rows[key] if key in rows else _untold(key, refused.get(key)) for key in keys]


async def _asked(api: Api, keys: Sequence[str]) -> list[bytes]:
    """Those that eBay has. Whether it leaves out one that it has not, or refuses all of them for it, is not
    written down; of what it says to a single one it is."""
    ids = ",".join(map(translate.quoted, keys))
    answer = await api.get(f"{FULFILLMENT}/order?orderIds={ids}")
    if answer.ok:
        return read(answer, wire.Orders).rows()
    if len(keys) > 1:
        raise _refused(answer)
    answer = await api.get(f"{FULFILLMENT}/order/{ids}")
    if answer.ok:
        return [msgspec.json.encode(decode(answer, object))]
    if answer.status == 404 or _NO_SUCH_ORDER in _codes(answer):
        return []
    raise _refused(answer)


def _codes(answer: Response) -> list[int]:
    return [each.error_id for each in errors_of(answer)]


def _refused(answer: Response) -> Refused:
    codes = ", ".join(map(str, _codes(answer))) or "no error id"
    return Refused(f"{answer.call}: answered {answer.status} ({codes})")


def _untold(key: str, refused: Refused | None) -> Bad:
    reason = "eBay has no such order: it was combined with another, or is over two years old"
    if refused is not None:
        reason = f"eBay refuses to tell it: {refused.message}"
    return Bad(key=key, place=f"order {key}", reason=reason, raw=b"")
