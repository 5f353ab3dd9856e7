"""What is shown of a line with a mistake in its TOML: enough to find it, never a secret."""

import msgspec
import pytest

from dropstreamd.config.syntax import quoted
from dropstreamd.platform.loader import load_plugins
from dropstreamd.platform.secrets import SecretRef
from tests.config.fakes import Folder, connection, only

SECRET = "hunter2-hunter2"


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("timezone = America/Chicago", "timezone = America/Chicago"),
        ("  quantity = available  # units", "quantity = available  # units"),
        ("[warehouses.main", "[warehouses.main"),
        ("[[rules]", "[[rules]"),
        ("methods.standard = UPS", "methods.standard = UPS"),
        ('url = "sftp://acme:hunter2@wms.example.com', 'url = "sftp://acme:…@wms.example.com'),
        (f"password = {SECRET}", "password = …"),
        (f'client_secret = "{SECRET}', "client_secret = …"),
        (f"store = {{ url = x, password = {SECRET} }}", "store = …"),
        ('host_key = "ssh-ed25519 AAAA', "host_key = …"),
        ("reference = 4f9a8b7c6d5e4f3a2b1c0d9e", "reference = …"),
        ("note = " + "x" * 100, "note = " + "x" * 73 + "…"),
        (SECRET, ""),
        (f'  "{SECRET}",', ""),
        ("MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQ==", ""),
        ("Zm9vYmFyYmF6cXV4==", ""),
        ("-----BEGIN PRIVATE KEY-----", ""),
        ("= 3", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_what_is_shown_of_a_line(line: str, shown: str) -> None:
    assert quoted(line) == shown


def test_no_secret_of_a_plugin_is_shown() -> None:
    names = [
        field.encode_name
        for status in load_plugins(()).values()
        if status.plugin is not None
        for field in msgspec.structs.fields(status.plugin.settings)
        if SecretRef in getattr(field.type, "__args__", (field.type,))
    ]
    assert len(names) > 10
    assert {quoted(f"{name} = {SECRET}") for name in names} == {f"{name} = …" for name in names}


def test_a_line_of_a_text_is_not_shown(folder: Folder) -> None:
    folder.write("connections.d/b.toml", connection(2, store=f"note = '''\nword = {SECRET}\n"))
    problem = only(folder)
    assert SECRET not in problem
    assert "a text that began on line" in problem


def test_the_line_is_shown_with_its_place(folder: Folder) -> None:
    folder.write("connections.d/b.toml", connection(2).replace('"America/New_York"', "America/New_York"))
    assert only(folder) == (
        "connections.d/b.toml: line 4, column 12: found Invalid value, expected TOML; "
        "the line is: timezone = America/New_York"
    )
