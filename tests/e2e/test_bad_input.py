"""Bad input, as a person meets it: what is said, where, and that nothing is lost once it is mended."""

import base64
import hashlib
import socket

import pytest

from tests.e2e.daemon import Daemon
from tests.e2e.sandbox import SHIPMENT_HEADER, Sandbox, check, ctl, program, run_daemon, shipment, wait_until

pytestmark = pytest.mark.timeout(300)

ALL = ("sales_orders", "shipments", "inventory")
WAIT = ("--wait", "--timeout", "120")


def fingerprint(key: str) -> str:
    """As `ssh-keygen -l` shows it."""
    digest = hashlib.sha256(base64.b64decode(key.split()[1])).digest()
    return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"


def begin(daemon: Daemon, *connections: str) -> None:
    """Start with these switched on, and older orders looked at."""
    daemon.start()
    for name in connections:
        daemon.enable(name, *ALL)
        daemon.run(name, "sales_orders.import")


def test_wrong_toml(daemon: Daemon, sandbox: Sandbox) -> None:
    """A file with several faults and one that is no TOML: all are said at once; the neighbour runs."""
    sandbox.add_warehouse(daemon)
    sandbox.add_store(daemon)
    good = (daemon.conf / "connections.d" / "shop.toml").read_text()
    sandbox.add_store(daemon, "typo", channel='"typo"')
    other = (daemon.conf / "connections.d" / "typo.toml").read_text()
    daemon.write("connections.d/typo.toml", other.replace("timezone ", "timezoen "))
    daemon.write("connections.d/torn.toml", 'id = "c-torn\nmerchant = "acme"\n')
    told = check(daemon)
    assert told.status == 1
    typo, torn = (str(daemon.conf / "connections.d" / name) for name in ("typo.toml", "torn.toml"))
    assert f"{typo}: timezoen: found" in told.said
    assert 'did you mean "timezone"?' in told.said
    assert f"{typo}: timezone: found nothing" in told.said
    assert torn in told.said
    assert "line 1, column 13" in told.said

    begin(daemon, "shop")
    [order] = sandbox.buy()
    assert daemon.run("shop", "sales_orders.import")["accepted"] == 1
    status = ctl(daemon, "status")
    assert status.status == 0
    assert "the connection typo does not run: its configuration is wrong" in status.said
    assert f"{typo}: timezoen: found" in status.said
    assert "the connection torn does not run" in status.said
    assert "correct the file, then `dropstreamctl reload`" in status.said
    refused = ctl(daemon, "run", "torn", "sales_orders", *WAIT)
    assert refused.status == 2
    assert f"connection torn cannot run: {torn}: line 1, column 13" in refused.said

    daemon.write("connections.d/typo.toml", good)  # the id of the other one
    refused = ctl(daemon, "reload")
    assert refused.status == 2
    assert f"{typo}: id: found the same as in" in refused.said
    assert f"{torn}: line 1, column 13" in refused.said
    for name in ("typo", "torn"):
        (daemon.conf / "connections.d" / f"{name}.toml").unlink()
    assert check(daemon).status == 0
    assert ctl(daemon, "reload").status == 0
    assert "does not run" not in ctl(daemon, "status").said
    assert sandbox.arrived() == {f"S{order.code}": 1}


def test_wrong_settings_of_the_daemon_itself(daemon: Daemon) -> None:
    """It does not start: nothing can be trusted of a daemon that guesses its own settings."""
    file = daemon.conf / "dropstreamd.toml"
    good = file.read_text()
    file.write_text(good.replace("1GiB", "1 gigabyte") + 'log_levle = "debug"\n')
    for told, status in ((run_daemon(daemon.conf), 78), (check(daemon), 1)):
        assert told.status == status
        assert f'{file}: state_limit: found "1 gigabyte"' in told.said
        assert f"{file}: log_levle: found an unknown key" in told.said
        assert 'did you mean "log_level"?' in told.said
    file.write_text(good)
    daemon.start()
    assert ctl(daemon, "status").status == 0
    assert daemon.stop() == 0
    gone = program(daemon, "status")
    assert gone.status == 3
    assert str(daemon.socket) in gone.said


def test_a_port_that_another_process_has(daemon: Daemon) -> None:
    """One sentence with the setting and what to do; a restart may mend it."""
    file = daemon.conf / "dropstreamd.toml"
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = f"127.0.0.1:{other.getsockname()[1]}"
        file.write_text(file.read_text().replace("metrics = false", f'metrics = "{address}"'))
        told = run_daemon(daemon.conf)
    assert (told.status, told.out) == (1, "")
    (sentence,) = [line for line in told.err.splitlines() if not line.startswith("{")]
    assert sentence == (
        f'dropstreamd: metrics = "{address}" in dropstreamd.toml: another process listens there already '
        "(stop that one, or set metrics to a free port, or to false for none)"
    )
    assert "Traceback" not in told.err
    assert "exception" not in told.err.lower()


def test_unknown_plugin(daemon: Daemon, sandbox: Sandbox) -> None:
    sandbox.add_warehouse(daemon)
    sandbox.add_store(daemon)
    sandbox.add_store(daemon, "north", platform='"vendur"')
    file = daemon.conf / "connections.d" / "north.toml"
    told = check(daemon)
    assert told.status == 1
    assert f'{file}: store.platform: found "vendur", expected a store plugin: ' in told.said
    assert 'did you mean "vendure"?' in told.said

    begin(daemon, "shop")
    status = ctl(daemon, "status")
    assert "the connection north does not run" in status.said
    assert 'store.platform: found "vendur"' in status.said
    sandbox.add_store(daemon, "north", channel='"demo"')
    assert ctl(daemon, "reload").status == 0
    daemon.enable("north", *ALL)
    daemon.run("north", "sales_orders.import")
    [order] = sandbox.buy()
    for name in ("shop", "north"):
        assert daemon.run(name, "sales_orders.import")["accepted"] == 1
    assert sandbox.arrived() == {f"S{order.code}": 1, f"N{order.code}": 1}


def test_unreadable_secret(daemon: Daemon, sandbox: Sandbox) -> None:
    """One that is not there, and one that others may read: each names its setting and the way out."""
    sandbox.add_warehouse(daemon)
    sandbox.add_store(daemon)
    sandbox.add_store(daemon, "north", channel='"demo"', password='{ secret = "north-shop" }')
    loose = daemon.folder / "loose"
    loose.write_text("a password")
    loose.chmod(0o644)
    sandbox.add_store(daemon, "east", channel='"demo2"', password=f'{{ file = "{loose}" }}')
    told = check(daemon)
    assert told.status == 1
    assert "north.toml: store.password" in told.said
    assert "north-shop" in told.said
    assert "east.toml: store.password" in told.said
    assert str(loose) in told.said
    assert "0600" in told.said

    begin(daemon, "shop")
    for name in ("north", "east"):
        daemon.enable(name, "sales_orders")
    [order] = sandbox.buy()
    held = ctl(daemon, "run", "north", "sales_orders", *WAIT)
    assert held.status == 1
    assert "held" in held.said
    assert "north-shop" in held.said
    assert "dropstreamctl secret set north-shop" in held.said
    held = ctl(daemon, "run", "east", "sales_orders", *WAIT)
    assert held.status == 1
    assert str(loose) in held.said
    assert "0600" in held.said
    assert "a password" not in held.said
    assert daemon.run("shop", "sales_orders.import")["accepted"] == 1
    status = ctl(daemon, "status")
    assert "north sales_orders.import needs somebody to act" in status.said
    assert "dropstreamctl secret set north-shop" in status.said

    password = (daemon.state / "secrets" / "shop").read_text()
    done = ctl(daemon, "secret", "set", "north-shop", stdin=f"{password}\n")
    assert (done.status, done.out) == (0, "secret north-shop was set\n")
    loose.write_text(password)
    loose.chmod(0o600)
    wait_until(lambda: f"N{order.code}" in sandbox.arrived())  # nobody has to ask for it
    assert daemon.run("east", "sales_orders.import")["accepted"] == 1
    assert sandbox.arrived() == {f"{letter}{order.code}": 1 for letter in "SNE"}


def test_refused_host_key(daemon: Daemon, sandbox: Sandbox) -> None:
    """Another warehouse answers under the address: nothing is sent, nothing is lost."""
    wrong = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJlhcN5iaTnrhBcD7vCKPLPMz5c9lGeZL1tJlmCGzWcT"
    address = sandbox.sftp.url.replace("127.0.0.1", "localhost")  # an account of its own
    sandbox.add_warehouse(daemon)
    sandbox.add_warehouse(daemon, "other", url=f'"{address}"', host_key=f'"{wrong}"')
    sandbox.add_store(daemon)
    sandbox.add_store(daemon, "north", "other", channel='"demo"')
    begin(daemon, "shop", "north")
    [order] = sandbox.buy()
    held = ctl(daemon, "run", "north", "sales_orders", *WAIT)
    assert held.status == 1
    assert "held" in held.said
    assert "host key" in held.said.lower()
    assert fingerprint(sandbox.sftp.host_key) in held.said  # what was found, as the warehouse can compare
    assert fingerprint(wrong) in held.said
    assert "What to do: ask the warehouse whether its key changed" in held.said
    tested = ctl(daemon, "test", "north", "warehouse")
    assert tested.status == 1
    assert "warehouse (file-exchange): not well" in tested.said
    assert "✗ host key:" in tested.said
    assert "→" in tested.said
    assert "needs somebody to act" in ctl(daemon, "status").said
    assert sandbox.arrived() == {}
    assert daemon.run("shop", "sales_orders.import")["accepted"] == 1

    sandbox.add_warehouse(daemon, "other", url=f'"{address}"')
    assert ctl(daemon, "reload").status == 0
    sent = ctl(daemon, "run", "north", "sales_orders", *WAIT)
    assert sent.status == 0
    assert "1 accepted" in sent.said
    assert sandbox.arrived() == {f"S{order.code}": 1, f"N{order.code}": 1}
    assert "Needs attention" not in ctl(daemon, "status").said


def test_a_csv_with_a_missing_column(daemon: Daemon, sandbox: Sandbox) -> None:
    """The file goes to quarantine whole, the other files go through; put back, it is read."""
    sandbox.add_warehouse(daemon)
    sandbox.add_store(daemon)
    begin(daemon, "shop")
    first, other = sandbox.buy({"TEE": 1}, {"CAP": 1})
    daemon.run("shop", "sales_orders.import")
    bad = SHIPMENT_HEADER.replace("quantity", "qty") + shipment(f"S{first.code}", "T1")
    sandbox.leave("shp_1.csv", bad)
    sandbox.leave("shp_2.csv", SHIPMENT_HEADER + shipment(f"S{other.code}", "T2", "CAP"))
    ran = ctl(daemon, "run", "shop", "shipments", *WAIT)
    assert ran.status == 1
    assert "shipments.export done in" in ran.said
    assert "1 unreadable" in ran.said
    assert "1 accepted" in ran.said
    assert "shp_1.csv" in ran.said
    assert "has no column 'quantity'" in ran.said
    assert "dropstreamctl parked shop" in ran.said
    assert sandbox.tracking(other) == ["T2"]
    parked = ctl(daemon, "parked", "shop").said
    assert "shp_1.csv" in parked
    assert "its header has no column 'quantity'" in parked
    assert "'qty'" in parked  # what it has instead
    assert "dropstreamctl parked shop" in ctl(daemon, "status").said
    quarantined = sandbox.out / "quarantine" / "shp_1.csv"
    assert quarantined.read_text() == bad
    tried = ctl(daemon, "try-file", "acme.main", str(quarantined))
    assert tried.status == 1
    assert "no column 'quantity'" in tried.said

    # Either side may mend it: here ours, which learns the warehouse's name for it.
    columns = 'reference = "order_number", sku = "sku", quantity = "qty", shipment = "shipment_id"'
    columns += ', tracking = "tracking_number"'
    more = f"[warehouses.main.shipments]\ncolumns = {{ {columns} }}\n"
    sandbox.add_warehouse(daemon, more=more)
    assert ctl(daemon, "reload").status == 0
    tried = ctl(daemon, "try-file", "acme.main", str(quarantined))
    assert tried.status == 0
    quarantined.rename(sandbox.out / "shp_1.csv")
    assert daemon.run("shop", "shipments.export")["accepted"] == 1
    assert sandbox.tracking(first) == ["T1"]
    assert len(other.fulfillments) == 1
    assert "Needs attention" not in ctl(daemon, "status").said, "what was read is not listed any more"


def test_a_bad_row_leaves_its_neighbours_alone(daemon: Daemon, sandbox: Sandbox) -> None:
    sandbox.add_warehouse(daemon)
    sandbox.add_store(daemon)
    begin(daemon, "shop")
    first, other = sandbox.buy({"TEE": 1}, {"CAP": 1})
    daemon.run("shop", "sales_orders.import")
    rows = shipment(f"S{first.code}", "T1", quantity="one") + shipment(f"S{other.code}", "T2", "CAP")
    sandbox.leave("shp_1.csv", SHIPMENT_HEADER + rows)
    ran = ctl(daemon, "run", "shop", "shipments", *WAIT)
    assert ran.status == 1
    assert sandbox.tracking(other) == ["T2"]
    parked = ctl(daemon, "parked", "shop").said
    assert "shp_1.csv line 2" in parked
    assert "'one'" in parked
    sandbox.leave("shp_2.csv", SHIPMENT_HEADER + shipment(f"S{first.code}", "T1"))
    assert daemon.run("shop", "shipments.export")["accepted"] == 1
    assert sandbox.tracking(first) == ["T1"]
    assert ctl(daemon, "parked", "shop").out == "Nothing is parked.\n"
    assert "Needs attention" not in ctl(daemon, "status").said


def test_bad_inventory_leaves_levels_as_they_were(daemon: Daemon, sandbox: Sandbox) -> None:
    sandbox.add_warehouse(daemon)
    sandbox.add_store(daemon)
    begin(daemon, "shop")
    sandbox.leave("inv_1.csv", "sku,qty\nTEE,5\n")
    ran = ctl(daemon, "run", "shop", "inventory", *WAIT)
    assert ran.status == 1
    assert "1 stock snapshot could not be read inv_1.csv: " in ran.said
    assert sandbox.shop.buyable()["TEE"] == 1000
    assert "inv_1.csv" in ctl(daemon, "parked", "shop").said
    sandbox.leave("inv_2.csv", "sku,quantity\nTEE,5\nCAP,many\nMUG,7\n")
    daemon.run("shop", "inventory.smart")
    assert sandbox.shop.buyable() == {"TEE": 5, "CAP": 1000, "MUG": 7}
    parked = ctl(daemon, "parked", "shop").said
    assert "inv_2.csv line 3" in parked
    assert "'many'" in parked
    sandbox.leave("inv_3.csv", "sku,quantity\nTEE,5\nCAP,6\nMUG,7\n")
    daemon.run("shop", "inventory.smart")
    assert sandbox.shop.buyable() == {"TEE": 5, "CAP": 6, "MUG": 7}
    assert ctl(daemon, "parked", "shop").out == "Nothing is parked.\n"


def test_a_torn_file(daemon: Daemon, sandbox: Sandbox) -> None:
    """Half of a file, as a broken upload leaves it: no row of it counts, also not those that are whole."""
    sandbox.add_warehouse(daemon)
    sandbox.add_store(daemon)
    begin(daemon, "shop")
    first, other = sandbox.buy({"TEE": 2}, {"CAP": 1})
    daemon.run("shop", "sales_orders.import")
    whole = (
        SHIPMENT_HEADER + shipment(f"S{other.code}", "T2", "CAP") + shipment(f"S{first.code}", "T1", "TEE", 2)
    )
    sandbox.leave("shp_1.csv", whole[:-14])
    ran = ctl(daemon, "run", "shop", "shipments", *WAIT)
    assert ran.status == 1
    assert "1 unreadable" in ran.said
    parked = ctl(daemon, "parked", "shop").said
    assert "shp_1.csv" in parked
    assert "torn" in parked
    assert (sandbox.tracking(first), sandbox.tracking(other)) == ([], [])
    assert (sandbox.out / "quarantine" / "shp_1.csv").exists()
    sandbox.leave("shp_1.csv", whole)  # the warehouse sends it again
    assert daemon.run("shop", "shipments.export")["accepted"] == 2
    assert (sandbox.tracking(first), sandbox.tracking(other)) == (["T1"], ["T2"])
    # Nobody can tell whether that was in its place: a warehouse may give each day's file the same name.
    assert "another file of that name was read on" in ctl(daemon, "parked", "shop").said


def test_one_undecodable_order_in_a_page(daemon: Daemon, sandbox: Sandbox) -> None:
    sandbox.add_warehouse(daemon)
    sandbox.add_store(daemon)
    begin(daemon, "shop")
    orders = sandbox.buy(*[{"TEE": 1}] * 5)
    bad = orders[2]
    sandbox.store.spoiled = bad.code
    ran = ctl(daemon, "run", "shop", "sales_orders", *WAIT)
    assert ran.status == 1
    assert "1 unreadable, 4 accepted" in ran.said
    assert sandbox.arrived() == {f"S{order.code}": 1 for order in orders if order is not bad}
    parked = ctl(daemon, "parked", "shop").said
    assert bad.id in parked
    assert "lines[0].quantity" in parked
    assert "1 unreadable" in ctl(daemon, "status").said
    sandbox.store.spoiled = ""
    assert daemon.run("shop", "sales_orders.import")["accepted"] == 1
    assert sandbox.arrived() == {f"S{order.code}": 1 for order in orders}
    assert ctl(daemon, "parked", "shop").out == "Nothing is parked.\n"


def test_a_store_that_answers_html(daemon: Daemon, sandbox: Sandbox) -> None:
    """A maintenance page instead of an answer; the warehouse's side goes on meanwhile."""
    sandbox.add_warehouse(daemon)
    sandbox.add_store(daemon)
    begin(daemon, "shop")
    first, other = sandbox.buy({"TEE": 1}, {"TEE": 1})
    daemon.run("shop", "sales_orders.import")
    [order] = sandbox.buy()
    sandbox.leave("shp_1.csv", SHIPMENT_HEADER + shipment(f"S{first.code}", "T1"))
    sandbox.store.html = True
    held = ctl(daemon, "run", "shop", "sales_orders", *WAIT)
    assert held.status == 1
    assert "answered a web page (text/html) where JSON was expected" in held.said
    assert sandbox.store_url.removeprefix("http://") in held.said
    assert "We'll be back" not in held.said
    assert ctl(daemon, "run", "shop", "shipments", *WAIT).status == 1
    tested = ctl(daemon, "test", "shop")
    assert tested.status == 1
    assert "store (vendure): not well" in tested.said
    assert "answered a web page" in tested.said
    assert "warehouse (file-exchange): well" in tested.said
    assert "answered a web page" in ctl(daemon, "status").said

    sandbox.store.html = False
    assert daemon.run("shop", "sales_orders.import")["accepted"] == 1
    assert daemon.run("shop", "shipments.export")["accepted"] == 1
    assert sandbox.arrived() == {f"S{each.code}": 1 for each in (first, other, order)}
    assert sandbox.tracking(first) == ["T1"]
    assert "Needs attention" not in ctl(daemon, "status").said
