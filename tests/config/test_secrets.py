"""Secrets are durable, closed to others, and in no message."""

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dropstreamd.config.load import load
from dropstreamd.config.secrets import SECRET_LIMIT_BYTES, SecretStore
from dropstreamd.errors import ConfigError, Misconfigured
from dropstreamd.platform.secrets import SecretRef
from tests.config.fakes import MERCHANT, PLUGINS, Folder, connection

HIDDEN = "hunter2-swordfish"


@pytest.fixture
def store(tmp_path: Path) -> SecretStore:
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    return SecretStore(tmp_path, credentials)


def named(name: str) -> SecretRef:
    return SecretRef(secret=name)


def test_what_was_put_is_read(store: SecretStore, tmp_path: Path) -> None:
    assert store.names() == ()
    store.put("b.key", "first")
    store.put("b.key", "second\r\n\n")
    store.put("a", "-----BEGIN\nEND-----\n")
    assert store.read(named("b.key")).reveal() == "second"
    assert store.read(named("a")).reveal() == "-----BEGIN\nEND-----"
    assert store.names() == ("a", "b.key")
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "secrets" / "a").stat().st_mode) == 0o600


def test_delete(store: SecretStore) -> None:
    store.put("a", "x")
    assert store.delete("a")
    assert not store.delete("a")
    assert store.names() == ()


def test_what_a_crash_left_is_no_secret_and_in_nobodys_way(store: SecretStore, tmp_path: Path) -> None:
    store.put("a", "x")
    (tmp_path / "secrets" / ".a.part").write_text("torn")
    assert store.names() == ("a",)
    store.put("a", "y")
    assert store.read(named("a")).reveal() == "y"


def test_an_open_folder_is_closed_again(store: SecretStore, tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir(mode=0o755)
    store.put("a", "x")
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700


@pytest.mark.parametrize("name", ["", ".a", "../a", "a/b", "a b", "a" * 101, "ä", "a\0"])
def test_names_stay_in_their_folder(store: SecretStore, name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        store.put(name, HIDDEN)
    assert HIDDEN not in str(caught.value)
    with pytest.raises(ConfigError):
        store.delete(name)
    with pytest.raises(Misconfigured):
        store.read(named(name))
    with pytest.raises(Misconfigured):
        store.read(SecretRef(credential=name))


@pytest.mark.parametrize("value", ["", "\n", "x" * (SECRET_LIMIT_BYTES + 1)])
def test_values_that_are_none(store: SecretStore, value: str) -> None:
    with pytest.raises(ConfigError):
        store.put("a", value)
    assert store.names() == ()


def test_the_longest_value(store: SecretStore) -> None:
    store.put("a", "x" * SECRET_LIMIT_BYTES)
    assert len(store.read(named("a")).reveal()) == SECRET_LIMIT_BYTES


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"\xff" + HIDDEN.encode(), "is not text in UTF-8"),
        (b"x" * (SECRET_LIMIT_BYTES + 1), "is larger than 65536 bytes"),
        (b"x" * (SECRET_LIMIT_BYTES + 100), "is larger than 65536 bytes"),
    ],
)
def test_files_that_hold_no_secret(store: SecretStore, tmp_path: Path, content: bytes, expected: str) -> None:
    store.put("a", "x")
    (tmp_path / "secrets" / "a").write_bytes(content)
    with pytest.raises(Misconfigured) as caught:
        store.read(named("a"))
    assert expected in caught.value.message
    assert caught.value.remedy == "run `dropstreamctl secret set a`"
    assert HIDDEN not in repr(caught.value.__context__)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o700, 0o666])
def test_a_mode_that_is_too_open(store: SecretStore, tmp_path: Path, mode: int) -> None:
    store.put("a", "x")
    path = tmp_path / "secrets" / "a"
    path.chmod(mode)
    with pytest.raises(Misconfigured, match="others may read it") as caught:
        store.read(named("a"))
    assert caught.value.remedy == f"chmod 0600 {path}"
    with pytest.raises(Misconfigured, match="others may read it"):
        store.read(SecretRef(file=str(path)))


def test_what_is_no_regular_file(store: SecretStore, tmp_path: Path) -> None:
    store.put("a", "x")
    secrets = tmp_path / "secrets"
    (secrets / "link").symlink_to("a")
    (secrets / "folder").mkdir()
    os.mkfifo(secrets / "pipe", 0o600)
    with pytest.raises(Misconfigured, match="is a symbolic link"):
        store.read(named("link"))
    for name in ("folder", "pipe"):
        with pytest.raises(Misconfigured, match="Not a regular file"):
            store.read(named(name))


def test_a_secret_that_is_missing(store: SecretStore) -> None:
    with pytest.raises(Misconfigured) as caught:
        store.read(named("shop"))
    assert caught.value.message == "the secret shop cannot be read: No such file or directory"
    assert caught.value.remedy == "run `dropstreamctl secret set shop`"


def test_credentials(store: SecretStore, tmp_path: Path) -> None:
    """Their mode is systemd's affair: it gives them to the service's user by an ACL."""
    path = tmp_path / "credentials" / "shop"
    path.write_text("x\n")
    path.chmod(0o440)
    assert store.read(SecretRef(credential="shop")).reveal() == "x"
    with pytest.raises(Misconfigured, match="LoadCredential"):
        store.read(SecretRef(credential="other"))
    with pytest.raises(Misconfigured, match="CREDENTIALS_DIRECTORY is not set"):
        SecretStore(tmp_path, None).read(SecretRef(credential="shop"))


def test_files(store: SecretStore, tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("x")
    path.chmod(0o400)
    (tmp_path / "link").symlink_to(path)
    assert store.read(SecretRef(file=str(path))).reveal() == "x"
    assert store.read(SecretRef(file=str(tmp_path / "link"))).reveal() == "x"
    for ref in (SecretRef(file="key"), SecretRef()):
        with pytest.raises(Misconfigured, match="cannot be found"):
            store.read(ref)


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "secrets").write_text("")
    store = SecretStore(tmp_path, None)
    for call in (lambda: store.put("a", HIDDEN), store.names, lambda: store.delete("a")):
        with pytest.raises(Misconfigured) as caught:
            call()
        assert HIDDEN not in str(caught.value)


WRONG_PLACES = [
    'password = "{0}"',
    'password = {{ secret = "{0}!" }}',
    'password = {{ secret = "a", file = "{0}" }}',
    'password = {{ value = "{0}" }}',
    'password = {{ "{0}" = 1 }}',
    'password = ["{0}"]',
    'password = {{ file = "{0}" }}',
    'password = {{ secret = ["{0}"] }}',
    'password = {{ secret = {{ a = "{0}" }} }}',
    'pasword = "{0}"',
    'url = "http://admin:{0}@shop.example"',
    'page = "http://admin:{0}@shop.example"',
]


@pytest.mark.parametrize("line", WRONG_PLACES)
@settings(max_examples=25, deadline=None)
@given(value=st.from_regex(r"[A-Za-z0-9+=@:-]{1,20}", fullmatch=True))
def test_no_problem_shows_a_secret(line: str, value: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = Folder(tmp_path_factory.mktemp("conf") / "conf")
    hidden = f"hidden{value}hidden"
    wrong = line.format(hidden)
    sound = connection(1, store="page = 50")
    text = "\n".join(
        wrong if old.startswith(wrong.split(" ")[0].replace("pasword", "password")) else old
        for old in sound.splitlines()
    )
    folder.write("connections.d/a.toml", text)
    result = load(folder.path, PLUGINS)
    assert [each.name for each in result.broken] == ["a"]
    assert "hidden" not in str(result.problems)


def test_a_literal_secret_is_refused_with_the_remedy(folder: Folder) -> None:
    folder.write("merchants.d/acme.toml", MERCHANT.replace('{ secret = "wms-key" }', f'"{HIDDEN}"'))
    problem = load(folder.path, PLUGINS).problems[0]
    assert problem.key == "warehouses.main.key"
    assert problem.found == "a literal value"
    assert "dropstreamctl secret set NAME" in problem.hint
    assert HIDDEN not in str(problem)


def test_secrets_deep_in_settings_are_guarded_too(folder: Folder) -> None:
    lines = (
        f'login = {{ by = "key", key = "{HIDDEN}" }}\nextra_secrets = {{ one = "{HIDDEN}" }}\n'
        f'spare_keys = [{{ file = "{HIDDEN}" }}, {{ secret = "" }}]\n'
    )
    folder.write("merchants.d/acme.toml", MERCHANT + lines)
    problems = load(folder.path, PLUGINS).broken[0].problems
    assert [problem.key.removeprefix("warehouses.main.") for problem in problems] == [
        "login.key",
        "extra_secrets.one",
        "spare_keys[0].file",
        "spare_keys[1].secret",
    ]
    assert HIDDEN not in str(problems)
