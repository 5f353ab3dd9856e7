"""`run` and `backlog`: asking first, following a run to its end, and what each exit code says."""

import msgspec
import pytest

from dropstreamd.control.messages.look import Parked, ParkedExample, ParkedGroup
from dropstreamd.control.messages.runs import (
    AskRun,
    Began,
    Counting,
    Ended,
    Gone,
    RunAsked,
    RunShown,
)
from dropstreamd.control.messages.status import TroubleShown
from dropstreamd.model.counts import counts_text
from tests.control.fake_api import FakeApi, ctl, events, golden, refusal
from tests.control.shown import (
    CARD,
    ENDED,
    FAILED,
    ILL,
    NO_BACKLOG,
    NOW_S,
    OLDER,
    ORDERS,
    RUN,
    RUNNING,
    UNFINISHED,
    WELL,
)

JOBS = "/v1/connections/acme-vendure/channels"
ASK = f"POST {JOBS}/sales_orders/jobs/import/run"
EVENTS = f"GET /v1/events?run={RUN}"
THE_RUN = f"GET /v1/connections/acme-vendure/runs/{RUN}"
UNCONFIRMED = refusal("unconfirmed", 409, "3 older orders would be sent", backlog=OLDER)


@pytest.mark.parametrize(
    ("named", "asked"),
    [
        ("sales_orders", "sales_orders/jobs/import"),
        ("shipments", "shipments/jobs/export"),
        ("inventory", "inventory/jobs/smart"),
        ("inventory.full", "inventory/jobs/full"),
    ],
)
def test_run(api: FakeApi, named: str, asked: str) -> None:
    api.answer(f"POST {JOBS}/{asked}/run", RunAsked(run=RUN), 202)
    told = ctl(api, "run", "acme-vendure", named)
    assert (told.code, told.err) == (0, "")
    assert told.out == (
        f"Run {RUN} was asked for.\nTo see what comes of it: dropstreamctl runs acme-vendure\n"
    )
    assert api.asked[0].read(AskRun) == AskRun()


@pytest.mark.parametrize("named", ["orders", "sales_orders.", ".import", ""])
def test_a_job_that_cannot_be(api: FakeApi, named: str) -> None:
    told = ctl(api, "run", "acme-vendure", named)
    assert told.code == 2
    assert "expected one of sales_orders, shipments, inventory" in told.err
    assert api.asked == []


def test_a_run_of_what_is_off_is_refused(api: FakeApi) -> None:
    api.answer(
        ASK, refusal("disabled", 409, "acme-vendure is disabled", remedy="dropstreamctl enable acme-vendure")
    )
    told = ctl(api, "run", "acme-vendure", "sales_orders", "--wait")
    assert (told.code, told.out) == (2, "")
    assert told.err == "Refused: acme-vendure is disabled\nWhat to do: dropstreamctl enable acme-vendure\n"


# ---- older orders


def test_older_orders_are_counted_and_asked_about(api: FakeApi) -> None:
    api.answer(ASK, UNCONFIRMED)
    api.answer(ASK, RunAsked(run=RUN), 202)
    told = ctl(
        api, "run", "acme-vendure", "sales_orders", "--since", "2026-02-01", typed="y\n", is_terminal=True
    )
    assert told.code == 0
    golden("run_since", told.out)
    assert told.err == "Send them to the warehouse? Another system may have done so already. [y/N] "
    assert [asked.read(AskRun) for asked in (api.asked[0], api.asked[-1])] == [
        AskRun(since="2026-02-01"),
        AskRun(since="2026-02-01", backlog="f00d"),
    ]


def test_a_list_that_has_changed_meanwhile_is_shown_and_asked_about_again(api: FakeApi) -> None:
    more = msgspec.structs.replace(OLDER, count=4, id="beef")
    api.answer(ASK, UNCONFIRMED)
    api.answer(ASK, refusal("unconfirmed", 409, "4 older orders would be sent", backlog=more))
    api.answer(ASK, RunAsked(run=RUN), 202)
    asked = ("run", "acme-vendure", "sales_orders", "--since", "2026-02-01")
    told = ctl(api, *asked, typed="y\ny\n", is_terminal=True)
    assert told.code == 0
    assert "901, 902 and 1 more\n4 orders placed" in told.out
    assert "[y/N] Meanwhile the list has changed.\nSend them" in told.err
    lists = [each.read(AskRun) for each in api.asked if each.line == ASK]
    assert lists == [AskRun(since="2026-02-01", backlog=name) for name in ("", "f00d", "beef")]


def test_a_list_that_never_stays_the_same_is_given_up(api: FakeApi) -> None:
    api.answer(ASK, UNCONFIRMED)
    told = ctl(api, "run", "acme-vendure", "sales_orders", "--since", "2026-02-01", "--yes")
    assert told.code == 4
    assert told.err.endswith(
        "Nothing was sent and no run was started. The list changes all the time: ask again.\n"
    )
    assert api.lines.count(ASK) == 6


def test_without_older_orders_it_is_an_ordinary_run(api: FakeApi) -> None:
    api.answer(ASK, refusal("unconfirmed", 409, "0 older orders would be sent", backlog=NO_BACKLOG))
    api.answer(ASK, RunAsked(run=RUN), 202)
    told = ctl(api, "run", "acme-vendure", "sales_orders", "--since", "2026-02-01")
    assert told.code == 0
    assert told.err == "No older orders were placed since then: this is an ordinary run.\n"
    assert [asked.read(AskRun) for asked in api.asked] == [AskRun(since="2026-02-01"), AskRun()]


@pytest.mark.parametrize(("typed", "is_terminal"), [("n\n", True), ("", True), ("y\n", False)])
def test_without_a_persons_yes_nothing_is_sent(api: FakeApi, typed: str, is_terminal: bool) -> None:
    api.answer(ASK, UNCONFIRMED)
    told = ctl(
        api,
        "run",
        "acme-vendure",
        "sales_orders",
        "--since",
        "2026-02-01",
        typed=typed,
        is_terminal=is_terminal,
    )
    assert told.code == 4
    assert told.err.endswith("Nothing was sent and no run was started. To agree beforehand, add --yes.\n")
    assert api.lines.count(ASK) == 1


def test_yes_agrees_beforehand_and_the_count_is_still_shown(api: FakeApi) -> None:
    api.answer(ASK, UNCONFIRMED)
    api.answer(ASK, RunAsked(run=RUN), 202)
    told = ctl(api, "run", "acme-vendure", "sales_orders", "--since", "2026-02-01", "--yes")
    assert (told.code, told.err) == (0, "")
    golden("run_since", told.out)


def test_for_scripts_the_refusal_is_the_answer(api: FakeApi) -> None:
    api.answer(ASK, UNCONFIRMED)
    told = ctl(
        api, "run", "acme-vendure", "sales_orders", "--since", "2026-02-01", "--json", is_terminal=True
    )
    assert (told.code, told.err) == (4, "")
    assert msgspec.json.decode(told.out, type=type(UNCONFIRMED)) == UNCONFIRMED


def test_a_wrong_date_is_refused_by_the_daemon(api: FakeApi) -> None:
    api.answer(ASK, refusal("bad request", 400, "since: 'soon' is no day"))
    told = ctl(api, "run", "acme-vendure", "sales_orders", "--since", "soon")
    assert (told.code, told.err) == (2, "Refused: since: 'soon' is no day\n")


def test_backlog(api: FakeApi) -> None:
    api.answer("GET /v1/connections/acme-vendure/backlog", OLDER)
    golden("backlog", ctl(api, "backlog", "acme-vendure").out)
    api.answer("GET /v1/connections/acme-vendure/backlog?since=2026-03-01", NO_BACKLOG)
    told = ctl(api, "backlog", "acme-vendure", "--since", "2026-03-01")
    assert told.out == "No older orders are held back.\n"


# ---- following


def waited(api: FakeApi, end: RunShown, *argv: str, is_terminal: bool = False) -> tuple[int, str, str]:
    api.answer(ASK, RunAsked(run=RUN), 202)
    api.answer(THE_RUN, end)
    told = ctl(api, "run", "acme-vendure", "sales_orders", "--wait", *argv, is_terminal=is_terminal)
    return told.code, told.out, told.err


def test_a_run_is_followed_to_its_end(api: FakeApi) -> None:
    counting = [Counting(run=RUN, counts={"staged": count}) for count in (1, 2, 2)]
    api.answer(EVENTS, events(Began(run=RUNNING), *counting, Ended(run=ENDED)))
    code, out, err = waited(api, ENDED)
    assert (code, err) == (0, f"Run {RUN}; Ctrl-C stops waiting, not the run.\n")
    end = "sales_orders.import done in 12 s, 2026-03-05 14:27:04 EST: 3 staged, 2 accepted\n"
    assert out == f"1 staged\n2 staged\n{end}"


def test_older_orders_that_a_run_found_itself_are_told_of(api: FakeApi) -> None:
    ended = msgspec.structs.replace(ENDED, counts={"released": 1, "held_back": 3})
    api.answer(EVENTS, events(Ended(run=ended)))
    _, out, _ = waited(api, ended)
    assert out.endswith(
        ": 1 released, 3 held back\n3 older orders came in since the list was shown, and stay here:"
        " dropstreamctl run acme-vendure sales_orders --since DATE\n"
    )


def test_on_a_terminal_one_line_changes(api: FakeApi) -> None:
    api.answer(EVENTS, events(Began(run=RUNNING), Counting(run=RUN, counts={"staged": 9}), Ended(run=ENDED)))
    _, out, _ = waited(api, ENDED, is_terminal=True)
    assert out.startswith("\r\x1b[K1 staged\r\x1b[K9 staged\nsales_orders.import done")


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({}, "nothing to do"),
        (
            {"staged": 0, "snapshots_applied": 1, "tasks": 1, "again": 2},
            "1 snapshot applied, 1 task, 2 to be",
        ),
        (
            {"snapshots_held": 2, "tasks": 3, "undecodable": 1, "held_back": 1},
            "2 snapshots held, 3 tasks, 1 un",
        ),
    ],
)
def test_counts_are_said_in_words(counts: dict[str, int], said: str) -> None:
    assert (counts_text(counts) or "nothing to do").startswith(said)


def test_a_run_that_fails_exits_1(api: FakeApi) -> None:
    api.answer(EVENTS, events(Ended(run=FAILED)))
    code, out, _ = waited(api, FAILED)
    assert code == 1
    assert out == (
        "sales_orders.import held in 12 s, 2026-03-05 14:27:04 EST\n"
        "Why: the password was refused\nWhat to do: set it anew\n"
    )


def test_a_run_that_could_not_look_at_everything_exits_1_and_says_when_it_looks_again(api: FakeApi) -> None:
    trouble = TroubleShown(failures=0, retry_s=NOW_S, error="used up", remedy="", held=False)
    job = msgspec.structs.replace(ORDERS.jobs[0], last=UNFINISHED, trouble=trouble)
    card = msgspec.structs.replace(CARD, channels=(msgspec.structs.replace(ORDERS, jobs=(job,)),))
    api.answer("GET /v1/status/acme-vendure", msgspec.structs.replace(WELL, connections=(card,)))
    ctl(api, "status", "acme-vendure")  # takes the answer that nothing is wrong
    api.answer(EVENTS, events(Ended(run=UNFINISHED)))
    code, out, _ = waited(api, UNFINISHED)
    assert code == 1
    assert out == (
        "sales_orders.import unfinished in 12 s, 2026-03-05 14:27:04 EST: 3 staged, 2 accepted\n"
        "Why: the budget is used up: looks again at 2026-03-05 14:30 EST\n"
        "What to do: see who else uses it\n"
    )
    nothing = msgspec.structs.replace(UNFINISHED, counts={})
    api.answer(EVENTS, events(Ended(run=nothing)))
    _, out, _ = waited(api, nothing)
    assert "nothing to do" not in out


@pytest.mark.parametrize("end", [UNFINISHED, FAILED])
@pytest.mark.parametrize(("counts", "stay"), [({}, True), ({"released": 2}, False)])
def test_older_orders_that_were_agreed_to_and_not_let_go_are_told_of(
    api: FakeApi, end: RunShown, counts: dict[str, int], *, stay: bool
) -> None:
    """The run that is made again by itself lets none go."""
    ended = msgspec.structs.replace(end, since_s=NOW_S - 864_000, counts=counts)
    api.answer(EVENTS, events(Ended(run=ended)))
    _, out, _ = waited(api, ended)
    assert ("\nNo older orders were let go: ask for them again once this is over.\nWhy: " in out) is stay


def unreadable(channel: str, *examples: ParkedExample) -> ParkedGroup:
    return ParkedGroup(
        channel=channel, kind="undecodable", cause="torn", count=len(examples), more=False, examples=examples
    )


def test_a_run_that_failed_says_when_it_is_tried_again(api: FakeApi) -> None:
    api.answer("GET /v1/status/acme-vendure", ILL)
    ctl(api, "status", "acme-vendure")  # takes the answer that nothing is wrong
    api.answer(EVENTS, events(Ended(run=FAILED)))
    _, out, _ = waited(api, FAILED)
    assert out.endswith("What to do: set it anew\nTried again by itself: 2026-03-05 15:00:12 EST\n")


def test_a_run_that_set_something_aside_says_what_and_exits_1(api: FakeApi) -> None:
    ended = msgspec.structs.replace(
        ENDED, channel="shipments", job="export", counts={"undecodable": 2, "accepted": 1, "tasks": 1}
    )
    new = ParkedExample(
        key="k1", number="shp_1.csv", reason="it has no column 'quantity'", since_s=ENDED.started_s
    )
    old = ParkedExample(key="k0", number="shp_0.csv", reason="torn", since_s=ENDED.started_s - 1)
    parked = Parked(
        groups=(
            unreadable("shipments", old),
            unreadable("shipments", new),
            unreadable("returns", new),
        ),
        backlog=NO_BACKLOG,
    )
    api.answer("GET /v1/connections/acme-vendure/parked", parked)
    api.answer(EVENTS, events(Ended(run=ended)))
    code, out, _ = waited(api, ended)
    assert code == 1
    assert out == (
        "shipments.export done in 12 s, 2026-03-05 14:27:04 EST: 2 unreadable, 1 accepted, 1 task\n"
        "Not all of it went through:\n"
        "  ! 2 documents or rows could not be read\n"
        "      shp_1.csv: it has no column 'quantity'\n"
        "    → dropstreamctl parked acme-vendure\n"
        "  ! 1 thing to do by hand\n"
        "    → dropstreamctl tasks acme-vendure\n"
    )
    code, out, err = waited(api, ended, "--json")
    assert (code, err) == (1, "")
    assert msgspec.json.decode(out, type=RunShown) == ended


def test_json_prints_the_run_alone(api: FakeApi) -> None:
    api.answer(EVENTS, events(Began(run=RUNNING), Ended(run=ENDED)))
    code, out, err = waited(api, ENDED, "--json")
    assert (code, err) == (0, "")
    assert msgspec.json.decode(out, type=RunShown) == ENDED


def test_a_run_that_will_never_be(api: FakeApi) -> None:
    gone = Gone(run=RUN, why="sales_orders was disabled")
    api.answer(EVENTS, events(gone))
    code, out, err = waited(api, ENDED)
    assert (code, out) == (1, "")
    assert err.endswith("The run will not be: sales_orders was disabled\n")
    code, out, _ = waited(api, ENDED, "--json")
    assert (code, msgspec.json.decode(out, type=Gone)) == (1, gone)
