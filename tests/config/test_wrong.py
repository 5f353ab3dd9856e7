# ruff: noqa: E501 - tables of cases, a case a line
"""Wrong files: each case names what was found, where, and what is allowed."""

import pytest

from dropstreamd.config.files import TOML_LIMIT_BYTES
from dropstreamd.config.load import load, load_daemon
from dropstreamd.errors import ConfigError
from tests.config.fakes import MERCHANT, PLUGINS, Folder, connection, loaded, only, problems


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("state_limit = 64", 'state_limit: found 64, expected a size such as "500MB"'),
        ('state_limit = "1KiB"', 'state_limit: found "1KiB", expected a size'),
        ("socket_mode = 432", "socket_mode: found 432, expected permissions in octal"),
        ('socket = ""', "socket: found empty text, expected a path (1 to 1000 characters)"),
        ("socket_group = 5", "socket_group: found 5, expected the name of a group"),
        ('metrics = "9000"', 'metrics: found "9000", expected an address'),
        ('metrics = "[::1]:70000"', 'metrics: found "[::1]:70000", expected an address'),
        ("metrics = true", "metrics: found true, expected an address"),
        ('log_level = "inof"', 'log_level: found "inof", expected one of debug, info, warning, error; did you'),
        ("log_level = 1979-05-27", "log_level: found 1979-05-27, expected one of"),
        ("max_runs = 0", "max_runs: found 0, expected a whole number from 1 to 1000"),
        ("max_runs = true", "max_runs: found true, expected a whole number"),
        ("grace = 30", "grace: found 30, expected a duration"),
        ('grace = "2h"', 'grace: found "2h", expected a duration'),
        ('plugin_path = "x"', 'plugin_path: found "x", expected a list of at most 50, in brackets'),
        ("plugin_path = [1]", "plugin_path[0]: found 1, expected a path"),
        ("max_run = 3", 'max_run: found an unknown key, expected one of grace, keep_personal_data'),
        ("a = 1\na = 2", "line 2, column 6: found Cannot overwrite a value, expected TOML; the line is: a = 2"),
        ("a = ", "line 1, column 5: found Invalid value, expected TOML; the line is: a ="),
        ('a = """', 'line 1, column 8: found Unterminated string (at the end of the file), expected TOML; the line is: a = …'),
        ('a = """x\nb = 1\n', "line 2, column 6: found Unterminated string (at the end of the file), expected TOML; the line stands in a text that began on line 1, and is not shown"),
        ('a = "\\q"', "found Unescaped"),
        ("a = " + "[" * 3000, "found lists or tables nested too deep"),
        (f"a = {'9' * 5000}", "found a number of thousands of digits"),
    ],
)  # fmt: skip
def test_a_wrong_daemon_file_is_fatal(folder: Folder, line: str, expected: str) -> None:
    folder.write("dropstreamd.toml", line)
    assert expected in only(folder)
    with pytest.raises(ConfigError):
        load(folder.path, PLUGINS)
    with pytest.raises(ConfigError):
        load_daemon(folder.path)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('platform = "file-exchnage"', 'main.platform: found "file-exchnage", expected a warehouse plugin: file-exchange; did you mean "file-exchange"?'),
        ('platform = "acme-wms"', "expected a warehouse plugin: file-exchange; is it installed where dropstreamd is, or the folder dropstream_acme_wms in a folder of plugin_path?"),
        ('platform = "../x"', 'main.platform: found "../x", expected a warehouse plugin: file-exchange'),
        ("platform = 3", "main.platform: found 3"),
        ("platform = false", "main.platform: found false"),
        ("", "main.platform: found nothing, expected a warehouse plugin"),
        ('platform = "torn"', 'main.platform: found "torn", which did not load: no module named torn, expected a plugin that loads; install it'),
        ('platform = "vendure"', 'main.platform: found "vendure", which is a store plugin'),
    ],
)  # fmt: skip
def test_plugins(folder: Folder, line: str, expected: str) -> None:
    folder.write("merchants.d/acme.toml", MERCHANT.replace('platform = "file-exchange"', line))
    first, *others = problems(folder)
    assert expected in first
    assert all('found "main", which has problems of its own' in other for other in others)
    assert len(others) == 2


def _replace(text: str, key: str, line: str) -> str:
    """The file with another line in the place of `key`'s, or at its end."""
    lines = [line if old.startswith(f"{key} = ") else old for old in text.splitlines()]
    return "\n".join(lines if line in lines else [*lines, line])


@pytest.mark.parametrize(
    ("key", "line", "expected"),
    [
        ("timezone", 'timezone = "America/Chicgo"', 'found "America/Chicgo", expected an IANA timezone such as "America/Chicago" or "UTC"; did you mean "America/Chicago"?'),
        ("quantity", 'quantity = "onhand"', 'quantity: found "onhand", expected one of available, on_hand; did you mean "on_hand"?'),
        ("quantity", "", "quantity: found nothing, expected what its stock figures are"),
        ("quantity", 'quantiy = "available"', 'quantity: found nothing, expected what its stock figures are: available or on_hand; is "quantiy" meant to be it?'),
        ("statuses", "statuses = [1, 2]", "statuses[1]: found 2, expected text"),
        ("units", "units = { a = 0 }", "units.a: found 0, expected a whole number"),
        ("units", "units = [1]", "units: found a list of 1, expected a table"),
        ("units", 'units = { "" = 1 }', 'units."": found an empty key'),
        ("breaker", "breaker = { lost_share = 1.5 }", "breaker.lost_share: found 1.5, expected a share from 0 to 1"),
        ("breaker", 'breaker = { lost_share = "x%" }', 'breaker.lost_share: found "x%"'),
        ("breaker", "breaker = { lost_shar = 1 }", 'breaker.lost_shar: found an unknown key'),
        ("breaker", 'breaker = { stale_after = "0s" }', 'breaker.stale_after: found "0s"'),
        ("allow_private_address", 'allow_private_address = "yes"', 'allow_private_address: found "yes", expected true or false'),
        ("url", "", "main.url: found nothing, expected text"),
        ("url", "url = 5", "main.url: found 5, expected text"),
        ("url", "url = { secret = 'x' }", "main.url: found a table, expected text"),
        ("format", 'format = "dfsx"', 'main.format: found "dfsx", expected one of dsfx, x12; did you mean "dsfx"?'),
        ("ending", 'ending = "cr"', 'main.ending: found "cr", expected one of lf, crlf'),
        ("ratio", "ratio = 0.0", "main.ratio: found 0.0, expected a number more than 0.0"),
        ("hostkey", 'hostkey = "x"', 'main.hostkey: found an unknown key, expected one of'),
        ("statusses", 'statusses = []', 'main.statusses: found an unknown key, expected one of allow_private_address, breaker, columns, days, deduct_handed, duplicates, '),
        ("statusses", 'statusses = []', 'did you mean "statuses"?'),
        ("columns", 'columns = [{ name = "a" }, { nam = "b" }]', "main.columns[1].name: found nothing, expected text"),
        ("columns", 'columns = [{ name = "a", position = "1" }]', 'main.columns[0].position: found "1", expected a whole number'),
        ("columns", 'columns = "a"', 'main.columns: found "a", expected a list'),
        ("folders", "folders = { in = 1 }", "main.folders.in: found 1, expected text"),
        ("pair", 'pair = ["a", 1]', "main.pair: found a list of 2, expected a list"),
        ("names", 'names = ["a", "b", "c"]', "main: found settings that do not fit together, expected Expected `array` of length <= 2"),
        ("days", 'days = { x = "1" }', 'main.days.x: found "x", expected a whole number'),
        ("format", 'format = "x12"\nending = "crlf"', "expected x12 with another ending than crlf"),
        ("login", 'login = { by = "kye" }', 'main.login.by: found "kye", expected one of key, password; did you mean "key"?'),
        ("login", "login = { }", "main.login.by: found nothing, expected one of key, password"),
        ("login", 'login = { by = "key" }', 'main.login.key: found nothing, expected { secret = "NAME" }'),
    ],
)  # fmt: skip
def test_wrong_warehouses(folder: Folder, key: str, line: str, expected: str) -> None:
    folder.write("merchants.d/acme.toml", _replace(MERCHANT, key, line))
    assert any(expected in problem for problem in problems(folder)), problems(folder)
    result = loaded(folder)
    assert ("warehouse", "acme.main") in [(each.kind, each.name) for each in result.broken]
    assert result.config.connections == {}


def test_settings_of_every_form(folder: Folder) -> None:
    lines = (
        'login = { by = "password", password = { credential = "pw" } }\nending = "crlf"\n'
        'columns = [{ name = "a", position = 1 }]\nextra_secrets = { one = { file = "/etc/one" } }\n'
        'spare_keys = [{ secret = "two" }]\nfolders = { in = "out" }\npair = [1, "x"]\nratio = 2.5\n'
        'days = { 1 = "mon" }\n'
    )
    folder.write("merchants.d/acme.toml", MERCHANT + lines)
    assert problems(folder) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "merchants.d/acme.toml: warehouses: found nothing, expected a table [warehouses.NAME]"),
        ("warehouses = 1", "warehouses: found 1, expected a table"),
        (
            MERCHANT + "[bundels]\n",
            'bundels: found an unknown key, expected one of allocation, bundles, bundles_file, warehouses; did you mean "bundles"?',
        ),
        ("[warehouses]\nmain = 1", "warehouses.main: found 1, expected a table"),
        ("\n".join(f"[warehouses.w{n}]" for n in range(101)), "warehouses: found 101, expected at most 100"),
        ("x", "merchants.d/acme.toml: line 1, column 2: found Expected "),
        (b"a = '\xff'", "found a byte on line 1 that is no UTF-8"),
        ("#" * (TOML_LIMIT_BYTES + 1), "found a larger file"),
        (MERCHANT.replace(".main", ".Main"), "warehouses.Main: found this name, expected lower-case letters"),
    ],
)
def test_wrong_merchants(folder: Folder, text: str | bytes, expected: str) -> None:
    folder.write("merchants.d/acme.toml", text)
    assert any(expected in problem for problem in problems(folder)), problems(folder)
    assert loaded(folder).config.connections == {}


def test_a_broken_warehouse_leaves_its_neighbours(folder: Folder) -> None:
    folder.write("merchants.d/acme.toml", MERCHANT + MERCHANT.replace("main", "other").replace("dsfx", "x"))
    result = loaded(folder)
    assert [each.name for each in result.broken] == ["acme.other"]
    assert len(result.config.connections) == 2
    assert set(result.config.merchants["acme"].warehouses) == {"main"}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('id = "c-001"', "", "id: found nothing, expected an id that never changes"),
        ('id = "c-001"', 'id = "C 1"', 'id: found "C 1", expected lower-case letters'),
        ('merchant = "acme"', 'merchant = "acne"', 'merchant: found "acne", expected a merchant, one of acme; did you mean "acme"?'),
        ('merchant = "acme"', "merchant = 1", "merchant: found 1, expected the name of a merchant"),
        ('warehouse = "main"', 'warehouse = "mian"', 'warehouse: found "mian", expected a warehouse of acme: main; did you mean "main"?'),
        ('warehouse = "main"', "", "warehouse: found nothing"),
        ('"America/New_York"', '"EST5"', 'timezone: found "EST5"'),
        ('"America/New_York"', "7", "timezone: found 7"),
        ("S1-{number}", "S1-{numbr}", 'reference: found "S1-{numbr}", expected letters'),
        ("S1-{number}", "S{number}#", 'reference: found "S{number}#"'),
        ("S1-{number}", "S" * 20 + "{number}" + "S" * 10, "expected a template for at most 30 characters"),
        ("[store]", "[stroe]", 'store: found nothing, expected a table [store]; is "stroe" meant to be it?'),
        ("https://", "http://", 'store.url: found http://shop1.example, expected an https:// address'),
        ('username = "admin"', "page = 101", "store.page: found 101, expected a whole number at least 1, at most 100"),
        ('username = "admin"', "page = 101", "store.username: found nothing, expected text"),
        ("[store]", 'deduct_unsent = "no"\n[store]', 'deduct_unsent: found "no"'),
        ("[store]", "[channels.sales_order]\n[store]", 'channels.sales_order: found an unknown key, expected one of catalogs, inventory, products, purchase_orders, returns, sales_orders, shipments; did you mean "sales_orders"?'),
        ("[store]", "[channels.inventory]\nsmrat = []\n[store]", 'channels.inventory.smrat: found an unknown key, expected one of full, smart; did you mean "smart"?'),
        ("[store]", '[channels.inventory]\nsmart = ["hourly", "evry 5 minutes"]\n[store]', "channels.inventory.smart[1]: found `evry 5 minutes`"),
        ("[store]", '[channels.inventory]\nsmart = "hourly"\n[store]', 'channels.inventory.smart: found "hourly", expected a list'),
        ("[store]", "[channels.inventory]\nsmart = [5]\n[store]", "channels.inventory.smart[0]: found 5, expected a rule in quotes"),
        ("[store]", "[channels]\ninventory = 5\n[store]", "channels.inventory: found 5, expected a table"),
        ("[store]", "channels = 5\n[store]", "channels: found 5, expected a table"),
        ("[store]", '[shipping]\nunmapped = "send"\n[store]', 'shipping.unmapped: found "send", expected one of hold, pass'),
        ("[store]", f'[returns]\nreference = "{"R" * 20}{{number}}{"R" * 20}"\n[store]', "returns.reference: found"),
        (
            "[store]",
            '[purchase_orders]\nreference = "P"\n[store]',
            'purchase_orders.reference: found "P"',
        ),
        ("[store]", '[returns]\nreference = "R"\n[store]', 'returns.reference: found "R"'),
        ("[store]", '[returns]\nrestock = 1\n[store]', "returns.restock: found 1"),
        ("[store]", "[returns]\nrefunds = true\n[store]", "returns.refunds: found an unknown key"),
        ("[store]", '[catalogs]\nmode = "draft"\n[store]', 'catalogs.mode: found "draft", expected one of drafts, list'),
        ("[store]", "[catalogs]\nmodes = 1\n[store]", "catalogs.modes: found an unknown key"),
        ("[store]", "[shipping]\nmethod = 1\n[store]", 'shipping.method: found an unknown key'),
        ("[store]", '[shipping]\nmethods = { "A b" = 1 }\n[store]', 'shipping.methods."A b": found 1, expected text'),
        ("[store]", 'listings_file = "x.csv"\n[listings]\na = "b"\n[store]', "listings_file: found listings and listings_file, expected one of the two"),
        ("[store]", 'listings_file = "../x.csv"\n[store]', 'listings_file: found "../x.csv"'),
        ("[store]", 'listings_file = "/x.csv"\n[store]', 'listings_file: found "/x.csv"'),
        ("[store]", "listings_file = 1\n[store]", "listings_file: found 1"),
        ("[store]", f'[listings]\n"{"S" * 101}" = "A"\n[store]', "listings: found a SKU of 101 bytes"),
        ("[store]", 'listings_file = "x.csv"\n[store]', "x.csv: found no such file or folder"),
        ("[store]", "[listings]\n" + "".join(f'a{n} = "b"\n' for n in range(1001)) + "[store]", "listings: found 1001 entries, expected at most 1000; put them in a CSV file"),
    ],
)  # fmt: skip
def test_wrong_connections(folder: Folder, old: str, new: str, expected: str) -> None:
    folder.write("connections.d/a.toml", connection(1).replace(old, new))
    assert any(expected in problem for problem in problems(folder)), problems(folder)
    result = loaded(folder)
    assert [each.name for each in result.broken] == ["a"]
    assert set(result.config.connections) == {"c-002"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "listings.csv: line 1: found no column channel_sku, expected a header"),
        ("chanel_sku,warehouse_sku\n", 'line 1: found no column channel_sku, expected a header with channel_sku,warehouse_sku; did you mean "chanel_sku"?'),
        ("channel_sku,warehouse_sku,channel_sku\n", "line 1: found several columns channel_sku"),
        ("channel_sku,warehouse_sku\na,b\na,c\n", 'line 3: found channel_sku "a" again, expected once, and line 2 has it'),
        ("channel_sku,warehouse_sku\na\n", "line 2: found 1 fields, expected 2, as in the header"),
        ("channel_sku,warehouse_sku\na,\n", 'line 2: found warehouse_sku "", expected 1 to 200 characters'),
        ("channel_sku,warehouse_sku\na, b\n", 'line 2: found warehouse_sku " b", expected 1 to 200 characters without spaces'),
        ('channel_sku,warehouse_sku\n"a"b,c\n', "line 2: found "),
        ('channel_sku,warehouse_sku\na,"b', "line 2: found unexpected end of data"),
        (b"channel_sku,warehouse_sku\na,\xff\n", "listings.csv: found a byte on line 2 that is no UTF-8"),
        ("channel_sku,warehouse_sku\n" + "a\n" * 25, "listings.csv: found 5 more wrong rows"),
    ],
)  # fmt: skip
def test_wrong_csv_files(folder: Folder, text: str | bytes, expected: str) -> None:
    folder.write("listings.csv", text)
    folder.write("connections.d/a.toml", connection(1, top='listings_file = "listings.csv"'))
    assert any(expected in problem for problem in problems(folder)), problems(folder)
    assert set(loaded(folder).config.connections) == {"c-002"}
