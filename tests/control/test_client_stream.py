"""How the client follows a run: its stream of events, its time, and where that breaks off."""

from collections.abc import Callable

import msgspec
import pytest

from dropstreamd.clock import SystemClock
from dropstreamd.control.cli.daemon import Daemon
from dropstreamd.control.cli.exits import Exit
from dropstreamd.control.cli.following import events as parsed
from dropstreamd.control.cli.following import follow
from dropstreamd.control.cli.session import Options, Session
from dropstreamd.control.messages.runs import (
    Began,
    Counting,
    Ended,
    Gone,
    Missed,
    RunAsked,
)
from dropstreamd.errors import ProtocolMismatch, Unreachable
from tests.control.fake_api import UNCLOSED, FakeApi, ctl, events, refusal, sse, terminal
from tests.control.shown import (
    ENDED,
    FAILED,
    RUN,
    RUNNING,
)
from tests.control.test_client_run import EVENTS, THE_RUN


class Time:
    """Time that passes only where somebody sleeps."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def monotonic(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


def followed(api: FakeApi, *, timeout_s: float | None, json: bool = False) -> tuple[Exit, str, str]:
    seen, told = terminal()
    time = Time()
    daemon = Daemon(api.socket)
    session = Session(
        daemon=daemon, terminal=seen, clock=SystemClock(), monotonic=time.monotonic, sleep=time.sleep
    )
    try:
        code = follow(session, Options(json=json), connection="acme-vendure", run=RUN, timeout_s=timeout_s)
    finally:
        daemon.close()
    said = told(code)
    return code, said.out, said.err


def test_the_wait_ends_with_its_time(api: FakeApi) -> None:
    api.answer(EVENTS, events(Began(run=RUNNING)))
    api.answer(THE_RUN, RUNNING)
    code, out, err = followed(api, timeout_s=3.0)
    assert (code, out) == (Exit.UNFINISHED, "1 staged\n")
    assert err.endswith(
        f"The time is up: run {RUN} goes on. To see what comes of it: dropstreamctl runs acme-vendure\n"
    )
    assert api.lines.count(EVENTS) > 1
    _, out, _ = followed(api, timeout_s=3.0, json=True)
    assert msgspec.json.decode(out, type=RunAsked) == RunAsked(run=RUN)


def test_a_stream_that_breaks_off_is_opened_again(api: FakeApi) -> None:
    def torn(send: Callable[[bytes], None]) -> None:
        send(sse(Counting(run=RUN, counts={"staged": 1})))
        send(b"data: {")

    api.answer(EVENTS, torn)
    api.answer(EVENTS, events(Missed(why="too slow")))
    api.answer(EVENTS, events(Ended(run=ENDED)))
    for stands in (RUNNING, RUNNING, ENDED):
        api.answer(THE_RUN, stands)
    code, out, _ = followed(api, timeout_s=None)
    assert code == Exit.OK
    assert out.startswith("1 staged\nsales_orders.import done")
    assert api.lines.count(EVENTS) == 3


@pytest.mark.filterwarnings(UNCLOSED)
def test_a_daemon_that_ends_meanwhile_is_told(api: FakeApi) -> None:
    def ending(send: Callable[[bytes], None]) -> None:
        send(sse(Began(run=RUNNING)))
        api.socket.unlink()

    api.answer(EVENTS, ending)
    api.answer(THE_RUN, RUNNING)
    with pytest.raises(Unreachable, match="does not exist"):
        followed(api, timeout_s=None)


def test_where_too_many_listen_the_run_is_asked_for(api: FakeApi) -> None:
    api.answer(EVENTS, refusal("not possible", 409, "too many listen"))
    api.answer(THE_RUN, msgspec.structs.replace(RUNNING, result="waiting", job=""))
    api.answer(THE_RUN, FAILED)
    code, out, _ = followed(api, timeout_s=None)
    assert code == Exit.FAILED
    assert out.startswith("sales_orders.import held")


def test_a_run_that_the_daemon_has_lost(api: FakeApi) -> None:
    api.answer(EVENTS, events())
    api.answer(THE_RUN, refusal("not found", 404, "there is no such run"))
    code, out, err = followed(api, timeout_s=None)
    assert (code, out) == (Exit.REFUSED, "")
    assert err.endswith("Refused: there is no such run\n")


def test_events_over_several_lines_and_comments() -> None:
    text = 'event: gone\ndata: {"type":"gone",\ndata: "run":"1","why":"x"}\nid: 7\n\n: still here\n\n'
    found = [event for event in parsed(text.split("\n")) if event is not None]
    assert found == [Gone(run="1", why="x")]


def test_an_event_that_nobody_knows() -> None:
    with pytest.raises(ProtocolMismatch, match="of one version"):
        list(parsed(['data: {"type":"new"}', ""]))


@pytest.mark.parametrize("timeout", ["0", "-1", "nan", "inf", "soon"])
def test_a_timeout_that_cannot_be(api: FakeApi, timeout: str) -> None:
    told = ctl(api, "run", "acme-vendure", "sales_orders", "--wait", f"--timeout={timeout}")
    assert told.code == 2
    assert api.asked == []
