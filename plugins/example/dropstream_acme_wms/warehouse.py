"""The session of one run, and its three parts."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from urllib.parse import quote

import msgspec

from dropstream_acme_wms.settings import Settings
from dropstream_acme_wms.translate import bad, order_body, package, stock_row
from dropstream_acme_wms.wire import Account, Changes, Refusal, Stock
from dropstream_acme_wms.wire import Taken as TakenOrder
from dropstreamd.errors import ProtocolMismatch
from dropstreamd.model.orders import OutboundOrder
from dropstreamd.model.shipments import Package
from dropstreamd.platform.contract import (
    Accepted,
    Finding,
    Host,
    Item,
    Outcome,
    Page,
    Preparation,
    Prepared,
    Record,
    Rejected,
    Sample,
    Stamp,
    StockPage,
    Survey,
    Taken,
    Untouched,
    WarehouseParts,
    Withdrawn,
    Writes,
)
from dropstreamd.platform.http import HttpClient, decode

PAGE = 100
REMEMBERED_S = 90 * 86_400.0


class Orders:
    """Acme knows an order by our reference: the same PUT again has its effect once, for 90 days."""

    writes = Writes(repeat="key", batch=1, retention_s=REMEMBERED_S)

    def __init__(self, http: HttpClient) -> None:
        self._http = http

    def prepare(self, items: Sequence[Item[OutboundOrder]], stamp: Stamp) -> Preparation:
        return Preparation(
            prepared=tuple(
                Prepared(name=item.document.reference, keys=(item.key,), payload=order_body(item.document))
                for item in items
            )
        )

    async def push(self, prepared: Prepared, record: Record) -> Sequence[Outcome]:
        (key,) = prepared.keys
        try:
            await record("sent", if_wanted=True)  # right before the step that counts
        except Withdrawn:
            return [Untouched(key=key)]
        response = await self._http.request(
            "PUT",
            f"orders/{quote(prepared.name, safe='')}",
            content=prepared.payload,
            headers={"content-type": "application/json"},
            applied="write",
        )
        if response.ok:
            return [Accepted(key=key, remote=decode(response, TakenOrder).id)]
        if response.status in (409, 422):
            refusal = decode(response, Refusal)
            return [Rejected(key=key, cause=refusal.code, reason=refusal.message)]
        raise ProtocolMismatch(f"{response.call} was answered {response.status}")

    async def recover(self, prepared: Prepared, step: str, record: Record) -> Sequence[Outcome]:
        raise ProtocolMismatch("an order is sent again under its reference, never looked up")


class Shipments:
    """Changes since the last one that was read. The cursor is its number."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http
        self._read: str | None = None

    async def page(self, cursor: str | None, taken: Taken) -> Page[Package]:
        since = self._read or cursor or "0"
        response = await self._http.request("GET", f"shipments?since={since}&limit={PAGE}", applied="safe")
        answer = decode(response, Changes)
        packages, broken = [], []
        for change in answer.changes:
            try:
                packages.append(package(change.shipment))
            except msgspec.DecodeError as error:
                broken.append(bad(change.shipment, f"change {change.seq}", error))
        self._read = str(answer.changes[-1].seq) if answer.changes else since
        return Page(documents=tuple(packages), bad=tuple(broken), cursor=self._read, more=answer.more)

    async def confirm(self, marks: Sequence[str]) -> None:
        """Nothing to do: a list that is asked for has no files to put away, and its pages no marks."""


class Inventory:
    """One list of everything: a snapshot of one page."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http
        self._done = False

    async def page(self, taken: Taken) -> StockPage | None:
        if self._done:
            return None
        stock = decode(await self._http.request("GET", "inventory", applied="safe"), Stock)
        self._done = True
        rows, broken = [], []
        for number, raw in enumerate(stock.rows, start=1):
            try:
                rows.append(stock_row(raw))
            except msgspec.DecodeError as error:
                broken.append(bad(raw, f"inventory row {number}", error))
        return StockPage(
            snapshot=stock.as_of.isoformat(),
            as_of=stock.as_of,
            rows=tuple(rows),
            bad=tuple(broken),
            last=True,
        )

    async def confirm(self, marks: Sequence[str]) -> None:
        """As for shipments."""


class AcmeWarehouse(WarehouseParts):
    """Signed in for one run."""

    def __init__(self, http: HttpClient, settings: Settings) -> None:
        self._http = http
        self._account = settings.account
        self.orders = Orders(http)
        self.shipments = Shipments(http)
        self.inventory = Inventory(http)

    async def test(self, *, write: bool) -> Sequence[Finding]:
        found = decode(await self._http.request("GET", "account", applied="safe"), Account).account
        ok = found == self._account
        detail = f"the token is of account {found}"
        return [Finding(name="account", ok=ok, detail=detail, remedy="" if ok else "correct `account`")]

    async def survey(self) -> Survey:
        return Survey()  # all None: it cannot tell more than its inventory does

    def sample(self, name: str, content: bytes) -> Sample:
        finding = Finding(name="sample", ok=False, detail="Acme exchanges no files")
        return Sample(kind="none", findings=(finding,))


@asynccontextmanager
async def open_warehouse(settings: Settings, host: Host) -> AsyncIterator[AcmeWarehouse]:
    headers = {"authorization": f"Bearer {host.secret(settings.token).reveal()}"}
    async with host.http.client(settings.url, headers=headers) as http:
        yield AcmeWarehouse(http, settings)
