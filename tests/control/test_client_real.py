"""The client against the real server, daemon, ledger and state; only the platforms are fakes."""

from functools import partial
from pathlib import Path

import msgspec
import pytest
import trio

from dropstreamd.control.messages.runs import RunAsked, RunShown, ScheduleShown
from dropstreamd.control.messages.status import Status
from dropstreamd.errors import Misconfigured
from dropstreamd.model.shipments import Package, PackageLine
from dropstreamd.platform.contract import Finding, Sample
from dropstreamd.platform.secrets import SecretRef
from tests.channels.plant import order
from tests.control.fake_api import Told, ctl
from tests.control.office import START_S, Office

ZONE = " EST"  # the connections are in New York, in winter


class Shell:
    """Types commands at the office's socket."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def __call__(self, *argv: str, typed: str = "", is_terminal: bool = False) -> Told:
        command = partial(ctl, self._office.socket, *argv, typed=typed, is_terminal=is_terminal)
        return await trio.to_thread.run_sync(command)

    async def out(self, *argv: str, typed: str = "") -> str:
        """Of a command that goes well."""
        told = await self(*argv, typed=typed)
        assert (told.code, told.err) == (0, ""), told
        return told.out

    async def enable(self) -> None:
        for argv in ((), ("sales_orders",), ("shipments",), ("inventory",)):
            await self.out("enable", "shop", *argv)


@pytest.fixture
async def shell(office: Office) -> Shell:
    return Shell(office)


async def test_status_and_switches(office: Office, shell: Shell) -> None:
    out = await shell.out("status")
    assert out.startswith("dropstreamd 1.2.3, 2 connections, state ")
    assert "the plugin torn did not load: it cannot be imported" in out
    told = await shell("enable", "shop", "sales_orders")
    assert told.out.startswith("shop sales_orders is on.\n")
    assert "shop itself is still off" in told.out
    await shell.out("enable", "shop")
    assert "switch     on since 2026-03-02 04:00:0" in await shell.out("status", "shop")
    assert ZONE in await shell.out("log", "shop")
    assert msgspec.json.decode(await shell.out("status", "--json"), type=Status).version == "1.2.3"
    told = await shell("status", "shopp")
    assert (told.code, told.err.count("What to do: did you mean")) == (2, 1)
    told = await shell("disable", "shop", "shipment")
    assert (told.code, 'did you mean "shipments"?' in told.err) == (2, True)
    assert (await shell.out("disable", "shop")).startswith("shop is off.\n")


async def test_an_order_from_run_to_explanation(office: Office, shell: Shell) -> None:
    told = await shell("run", "shop", "sales_orders", "--wait")
    assert (told.code, told.err) == (2, "Refused: shop is disabled\nWhat to do: dropstreamctl enable shop\n")
    await shell.enable()
    office.clock.step(60)
    placed = msgspec.structs.replace(order("1001", placed_s=START_S + 30), key="gid://Order/1")
    office.stores["shop"].changes.change(placed.key, placed)
    told = await shell("run", "shop", "sales_orders", "--wait")
    assert told.code == 0
    assert "sales_orders.import done in " in told.out
    assert office.warehouse.taken.created() == {"gid://Order/1": 1}
    assert "sales_orders.import" in await shell.out("runs", "shop", "sales_orders")
    for name in ("1001", "SH1001", "gid://Order/1"):
        assert (await shell.out("order", "shop", name)).startswith("Order 1001  sent\n")
    told = await shell("order", "shop", "1002")
    assert told.code == 2
    told = await shell("run", "shop", "sales_orders", "--wait", "--json")
    assert msgspec.json.decode(told.out, type=RunShown).result == "done"


async def test_older_orders(office: Office, shell: Shell) -> None:
    for number in ("1", "2"):
        office.stores["shop"].changes.change(f"o{number}", order(number, placed_s=START_S - 3_600))
    await shell.enable()
    await shell("run", "shop", "sales_orders", "--wait")
    assert (await shell.out("backlog", "shop")).startswith("2 orders placed before")
    since = ("run", "shop", "sales_orders", "--since", "2026-03-01")
    told = await shell(*since)
    assert (told.code, office.warehouse.taken.created()) == (4, {})
    assert "  1, 2\n" in told.out
    told = await shell(*since, "--wait", typed="y\n", is_terminal=True)
    assert told.code == 0
    assert office.warehouse.taken.created() == {"o1": 1, "o2": 1}
    told = await shell("run", "shop", "sales_orders", "--since", "2026-03-02T03:30", "--wait")
    assert "No older orders were placed since then" in told.err
    assert told.code == 0
    assert (await shell("run", "shop", "sales_orders", "--since", "soon")).code == 2


async def test_a_wait_that_ends_before_its_run(office: Office, shell: Shell) -> None:
    await shell.enable()
    office.clock.step(60)
    office.stores["shop"].changes.change("o1", order("1", placed_s=START_S + 30))
    office.gate = trio.Event()
    told = await shell("run", "shop", "sales_orders", "--wait", "--timeout", "0.2", "--json")
    assert told.code == 5
    assert f"run {msgspec.json.decode(told.out, type=RunAsked).run} goes on" in told.err
    assert "running" in await shell.out("status")
    office.gate.set()
    await shell("run", "shop", "sales_orders", "--wait")
    assert office.warehouse.taken.created() == {"o1": 1}


async def test_stock_shipments_and_what_waits(office: Office, shell: Shell) -> None:
    await shell.enable()
    office.report({"TEE": 7})
    lines = (PackageLine(sku="TEE", quantity=1),)
    office.ship(Package(key="P1", reference="SH9", lines=lines))
    assert (await shell("run", "shop", "inventory", "--wait")).code == 0
    told = await shell("run", "shop", "shipments", "--wait")
    assert (told.code, "! 1 package, receipt or answer of nothing known here\n" in told.out) == (1, True)
    assert "reported        7 available" in await shell.out("sku", "shop", "TEE")
    assert "1 shipments of acme/main, unmatched" in await shell.out("parked", "shop")
    assert await shell.out("in-doubt", "shop") == "Nothing is in doubt.\n"
    assert await shell.out("tasks", "shop") == "Nothing is to be done by hand.\n"
    assert (await shell("release", "shop", "sales_orders", "--cause", "sku:X")).code == 2
    assert (await shell("resolve", "shop", "sales_orders", "a/b", "--sent")).code == 2
    assert (await shell("approve", "acme.main")).code == 2


async def test_schedules(shell: Shell) -> None:
    assert "It runs only when asked" in await shell.out("schedule", "shop", "inventory.smart")
    rules = ("every 30 minutes on mon-fri", "daily at 01:00")
    told = await shell("schedule", "shop", "inventory.smart", *rules)
    assert told.code == 4
    assert told.out.count(ZONE) == 10
    told = await shell("schedule", "shop", "inventory.smart", *rules, "--yes", "--json")
    assert msgspec.json.decode(told.out, type=ScheduleShown).rules == rules
    assert (await shell.out("schedule", "shop", "inventory.smart")).startswith("\n".join(rules))
    assert (await shell.out("schedule", "shop", "inventory.smart", "--default", "--yes")).endswith("Saved.\n")
    told = await shell("schedule", "shop", "inventory.smart", "dayly", "every 0 minutes", "--yes")
    assert (told.code, told.err.count("\n  - rules[")) == (2, 2)


async def test_setting_up(office: Office, shell: Shell, tmp_path: Path) -> None:
    assert "acme-wms" in await shell.out("secret", "set", "acme-wms", typed="hunter2\n")
    assert office.secrets.read(SecretRef(secret="acme-wms")).reveal() == "hunter2"
    assert await shell.out("secret", "list") == "acme-wms\n"
    assert (await shell("secret", "set", "../x", typed="y")).code == 2
    await shell.out("secret", "delete", "acme-wms")
    told = await shell("reload")
    assert (told.code, told.out.startswith("Reloaded.\n")) == (1, True)
    assert "shop cannot work: it lacks what its files name" in told.out
    assert "dropstreamctl secret set wms-token" in await shell.out("status", "shop")
    await shell.out("secret", "set", "wms-token", typed="hunter2\n")
    assert (await shell.out("reload")).startswith("Reloaded.\n")
    (office.conf / "merchants.d" / "bad.toml").write_text("warehouses = 3")
    told = await shell("reload")
    assert (told.code, "bad.toml" in told.err) == (2, True)


async def test_checks(office: Office, shell: Shell, tmp_path: Path) -> None:
    assert "store (shop): well" in await shell.out("test", "shop", "store")
    office.warehouse_answers.test = Misconfigured("the host key differs", remedy="compare it")
    told = await shell("test", "shop")
    assert told.code == 1
    assert "the host key differs\n    → compare it\n" in told.out
    assert "Ready. Next: dropstreamctl enable shop" in await shell.out("preflight", "shop")
    office.warehouse_answers.survey = Misconfigured("the folder is gone", remedy="make it")
    told = await shell("preflight", "shop")
    assert (told.code, "Not ready" in told.out) == (1, True)
    (tmp_path / "ship.csv").write_text("x")
    office.warehouse_answers.sample = Sample(
        kind="shipments", findings=(Finding(name="columns", ok=True, detail="3"),)
    )
    out = await shell.out("try-file", "acme.main", str(tmp_path / "ship.csv"))
    assert out.startswith("It is read as: shipments\n")
    assert (await shell("try-file", "acme.mian", str(tmp_path / "ship.csv"))).code == 2


async def test_backup_and_restore(office: Office, shell: Shell, tmp_path: Path) -> None:
    backup, state = str(tmp_path / "backup"), str(tmp_path / "state")
    assert (await shell.out("backup", backup)).startswith(f"Backed up: {backup}, ")
    told = await shell("backup", backup)
    assert (told.code, "exists already" in told.err) == (2, True)
    told = await shell("restore", backup, str(office.folder / "state"))
    assert (told.code, "is in use by process" in told.err) == (1, True)
    assert (await shell.out("restore", backup, state)).startswith("Restored: ")
