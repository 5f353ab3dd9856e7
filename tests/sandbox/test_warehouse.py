"""The sandbox warehouse, reached through the file exchange plugin as any other."""

from pathlib import Path

import msgspec
import pytest

from dropstreamd.clock import SystemClock
from dropstreamd.errors import ProtocolMismatch
from dropstreamd.model.shipments import PackageLine
from dropstreamd.platform.contract import Item
from dropstreamd.sandbox.sftp_server import serve_sftp
from dropstreamd.sandbox.warehouse import SandboxWarehouse
from tests.plugins.file_exchange.lent import PASSWORD, opened
from tests.plugins.file_exchange.test_orders import ORDER, STAMP


async def test_orders_go_in_shipments_and_stock_come_out(tmp_path: Path) -> None:
    sandbox = SandboxWarehouse(tmp_path, SystemClock(), {"13358A": 20, "2564A": 5})

    async def record(step: str, *, if_wanted: bool = False) -> None: ...

    async with serve_sftp(tmp_path, user="acme", password=PASSWORD) as account, opened(account) as warehouse:
        two = [Item(key=key, document=msgspec.structs.replace(ORDER, reference=key)) for key in ("A", "B")]
        for prepared in warehouse.orders.prepare(two, STAMP).prepared:
            await warehouse.orders.push(prepared, record)
        orders = sandbox.take_orders()
        assert [order.reference for order in orders] == ["A", "B"]
        assert not sandbox.take_orders()
        sandbox.ship(orders[:1])
        sandbox.report_stock()
        page = await warehouse.shipments.page(None, lambda _mark: False)
        (package,) = page.documents
        assert (package.reference, package.carrier, package.service) == ("A", "UPS", "Ground")
        assert package.lines == (
            PackageLine(sku="13358A", quantity=16, order_line=1),
            PackageLine(sku="2564A", quantity=6, order_line=2),
        )
        assert package.shipped_at is not None
        stock = await warehouse.inventory.page(lambda _mark: False)
        assert stock is not None
        assert [(row.sku, row.quantity) for row in stock.rows] == [("13358A", 4), ("2564A", 0)]


def test_nothing_to_ship_is_no_file(tmp_path: Path) -> None:
    assert SandboxWarehouse(tmp_path, SystemClock(), {}).ship([]) is None


@pytest.mark.parametrize("content", ['"XX","1"\n', '"PD","1","1","A","1","0.00"\n', '"PH","1"\n'])
def test_what_is_no_order_file(tmp_path: Path, content: str) -> None:
    sandbox = SandboxWarehouse(tmp_path, SystemClock(), {})
    (tmp_path / "in" / "ord_1.csv").write_text(content)
    with pytest.raises(ProtocolMismatch, match=r"ord_1\.csv line 1"):
        sandbox.take_orders()
