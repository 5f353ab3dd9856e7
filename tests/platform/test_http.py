"""Calls that are made as asked, and retried, throttled and bounded as promised."""

import contextlib
import gzip
import logging

import msgspec
import pytest
import trio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse
from starlette.routing import Route
from trio.testing import MockClock

from dropstreamd.errors import (
    AuthFailed,
    DropstreamError,
    Misconfigured,
    OutcomeUnknown,
    ProtocolMismatch,
    RateLimited,
    Unreachable,
)
from dropstreamd.platform.circuit import Circuits, State
from dropstreamd.platform.http import Http, HttpClient, HttpLimits, HttpSettings, Observer, Response, decode
from dropstreamd.platform.http_errors import Applied
from dropstreamd.telemetry.metrics import CallResult, Metrics
from tests.platform.conftest import Counted
from tests.platform.servers import Scripted, answer, scripted, served

LOCAL = HttpSettings(allow_private=True)
ONCE = HttpLimits(retries=0)


async def ask(
    http: Http,
    server: Scripted,
    *,
    applied: Applied = "safe",
    limits: HttpLimits = ONCE,
    own: tuple[int, ...] = (),
) -> Response:
    async with http.client(server.base, settings=LOCAL, limits=limits) as client:
        return await client.request("POST", "orders", json={"a": 1}, applied=applied, own=own)


# ---- what is sent and what comes back


async def echo(request: Request) -> JSONResponse:
    return JSONResponse(
        {
            "method": request.method,
            "path": request.url.path,
            "query": request.url.query,
            "headers": dict(request.headers),
            "body": (await request.body()).decode(),
        }
    )


class Echo(msgspec.Struct):
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: str


async def echoed(client: HttpClient, method: str, url: str, **arguments: object) -> Echo:
    return decode(await client.request(method, url, applied="safe", **arguments), Echo)  # type: ignore[arg-type]


async def test_a_call_arrives_as_it_was_asked(http: Http, observer: Counted) -> None:
    methods = ["GET", "POST"]
    async with (
        served(Starlette(routes=[Route("/{rest:path}", echo, methods=methods)])) as base,
        http.client(f"{base}/api/v2", headers={"Authorization": "Bearer t0ken"}, settings=LOCAL) as client,
    ):
        got = await echoed(client, "GET", "orders/7?expand=lines", headers={"X-One": "1"})
        assert (got.method, got.path, got.query) == ("GET", "/api/v2/orders/7", "expand=lines")
        assert got.headers["authorization"] == "Bearer t0ken"
        assert got.headers["x-one"] == "1"
        assert got.headers["user-agent"].startswith("dropstreamd")
        assert got.headers["accept-encoding"] == "gzip"
        assert "cookie" not in got.headers
        assert (await echoed(client, "GET", "/other")).path == "/other"
        assert (await echoed(client, "GET", f"{base}/api/next?page=2")).query == "page=2"
        assert (await echoed(client, "GET", "")).path == "/api/v2"
        got = await echoed(client, "GET", "?page=3")
        assert (got.path, got.query) == ("/api/v2", "page=3")
        got = await echoed(client, "POST", "", json={"sku": "Ä-1"})
        assert got.body == '{"sku":"Ä-1"}'
        assert got.headers["content-type"] == "application/json"
        got = await echoed(client, "POST", "", content=b"a;b", headers={"content-type": "text/csv"})
        assert (got.body, got.headers["content-type"]) == ("a;b", "text/csv")
    assert observer.calls == [CallResult.OK] * 7


async def test_a_connection_is_kept_and_used_again(http: Http) -> None:
    async with scripted(answer()) as server, http.client(server.base, settings=LOCAL) as client:
        for _ in range(3):
            await client.request("GET", applied="safe")
        assert (len(server.requests), server.connections) == (3, 1)


async def test_nothing_that_was_asked_reaches_the_log(http: Http, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with scripted(answer()) as server:
        headers = {"authorization": "Bearer s3cret"}
        async with http.client(server.base, headers=headers, settings=LOCAL) as client:
            await client.request("POST", "?email=s3cret", json={"email": "s3cret"}, applied="safe")
        assert server.requests[0].count(b"s3cret") == 3
    assert "s3cret" not in caplog.text


async def test_an_idle_connection_is_not_trusted_with_a_write(http: Http, patient_clock: MockClock) -> None:
    """A server that closes after its answer: the next write takes a connection of its own."""
    async with scripted(answer(connection="close"), answer()) as server:
        async with http.client(server.base, settings=LOCAL) as client:
            await client.request("GET", applied="safe")
            assert (await client.request("POST", applied="write", json=[])).ok
        assert server.connections == 2


async def test_the_environment_is_not_asked_for_a_proxy(http: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with scripted(answer()) as server:
        assert (await ask(http, server)).ok


@pytest.mark.parametrize(
    "url", ["https://evil.example/x", "//evil.example/x", "http://127.0.0.1:1/x", "https://127.0.0.1/x"]
)
async def test_no_call_leaves_the_configured_host(http: Http, url: str) -> None:
    async with scripted(answer()) as server, http.client(server.base, settings=LOCAL) as client:
        with pytest.raises(ProtocolMismatch, match="led to another host"):
            await client.request("GET", url, applied="safe")
        assert server.requests == []


async def test_an_address_that_is_none_is_refused(http: Http) -> None:
    async with scripted(answer()) as server, http.client(server.base, settings=LOCAL) as client:
        with pytest.raises(ProtocolMismatch, match="malformed"):
            await client.request("GET", "http://[::1", applied="safe")


@pytest.mark.parametrize(
    ("base", "says"),
    [
        ("ftp://shop.example/", "no https:// URL"),
        ("shop.example", "no https:// URL"),
        ("https:///path", "no https:// URL"),
        ("https://shop.example:port/", "no URL"),
        ("https://user:hunter2@shop.example/", "user name or password"),
        ("http://shop.example/", "unencrypted"),
    ],
)
async def test_a_wrong_base_is_refused_before_anything_is_sent(http: Http, base: str, says: str) -> None:
    with pytest.raises(Misconfigured, match=says) as caught:
        async with http.client(base):
            pass
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("value", ["s3cret\n", "s3cret\r\nX: y", " s3cret", "s3cret ", "s3cr€t", "\0"])
async def test_a_header_that_cannot_be_sent_is_refused_without_being_shown(http: Http, value: str) -> None:
    with pytest.raises(Misconfigured, match="header Authorization") as caught:
        async with http.client("https://shop.example", headers={"Authorization": value}):
            pass
    assert "s3c" not in str(caught.value)
    assert caught.value.__cause__ is None


async def test_a_request_larger_than_allowed_is_not_sent(http: Http) -> None:
    async with scripted(answer()) as server:
        with pytest.raises(Misconfigured, match="fewer documents"):
            await ask(http, server, applied="write", limits=HttpLimits(request_bytes=4))
        assert server.requests == []


# ---- redirections


async def test_a_get_follows_its_own_host_only(http: Http) -> None:
    async def moved(request: Request) -> RedirectResponse:
        return RedirectResponse(request.query_params["to"], int(request.query_params.get("status", 302)))

    async def loop(request: Request) -> RedirectResponse:
        return RedirectResponse("/loop")

    routes = [Route("/loop", loop), Route("/moved", moved, methods=["GET", "POST"]), Route("/there", echo)]
    async with served(Starlette(routes=routes)) as base, http.client(base, settings=LOCAL) as client:
        assert (await echoed(client, "GET", "/moved?to=/there")).path == "/there"
        with pytest.raises(Misconfigured, match=r"redirection to https://evil\.example, which"):
            await client.request("GET", "/moved?to=https://evil.example/steal", applied="safe")
        with pytest.raises(Misconfigured, match="more than 3 times"):
            await client.request("GET", "/loop", applied="safe")
        with pytest.raises(Misconfigured, match="not followed"):
            await client.request("POST", "/moved?to=/there", applied="safe")
        with pytest.raises(Misconfigured, match="not followed"):
            await client.request("POST", "/moved?to=/there&status=307", applied="write")
        with pytest.raises(OutcomeUnknown):
            await client.request("POST", "/moved?to=/there&status=303", applied="write")
        with pytest.raises(OutcomeUnknown):
            await client.request("GET", "/moved?to=/there&status=302", applied="write")


async def test_a_redirection_to_nowhere_is_refused_and_a_location_alone_is_none(http: Http) -> None:
    for given in (answer(302, location="http://[::1"), answer(201, location="https://evil.example/7")):
        async with scripted(given) as server, http.client(server.base, settings=LOCAL) as client:
            if b" 201 " in given:
                assert (await client.request("GET", applied="safe")).status == 201
            else:
                with pytest.raises(Misconfigured, match="which is not followed"):
                    await client.request("GET", applied="safe")
            assert len(server.requests) == 1


# ---- tries, throttles, circuit


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
        with pytest.raises(Unreachable, match="the last 5 calls failed; none is made for another 15 s"):
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
                    with pytest.raises(Unreachable, match="none is made"):
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


# ---- sizes


@pytest.mark.parametrize(
    "given",
    [
        answer(body=b"x" * 2001),
        answer(body=b"", content_length="", transfer_encoding="chunked") + b"3e8\r\n" + b"x" * 1000 + b"\r\n"
        b"3e9\r\n" + b"x" * 1001 + b"\r\n0\r\n\r\n",
        answer(body=gzip.compress(b"\0" * 5_000_000, mtime=0)[:]),
        answer(body=gzip.compress(b"\0" * 1_900_000, mtime=0), content_encoding="gzip"),
    ],
    ids=["declared", "chunked", "packed but not said so", "bomb"],
)
async def test_an_answer_larger_than_allowed_is_dropped(http: Http, given: bytes) -> None:
    async with scripted(given) as server:
        with pytest.raises(ProtocolMismatch, match="larger than 2000 bytes"):
            await ask(http, server, limits=HttpLimits(response_bytes=2000, retries=0))
        with pytest.raises(OutcomeUnknown, match="larger than 2000 bytes"):
            await ask(http, server, applied="write", limits=HttpLimits(response_bytes=2000))


async def test_an_endless_answer_is_cut_at_the_limit(http: Http) -> None:
    async def endless(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await stream.send_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        with contextlib.suppress(trio.BrokenResourceError):
            while True:
                await stream.send_all(b"400\r\n" + b"x" * 1024 + b"\r\n")

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(trio.serve_tcp, endless, 0)
        base = f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}"
        limits = HttpLimits(response_bytes=100_000, retries=0)
        async with http.client(base, settings=LOCAL, limits=limits) as client:
            with pytest.raises(ProtocolMismatch, match="larger than 100000 bytes"):
                await client.request("GET", applied="safe")
        nursery.cancel_scope.cancel()


async def test_a_packed_answer_is_unpacked(http: Http) -> None:
    body = gzip.compress(b'{"a": 1}', mtime=0)
    async with scripted(answer(body=body, content_encoding="gzip")) as server:
        assert decode(await ask(http, server), dict[str, int]) == {"a": 1}


@pytest.mark.parametrize(
    ("body", "packing", "says"),
    [
        (b"{}", "gzip", "is not"),
        (b"{}", "br", "packed by 'br'"),
        (gzip.compress(b"{}", mtime=0) + b"more", "gzip", "bytes follow"),
    ],
)
async def test_a_wrongly_packed_answer_is_refused(http: Http, body: bytes, packing: str, says: str) -> None:
    async with scripted(answer(body=body, content_encoding=packing)) as server:
        with pytest.raises(ProtocolMismatch, match=says):
            await ask(http, server)
        with pytest.raises(OutcomeUnknown, match=says):
            await ask(http, server, applied="write")


async def test_a_packed_answer_that_is_cut_short_is_lost(http: Http) -> None:
    async with scripted(answer(body=gzip.compress(b"[1, 2, 3]" * 9)[:-9], content_encoding="gzip")) as server:
        with pytest.raises(Unreachable, match="cut short"):
            await ask(http, server)
