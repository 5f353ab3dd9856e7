"""`schedule`: what is shown before it is saved, and what is refused."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from dropstreamd.control.messages.runs import EditSchedule, Preview, PreviewSchedule, ScheduleShown
from dropstreamd.errors import Problem
from tests.control.fake_api import FakeApi, ctl, fake_api, golden, refusal

JOBS = "/v1/connections/acme-vendure/channels"


@pytest.fixture
def api(tmp_path: Path) -> Iterator[FakeApi]:
    with fake_api(tmp_path) as api:
        yield api


RULES = ("every 30 minutes", "daily at 01:00")
SCHEDULE = f"{JOBS}/inventory/jobs/smart/schedule"
FIRES = ("2026-03-05T15:00:00-05:00 EST", "2026-03-08T03:00:00-04:00 EDT")
NOW = ScheduleShown(rules=("every 60 minutes",), timezone="America/New_York", next=FIRES, digest="d1")
PREVIEW = Preview(rules=RULES, timezone="America/New_York", next=FIRES)


def scheduled(api: FakeApi, *argv: str, typed: str = "", is_terminal: bool = False) -> tuple[int, str, str]:
    api.answer(f"GET {SCHEDULE}", NOW)
    told = ctl(
        api, "schedule", "acme-vendure", "inventory.smart", *argv, typed=typed, is_terminal=is_terminal
    )
    return told.code, told.out, told.err


def test_a_schedule_is_shown(api: FakeApi) -> None:
    code, out, _ = scheduled(api)
    assert code == 0
    golden("schedule", out)


def test_new_rules_are_saved_after_their_fires_were_shown(api: FakeApi) -> None:
    api.answer(f"POST {SCHEDULE}/preview", PREVIEW)
    api.answer(f"PUT {SCHEDULE}", msgspec.structs.replace(NOW, rules=RULES))
    code, out, err = scheduled(api, *RULES, typed="y\n", is_terminal=True)
    assert (code, err) == (0, "Save this? [y/N] ")
    golden("schedule_saved", out)
    assert api.asked[1].read(PreviewSchedule) == PreviewSchedule(rules=RULES)
    assert api.asked[2].read(EditSchedule) == EditSchedule(rules=RULES, digest="d1")


@pytest.mark.parametrize(
    ("option", "tried", "saved"), [("--manual", (), ()), ("--default", ("every 60 minutes",), None)]
)
def test_no_rules_and_default_rules(
    api: FakeApi, option: str, tried: tuple[str, ...], saved: tuple[str, ...] | None
) -> None:
    api.answer(f"POST {SCHEDULE}/preview", Preview(rules=tried, timezone="UTC", next=()))
    api.answer(f"PUT {SCHEDULE}", NOW)
    code, out, _ = scheduled(api, option, "--yes")
    assert code == 0
    assert out.endswith("Saved.\n")
    assert api.asked[1].read(PreviewSchedule) == PreviewSchedule(rules=tried)
    assert api.asked[2].read(EditSchedule) == EditSchedule(rules=saved, digest="d1")


def test_wrong_rules_are_refused_with_every_problem(api: FakeApi) -> None:
    problem = Problem(
        file="", key="rules[0]", found="`dayly`", allowed="`daily at HH:MM`", hint="did you mean `daily`?"
    )
    wrong = msgspec.structs.replace(PREVIEW, next=(), problems=(problem,))
    api.answer(f"POST {SCHEDULE}/preview", wrong)
    code, out, err = scheduled(api, "dayly", "--yes")
    assert (code, out) == (2, "")
    assert err == (
        "Refused: these rules cannot be used; nothing was saved\n"
        "  - rules[0]: found `dayly`, expected `daily at HH:MM`; did you mean `daily`?\n"
    )
    code, out, _ = scheduled(api, "dayly", "--yes", "--json")
    assert (code, msgspec.json.decode(out, type=Preview)) == (2, wrong)


@pytest.mark.parametrize("argv", [("--json",), ()])
def test_rules_are_not_saved_without_a_yes(api: FakeApi, argv: tuple[str, ...]) -> None:
    api.answer(f"POST {SCHEDULE}/preview", PREVIEW)
    code, _, err = scheduled(api, *RULES, *argv)
    assert (code, err) == (4, "Nothing was saved. To agree beforehand, add --yes.\n")
    assert len(api.asked) == 2


def test_a_file_that_changed_meanwhile(api: FakeApi) -> None:
    api.answer(f"POST {SCHEDULE}/preview", PREVIEW)
    api.answer(f"PUT {SCHEDULE}", refusal("changed", 409, "the file has changed", remedy="look again"))
    code, _, err = scheduled(api, *RULES, "--yes")
    assert (code, err) == (2, "Refused: the file has changed\nWhat to do: look again\n")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("inventory", "hourly"), "with the dot"),
        (("inventory.smart", "hourly", "--manual"), "either rules, --manual or --default"),
    ],
)
def test_arguments_that_do_not_go_together(api: FakeApi, argv: tuple[str, ...], message: str) -> None:
    told = ctl(api, "schedule", "acme-vendure", *argv)
    assert told.code == 2
    assert message in told.err
    assert api.asked == []
