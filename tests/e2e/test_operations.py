"""Running it: reload, restart, backup and restore, Test Connection, and what a person looks up."""

import json
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.daemon import Daemon
from tests.e2e.sandbox import (
    PRIVATE,
    SHIPMENT_HEADER,
    STORE_PASSWORD,
    WAREHOUSE_PASSWORD,
    Sandbox,
    ctl,
    run_daemon,
    shipment,
    wait_until,
)

pytestmark = pytest.mark.timeout(300)

ALL = ("sales_orders", "shipments", "inventory")
WAIT = ("--wait", "--timeout", "120")
IMPORT = "/connections/shop/channels/sales_orders/jobs/import/run"


@pytest.fixture
def running(daemon: Daemon, sandbox: Sandbox) -> Daemon:
    """A daemon with one connection, `shop`, switched on; it has looked at older orders."""
    sandbox.add_warehouse(daemon)
    sandbox.add_store(daemon)
    daemon.start()
    daemon.enable("shop", *ALL)
    daemon.run("shop", "sales_orders.import")
    return daemon


def hang(sandbox: Sandbox) -> None:
    """From now on the shop does not answer."""
    sandbox.store.hanging.clear()
    sandbox.store.open.clear()


def begun(daemon: Daemon, sandbox: Sandbox) -> str:
    """A run that is waiting for the shop's answer; its id."""
    hang(sandbox)
    run = daemon.begin("shop", "sales_orders.import")
    assert sandbox.store.hanging.wait(60)
    return run


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


# ---- reload


def test_a_reload_touches_only_what_changed(running: Daemon, sandbox: Sandbox) -> None:
    """The run of `shop` goes on while `north` comes, changes and goes."""
    [order] = sandbox.buy()
    run = begun(running, sandbox)
    sandbox.add_store(running, "north", channel='"north"')
    running.reload()
    wait_until(lambda: "north" in ctl(running, "status", "--json").out)
    file = running.conf / "connections.d" / "north.toml"
    file.write_text(file.read_text().replace('"UPS_GND"', '"UPS_2DAY"'))
    told = ctl(running, "reload")
    assert told.status == 0
    assert "changed from the next run north" in told.said
    assert "unchanged 1" in told.said
    file.unlink()
    told = ctl(running, "reload")
    assert "removed" in told.said
    status = ctl(running, "status").said
    assert "running" in status
    assert "north" not in status
    assert running.ask("GET", f"/connections/shop/runs/{run}")["result"] == "running"
    sandbox.store.open.set()
    assert running.finish("shop", run)["counts"] == {"staged": 1, "accepted": 1}
    assert sandbox.arrived() == {f"S{order.code}": 1}


def test_a_bad_reload_keeps_the_old_configuration_whole(running: Daemon, sandbox: Sandbox) -> None:
    file = running.conf / "connections.d" / "shop.toml"
    good = file.read_text()
    sandbox.add_store(running, "north", channel='"north"')
    file.write_text(good.replace('"UPS_GND"', '"UPS_2DAY"').replace("import = []", 'import = ["hourli"]'))
    sandbox.add_warehouse(running, "spare", quantity='"availabel"')
    told = ctl(running, "reload")
    assert told.status == 2
    assert "shop.toml: channels.sales_orders.import[0]: found `hourli`" in told.said
    assert 'spare.toml: warehouses.main.quantity: found "availabel"' in told.said
    running.reload()
    wait_until(lambda: "reload_refused" in running.log.read_text())
    [refused] = [line for line in log_lines(running) if line["event"] == "reload_refused"]
    assert len(refused["problems"]) == 2
    status = ctl(running, "status").said
    assert "north" not in status
    [order] = sandbox.buy()
    assert running.run("shop", "sales_orders.import")["accepted"] == 1
    sandbox.arrived()
    [taken] = sandbox.warehouse.orders
    assert (taken.reference, taken.ship_method) == (f"S{order.code}", "UPS_GND")


def test_an_edit_by_the_api_keeps_comments(running: Daemon) -> None:
    file = running.conf / "connections.d" / "shop.toml"
    before = file.read_text()
    told = ctl(running, "schedule", "shop", "sales_orders.import", "every 15 minutes", "--yes")
    assert told.status == 0
    after = file.read_text()
    assert '"every 15 minutes"' in after
    assert "# The connection shop, by hand." in after
    assert "# only when asked" in after
    assert [line for line in after.splitlines() if not line.startswith("import")] == [
        line for line in before.splitlines() if not line.startswith("import")
    ]
    assert "every 15 minutes" in ctl(running, "status", "shop").said
    refused = ctl(running, "schedule", "shop", "sales_orders.import", "every 7 fortnights", "--yes")
    assert refused.status == 2
    assert "every 7 fortnights" in refused.said
    assert file.read_text() == after


# ---- the process


def test_two_daemons_on_one_state_folder(running: Daemon) -> None:
    conf = running.folder / "second"
    shutil.copytree(running.conf, conf)
    settings = conf / "dropstreamd.toml"
    settings.write_text(settings.read_text().replace("control.sock", "second.sock"))
    second = run_daemon(conf)
    assert second.status == 1
    assert str(running.state) in second.said
    assert "is in use by process" in second.said
    assert "give each daemon a state folder of its own" in second.said
    assert ctl(running, "status").status == 0


def test_sigterm_lets_a_run_settle(running: Daemon, sandbox: Sandbox) -> None:
    orders = sandbox.buy(*[{"TEE": 1}] * 20)
    running.begin("shop", "sales_orders.import")
    wait_until(lambda: bool(list(sandbox.inbox.glob("ord_*.csv"))))
    assert running.stop() == 0
    last = log_lines(running)[-1]
    assert (last["event"], last["every_run_settled"]) == ("daemon_stopped", True)
    running.start()
    assert ctl(running, "in-doubt", "shop").out == "Nothing is in doubt.\n"
    running.run("shop", "sales_orders.import")
    assert sandbox.arrived() == {f"S{order.code}": 1 for order in orders}


def test_switches_survive_a_restart(running: Daemon) -> None:
    assert ctl(running, "disable", "shop", "inventory").status == 0
    before = {each: switches(running)[each] for each in ALL}
    assert before == {"sales_orders": True, "shipments": True, "inventory": False}
    assert running.stop() == 0
    running.start()
    assert switches(running) == {"": True, **before}
    assert ctl(running, "disable", "shop").status == 0
    running.kill()
    running.start()
    assert switches(running) == {"": False, **before}
    refused = ctl(running, "run", "shop", "sales_orders", *WAIT)
    assert refused.status == 1
    assert "enable shop" in refused.said


def switches(daemon: Daemon) -> dict[str, bool]:
    [card] = daemon.ask("GET", "/status/shop")["connections"]
    return {
        "": card["switch"]["on"],
        **{each["channel"]: each["switch"]["on"] for each in card["channels"] if each["channel"] in ALL},
    }


def test_requests_while_a_run_is_under_way_are_one_further_run(running: Daemon, sandbox: Sandbox) -> None:
    first = begun(running, sandbox)
    second = running.begin("shop", "sales_orders.import")
    third = running.begin("shop", "sales_orders.import")
    assert first != second == third
    [order] = sandbox.buy()
    took = sorted(status_took_s(running) for _ in range(20))
    print(
        f"status while a run is under way: median {took[10] * 1000:.1f} ms, longest {took[-1] * 1000:.1f} ms"
    )
    sandbox.store.open.set()
    assert running.finish("shop", first)["result"] == "done"
    assert running.finish("shop", second)["result"] == "done"
    runs = running.ask("GET", "/connections/shop/runs?channel=sales_orders")["runs"]
    assert [run["id"] for run in runs[:2]] == [second, first]
    assert len(runs) == 3
    assert sandbox.arrived() == {f"S{order.code}": 1}


def status_took_s(daemon: Daemon) -> float:
    began_s = time.perf_counter()
    daemon.ask("GET", "/status")
    return time.perf_counter() - began_s


# ---- backup and restore


def test_a_restore_doubles_nothing(running: Daemon, sandbox: Sandbox) -> None:
    """The backup is older than what followed it: what may have been sent since waits for a person."""
    file = running.conf / "connections.d" / "shop.toml"
    mapped = file.read_text()
    [sent] = sandbox.buy()
    running.run("shop", "sales_orders.import")
    # One that is pending when the backup is made, as its warehouse cannot be reached, and goes later.
    sandbox.add_warehouse(running, url=f'"sftp://wms@127.0.0.1:{unused_port()}/"')
    assert ctl(running, "reload").status == 0
    [pending] = sandbox.buy()
    assert ctl(running, "run", "shop", "sales_orders", *WAIT).status == 1
    sandbox.add_warehouse(running)
    assert ctl(running, "reload").status == 0
    backup = running.folder / "backup"
    run = begun(running, sandbox)
    told = ctl(running, "backup", str(backup))
    assert told.status == 0
    assert "Secrets are not in it" in told.said
    assert not any("secret" in path.name for path in backup.rglob("*"))
    assert ctl(running, "backup", str(backup)).status == 1
    sandbox.store.open.set()
    assert running.finish("shop", run)["counts"]["accepted"] == 1
    [later] = sandbox.buy()
    running.run("shop", "sales_orders.import")
    assert sandbox.arrived() == {f"S{each.code}": 1 for each in (sent, pending, later)}
    busy = ctl(running, "restore", str(backup), str(running.state))
    assert busy.status != 0
    assert running.stop() == 0

    lost = running.folder / "lost"
    running.state.rename(lost)
    running.state.mkdir(mode=0o700)
    shutil.copytree(lost / "secrets", running.state / "secrets")
    damaged = running.folder / "damaged"
    shutil.copytree(backup, damaged)
    with (damaged / "state.mdb").open("r+b") as state:
        state.seek(8192)
        state.write(b"\xff" * 64)
    refused = ctl(running, "restore", str(damaged), str(running.state))
    assert refused.status == 1
    assert "damaged" in refused.said
    restored = ctl(running, "restore", str(backup), str(running.state))
    assert restored.status == 0
    assert "Every switch is off" in restored.said

    running.start()
    assert not any(switches(running).values())
    assert "shop is off since its state was restored from a backup" in ctl(running, "status").said
    doubt = ctl(running, "in-doubt", "shop").said
    assert pending.code in doubt
    assert "it may have been handed over since" in doubt
    [unseen] = sandbox.buy()  # after the restore: nobody can have sent it
    running.enable("shop", *ALL)
    running.run("shop", "sales_orders.import")
    assert sandbox.arrived() == {f"S{each.code}": 1 for each in (sent, pending, later, unseen)}
    held = ctl(running, "parked", "shop").said
    assert later.code in held
    assert "release shop sales_orders --cause before-restore" in held
    resolved = ctl(running, "resolve", "shop", "sales_orders", pending.code, "--sent")
    assert resolved.status == 0
    assert ctl(running, "in-doubt", "shop").out == "Nothing is in doubt.\n"
    # A person sees that the warehouse lost this one: it goes after the release, once.
    sandbox.warehouse.orders = [each for each in sandbox.warehouse.orders if later.code not in each.reference]
    released = ctl(running, "release", "shop", "sales_orders", "--cause", "before-restore")
    assert released.status == 0
    assert "1 document released" in released.said
    running.run("shop", "sales_orders.import")
    running.run("shop", "sales_orders.import")
    assert sandbox.arrived() == {f"S{each.code}": 1 for each in (sent, pending, later, unseen)}
    assert file.read_text() == mapped


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

    sandbox.add_warehouse(daemon, url=f'"sftp://wms@127.0.0.1:{unused_port()}/"')
    sandbox.add_store(daemon, url=f'"http://127.0.0.1:{unused_port()}/admin-api"')
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
    assert "they go by themselves once their order is known" in parked
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


def log_lines(daemon: Daemon) -> list[dict[str, Any]]:
    """Every line of the log: each is JSON."""
    return [json.loads(line) for line in daemon.log.read_text().splitlines()]


def test_logs_and_metrics_tell_no_secret(daemon: Daemon, sandbox: Sandbox, tmp_path: Path) -> None:
    """Good and bad runs, at the level of most detail; then all that was written is looked through."""
    port = unused_port()
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
