"""From the pages of a warehouse's stock to what was made of each snapshot."""

from functools import partial

import trio

from dropstreamd.channels import adjusting, inventory
from dropstreamd.channels.believing import conclude
from dropstreamd.channels.intake import PAGES, Account, confirm, is_taken
from dropstreamd.channels.snapshot import Snapshot
from dropstreamd.errors import ProtocolMismatch
from dropstreamd.platform.contract import StockPage, StockSource
from dropstreamd.store import cursors, documents
from dropstreamd.store.base import Writer
from dropstreamd.store.stock import Generation


async def fetch_stock(
    account: Account, source: StockSource, *, generation: str, now_s: float
) -> list[Generation]:
    """Read every snapshot that is waiting; what was made of each. Confirmed once durable."""
    made: list[Generation] = []
    snapshot: Snapshot | None = None
    for _ in range(PAGES):
        page = await source.page(partial(is_taken, account))
        if page is None:
            return made
        if snapshot is None or snapshot.name != page.snapshot:
            counts = account.state.read(account.counts)
            snapshot = Snapshot(page.snapshot, page.as_of.timestamp(), counts)
        snapshot.bad.extend(page.bad)
        snapshot.add(page.rows, account.settings)
        await trio.lowlevel.checkpoint()
        made_id = f"{generation}{len(made):04d}"
        if page.last:
            if page.mark is None or not is_taken(account, page.mark):
                end = partial(
                    conclude, account=account, snapshot=snapshot, generation=made_id, mark=page.mark
                )
                made.append(await account.state.write(partial(end, told=page.adjustments, now_s=now_s)))
            snapshot = None
        elif page.mark is not None:
            aside = partial(_set_aside, account=account, page=page, generation=made_id, now_s=now_s)
            adjusted = await account.state.write(aside)
            if adjusted is not None:
                made.append(adjusted)
            elif page.bad:
                made.append(_unreadable(snapshot, page, made_id, now_s))
            snapshot = None
        if page.mark is not None:
            await confirm(account, source, page.mark)
        if not page.more:
            return made
    raise ProtocolMismatch(f"the warehouse still had more after {PAGES} pages")


def _unreadable(snapshot: Snapshot, page: StockPage, generation: str, now_s: float) -> Generation:
    """Told to who asked, and kept nowhere: it is no snapshot."""
    return Generation(
        id=generation,
        snapshot=snapshot.name,
        as_of_s=snapshot.as_of_s,
        at_s=now_s,
        verdict="unreadable",
        why=page.bad[0].reason,
        bad_rows=len(snapshot.bad),
    )


def _set_aside(
    tx: Writer, *, account: Account, page: StockPage, generation: str, now_s: float
) -> Generation | None:
    """A file that ends without being a whole snapshot: none of its figures count, its adjustments do."""
    if page.mark is None:
        raise AssertionError("a page without a mark ends no file")
    documents.park_bad(tx, account.flow(inventory.CHANNEL), page.bad, now_s=now_s)
    cursors.take(tx, *account.path, page.mark)
    if not page.adjustments:
        return None
    return adjusting.take(
        tx,
        account=account,
        name=page.snapshot,
        told=page.adjustments,
        generation=generation,
        now_s=now_s,
    )
