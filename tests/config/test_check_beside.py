"""`dropstreamd check` beside a daemon: what the files would leave behind of what its state knows."""

import subprocess
import sys
from pathlib import Path

from dropstreamd.config.secrets import SecretStore
from dropstreamd.store import cursors, documents, switches
from dropstreamd.store.base import Writer
from dropstreamd.store.documents import Book
from dropstreamd.store.lmdb_store import open_inline_store
from dropstreamd.store.records import Flow
from dropstreamd.store.transitions import Incoming

PLUGINS = Path(__file__).parents[2] / "plugins"
CONNECTION = """
id        = "c-new"
merchant  = "acme"
warehouse = "main"
timezone  = "UTC"
reference = "W{number}"
"""


def check(conf: Path) -> list[str]:
    command = [sys.executable, "-m", "dropstreamd", "check", "--conf", str(conf)]
    ran = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    return ran.stdout.splitlines()


def write(tx: Writer) -> None:
    """An order of c-old waits for its turn."""
    switches.turn(tx, "c-old", switches.CONNECTION, on=True, now_s=1.0, who="me")
    cursors.keep_store_account(tx, "c-old", "woocommerce:shop.example")
    book = Book(flow=Flow("c-old", "sales_orders"), amends=False, describe=str)
    new = Incoming(key="1", number="1", digest=b"d", content=b"c")
    documents.stage(tx, book, [new], now_s=1.0, run="r")


def test_an_id_that_was_changed(tmp_path: Path) -> None:
    conf, state = tmp_path / "conf", tmp_path / "state"
    for name in ("connections.d", "merchants.d"):
        (conf / name).mkdir(parents=True)
    (conf / "dropstreamd.toml").write_text(f'state_dir = "{state}"\nstate_limit = "1 GiB"\n')
    house = PLUGINS / "dropstream_file_exchange" / "sample.toml"
    (conf / "merchants.d" / "acme.toml").write_text(house.read_text())
    shop = PLUGINS / "dropstream_woocommerce" / "sample.toml"
    (conf / "connections.d" / "shop.toml").write_text(CONNECTION + shop.read_text())
    state.mkdir(mode=0o700)
    secrets = SecretStore(state, None)
    for name in ("acme-wms-key", "acme-woocommerce"):
        secrets.put(name, "x" * 20)
    with open_inline_store(state, limit_bytes=1 << 30) as beside:
        [outcome] = beside.environment.commit([write])
        outcome.unwrap()
        [said] = [line for line in check(conf) if "c-old" in line]
    assert said.startswith("note: no file has the id c-old any more, and 1 document of it is open; shop has")
    (state / "state.mdb-lock").unlink()
    [said] = [line for line in check(conf) if "looked at" in line]
    assert "no lock table" in said
    assert not (state / "state.mdb-lock").exists()
