"""What a warehouse received, back or new, shared out to the connections that it concerns."""

from collections.abc import Iterator
from functools import partial

import msgspec

from dropstreamd.channels import orders, receipts, returns, stock_notices, traces
from dropstreamd.channels.intake import Account, fetch
from dropstreamd.channels.references import Link
from dropstreamd.channels.run import Fetched, Scope
from dropstreamd.channels.traces import Trace
from dropstreamd.config.schema import WarehouseAccount
from dropstreamd.model.handover import Bad
from dropstreamd.model.returns import Receipt
from dropstreamd.platform.contract import Page, Source
from dropstreamd.store import cursors, documents, settling
from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.keys import Key
from dropstreamd.store.tables import Table

_KIND = "receipt:"
"""Under which the account's unmatched rows keep them."""


class Unmatched(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A receipt of nothing that we know: kept with the account, tried again at every fetch."""

    receipt: Receipt
    since_s: float


_unmatched = msgspec.msgpack.Decoder(Unmatched)


async def fetch_receipts(account: Account, source: Source[Receipt], *, run: str, now_s: float) -> Fetched:
    """Bring in every receipt that is waiting, and try those again that nothing was known of."""
    stage = partial(_stage, account=account, run=run, now_s=now_s)
    total = await fetch(account, source, account.flow(receipts.FLOW), stage, now_s=now_s)
    total.new += await account.state.write(partial(rematch, account=account, run=run, now_s=now_s))
    return total


def _stage(tx: Writer, page: Page[Receipt], *, account: Account, run: str, now_s: float) -> Fetched:
    fetched = Fetched()
    flow = account.flow(receipts.FLOW)
    for receipt in page.documents:
        notice = _notice_of(tx, account, receipt)
        reason = _unusable(receipt, empty=notice is not None)
        if reason:
            bad = Bad(key=receipt.key, place="a receipt", reason=reason, raw=msgspec.json.encode(receipt))
            fetched.bad += documents.park_bad(tx, flow, [bad], now_s=now_s)
            continue
        documents.mended(tx, flow, receipt.key)
        path = _path(account.settings, receipt.key)
        if notice is not None:
            tx.delete(Table.UNMATCHED, path)
            fetched.new += stock_notices.take(tx, *notice, receipt, run=run, now_s=now_s)
            continue
        basis = traces.find(tx, account.settings, receipt)
        scope = None if basis is None else account.scopes.get(basis.connection)
        if basis is None or scope is None:
            fetched.unmatched += _keep_unmatched(tx, path, receipt, now_s)
            continue
        tx.delete(Table.UNMATCHED, path)
        staged = give(tx, scope, basis, receipt, run=run, now_s=now_s)
        fetched.new += staged.new
        fetched.changed += staged.changed
    return fetched


def _notice_of(tx: Reader, account: Account, receipt: Receipt) -> tuple[Scope, Link] | None:
    """The stock notice that a receipt is of, None for a receipt of anything else."""
    link = traces.find_notice(tx, account.settings, receipt.reference)
    scope = None if link is None else account.scopes.get(link.connection)
    return None if link is None or scope is None else (scope, link)


def _unusable(receipt: Receipt, *, empty: bool) -> str:
    """What is wrong with a receipt of any source; "" for nothing. `empty`: it may say that nothing came."""
    named = [text for text in (receipt.reference, receipt.order_reference) if text]
    if not all(documents.may_be_key(text) for text in (receipt.key, *named)):
        return "its number or a reference of it is empty, too long, or not text"
    if not receipt.lines and not (empty and receipt.short):
        return "it has no lines"
    units = [*(line.quantity for line in receipt.lines), *(line.quantity for line in receipt.short)]
    if min(units) < 1:
        return "a line of it has less than one unit"
    return ""


def give(
    tx: Writer, scope: Scope, basis: Trace, receipt: Receipt, *, run: str, now_s: float
) -> documents.Staged:
    """Stage a receipt with the connection that it is for. The reference of a return proves that the
    return arrived: who names the order or the parcel need not have heard of it. So with the order."""
    if basis.ret:
        if traces.find_return(tx, scope.account, receipt.reference) is not None:
            settling.proven(tx, returns.book(scope), basis.ret, now_s=now_s, run=run)
    else:
        settling.proven(tx, orders.book(scope), basis.order, now_s=now_s, run=run)
    one = receipts.incoming(receipt, cursors.restored_s(tx, scope.connection.id))
    return documents.stage(tx, receipts.book(scope), [one], now_s=now_s, run=run)


def _path(account: WarehouseAccount, key: str) -> Key:
    return (account.merchant, account.name, _KIND, key)


def _keep_unmatched(tx: Writer, path: Key, receipt: Receipt, now_s: float) -> bool:
    raw = tx.get(Table.UNMATCHED, path)
    known = None if raw is None else _unmatched.decode(raw)
    if known is None or known.receipt != receipt:
        since_s = now_s if known is None else known.since_s
        tx.put(Table.UNMATCHED, path, msgspec.msgpack.encode(Unmatched(receipt=receipt, since_s=since_s)))
    return known is None


def rematch(tx: Writer, *, account: Account, run: str, now_s: float) -> int:
    """Try unmatched receipts again; how many found what they are of."""
    found = 0
    for one in list(unmatched(tx, account.settings)):
        notice = _notice_of(tx, account, one.receipt)
        if notice is not None:
            stock_notices.take(tx, *notice, one.receipt, run=run, now_s=now_s)
            tx.delete(Table.UNMATCHED, _path(account.settings, one.receipt.key))
            found += 1
            continue
        basis = traces.find(tx, account.settings, one.receipt)
        scope = None if basis is None else account.scopes.get(basis.connection)
        if basis is not None and scope is not None:
            give(tx, scope, basis, one.receipt, run=run, now_s=now_s)
            tx.delete(Table.UNMATCHED, _path(account.settings, one.receipt.key))
            found += 1
    return found


def unmatched(tx: Reader, account: WarehouseAccount) -> Iterator[Unmatched]:
    """Every receipt of the account that nothing is known of."""
    for _, raw in tx.scan(Table.UNMATCHED, (account.merchant, account.name, _KIND)):
        yield _unmatched.decode(raw)
