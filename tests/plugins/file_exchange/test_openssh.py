"""The plugin against OpenSSH's server, with a warehouse that takes each file within milliseconds."""

import msgspec
import pytest

from dropstream_file_exchange.warehouse import open_warehouse
from dropstreamd.model.orders import OutboundOrder
from dropstreamd.platform.contract import Accepted, Item, Outcome
from dropstreamd.platform.secrets import Secret
from tests.counterparts.sshd import Account
from tests.counterparts.wms import Consumer

from .files import settings
from .lent import LentHost
from .test_orders import ORDER, STAMP

pytestmark = pytest.mark.counterpart


async def test_every_order_is_taken_once(account: Account, warehouse: Consumer) -> None:
    steps: list[str] = []

    async def record(step: str, *, if_wanted: bool = False) -> None:
        steps.append(step)

    items: list[Item[OutboundOrder]] = [
        Item(key=f"k{number}", document=msgspec.structs.replace(ORDER, reference=f"SH{number}"))
        for number in range(50)
    ]
    chosen = settings(url=account.url, host_key=account.host_key, password=None, key={"secret": "key"})
    outcomes: list[Outcome] = []
    async with open_warehouse(chosen, LentHost(Secret(account.key.read_text()))) as opened:
        prepared = opened.orders.prepare(items, STAMP).prepared
        for file in prepared:
            outcomes += await opened.orders.push(file, record)
            # As if we had died right after the rename: the file is gone, the marker tells where it went.
            outcomes += await opened.orders.recover(file, steps[-2], record)
    assert {type(outcome) for outcome in outcomes} == {Accepted}
    taken = warehouse.wait_for(len(prepared))
    assert sorted(file.name for file in taken) == sorted(file.name for file in prepared)
    assert {warehouse.content(file) for file in taken} == {file.payload for file in prepared}


async def test_files_are_archived_in_the_account(account: Account) -> None:
    account.leave("inv_1.csv", b"sku,quantity\nA,1\n")
    chosen = settings(
        url=account.url, host_key=account.host_key, password=None, key={"secret": "key"}, settle_s=0
    )
    async with open_warehouse(chosen, LentHost(Secret(account.key.read_text()))) as opened:
        assert all(finding.ok for finding in await opened.test(write=True))
        page = await opened.inventory.page(lambda _mark: False)
        assert page is not None
        assert page.mark is not None
        await opened.inventory.confirm([page.mark])
    assert (account.outbox / "archive" / "inv_1.csv").exists()
