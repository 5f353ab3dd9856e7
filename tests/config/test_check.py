"""`dropstreamd check`."""

import io
from pathlib import Path

from dropstreamd.config.check import check, secret_refs
from dropstreamd.config.secrets import SecretStore
from dropstreamd.platform.secrets import SecretRef
from tests.config.fakes import MERCHANT, PLUGINS, Column, FileSettings, Folder, Password

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
