"""What a warehouse account tells, shared out to the connections that it concerns."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Protocol, TypeVar

import msgspec

from dropstreamd.channels import orders, references, shipments, traces
from dropstreamd.channels.run import Fetched, Scope
from dropstreamd.channels.traces import Trace
from dropstreamd.config.schema import WarehouseAccount
from dropstreamd.errors import ProtocolMismatch
from dropstreamd.model.handover import Bad
from dropstreamd.model.shipments import Package
from dropstreamd.platform.contract import Page, Source
from dropstreamd.store import cursors, documents, settling, stock, unread_files
from dropstreamd.store.base import Reader, Store, Writer
from dropstreamd.store.keys import Key
from dropstreamd.store.records import Flow
from dropstreamd.store.tables import Table

T = TypeVar("T")

PAGES = 100_000
"""Pages of one fetch; a warehouse that has more for longer is not making progress."""


Stage = Callable[[Writer, Page[T]], Fetched]
"""Takes a page's documents, in the transaction that stores its cursor and its mark."""


class Unmatched(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A package whose reference nobody sent: kept with the account, tried again at every fetch."""

    package: Package
    since_s: float


_unmatched = msgspec.msgpack.Decoder(Unmatched)


class Confirms(Protocol):
    """A source of packages or of stock."""

    async def confirm(self, marks: Sequence[str]) -> None: ...


class Account:
    """A warehouse account as intake sees it: its settings, and the connections that share it, by id."""

    def __init__(
        self,
        settings: WarehouseAccount,
        scopes: Mapping[str, Scope],
        state: Store,
        *,
        some_broken: Callable[[], bool] = lambda: False,
    ) -> None:
        """`some_broken`: whether there are connections of which the files cannot be used now."""
        self.settings = settings
        self.scopes = scopes
        self.state = state
        self._some_broken = some_broken

    @property
    def path(self) -> tuple[str, str]:
        """Under which its own tables keep it."""
        return (self.settings.merchant, self.settings.name)

    def counts(self, tx: Reader) -> frozenset[str]:
        """The facilities that are counted by themselves: those that locations of stores are mapped to. Those
        of a connection that is broken are not known: meanwhile all that were counted are."""
        mapped = [scope.connection.locations.values() for scope in list(self.scopes.values())]
        before = stock.counted(tx, self.path) if self._some_broken() else ()
        return frozenset(before).union(*mapped)

    def flow(self, channel: str) -> Flow:
        """Where the account's cursor is, and what could not be decoded: no connection owns it."""
        return Flow("/".join(self.path), channel)


async def fetch(account: Account, source: Source[T], flow: Flow, stage: Stage[T], *, now_s: float) -> Fetched:
    """Read every page that is waiting; confirm each once it is durable."""
    total = Fetched()
    for _ in range(PAGES):
        cursor = account.state.read(partial(cursors.get, flow=flow))
        page = await source.page(cursor, partial(is_taken, account))
        fetched = await account.state.write(
            partial(_stage_page, account=account, flow=flow, page=page, stage=stage, now_s=now_s)
        )
        total.new += fetched.new
        total.changed += fetched.changed
        total.bad += fetched.bad
        total.unmatched += fetched.unmatched
        if page.mark is not None:
            await confirm(account, source, page.mark)
        if not page.more:
            return total
    raise ProtocolMismatch(f"the warehouse still had more after {PAGES} pages")


def _stage_page(
    tx: Writer, *, account: Account, flow: Flow, page: Page[T], stage: Stage[T], now_s: float
) -> Fetched:
    fetched = stage(tx, page)
    fetched.bad += documents.park_bad(tx, flow, page.bad, now_s=now_s)
    if page.cursor is not None:
        cursors.put(tx, flow, page.cursor)
    if page.mark is not None:
        cursors.take(tx, *account.path, page.mark)
    if page.read is not None:
        unread_files.read(tx, flow, page.read, now_s=now_s)
    return fetched


async def fetch_packages(account: Account, source: Source[Package], *, run: str, now_s: float) -> Fetched:
    """Bring in every package that is waiting, and try those again whose order was not known."""
    stage = partial(_stage, account=account, run=run, now_s=now_s)
    total = await fetch(account, source, account.flow(shipments.CHANNEL), stage, now_s=now_s)
    rematched = await account.state.write(partial(rematch, account=account, run=run, now_s=now_s))
    total.new += rematched
    return total


def is_taken(account: Account, mark: str) -> bool:
    """Whether a file's content is durable already."""
    return account.state.read(lambda tx: cursors.is_taken(tx, *account.path, mark))


async def confirm(account: Account, source: Confirms, mark: str) -> None:
    """Let the warehouse archive a file whose content is durable, then forget it."""
    await source.confirm([mark])
    await account.state.write(lambda tx: cursors.forget(tx, *account.path, mark))


def _stage(tx: Writer, page: Page[Package], *, account: Account, run: str, now_s: float) -> Fetched:
    fetched = Fetched()
    flow = account.flow(shipments.CHANNEL)
    for package in page.documents:
        reason = _unusable(package)
        if reason:
            bad = Bad(key=package.key, place="a package", reason=reason, raw=msgspec.json.encode(package))
            fetched.bad += documents.park_bad(tx, flow, [bad], now_s=now_s)
            continue
        documents.mended(tx, flow, package.key)
        _share_out(tx, account, package, fetched, run, now_s)
    return fetched


def _unusable(package: Package) -> str:
    """What is wrong with a package of any source; "" for nothing."""
    if not (documents.may_be_key(package.key) and documents.may_be_key(package.reference)):
        return "its shipment number or order reference is empty, too long, or not text"
    if any(line.quantity < 1 for line in package.lines):
        return "a line of it has less than one unit"
    return ""


def _share_out(
    tx: Writer, account: Account, package: Package, fetched: Fetched, run: str, now_s: float
) -> None:
    scope = _owner(tx, account, package)
    if scope is None:
        fetched.unmatched += _keep_unmatched(tx, (*account.path, package.key), package, now_s)
        return
    reason = _of_another_order(tx, scope, package)
    if reason:
        key, raw = f"{package.key} {package.reference}", msgspec.json.encode(package)
        bad = Bad(key=key, place=f"package {package.key}", reason=reason, raw=raw)
        fetched.bad += documents.park_bad(tx, account.flow(shipments.CHANNEL), [bad], now_s=now_s)
        return
    tx.delete(Table.UNMATCHED, (*account.path, package.key))
    staged = give(tx, scope, package, run=run, now_s=now_s)
    fetched.new += staged.new
    fetched.changed += staged.changed


def _of_another_order(tx: Reader, scope: Scope, package: Package) -> str:
    """What is wrong with a package whose key is that of another order's, "" for nothing: neither may take
    the place of the other, whether the warehouse counts its packages twice or has corrected the order."""
    old = documents.get(tx, Flow(scope.connection.id, shipments.CHANNEL), package.key)
    if old is None or old.number == package.reference:
        return ""
    return (
        f"the warehouse tells it of order {package.reference}, and told a package of that number of"
        f" {old.number} before: the store was told nothing of it for {package.reference}; see whose it is"
    )


def _keep_unmatched(tx: Writer, key: Key, package: Package, now_s: float) -> bool:
    raw = tx.get(Table.UNMATCHED, key)
    known = None if raw is None else _unmatched.decode(raw)
    if known is None or known.package != package:
        since_s = now_s if known is None else known.since_s
        tx.put(Table.UNMATCHED, key, msgspec.msgpack.encode(Unmatched(package=package, since_s=since_s)))
    return known is None


def _owner(tx: Reader, account: Account, package: Package) -> Scope | None:
    link = references.find(tx, account.settings, package.reference)
    return None if link is None else account.scopes.get(link.connection)


def give(tx: Writer, scope: Scope, package: Package, *, run: str, now_s: float) -> documents.Staged:
    """Stage a package with the connection whose order it is. It proves that the order arrived, and that the
    warehouse ships what it had sent back."""
    link = references.find(tx, scope.account, package.reference)
    order = None
    if link is not None:
        traces.keep_parcel(tx, scope.account, package.tracking_numbers, Trace(link.connection, link.order))
        book = orders.book(scope)
        settling.proven(tx, book, link.order, now_s=now_s, run=run)
        settling.taken_after_all(tx, book, link.order, now_s=now_s, run=run)
        order = documents.get(tx, book.flow, link.order)
    packages = shipments.book_of(scope)
    before = documents.get(tx, packages.flow, package.key)
    staged = documents.stage(tx, packages, [shipments.incoming(package)], now_s=now_s, run=run)
    number = package.reference if order is None else order.number
    shipments.tell_of_fewer(tx, packages.flow, before, package, number=number, now_s=now_s)
    return staged


def rematch(tx: Writer, *, account: Account, run: str, now_s: float) -> int:
    """Try unmatched packages again; how many found their order."""
    found = 0
    for path, raw in list(_rows(tx, account.settings)):
        package = _unmatched.decode(raw).package
        scope = _owner(tx, account, package)
        if scope is not None and not _of_another_order(tx, scope, package):
            give(tx, scope, package, run=run, now_s=now_s)
            tx.delete(Table.UNMATCHED, path)
            found += 1
    return found


def unmatched(tx: Reader, account: WarehouseAccount) -> Iterable[Unmatched]:
    """Every package of the account that no order is known for."""
    for _, raw in _rows(tx, account):
        yield _unmatched.decode(raw)


def _rows(tx: Reader, account: WarehouseAccount) -> Iterator[tuple[Key, bytes]]:
    """Packages have three parts in their keys; what else is unmatched has its kind, and four."""
    prefix = (account.merchant, account.name)
    return ((path, raw) for path, raw in tx.scan(Table.UNMATCHED, prefix) if len(path) == len(prefix) + 1)
