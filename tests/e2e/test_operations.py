"""Running it: reload, edits, restart, backup and restore."""

import shutil
import time

import pytest

from tests.e2e.daemon import Daemon
from tests.e2e.sandbox import (
    Sandbox,
    ctl,
    log_lines,
    run_daemon,
    wait_until,
)

pytestmark = pytest.mark.timeout(300)

ANOTHERS_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJlhcN5iaTnrhBcD7vCKPLPMz5c9lGeZL1tJlmCGzWcT"
ALL = ("sales_orders", "shipments", "inventory")
WAIT = ("--wait", "--timeout", "120")


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
    assert refused.status == 2
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
    # One that is pending when the backup is made, as its warehouse is not let in, and goes later.
    sandbox.add_warehouse(running, host_key=f'"{ANOTHERS_KEY}"')
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
    assert ctl(running, "backup", str(backup)).status == 2
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
    assert "when the backup was made: it may have been since" in doubt
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
