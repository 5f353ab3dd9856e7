"""Calls that fail: tried again, throttled, and not made for a while, as promised."""

import pytest
import trio
from trio.testing import MockClock

from dropstreamd.errors import (
    AuthFailed,
    DropstreamError,
    OutcomeUnknown,
    RateLimited,
    Unreachable,
)
from dropstreamd.platform.circuit import Circuits, State
from dropstreamd.platform.http import Http, HttpLimits, Observer
from dropstreamd.platform.limiter import Budget, Pace, Priority
from dropstreamd.telemetry.metrics import CallResult, Metrics
from tests.platform.calls import LOCAL, ask
from tests.platform.conftest import Counted
from tests.platform.servers import answer, scripted


async def test_accounts_have_one_circuit_each() -> None:
    circuits = Circuits()
    acme, other = circuits.circuit("acme"), circuits.circuit("other")
    assert circuits.circuit("acme") is acme
    assert circuits.all() == (acme, other)


async def test_a_safe_call_is_tried_again_and_a_write_never(
    http: Http, observer: Counted, patient_clock: MockClock
) -> None:
    async with scripted(answer(503), b"", answer(500), answer(body=b"[1]")) as server:
        assert (await ask(http, server, limits=HttpLimits())).body == b"[1]"
        assert len(server.requests) == 4
    assert observer.calls == [CallResult.UNREACHABLE] * 3 + [CallResult.OK]
    async with scripted(answer(503), answer()) as server:
        with pytest.raises(OutcomeUnknown):
            await ask(http, server, applied="write", limits=HttpLimits())
        assert len(server.requests) == 1


async def test_tries_have_an_end(http: Http, patient_clock: MockClock) -> None:
    async with scripted(answer(502)) as server:
        with pytest.raises(Unreachable, match="answered 502"):
            await ask(http, server, limits=HttpLimits(retries=2))
        assert len(server.requests) == 3
    assert 0.5 / 2 + 1 / 2 <= trio.current_time() <= 0.5 + 1 + 0.5


async def test_tries_end_with_the_callers_deadline(http: Http, patient_clock: MockClock) -> None:
    async with scripted(answer(502)) as server:
        with pytest.raises(trio.TooSlowError), trio.fail_after(1):
            await ask(http, server, limits=HttpLimits(retries=100))


async def test_what_a_person_must_mend_is_not_tried_again(http: Http) -> None:
    async with scripted(answer(401)) as server:
        with pytest.raises(DropstreamError):
            await ask(http, server, limits=HttpLimits())
        assert len(server.requests) == 1


async def test_a_plugin_may_judge_what_it_is_not_permitted(http: Http) -> None:
    async with scripted(answer(403), answer(401), answer(500)) as server:
        assert (await ask(http, server, own=(401, 403, 500))).status == 403
        with pytest.raises(AuthFailed):
            await ask(http, server, own=(403,))
        with pytest.raises(Unreachable):
            await ask(http, server, own=(500,))


async def test_a_throttled_read_comes_back_when_it_was_told_to(
    http: Http, observer: Counted, patient_clock: MockClock
) -> None:
    async with scripted(answer(429, retry_after="20"), answer()) as server:
        await ask(http, server, limits=HttpLimits())
    assert 20 <= trio.current_time() < 21
    assert observer.throttles == 1


async def test_a_throttled_write_slows_the_account_and_is_left_to_the_next_run(
    http: Http, patient_clock: MockClock
) -> None:
    async with scripted(answer(429, retry_after="20"), answer()) as server:
        with pytest.raises(RateLimited) as caught:
            await ask(http, server, applied="write", limits=HttpLimits())
        assert caught.value.retry_after_s == 20
        assert (await ask(http, server, applied="write")).ok
    assert trio.current_time() >= 20


async def test_a_call_that_goes_ahead_waits_for_nothing_that_is_kept_for_orders(
    http: Http, patient_clock: MockClock
) -> None:
    budget = Budget(Pace(rate_per_s=1, burst=100, kept=0.5))
    http.limiter = budget.for_priority(Priority.FULL)
    async with scripted(answer()) as server, http.client(server.base, settings=LOCAL) as client:
        await client.request("GET", applied="safe", cost=100)
        before_s = trio.current_time()
        await client.request("GET", applied="safe", cost=0, ahead=True)
        assert trio.current_time() < before_s + 40
        await client.request("GET", applied="safe", cost=0)
        assert trio.current_time() >= before_s + 40


async def test_nobody_waits_within_a_run_for_longer_than_a_minute(
    http: Http, patient_clock: MockClock
) -> None:
    async with scripted(answer(429, retry_after="61")) as server:
        with pytest.raises(RateLimited):
            await ask(http, server, limits=HttpLimits())
        assert len(server.requests) == 1


async def test_a_503_that_says_when_slows_the_account_too(
    http: Http, observer: Counted, patient_clock: MockClock
) -> None:
    async with scripted(answer(503, retry_after="9"), answer()) as server:
        await ask(http, server, limits=HttpLimits())
    assert trio.current_time() >= 9
    assert observer.throttles == 1


def circuit_of(http: Http) -> tuple[State, int]:
    return http.circuit.state, round(http.circuit.rests_s)


async def test_repeated_failure_opens_the_circuit_and_a_probe_closes_it(
    http: Http, observer: Counted, patient_clock: MockClock
) -> None:
    async with scripted(*[answer(500)] * 6, answer()) as server:
        for _ in range(5):
            with pytest.raises(Unreachable):
                await ask(http, server)
        assert circuit_of(http) == ("open", 15)
        with pytest.raises(
            Unreachable,
            match=r"5 calls failed; none is made for another 15 s; the newest failure: POST .* answered 500",
        ):
            await ask(http, server, applied="write", limits=HttpLimits())
        assert len(server.requests) == 5
        await trio.sleep(15)
        with pytest.raises(Unreachable, match="answered 500"):
            await ask(http, server, limits=HttpLimits())
        assert circuit_of(http) == ("open", 30)
        await trio.sleep(30)
        assert circuit_of(http) == ("half-open", 0)
        assert (await ask(http, server)).ok
        assert circuit_of(http) == ("closed", 0)


async def test_one_probe_at_a_time_and_a_cancelled_one_decides_nothing(
    http: Http, patient_clock: MockClock
) -> None:
    async with scripted(*[answer(500)] * 5, None) as server:
        for _ in range(5):
            with pytest.raises(Unreachable):
                await ask(http, server)
        await trio.sleep(15)
        for _ in range(2):
            with trio.move_on_after(1):
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(ask, http, server)
                    await trio.testing.wait_all_tasks_blocked(0.01)
                    assert circuit_of(http) == ("half-open", 0)
                    with pytest.raises(Unreachable, match="the last 5 calls failed; one is tried now"):
                        await ask(http, server)
        assert len(server.requests) == 7


async def test_a_refusal_shows_that_the_other_side_is_there(http: Http) -> None:
    async with scripted(*[answer(500)] * 4, answer(401), answer(500)) as server:
        for _ in range(6):
            with pytest.raises(DropstreamError):
                await ask(http, server)
    assert (circuit_of(http), http.circuit.failures) == (("closed", 0), 1)


def test_the_daemons_metrics_are_an_observer() -> None:
    observer: Observer = Metrics(now_s=lambda: 0.0, version="0")
    observer.call_finished("test:acme", CallResult.AUTH_FAILED)
