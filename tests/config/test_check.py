"""`dropstreamd check`."""

import io
import os
import subprocess
import sys
from pathlib import Path

import msgspec

from dropstreamd.config.check import check
from dropstreamd.config.secrets import SecretStore
from dropstreamd.config.unreadable import secret_refs
from dropstreamd.platform.contract import Consent, Grant, Part, Plugin
from dropstreamd.platform.loader import PluginStatus
from dropstreamd.platform.secrets import SecretRef
from tests.config.fakes import (
    FILES,
    MERCHANT,
    PLUGINS,
    SHOP,
    Column,
    FileSettings,
    Folder,
    Password,
    ShopSettings,
)

WITHOUT_SECRET = (
    "connections.d/b.toml: store.password: found the secret shop2 cannot be read: No such file or "
    "directory, expected a secret that the daemon can read; run `dropstreamctl secret set shop2`"
)


def checked(folder: Folder, secrets: SecretStore | None = None) -> tuple[int, list[str]]:
    out = io.StringIO()
    code = check(folder.path, PLUGINS, out, secrets=secrets)
    return code, out.getvalue().replace(f"{folder.path}/", "").splitlines()


def test_a_sound_folder(folder: Folder) -> None:
    assert checked(folder) == (
        0,
        [f"{folder.path}: no problems in 1 merchants, 1 warehouses, 2 connections"],
    )


def test_problems(folder: Folder) -> None:
    folder.write("merchants.d/acme.toml", MERCHANT + "units = 1\n")
    code, lines = checked(folder)
    assert code == 1
    assert lines[0] == "merchants.d/acme.toml: warehouses.main.units: found 1, expected a table"
    assert lines[-1] == "3 problems"


def test_a_broken_daemon_file(folder: Folder) -> None:
    folder.write("dropstreamd.toml", "x = 1")
    code, lines = checked(folder)
    assert (code, lines[-1]) == (1, "1 problem")


def test_secrets_that_cannot_be_read(folder: Folder, tmp_path: Path) -> None:
    secrets = SecretStore(tmp_path, None)
    secrets.put("wms-key", "x")
    secrets.put("shop1", "x")
    code, lines = checked(folder, secrets)
    assert code == 1
    assert lines == [
        WITHOUT_SECRET,
        "1 problem",
    ]
    secrets.put("shop2", "x")
    assert checked(folder, secrets)[0] == 0


async def _nobody(*_given: object) -> Grant:
    raise AssertionError("nothing is asked of the platform")


def test_a_secret_that_consent_gives_is_not_to_be_set(folder: Folder, tmp_path: Path) -> None:
    asking = Consent[ShopSettings](
        address=lambda _settings, _state: "", exchange=_nobody, keeps=lambda settings: settings.password
    )
    shop = msgspec.structs.replace(SHOP, consent=asking)
    with_consent = PluginStatus(name="vendure", origin="here", plugin=shop)
    out = io.StringIO()
    secrets = SecretStore(tmp_path, None)
    secrets.put("wms-key", "x")
    secrets.put("shop1", "x")
    assert check(folder.path, {**PLUGINS, "vendure": with_consent}, out, secrets=secrets) == 1
    assert "once the daemon runs: dropstreamctl authorize b" in out.getvalue()
    assert "secret set" not in out.getvalue()


def test_what_a_store_needs_of_shipments_and_a_warehouse_never_tells_is_noted(folder: Folder) -> None:
    """Each would be refused; a store that needs nothing, or takes no shipments, is left out."""
    here = frozenset({Part.SHIPMENTS})
    shop = msgspec.structs.replace(
        SHOP, provides=here, needs=lambda _settings: frozenset({"carrier", "tracking_numbers"})
    )
    files = msgspec.structs.replace(
        FILES, provides=here, untold=lambda _settings: {"carrier": "name its column", "service": "no way"}
    )

    def noted(shop: Plugin[ShopSettings]) -> list[str]:
        given = {
            "vendure": PluginStatus(name="vendure", origin="here", plugin=shop),
            "file-exchange": PluginStatus(name="file-exchange", origin="here", plugin=files),
        }
        out = io.StringIO()
        assert check(folder.path, given, out, secrets=None) == 0
        return out.getvalue().splitlines()[1:]

    said = "Shop takes no shipment without its carrier, and warehouse acme.main tells none: name its column"
    assert noted(shop) == [f"note: connection a: {said}", f"note: connection b: {said}"]
    assert noted(msgspec.structs.replace(shop, needs=lambda _settings: frozenset())) == []
    assert noted(msgspec.structs.replace(shop, provides=frozenset())) == []


def test_references_are_found_wherever_they_stand() -> None:
    ref = SecretRef(secret="x")
    settings = FileSettings(
        url="",
        host_key="",
        format="dsfx",
        timezone="UTC",
        key=ref,
        login=Password(password=ref),
        columns=(Column(name="a"),),
        extra_secrets={"one": ref},
        spare_keys=[ref, ref],
    )
    assert [key for key, _ in secret_refs(settings, "store")] == [
        "store.key",
        "store.login.password",
        "store.extra_secrets.one",
        "store.spare_keys[0]",
        "store.spare_keys[1]",
    ]


def test_nobody_has_to_read_all_of_it(tmp_path: Path) -> None:
    """As in `dropstreamd check | head`: the exit status is that of the configuration all the same."""
    (tmp_path / "dropstreamd.toml").write_text("nonsense = 1\n")
    reads, writes = os.pipe()
    os.close(reads)
    command = [sys.executable, "-m", "dropstreamd", "check", "--conf", str(tmp_path)]
    with os.fdopen(writes, "wb") as nobody:
        ran = subprocess.run(command, stdout=nobody, stderr=subprocess.PIPE, check=False)
    assert (ran.returncode, ran.stderr) == (1, b"")
