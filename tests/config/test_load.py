"""What the files say, and every problem of every file at once."""

import os
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from dropstreamd.config.load import load, load_daemon
from dropstreamd.config.schema import DEFAULT_RULES, Breaker, DaemonSettings, Listen, ReturnSettings
from dropstreamd.errors import ConfigError, Problem
from dropstreamd.model.schedule_parser import parse_rules
from dropstreamd.platform.loader import load_plugins
from tests.config.fakes import (
    MERCHANT,
    PLUGINS,
    FileSettings,
    Folder,
    ShopSettings,
    connection,
    loaded,
    only,
    problems,
)

CONF = Path(__file__).parents[2] / "conf"


def test_a_sound_folder(folder: Folder) -> None:
    result = loaded(folder)
    assert (result.broken, result.problems) == ((), ())
    assert set(result.config.connections) == {"c-001", "c-002"}
    first = result.config.connections["c-001"]
    account = result.config.account(first)
    assert first.name == "a"
    assert first.timezone == ZoneInfo("America/New_York")
    assert first.schedules == {key: parse_rules(rules) for key, rules in DEFAULT_RULES.items()}
    assert first.store.account_key == "vendure:https://shop1.example"
    assert account.breaker == Breaker()
    assert account.statuses is None
    assert result.config.named("b") == result.config.connections["c-002"]
    assert result.config.named("c") is None
    assert result.config.daemon == DaemonSettings()


def test_keys_of_the_daemon_that_a_plugin_declares_reach_both(folder: Folder) -> None:
    config = loaded(folder).config
    warehouse = config.merchants["acme"].warehouses["main"]
    assert isinstance(warehouse.settings, FileSettings)
    assert (warehouse.timezone.key, warehouse.settings.timezone) == ("America/Chicago",) * 2
    store = config.connections["c-001"].store.settings
    assert isinstance(store, ShopSettings)
    assert store.timezone == "America/New_York"


def test_every_setting(folder: Folder) -> None:
    folder.write(
        "dropstreamd.toml",
        'state_dir = "state"\nstate_limit = "1 GB"\nsocket = "/run/x.sock"\nsocket_mode = "0600"\n'
        'socket_group = "ops"\nmetrics = "[::1]:9000"\nlog_level = "debug"\nmax_runs = 2\ngrace = "2 min"\n'
        'plugin_path = ["plugins", "/opt/plugins"]\n',
    )
    folder.write(
        "merchants.d/acme.toml",
        MERCHANT + 'statuses = ["OK", "NEW"]\nfacilities = []\nduplicates = "refuse"\nmissing = "zero"\n'
        'reference_max_length = 12\nallow_private_address = true\ntakes_orders_within = "1h"\n'
        '[warehouses.main.units]\n"100" = 12\n'
        '[warehouses.main.breaker]\nstale_after = "2d"\nlost_share = "10%"\nzeroed_share = 1\n'
        "raised_share = 2.5\n",
    )
    folder.write("listings.csv", "\ufeffWarehouse_SKU,note,channel_sku\r\n100,,TEE\r\n\r\n200,x,CAP\r\n")
    folder.write("methods.csv", 'store_method,warehouse_method\n"Standard, slow",GND\n')
    folder.write(
        "connections.d/a.toml",
        connection(
            1,
            top='listings_file = "listings.csv"\ndeduct_unsent = false',
            store="allow_private_address = true",
            rest='[channels.inventory]\nsmart = []\nfull = ["daily at 01:00", "hourly"]\n'
            '[shipping]\nmethods_file = "methods.csv"\ncarriers = { "UPS" = "ups" }\nunmapped = "pass"\n'
            '[returns]\nreference = "RMA{number}"\nrestock = true\nrefund = true\n'
            '[catalogs]\nmode = "list"\n[purchase_orders]\nreference = "{number}"\n',
        ),
    )
    result = loaded(folder)
    assert result.problems == ()
    assert result.config.daemon == DaemonSettings(
        state_dir=folder.path / "state",
        state_limit_bytes=10**9,
        socket=Path("/run/x.sock"),
        socket_mode=0o600,
        socket_group="ops",
        metrics=Listen(host="::1", port=9000),
        log_level="debug",
        max_runs=2,
        grace_s=120.0,
        plugin_path=(folder.path / "plugins", Path("/opt/plugins")),
    )
    assert load_daemon(folder.path) == result.config.daemon
    first = result.config.connections["c-001"]
    account = result.config.account(first)
    assert account.statuses == frozenset(("OK", "NEW"))
    assert account.facilities == frozenset()
    assert (account.duplicates, account.missing, account.units) == ("refuse", "zero", {"100": 12})
    assert (account.reference_max_length, account.allow_private_address) == (12, True)
    assert account.takes_within_s == 3600.0
    assert account.breaker == Breaker(
        stale_after_s=172800.0, lost_share=0.1, zeroed_share=1.0, raised_share=2.5
    )
    assert first.purchases.reference == "{number}"
    assert first.listings == {"TEE": "100", "CAP": "200"}
    assert first.methods == {"Standard, slow": "GND"}
    assert (first.carriers, first.unmapped_method, first.deduct_unsent) == ({"UPS": "ups"}, "pass", False)
    assert first.store.allow_private_address
    assert first.returns == ReturnSettings(reference="RMA{number}", restock=True, refund=True)
    assert first.catalogs == "list"
    assert result.config.connections["c-002"].returns == ReturnSettings(reference="RS2-{number}")
    assert first.schedules["inventory", "smart"] == ()
    assert first.schedules["inventory", "full"] == parse_rules(["daily at 01:00", "hourly"])


def test_metrics_can_be_off(folder: Folder) -> None:
    folder.write("dropstreamd.toml", "metrics = false")
    assert load_daemon(folder.path).metrics is None


def test_the_samples_pass_once_they_are_copied(tmp_path: Path) -> None:
    for path in CONF.rglob("*.toml*"):
        target = tmp_path / path.relative_to(CONF)
        target.parent.mkdir(exist_ok=True)
        target.with_name(target.name.removesuffix(".example")).write_bytes(path.read_bytes())
    result = load(tmp_path, load_plugins([CONF.parent / "plugins"]))
    assert result.problems == ()
    assert {each.name for each in result.config.connections.values()} == {
        "acme-ebay",
        "acme-medusa",
        "acme-shopify",
        "acme-vendure",
    }


def test_two_stores_with_one_template_for_returns(folder: Folder) -> None:
    for name, number in (("a", 1), ("b", 3)):
        rest = '[returns]\nreference = "RMA{number}"\n'
        folder.write(f"connections.d/{name}.toml", connection(number, rest=rest))
    found = problems(folder)
    assert len(found) == 2
    assert "connections.d/a.toml: returns.reference: found the same as in connections.d/b.toml" in found[0]


def test_the_samples_options_are_as_they_say(tmp_path: Path) -> None:
    """Uncommented, each shows a real key; those of the daemon show its default."""
    lines = (CONF / "dropstreamd.toml").read_text().splitlines()
    options = [line.removeprefix("# ") for line in lines if " = " in line and "socket_group" not in line]
    (tmp_path / "dropstreamd.toml").write_text("\n".join(options))
    assert load_daemon(tmp_path) == DaemonSettings()


def test_what_connections_say_against_each_other(folder: Folder) -> None:
    folder.write("connections.d/b.toml", connection(1))
    folder.write("connections.d/c.toml", connection(3))
    found = problems(folder)
    assert len(found) == 6
    assert (
        "connections.d/a.toml: id: found the same as in connections.d/b.toml, expected an id of its own"
        in found[0]
    )
    assert "connections.d/a.toml: store: found the same as" in found[1]
    assert "connections.d/a.toml: reference: found the same as" in found[2]
    assert found[3].startswith("connections.d/b.toml: id: found the same as in connections.d/a.toml")
    assert set(loaded(folder).config.connections) == {"c-003"}


def test_a_store_account_that_has_the_orders_of_another(folder: Folder) -> None:
    """A server of which no channel is named has the orders of all: beside one of its channels, each of that
    one's orders would go to two warehouses."""
    folder.write("connections.d/a.toml", connection(1).replace("shop1.example", "shop.example/"))
    folder.write("connections.d/b.toml", connection(2).replace("shop2.example", "shop.example/eu"))
    found = problems(folder)
    assert len(found) == 2
    assert found[0].startswith(
        "connections.d/a.toml: store: found an account that has all orders of connections.d/b.toml"
    )
    assert found[1].startswith(
        "connections.d/b.toml: store: found an account that has orders that are also in connections.d/a.toml"
    )
    assert not loaded(folder).config.connections
    folder.write("connections.d/a.toml", connection(1).replace("shop1.example", "shop.example/us"))
    assert not problems(folder)


def test_one_account_under_two_names_is_one_too_many(folder: Folder) -> None:
    """Each would read the other's files away, and match no package to the other's orders."""
    folder.write("merchants.d/other.toml", MERCHANT)
    folder.write("connections.d/b.toml", connection(2).replace('"acme"', '"other"'))
    found = problems(folder)
    assert len(found) == 2
    assert "connections.d/a.toml: warehouse: found the account of other.main" in found[0]
    assert "connections.d/b.toml: warehouse: found the account of acme.main" in found[1]
    assert not loaded(folder).config.connections
    folder.write("merchants.d/other.toml", MERCHANT.replace("/acme", "/other"))
    assert not problems(folder)


def test_what_only_one_account_may_have_is_no_others(folder: Folder) -> None:
    """Whatever both call it, and where both are in use."""
    mine = '[warehouses.main.folders]\nnumbers = "A"\n'
    folder.write("merchants.d/acme.toml", MERCHANT + mine)
    other = MERCHANT.replace("/acme", "/other") + mine.replace("numbers", "counts")
    folder.write("merchants.d/other.toml", other)
    assert not problems(folder)
    folder.write("connections.d/b.toml", connection(2).replace('"acme"', '"other"'))
    found = problems(folder)
    rest = "expected what no other warehouse account that is in use has; name another"
    mine, theirs = "warehouses.main.folders.numbers", "warehouses.main.folders.counts"
    assert found == [
        f"merchants.d/acme.toml: {mine}: found folder A, as {theirs} in merchants.d/other.toml, {rest}",
        f"merchants.d/other.toml: {theirs}: found folder A, as {mine} in merchants.d/acme.toml, {rest}",
    ]
    assert not loaded(folder).config.connections
    folder.write("merchants.d/other.toml", other.replace('"A"', '"B"'))
    assert not problems(folder)


def test_a_contradiction_with_a_broken_connection_counts(folder: Folder) -> None:
    folder.write("connections.d/b.toml", connection(1).replace("New_York", "Nowhere"))
    assert loaded(folder).config.connections == {}


def test_every_problem_of_every_file_at_once(folder: Folder) -> None:
    folder.write("dropstreamd.toml", "max_runs = 0\ngrace = 1\n")
    folder.write("merchants.d/acme.toml", MERCHANT.replace("Chicago", "X").replace("dsfx", "y"))
    folder.write("connections.d/a.toml", connection(1).replace('id = "c-001"', "").replace("https", "ftp"))
    folder.write("connections.d/b.toml", "?")
    files = [problem.split(": ")[:2] for problem in problems(folder)]
    assert files == [
        ["dropstreamd.toml", "max_runs"],
        ["dropstreamd.toml", "grace"],
        ["merchants.d/acme.toml", "warehouses.main.timezone"],
        ["merchants.d/acme.toml", "warehouses.main.format"],
        ["connections.d/a.toml", "id"],
        ["connections.d/a.toml", "warehouse"],
        ["connections.d/a.toml", "store.url"],
        ["connections.d/b.toml", "line 1, column 1"],
    ]


@pytest.mark.parametrize("sub", ["merchants.d", "connections.d"])
def test_a_missing_folder_is_not_an_empty_one(folder: Folder, sub: str) -> None:
    (folder.path / sub).rename(folder.path / "away")
    with pytest.raises(ConfigError) as caught:
        loaded(folder)
    assert f"{sub}: found no such file or folder" in str(caught.value)


def test_a_missing_daemon_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="found no such file or folder"):
        load_daemon(tmp_path)


def test_only_toml_files_are_read(folder: Folder) -> None:
    for name in ("x.toml.example", ".x.toml", "x.toml~", "README.md", ".a.toml.part"):
        folder.write(f"connections.d/{name}", "?")
    assert problems(folder) == []
    folder.write("connections.d/Big Shop.toml", connection(3))
    assert 'found a file named "Big Shop"' in only(folder)


def test_a_file_that_is_none(folder: Folder) -> None:
    (folder.path / "connections.d/loop.toml").symlink_to("loop.toml")
    (folder.path / "connections.d/dir.toml").mkdir()
    os.mkfifo(folder.path / "connections.d/pipe.toml")
    found = problems(folder)
    assert len(found) == 3
    assert "dir.toml: found not a regular file" in found[0]
    assert "loop.toml: found symbolic links that lead in a circle" in found[1]
    assert "pipe.toml: found not a regular file" in found[2]
    assert len(loaded(folder).config.connections) == 2


def test_too_many_files(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dropstreamd.config.files.FILES_LIMIT", 1)
    assert "connections.d: found 2 files, expected at most 1" in only(folder)


def test_too_many_rows(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dropstreamd.config.maps.CSV_ROWS_LIMIT", 1)
    folder.write("listings.csv", "channel_sku,warehouse_sku\na,b\nc,d\n")
    folder.write("connections.d/a.toml", connection(1, top='listings_file = "listings.csv"'))
    assert "line 3: found more rows, expected at most 1" in only(folder)


def test_an_overlay_stands_for_files(folder: Folder) -> None:
    overlay = {"connections.d/a.toml": None, "connections.d/c.toml": connection(3).encode()}
    result = load(folder.path, PLUGINS, overlay=overlay)
    assert set(result.config.connections) == {"c-002", "c-003"}
    with pytest.raises(ConfigError, match="no such file"):
        load(folder.path, PLUGINS, overlay={"dropstreamd.toml": None})


def test_problems_read_well() -> None:
    problem = Problem(file="a.toml", key="x", found="1", allowed="2", hint="do that")
    assert str(problem) == "a.toml: x: found 1, expected 2; do that"
