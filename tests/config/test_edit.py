# ruff: noqa: E501 - tables of cases, a case a line
"""Edits keep comments, change nothing when they are refused, and never overwrite another's."""

import errno
import os
import random
import stat
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dropstreamd.config.edit import Editor, new_id
from dropstreamd.config.load import load
from dropstreamd.config.schema import DEFAULT_RULES
from dropstreamd.errors import ConfigError, Misconfigured, ReadOnly, Stale
from dropstreamd.model.schedule_parser import parse_rules
from tests.config.fakes import MERCHANT, PLUGINS, Folder, connection

A = "connections.d/a.toml"


@pytest.fixture
def editor(folder: Folder) -> Editor:
    return Editor(folder.path, PLUGINS)


def rng(seed: int) -> random.Random:
    return random.Random(seed)


def content(folder: Folder) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder.path)): path.read_bytes()
        for path in folder.path.rglob("*")
        if path.is_file()
    }


def rules(folder: Folder, channel: str, job: str) -> object:
    return load(folder.path, PLUGINS).config.connections["c-001"].schedules[channel, job]


def test_a_schedule_is_set_and_nothing_else(folder: Folder, editor: Editor) -> None:
    text = connection(
        1, rest='# before\n[channels.inventory] # head\nsmart = ["hourly"]   # why\r\n# after\nfull = []\n'
    )
    folder.write(A, text)
    (folder.path / A).chmod(0o604)
    result = editor.set_schedule("a", "inventory", "smart", ["every 5 minutes", "daily at 01:00"])
    assert folder.text(A) == text.replace('["hourly"]', '["every 5 minutes", "daily at 01:00"]')
    assert result == editor.read("connection", "a")
    assert stat.S_IMODE((folder.path / A).stat().st_mode) == 0o604
    assert rules(folder, "inventory", "smart") == parse_rules(["every 5 minutes", "daily at 01:00"])


def test_back_to_manual_and_to_the_default(folder: Folder, editor: Editor) -> None:
    editor.set_schedule("a", "inventory", "smart", [])
    assert rules(folder, "inventory", "smart") == ()
    editor.set_schedule("a", "inventory", "smart", None)
    assert rules(folder, "inventory", "smart") == parse_rules(DEFAULT_RULES["inventory", "smart"])
    before = folder.text(A)
    editor.set_schedule("a", "inventory", "full", None)
    editor.set_schedule("a", "shipments", "export", None)
    assert folder.text(A) == before


_COMMENT = st.text("abc #[]='\"é", min_size=1, max_size=8).map(lambda text: f"# {text}")
_BLOCKS = [
    '[shipping]\ncarriers = {{ "UPS" = "ups" }} {}\n',
    "[channels.inventory] {}\nfull = []\n",
    '[channels.sales_orders]\nimport = ["hourly"] {}\n',
    '{}\n[listings]\n"TEE" = "1"\n',
]


@settings(max_examples=60, deadline=None)
@given(
    comments=st.lists(_COMMENT, min_size=4, max_size=4),
    blocks=st.lists(st.sampled_from(_BLOCKS), unique=True),
    key=st.sampled_from(sorted(DEFAULT_RULES)),
    wanted=st.lists(st.sampled_from(["hourly", "daily at 02:00", "*/10 * * * *"]), max_size=3),
)
def test_comments_and_all_else_stay(
    comments: list[str],
    blocks: list[str],
    key: tuple[str, str],
    wanted: list[str],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = Folder(tmp_path_factory.mktemp("conf") / "conf")
    rest = "\n".join(block.format(comment) for block, comment in zip(blocks, comments, strict=False))
    text = connection(1, top=comments[0], rest=rest)
    folder.write(A, text)
    Editor(folder.path, PLUGINS).set_schedule("a", *key, wanted)
    after = folder.text(A)
    data = tomllib.loads(text)
    data.setdefault("channels", {}).setdefault(key[0], {})[key[1]] = wanted
    assert tomllib.loads(after) == data
    assert all(after.count(comment) >= text.count(comment) for comment in comments)
    assert rules(folder, *key) == parse_rules(wanted)


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda e: e.set_schedule("a", "inventory", "smart", ["evry hour"]), "channels.inventory.smart[0]: found `evry hour`"),
        (lambda e: e.set_schedule("a", "inventory", "smrat", []), "channels.inventory.smrat: found an unknown key"),
        (lambda e: e.set_schedule("a", "inventry", "smart", []), "channels.inventry: found an unknown key"),
        (lambda e: e.set_schedule("x", "inventory", "smart", []), "x.toml: found no such file or directory"),
        (lambda e: e.set_schedule("../a", "inventory", "smart", []), 'found a file named "../a"'),
        (lambda e: e.remove("merchant", "acme"), 'merchant: found "acme", expected a merchant, one of none'),
        (lambda e: e.remove("connection", "x"), "x.toml: found no such file or directory"),
        (lambda e: e.add("connection", "a", connection(3)), "a.toml: found a file of that name"),
        (lambda e: e.add("connection", "A", connection(3)), 'found a file named "A"'),
        (lambda e: e.add("connection", "c", connection(2)), "connections.d/b.toml: id: found the same as in"),
        (lambda e: e.add("connection", "c", "?"), "c.toml: line 1, column 1"),
        (lambda e: e.add_connection("c", "?", rng(1)), "c.toml: line 1, column 1"),
        (lambda e: e.add("merchant", "big", "#" * 2_000_000), "big.toml: found a larger file"),
        (lambda e: e.replace("merchant", "acme", "", digest=e.read("merchant", "acme").digest), "warehouses: found nothing"),
        (lambda e: e.read("connection", "x"), "x.toml: found no such file or directory"),
    ],
)  # fmt: skip
def test_a_bad_edit_changes_nothing(
    folder: Folder, editor: Editor, call: Callable[[Editor], object], expected: str
) -> None:
    before = content(folder)
    with pytest.raises(ConfigError) as caught:
        call(editor)
    assert type(caught.value) is ConfigError
    assert expected in str(caught.value)
    assert content(folder) == before


@pytest.mark.parametrize("text", ["?", b"\xff", "channels = 5\n", "channels.inventory.full = []\nx = 1\n"])
def test_what_cannot_be_edited_in_place(folder: Folder, editor: Editor, text: str | bytes) -> None:
    folder.write(A, text)
    with pytest.raises(ConfigError, match="found what cannot be edited as it is"):
        editor.set_schedule("a", "sales_orders", "import", ["hourly"])
    assert (folder.path / A).read_bytes() == (text.encode() if isinstance(text, str) else text)


def test_text_that_is_none(folder: Folder, editor: Editor) -> None:
    folder.write(A, b"\xff")
    with pytest.raises(ConfigError, match="no UTF-8"):
        editor.read("connection", "a")


def test_problems_that_were_there_before_do_not_hinder(folder: Folder, editor: Editor) -> None:
    folder.write("connections.d/b.toml", "?")
    editor.set_schedule("a", "inventory", "smart", [])
    assert rules(folder, "inventory", "smart") == ()
    folder.write("dropstreamd.toml", "?")
    editor.set_schedule("a", "inventory", "smart", ["hourly"])
    assert '["hourly"]' in folder.text(A)


def test_add_and_remove(folder: Folder, editor: Editor) -> None:
    before = content(folder)
    editor.add("merchant", "beta", MERCHANT.replace("/acme", "/beta"))
    text = "# mine\n" + connection(3).replace('id = "c-003"\n', "").replace("acme", "beta")
    added = editor.add_connection("c", text, rng(7))
    key = new_id(rng(7))
    assert folder.text("connections.d/c.toml") == added.text == f'id = "{key}"\n{text}'
    assert load(folder.path, PLUGINS).config.connections[key].merchant == "beta"
    assert stat.S_IMODE((folder.path / "connections.d/c.toml").stat().st_mode) == 0o640
    editor.remove("connection", "c", digest=added.digest)
    editor.remove("merchant", "beta")
    assert content(folder) == before


def test_an_id_that_is_given_is_kept(folder: Folder, editor: Editor) -> None:
    assert editor.add_connection("c", connection(3), rng(7)).text == connection(3)


def test_replace(folder: Folder, editor: Editor) -> None:
    read = editor.read("connection", "a")
    editor.replace("connection", "a", read.text + "# more\n", digest=read.digest)
    assert folder.text(A) == connection(1) + "# more\n"


def test_an_update_by_another_is_not_lost(folder: Folder, editor: Editor) -> None:
    read = editor.read("connection", "a")
    folder.write(A, connection(1) + "# theirs\n")
    before = content(folder)
    for call in (
        lambda: editor.replace("connection", "a", read.text, digest=read.digest),
        lambda: editor.set_schedule("a", "inventory", "smart", [], digest=read.digest),
        lambda: editor.remove("connection", "a", digest=read.digest),
    ):
        with pytest.raises(Stale):
            call()
    assert content(folder) == before


class _Meanwhile(Editor):
    """An editor beside which someone else writes, just before the file is replaced."""

    def __init__(self, folder: Folder, name: str) -> None:
        super().__init__(folder.path, PLUGINS)
        self._folder, self._name = folder, name

    def _try(self, overlay: object) -> None:
        self._folder.write(self._name, "# theirs\n")


def test_a_write_in_the_last_moment_is_not_lost(folder: Folder) -> None:
    editor = _Meanwhile(folder, A)
    with pytest.raises(Stale):
        editor.set_schedule("a", "inventory", "smart", [])
    assert folder.text(A) == "# theirs\n"
    assert not list(folder.path.rglob("*.part"))


def test_a_file_made_in_the_last_moment_is_not_lost(folder: Folder) -> None:
    editor = _Meanwhile(folder, "connections.d/c.toml")
    with pytest.raises(Stale):
        editor.add("connection", "c", connection(3))
    assert folder.text("connections.d/c.toml") == "# theirs\n"
    assert not list(folder.path.rglob("*.part"))


def test_what_a_crash_left_is_in_nobodys_way(folder: Folder, editor: Editor) -> None:
    folder.write("connections.d/.a.toml.part", "torn")
    editor.set_schedule("a", "inventory", "smart", [])
    assert rules(folder, "inventory", "smart") == ()
    assert not list(folder.path.rglob("*.part"))


def test_symbolic_links_are_someone_elses(folder: Folder, editor: Editor) -> None:
    (folder.path / A).rename(folder.path / "elsewhere.toml")
    (folder.path / A).symlink_to("../elsewhere.toml")
    with pytest.raises(ReadOnly, match="a symbolic link"):
        editor.set_schedule("a", "inventory", "smart", [])
    with pytest.raises(ReadOnly, match="a symbolic link"):
        editor.remove("connection", "a")


@pytest.mark.parametrize(
    ("number", "error"),
    [
        (errno.EROFS, ReadOnly),
        (errno.EACCES, ReadOnly),
        (errno.EPERM, ReadOnly),
        (errno.ENOSPC, Misconfigured),
        (errno.EIO, Misconfigured),
    ],
)
def test_disks_that_refuse(
    folder: Folder,
    editor: Editor,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    error: type[Exception],
) -> None:
    """Root writes where others may not, so that the refusal comes from the system call itself."""

    def refuse(*_arguments: object, **_named: object) -> None:
        raise OSError(number, os.strerror(number))

    before = content(folder)
    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(error):
        editor.remove("connection", "a")
    monkeypatch.undo()
    monkeypatch.setattr("dropstreamd.config.edit.write_new", refuse)
    with pytest.raises(error):
        editor.set_schedule("a", "inventory", "smart", [])
    with pytest.raises(error):
        editor.add("connection", "c", connection(3))
    assert content(folder) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write into any folder")
def test_a_read_only_folder(folder: Folder, editor: Editor) -> None:
    (folder.path / "connections.d").chmod(0o555)
    with pytest.raises(ReadOnly):
        editor.set_schedule("a", "inventory", "smart", [])


def test_ids_fit(folder: Folder) -> None:
    ids = {new_id(rng(seed)) for seed in range(200)}
    assert len(ids) == 200
    for number, key in enumerate(sorted(ids)[:5], start=3):
        folder.write(f"connections.d/x{number}.toml", connection(number).replace(f"c-00{number}", key))
    assert load(folder.path, PLUGINS).problems == ()
