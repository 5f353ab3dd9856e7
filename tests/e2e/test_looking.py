"""What a person asks and looks up, and what is seen from outside: Test Connection, samples, logs, metrics."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.counterparts.process import free_port
from tests.e2e.daemon import Daemon
from tests.e2e.sandbox import (
    PRIVATE,
    SHIPMENT_HEADER,
    STORE_PASSWORD,
    WAREHOUSE_PASSWORD,
    Sandbox,
    ctl,
    log_lines,
    shipment,
)

pytestmark = pytest.mark.timeout(300)

ALL = ("sales_orders", "shipments", "inventory")
WAIT = ("--wait", "--timeout", "120")


# ---- Test Connection, preflight, sample files


def test_test_connection_says_what_is_wrong(daemon: Daemon, sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.add_warehouse(daemon)
    sandbox.add_store(daemon)
    daemon.start()

    def tested(*more: str) -> str:
        ran = ctl(daemon, "test", "shop", *more)
        assert ran.status == 1
        assert "not well" in ran.said
        assert "pa55word" not in ran.said
        return ran.said

    def reload() -> None:
        assert ctl(daemon, "reload").status == 0

    well = ctl(daemon, "test", "shop", "--write")
    assert well.status == 0
    assert "store (vendure): well" in well.said
    assert "warehouse (file-exchange): well" in well.said
    assert list(sandbox.inbox.glob("*")) == []

    assert ctl(daemon, "secret", "set", "wms", stdin="not the pa55word").status == 0
    assert ctl(daemon, "secret", "set", "shop", stdin="nor this pa55word").status == 0
    said = tested()
    assert said.count("✗ credentials:") == 2
    refused = ctl(daemon, "secret", "set", "wms", "pa55word-as-argument")
    assert refused.status == 2
    assert "pa55word" not in refused.said
    daemon.secret("shop", (daemon.state / "secrets" / "shop").read_text())
    assert ctl(daemon, "secret", "set", "wms", stdin=WAREHOUSE_PASSWORD).status == 0
    assert ctl(daemon, "test", "shop", "warehouse").status == 0

    sandbox.add_warehouse(daemon, url=f'"sftp://wms@127.0.0.1:{free_port()}/"')
    sandbox.add_store(daemon, url=f'"http://127.0.0.1:{free_port()}/admin-api"')
    reload()
    said = tested()
    assert said.count("✗ network:") == 2
    assert "127.0.0.1:" in said

    sandbox.add_warehouse(daemon, url='"sftp://wms@wms.invalid/"')
    sandbox.add_store(daemon, url=f'"{sandbox.store_url}-v9"')
    reload()
    said = tested()
    assert said.count("✗ address:") == 2
    assert "wms.invalid" in said

    sandbox.add_warehouse(daemon, folders='{ in = "in", out = "outt" }')
    sandbox.add_store(daemon)
    reload()
    said = tested("warehouse")
    assert "outt" in said
    assert "→" in said
    sandbox.store.down = True
    said = tested("store")
    assert "✗ outage:" in said
    assert "answered 503" in said


def test_preflight_and_sample_files(daemon: Daemon, sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.add_warehouse(daemon)
    sandbox.add_store(daemon)
    file = daemon.conf / "connections.d" / "shop.toml"
    mapped = file.read_text()
    file.write_text(mapped.replace('"standard" =', '"express" ='))
    sandbox.leave("inv_1.csv", "sku,quantity\nTEE,5\nCAP,6\nHAT,7\n")
    daemon.start()
    found = ctl(daemon, "preflight", "shop")
    assert found.status == 1
    assert "ship methods without a mapping: 1: standard" in found.said
    assert "Not ready" in found.said
    file.write_text(mapped)
    assert ctl(daemon, "reload").status == 0
    found = ctl(daemon, "preflight", "shop")
    assert found.status == 0
    assert "Ready. Next: dropstreamctl enable shop" in found.said

    def tried(name: str, content: str) -> tuple[int, str]:
        path = tmp_path / name
        path.write_text(content)
        ran = ctl(daemon, "try-file", "acme.main", str(path))
        return ran.status, ran.said

    status, said = tried("shp_a.csv", SHIPMENT_HEADER + shipment("S1", "T1") + shipment("S2", "T2"))
    assert (status, "2 packages" in said) == (0, True)
    status, said = tried("shp_b.csv", SHIPMENT_HEADER + shipment("S1", "T1", quantity="x"))
    assert status == 1
    assert "shp_b.csv line 2" in said
    assert "the quantity 'x' is not a number" in said
    status, said = tried("shp_c.csv", "Datum;Bestellung;Menge\n20.11.2026;S1;1\n")
    assert status == 1
    assert "no column 'order_number'" in said
    assert "Datum;Bestellung;Menge" in said
    status, said = tried("inv_a.csv", "sku,quantity\nTEE,5\n")
    assert (status, "1 row of stock" in said) == (0, True)
    missing = ctl(daemon, "try-file", "acme.main", str(tmp_path / "none.csv"))
    assert (missing.status, "No such file" in missing.said) == (2, True)


# ---- what a person looks up


def test_an_order_in_doubt_and_what_is_looked_up(running: Daemon, sandbox: Sandbox) -> None:
    first, other = sandbox.buy({"TEE": 2}, {"CAP": 1})
    running.run("shop", "sales_orders.import")
    sandbox.leave("inv_1.csv", "sku,quantity\nTEE,12\nCAP,6\nMUG,7\n")
    running.run("shop", "inventory.smart")
    rows = shipment(f"S{first.code}", "T1", quantity=2) + shipment("S-of-nobody", "T9")
    sandbox.leave("shp_1.csv", SHIPMENT_HEADER + rows)
    running.run("shop", "shipments.export")
    shown = ctl(running, "order", "shop", first.code)
    assert shown.status == 0
    assert f"S{first.code}" in shown.said
    assert "T1" in shown.said
    assert ctl(running, "order", "shop", "none").status == 2
    sku = ctl(running, "sku", "shop", "TEE")
    assert sku.status == 0
    assert "12" in sku.said
    wrong = ctl(running, "sku", "shop", "TEEE")
    assert wrong.status == 2
    assert 'did you mean "TEE"?' in wrong.said
    parked = ctl(running, "parked", "shop").said
    assert "S-of-nobody" in parked
    assert "they go by themselves once their order, and its connection, is known" in parked
    assert ctl(running, "tasks", "shop").out == "Nothing is to be done by hand.\n"

    # Changed after hand-over, where the warehouse's files cannot amend: a task.
    other.lines[0].quantity = 3
    running.run("shop", "sales_orders.import")
    tasks = ctl(running, "tasks", "shop")
    assert f"{other.code} changed after hand-over" in tasks.said
    assert "1 to do by hand" in ctl(running, "status").said
    unsure = ctl(running, "resolve", "shop", "sales_orders", other.code, "--task")
    assert unsure.status == 4
    revision = re.search(r"--revision (\d+)", tasks.out)
    assert revision is not None
    done = ctl(running, "resolve", "shop", "sales_orders", other.code, "--task", "--revision", revision[1])
    assert done.status == 0
    assert ctl(running, "tasks", "shop").out == "Nothing is to be done by hand.\n"
    assert sandbox.arrived() == {f"S{order.code}": 1 for order in (first, other)}

    runs = ctl(running, "runs", "shop", "--json")
    assert len(json.loads(runs.out)["runs"]) == 5
    assert "run done" in ctl(running, "log", "shop").said


# ---- seen from outside


def test_logs_and_metrics_tell_no_secret(daemon: Daemon, sandbox: Sandbox, tmp_path: Path) -> None:
    """Good and bad runs, at the level of most detail; then all that was written is looked through."""
    port = free_port()
    settings = daemon.conf / "dropstreamd.toml"
    settings.write_text(
        settings.read_text().replace("metrics = false", f'metrics = "127.0.0.1:{port}"\nlog_level = "debug"')
    )
    sandbox.add_warehouse(daemon)
    sandbox.add_store(daemon)
    daemon.start()
    daemon.enable("shop", *ALL)
    daemon.run("shop", "sales_orders.import")
    orders = sandbox.buy(*[{"TEE": 1}] * 4)
    sandbox.store.spoiled = orders[0].code
    daemon.run("shop", "sales_orders.import")
    sandbox.store.html = True
    ctl(daemon, "run", "shop", "sales_orders", *WAIT)
    sandbox.store.html = False
    sandbox.leave("shp_1.csv", SHIPMENT_HEADER + shipment(f"S{orders[1].code}", "T1") + "Demo Buyer\n")
    daemon.run("shop", "shipments.export")
    ctl(daemon, "secret", "set", "wms", stdin="another " + WAREHOUSE_PASSWORD)
    ctl(daemon, "run", "shop", "sales_orders", *WAIT)
    ctl(daemon, "test", "shop")
    scraped = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=30)
    assert scraped.status_code == 200
    assert daemon.stop() == 0

    events = {line["event"] for line in log_lines(daemon)}
    assert {"daemon_ready", "run_began", "run_ended", "operator_action", "daemon_stopped"} <= events
    for line in log_lines(daemon):
        assert {"timestamp", "level", "event"} <= line.keys()
    state = (daemon.state / "state.mdb").read_bytes()
    assert WAREHOUSE_PASSWORD.encode() not in state
    assert STORE_PASSWORD.encode() not in state
    for private in PRIVATE:
        assert private not in daemon.log.read_text()
        assert private not in scraped.text
    if shutil.which("promtool") is not None:
        checked = subprocess.run(
            ["promtool", "check", "metrics"],
            input=scraped.content,
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")
    labels = {
        (name, value)
        for name, value in re.findall(r'(\w+)="([^"]*)"', scraped.text)
        if name not in ("le", "version", "quantile")
    }
    print(sorted(labels))
    assert not any(order.code in value or order.id == value for order in orders for _, value in labels)
    assert len(labels) < 100
