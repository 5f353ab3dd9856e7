"""`status`, `enable`, `disable`, `runs`, `log`: what people and scripts are shown."""

import msgspec
import pytest

from dropstreamd.control.messages.look import Log, LogLine
from dropstreamd.control.messages.runs import Runs, Switch, Switched
from dropstreamd.control.messages.status import ElsewhereShown, TroubleShown
from tests.control.fake_api import FakeApi, ctl, golden, refusal
from tests.control.shown import CARD, ENDED, FAILED, ILL, INVENTORY, NOW_S, ORDERS, TROUBLE, UNFINISHED, WELL


def test_status(api: FakeApi) -> None:
    api.answer("GET /v1/status", WELL)
    told = ctl(api, "status")
    assert (told.code, told.err) == (0, "")
    golden("status", told.out)


def test_status_says_what_needs_a_person(api: FakeApi) -> None:
    api.answer("GET /v1/status", ILL)
    told = ctl(api, "status")
    golden("status_ill", told.out)


def test_status_of_one(api: FakeApi) -> None:
    told = ctl(api, "status", "acme-vendure")
    golden("status_one", told.out)


def test_status_of_nothing(api: FakeApi) -> None:
    api.answer("GET /v1/status", msgspec.structs.replace(WELL, connections=()))
    assert "There are none yet" in ctl(api, "status").out


def test_a_connection_that_is_off_has_no_next_run(api: FakeApi) -> None:
    off = msgspec.structs.replace(
        CARD, switch=msgspec.structs.replace(CARD.switch, on=False), restored_s=NOW_S
    )
    api.answer("GET /v1/status", msgspec.structs.replace(WELL, connections=(off,)))
    told = ctl(api, "status")
    assert "  off            done" in told.out
    assert "restored from a backup" in told.out


def test_what_waits_after_a_restore_is_told_once(api: FakeApi) -> None:
    """By itself before a run, then as the trouble of the job."""
    waiting = msgspec.structs.replace(CARD, waits="waits for the first stock figures")
    api.answer("GET /v1/status", msgspec.structs.replace(WELL, connections=(waiting,)))
    told = ctl(api, "status")
    assert f"! {CARD.name} inventory waits for the first stock figures" in told.out
    trouble = TroubleShown(failures=1, retry_s=NOW_S, error=waiting.waits, remedy="", held=False)
    job = msgspec.structs.replace(INVENTORY.jobs[0], trouble=trouble)
    waiting = msgspec.structs.replace(waiting, channels=(msgspec.structs.replace(INVENTORY, jobs=(job,)),))
    api.answer("GET /v1/status", msgspec.structs.replace(WELL, connections=(waiting,)))
    assert ctl(api, "status").out.count("waits for the first stock figures") == 1


def test_json_is_the_answer_as_it_came(api: FakeApi) -> None:
    api.answer("GET /v1/status", msgspec.json.encode(ILL))
    told = ctl(api, "--json", "status")
    assert told.out == msgspec.json.encode(ILL).decode() + "\n"
    assert ctl(api, "status", "--json").out == told.out


def test_an_unknown_connection(api: FakeApi) -> None:
    no = refusal("not found", 404, "there is no connection acme", remedy="did you mean acme-vendure?")
    api.answer("GET /v1/status/acme", no)
    told = ctl(api, "status", "acme")
    assert (told.code, told.out) == (2, "")
    assert told.err == "Refused: there is no connection acme\nWhat to do: did you mean acme-vendure?\n"
    told = ctl(api, "status", "acme", "--json")
    assert (told.code, told.err) == (2, "")
    assert msgspec.json.decode(told.out, type=type(no)) == no


@pytest.mark.parametrize(("argv", "channel"), [((), ""), (("inventory",), "inventory")])
@pytest.mark.parametrize(("verb", "on"), [("enable", True), ("disable", False)])
def test_switches(api: FakeApi, argv: tuple[str, ...], channel: str, verb: str, on: bool) -> None:
    done = Switched(connection="acme-vendure", channel=channel, on=on, note="Older orders stay.")
    api.answer(f"POST /v1/connections/acme-vendure/{verb}", done)
    told = ctl(api, verb, "acme-vendure", *argv)
    what = f"acme-vendure {channel}".rstrip()
    assert (told.code, told.out) == (0, f"{what} is {'on' if on else 'off'}.\nOlder orders stay.\n")
    assert api.asked[0].read(Switch) == Switch(channel=channel)


def test_runs(api: FakeApi) -> None:
    api.answer("GET /v1/connections/acme-vendure/runs?limit=20", Runs(runs=(ENDED, FAILED)))
    golden("runs", ctl(api, "runs", "acme-vendure").out)


def test_runs_of_a_channel(api: FakeApi) -> None:
    api.answer("GET /v1/connections/acme-vendure/runs?limit=5&channel=shipments", Runs(runs=()))
    told = ctl(api, "runs", "acme-vendure", "shipments", "--limit", "5")
    assert told.out == "Nothing has run yet.\n"


def test_log(api: FakeApi) -> None:
    line = LogLine(at_s=NOW_S, event="enabled", text="was\x1b[2J enabled", channel="", run="", who="ann")
    lines = (line, msgspec.structs.replace(line, channel="sales_orders.import", event="run done", who=""))
    api.answer("GET /v1/connections/acme-vendure/log?limit=50", Log(lines=lines))
    golden("log", ctl(api, "log", "acme-vendure").out)


def test_an_empty_log(api: FakeApi) -> None:
    api.answer("GET /v1/connections/acme-vendure/log?limit=1", Log(lines=()))
    assert ctl(api, "log", "acme-vendure", "--limit", "1").out == "Nothing has happened yet.\n"


@pytest.mark.parametrize("limit", ["0", "2001", "many"])
def test_a_limit_out_of_bounds(api: FakeApi, limit: str) -> None:
    assert ctl(api, "log", "acme-vendure", "--limit", limit).code == 2
    assert api.asked == []


def test_what_leads_elsewhere_is_said_once_before_a_run_and_after(api: FakeApi) -> None:
    found = ElsewhereShown(error=TROUBLE.error, remedy="say that it is the same")
    [ill] = ILL.connections
    for card in (CARD, ill):
        shown = msgspec.structs.replace(card, elsewhere=(found,))
        api.answer("GET /v1/status", msgspec.structs.replace(WELL, connections=(shown,)))
    for _ in range(2):
        told = ctl(api, "status")
        assert told.out.count(TROUBLE.error) == 1
        assert f"! acme-vendure: {TROUBLE.error}\n    → say that it is the same\n" in told.out


def test_one_connection_in_trouble(api: FakeApi) -> None:
    api.answer("GET /v1/status/c-7f3k2m", ILL)
    golden("status_one_ill", ctl(api, "status", "c-7f3k2m").out)


def test_a_run_that_was_cut_off_is_not_counted_as_a_failure(api: FakeApi) -> None:
    cut = msgspec.structs.replace(TROUBLE, failures=0, error="the daemon ended while it ran", held=False)
    job = msgspec.structs.replace(ORDERS.jobs[0], trouble=cut)
    channel = msgspec.structs.replace(ORDERS, jobs=(job,))
    card = msgspec.structs.replace(CARD, channels=(channel,))
    api.answer("GET /v1/status/c-7f3k2m", msgspec.structs.replace(WELL, connections=(card,)))
    assert "trouble       the daemon ended while it ran\n" in ctl(api, "status", "c-7f3k2m").out


def test_a_job_that_is_unfinished_has_not_failed(api: FakeApi) -> None:
    used_up = msgspec.structs.replace(TROUBLE, failures=0, error="the budget is used up", held=False)
    job = msgspec.structs.replace(ORDERS.jobs[0], last=UNFINISHED, trouble=used_up)
    card = msgspec.structs.replace(CARD, channels=(msgspec.structs.replace(ORDERS, jobs=(job,)),))
    api.answer("GET /v1/status", msgspec.structs.replace(WELL, connections=(card,)))
    out = ctl(api, "status").out
    assert "  unfinished  3 min 8 s ago  again in " in out
    assert "! acme-vendure sales_orders.import is unfinished: the budget is used up (3 min 8 s ago, is" in out
