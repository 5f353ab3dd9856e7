"""The client's reload, backup and restore."""

import os
from pathlib import Path

import msgspec
import pytest

from dropstreamd.clock import SystemClock
from dropstreamd.config.changes import Changes
from dropstreamd.control.cli.restoring import Done as Restored
from dropstreamd.control.messages.setup import (
    BackupMade,
    MakeBackup,
    Reloaded,
)
from dropstreamd.control.messages.status import ElsewhereShown
from dropstreamd.errors import Problem
from dropstreamd.store.backup import make_backup
from dropstreamd.store.environment import open_environment
from dropstreamd.store.lock import locked
from tests.control.fake_api import FakeApi, ctl, golden, refusal
from tests.control.shown import NOW_S

# ---- reload and backup


def test_reload(api: FakeApi) -> None:
    changes = Changes(
        unchanged=("c-1",), hot=("c-2",), restarted=("c-3",), added=("c-4",), daemon=("socket",)
    )
    api.answer("POST /v1/reload", Reloaded(changes=changes, names={"c-2": "acme-b", "c-4": "new"}))
    golden("reload", ctl(api, "reload").out)


def test_a_reload_says_what_stands_still_and_what_goes_on(api: FakeApi) -> None:
    names = {"c-1": "acme", "c-2": "acme"}
    api.answer("POST /v1/reload", Reloaded(changes=Changes(added=("c-2",), removed=("c-1",)), names=names))
    api.answer("POST /v1/reload", Reloaded(changes=Changes(added=("c-1",)), names=names, still_on=("c-1",)))
    said = ctl(api, "reload").out
    assert "  removed    acme (c-1)\n" in said
    assert "What was added is off" in said
    assert "What was removed stands still" in said
    said = ctl(api, "reload").out
    assert "What was added is off" not in said
    assert "On again, as it was before it was removed: acme; see dropstreamctl status." in said


def test_a_reload_says_at_once_what_leads_elsewhere(api: FakeApi) -> None:
    found = ElsewhereShown(error="[store] of b leads to y, and not to x", remedy="say so: same-store b")
    told = Reloaded(changes=Changes(restarted=("c-2",)), names={"c-2": "b"}, elsewhere={"c-2": (found,)})
    api.answer("POST /v1/reload", told)
    said = ctl(api, "reload")
    assert said.code == 1
    assert said.out.endswith("b is held: [store] of b leads to y, and not to x\n  → say so: same-store b\n")


def test_a_reload_says_at_once_what_was_left_behind(api: FakeApi) -> None:
    found = ElsewhereShown(error="no file has the id c-1 any more", remedy="write it again")
    told = Reloaded(changes=Changes(), names={}, left_behind=(found,))
    api.answer("POST /v1/reload", told)
    said = ctl(api, "reload")
    assert said.code == 1
    assert said.out.endswith("Left behind: no file has the id c-1 any more\n  → write it again\n")


def test_a_reload_is_refused_with_every_problem(api: FakeApi) -> None:
    problems = tuple(
        Problem(file=f"{name}.toml", key="id", found="nothing", allowed="an id") for name in "ab"
    )
    api.answer("POST /v1/reload", refusal("config", 422, "the configuration is wrong", problems=problems))
    told = ctl(api, "reload")
    assert told.code == 2
    assert told.err == (
        "Refused: the configuration is wrong\n"
        "  - a.toml: id: found nothing, expected an id\n"
        "  - b.toml: id: found nothing, expected an id\n"
    )


def test_a_single_problem_is_said_once(api: FakeApi) -> None:
    problem = Problem(file="a.toml", key="id", found="nothing", allowed="an id")
    api.answer("POST /v1/reload", refusal("config", 422, str(problem), problems=(problem,)))
    assert ctl(api, "reload").err == "Refused: a.toml: id: found nothing, expected an id\n"


def test_backup(api: FakeApi) -> None:
    made = BackupMade(target="/srv/b", made_at_s=NOW_S, rows={"documents": 5, "runs": 2})
    api.answer("POST /v1/backup", made)
    told = ctl(api, "backup", "b")
    assert told.out == (
        "Backed up: /srv/b, 7 rows, as of 2026-03-05 19:30:12 UTC.\nSecrets are not in it: keep them apart.\n"
    )
    assert api.asked[0].read(MakeBackup) == MakeBackup(target=str(Path.cwd() / "b"))


# ---- restore, which needs no daemon


@pytest.fixture
async def backup(tmp_path: Path) -> Path:
    (tmp_path / "old").mkdir(mode=0o700)
    with open_environment(tmp_path / "old" / "state.mdb") as environment:
        await make_backup(environment, tmp_path / "backup", clock=SystemClock())
    return tmp_path / "backup"


async def test_a_backup_is_restored(tmp_path: Path, backup: Path) -> None:
    state = tmp_path / "state"
    told = ctl(tmp_path / "no.sock", "restore", str(backup), str(state))
    assert (told.code, told.err) == (0, "")
    assert told.out.startswith(f"Restored: {state} now holds the state of 20")
    assert "Every switch is off" in told.out
    assert {entry.name for entry in os.scandir(state)} >= {"state.mdb"}
    told = ctl(tmp_path / "no.sock", "restore", str(backup), str(state), "--json")
    kept = msgspec.json.decode(told.out, type=Restored).kept
    assert kept in [entry.path for entry in os.scandir(state)]


async def test_a_damaged_backup_is_refused(tmp_path: Path, backup: Path) -> None:
    state = tmp_path / "state"
    os.truncate(backup / "state.mdb", 4096)
    told = ctl(tmp_path / "no.sock", "restore", str(backup), str(state))
    assert (told.code, told.out) == (1, "")
    assert "is damaged: its digest differs\nWhat to do: use another backup\n" in told.err
    assert "state" not in {entry.name for entry in os.scandir(tmp_path)}


async def test_the_state_of_a_running_daemon_is_not_replaced(tmp_path: Path, backup: Path) -> None:
    state = tmp_path / "state"
    with locked(state):
        told = ctl(tmp_path / "no.sock", "restore", str(backup), str(state))
    assert (told.code, told.out) == (1, "")
    assert f"is in use by process {os.getpid()}\nWhat to do: stop that one first" in told.err
