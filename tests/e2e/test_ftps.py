"""A warehouse behind FTPS, as a person sets it up: what `test` and `check` say, and one order's way."""

import pytest

from dropstream_file_exchange.check_login import PLAIN_FTP
from tests.counterparts.vsftpd import FtpAccount
from tests.e2e.daemon import Daemon
from tests.e2e.sandbox import SHIPMENT_HEADER, Sandbox, check, ctl, shipment

pytestmark = [pytest.mark.timeout(300), pytest.mark.counterpart]


def test_an_order_goes_out_and_its_shipment_comes_back_over_ftps(
    daemon: Daemon, sandbox: Sandbox, ftp_account: FtpAccount
) -> None:
    daemon.secret("ftps", ftp_account.password)
    reached = {"url": f'"{ftp_account.url}"', "password": '{ secret = "ftps" }', "host_key": "[]"}
    sandbox.add_store(daemon)
    sandbox.add_warehouse(daemon, **{**reached, "url": f'"{ftp_account.url.replace("ftpes:", "ftp:")}"'})
    refused = check(daemon)
    assert refused.status == 1
    assert "warehouses.main.plain_ftp: found nothing, beside ftp://" in refused.said
    assert PLAIN_FTP in refused.said

    sandbox.add_warehouse(daemon, **reached)
    daemon.start()
    tested = ctl(daemon, "test", "shop", "warehouse")
    assert tested.status == 1
    assert "✗ TLS:" in tested.said
    assert "certificate is not accepted" in tested.said
    assert "ca_file" in tested.said

    sandbox.add_warehouse(daemon, **reached, ca_file=f'"{ftp_account.ca}"')
    assert ctl(daemon, "reload").status == 0
    tested = ctl(daemon, "test", "shop", "warehouse", "--write")
    assert tested.status == 0
    assert "TLSv1.3" in tested.said
    assert "a file was put into in, renamed and removed" in tested.said

    daemon.enable("shop", "sales_orders", "shipments", "inventory")
    daemon.run("shop", "sales_orders.import")
    [order] = sandbox.buy()
    assert daemon.run("shop", "sales_orders.import")["accepted"] == 1
    [file] = ftp_account.inbox.glob("*.csv")
    assert f'"PH","S{order.code}"' in file.read_text()
    ftp_account.leave("shp_1.csv", f"{SHIPMENT_HEADER}{shipment(f'S{order.code}', 'T1')}".encode())
    daemon.run("shop", "shipments.export")
    assert sandbox.tracking(order) == ["T1"]
    assert (ftp_account.outbox / "archive/shp_1.csv").exists()
