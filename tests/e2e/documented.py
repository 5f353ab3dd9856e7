"""The two files of a connection, as the documentation has them: of an account, its own values are put in."""

import re
from collections.abc import Mapping
from pathlib import Path

import dropstream_file_exchange

PLUGINS = Path(dropstream_file_exchange.__file__).parent.parent
README = PLUGINS.parent / "README.md"

_BLOCK = re.compile(r"```toml\n# /etc/dropstreamd/(?P<kind>[a-z]+)\.d/\S+\n(?P<text>.*?)```", re.DOTALL)
_STORE = re.compile(r"^\[store\]\n.*?(?=^\[)", re.DOTALL | re.MULTILINE)
_SECRET = re.compile(r'^(?P<key>\w+) *= \{ secret = "(?P<name>[^"]+)" \}', re.MULTILINE)


def sample(plugin: str) -> str:
    """The table that a plugin's README sends its reader to."""
    folder = PLUGINS / f"dropstream_{plugin}"
    assert "`sample.toml`" in (folder / "README.md").read_text()
    return (folder / "sample.toml").read_text()


def connection(store: str) -> str:
    """The README's connection, with that table in place of its `[store]`."""
    (text,) = [
        found["text"] for found in _BLOCK.finditer(README.read_text()) if found["kind"] == "connections"
    ]
    assert _STORE.search(text)
    return _STORE.sub(lambda _: f"{store}\n", text)


def with_own(text: str, own: Mapping[str, str]) -> str:
    """Each key has the value of the account. One that stands there as a comment is put in force; one that
    does not stand there is no setting that the documentation shows."""
    for key, value in own.items():
        lines = [re.compile(rf"^{mark}{key} *= .*$", re.MULTILINE) for mark in ("", "# ")]
        line = next((line for line in lines if line.search(text)), None)
        assert line is not None, f"{key} is not shown"
        text = line.sub(f"{key} = {value}".replace("\\", r"\\"), text, count=1)
    return text


def secrets(text: str) -> dict[str, str]:
    """The names of the secrets that are in force, by their settings."""
    return {found["key"]: found["name"] for found in _SECRET.finditer(text)}
