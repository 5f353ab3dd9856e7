"""What every failure means, for a read and for a write."""

import ssl
from collections.abc import Mapping
from contextlib import suppress
from functools import partial

import httpcore
import pytest
import trio
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
from dropstreamd.platform.http import Http, HttpLimits, HttpSettings, Response, decode
from dropstreamd.platform.http_errors import Applied, Call, from_exception, retry_after_s
from tests.platform.servers import answer, scripted

LOCAL = HttpSettings(allow_private=True)
ONCE = HttpLimits(retries=0)
PAGE = b"<!DOCTYPE html><html><head><title>Log in\n to  Acme\x00</title></head><body>hunter2</body></html>"
READ = Call(method="GET", where="shop.example/orders", applied="safe")
WRITE = Call(method="POST", where="shop.example/orders", applied="write")


async def error_of(http: Http, given: bytes | None, applied: Applied, url: str = "orders") -> DropstreamError:
    async with scripted(given) as server, http.client(server.base, settings=LOCAL, limits=ONCE) as client:
        with pytest.raises(DropstreamError) as caught:
            await client.request("POST", f"{url}?token=s3cret", applied=applied)
    assert "s3cret" not in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert "127.0.0.1" in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("status", "url", "expected"),
    [
        (401, "orders", (AuthFailed, AuthFailed)),
        (403, "orders", (AuthFailed, AuthFailed)),
        (404, "", (Misconfigured, Misconfigured)),
        (405, "", (Misconfigured, Misconfigured)),
        (410, "", (Misconfigured, Misconfigured)),
        (408, "orders", (Unreachable, OutcomeUnknown)),
        (425, "orders", (Unreachable, OutcomeUnknown)),
        (429, "orders", (RateLimited, RateLimited)),
        (500, "orders", (Unreachable, OutcomeUnknown)),
        (502, "orders", (Unreachable, OutcomeUnknown)),
        (503, "orders", (Unreachable, OutcomeUnknown)),
        (504, "", (Unreachable, OutcomeUnknown)),
        (599, "orders", (Unreachable, OutcomeUnknown)),
        (301, "orders", (Misconfigured, Misconfigured)),
        (308, "orders", (Misconfigured, Misconfigured)),
        (302, "orders", (Misconfigured, OutcomeUnknown)),
        (303, "orders", (Misconfigured, OutcomeUnknown)),
    ],
)
async def test_statuses(
    http: Http,
    status: int,
    url: str,
    expected: tuple[type[DropstreamError], type[DropstreamError]],
    patient_clock: MockClock,
) -> None:
    read, write = expected
    for applied, kind in (("safe", read), ("write", write)):
        error = await error_of(http, answer(status), applied, url)  # type: ignore[arg-type]
        assert type(error) is kind
        assert f"answered {status}" in str(error)
        assert not isinstance(error, Unreachable) or error.answered is (status >= 500)


@pytest.mark.parametrize("status", [200, 201, 204, 304, 400, 404, 409, 422])
async def test_statuses_that_are_the_plugins_to_judge(http: Http, status: int) -> None:
    given = answer(status, b"" if status in (204, 304) else b"{}")
    async with scripted(given) as server, http.client(server.base, settings=LOCAL) as client:
        response = await client.request("POST", "orders/9", applied="write")
    assert (response.status, response.ok) == (status, status < 300)


async def test_a_refusal_that_is_a_page_names_its_title(http: Http) -> None:
    error = await error_of(http, answer(403, PAGE, content_type="text/html"), "safe")
    assert "answered 403, with a web page (text/html, title “Log in to Acme”)" in str(error)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (b"", "cut short"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "cut short"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{}", "cut short"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "cut short"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 60_000, "not HTTP"),
        (None, "no answer came in time"),
    ],
    ids=["closed", "not HTTP", "torn headers", "torn body", "torn chunk", "bad length", "headers", "silent"],
)
async def test_torn_answers_are_lost(
    http: Http, given: bytes | None, says: str, patient_clock: MockClock
) -> None:
    error = await error_of(http, given, "safe")
    assert type(error) is Unreachable
    assert says in str(error)
    assert error.answered is (given is not None)
    error = await error_of(http, given, "write")
    assert type(error) is OutcomeUnknown
    assert "may have been applied" in str(error)


@pytest.mark.parametrize(("applied", "expected"), [("safe", Unreachable), ("write", OutcomeUnknown)])
async def test_an_answer_that_comes_byte_by_byte_is_given_up(
    http: Http, applied: Applied, expected: type[DropstreamError], patient_clock: MockClock
) -> None:
    """No single read takes too long, and it would not end in a year."""

    async def trickle(stream: trio.SocketStream) -> None:
        with suppress(trio.BrokenResourceError):
            await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
            while True:
                await trio.sleep(50)
                await stream.send_all(b" ")

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, trickle, 0, host="127.0.0.1"))
        base = f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}"
        with trio.move_on_after(86_400) as day:
            async with http.client(base, settings=LOCAL, limits=ONCE) as client:
                with pytest.raises(expected, match="not complete within 900 s"):
                    await client.request("POST", "orders", applied=applied)
        assert not day.cancelled_caught
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("applied", ["safe", "write"])
async def test_a_refused_connection_had_surely_no_effect(http: Http, applied: Applied) -> None:
    async with scripted(answer()) as server:
        pass
    async with http.client(server.base, settings=LOCAL, limits=ONCE) as client:
        with pytest.raises(Unreachable, match=r"no connection: .*refused"):
            await client.request("POST", applied=applied)


def test_before_and_after_sending_are_told_apart_in_groups_too() -> None:
    before, after = httpcore.ConnectTimeout(), httpcore.ReadTimeout()
    assert type(from_exception(WRITE, before)) is Unreachable
    assert type(from_exception(WRITE, httpcore.PoolTimeout())) is Unreachable
    assert type(from_exception(WRITE, after)) is OutcomeUnknown
    assert type(from_exception(WRITE, httpcore.WriteError())) is OutcomeUnknown
    assert type(from_exception(WRITE, ExceptionGroup("", [before, before]))) is Unreachable
    assert (
        type(from_exception(WRITE, ExceptionGroup("", [before, ExceptionGroup("", [after])])))
        is OutcomeUnknown
    )
    refused = Misconfigured("refused")
    assert from_exception(WRITE, ExceptionGroup("", [before, refused])) is refused
    assert from_exception(WRITE, ZeroDivisionError()) is None
    assert from_exception(WRITE, ExceptionGroup("", [ZeroDivisionError(), before])) is None


def test_a_tls_handshake_that_was_cut_is_no_fault_of_the_settings() -> None:
    error = httpcore.ConnectError("")
    error.__cause__ = ssl.SSLEOFError()
    assert type(from_exception(WRITE, error)) is Unreachable


@pytest.mark.parametrize(
    ("headers", "expected_s"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"retry-after": "0"}, 0),
        ({"retry-after": "999999"}, 3600),
        ({"retry-after": "Fri, 15 Jan 2027 08:00:30 GMT"}, 30),
        ({"retry-after": "Fri, 15 Jan 2027 08:00:30 GMT", "date": "Fri, 15 Jan 2027 08:00:10 GMT"}, 20),
        ({"retry-after": "Fri, 15 Jan 2027 08:00:30 GMT", "date": "yesterday"}, 30),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0),
        ({"retry-after": "Fri, 15 Jan 2099 08:00:30 GMT"}, 3600),
        ({"retry-after": "Fri, 99 Jan 2027 08:00:30 GMT"}, 30),
        ({"retry-after": "-5"}, 30),
        ({"retry-after": "nan"}, 30),
        ({"retry-after": "soon"}, 30),
        ({"retry-after": ""}, 30),
        ({"x-rate-limit-time-reset-ms": "12500"}, 12.5),
        ({"x-rate-limit-time-reset-ms": "99999999"}, 3600),
        ({"x-rate-limit-time-reset-ms": "soon"}, 30),
        ({"x-rate-limit-time-reset-ms": "12500", "retry-after": "7"}, 7),
        ({}, 30),
    ],
)
def test_retry_after(headers: Mapping[str, str], expected_s: float) -> None:
    assert retry_after_s(headers, now_s=1_800_000_000) == expected_s


# ---- decoding


def said(call: Call, body: bytes, kind: str = "application/json", status: int = 200) -> Response:
    return Response(call=call, status=status, headers={"content-type": kind}, body=body)


@pytest.mark.parametrize(
    "kind", ["application/json", "application/json; charset=utf-8", "application/problem+json", ""]
)
def test_json_is_decoded(kind: str) -> None:
    assert decode(said(READ, b"[1]", kind), list[int]) == [1]


@pytest.mark.parametrize(
    ("body", "kind", "says"),
    [
        (
            PAGE,
            "text/html; charset=utf-8",
            "title “Log in to Acme”.*where JSON was expected: is the address right",
        ),
        (PAGE, "application/json", "a web page"),
        (b"<h1>hello</h1>", "text/html", r"a web page \(text/html\) where"),
        (b"pong", "text/plain", "answered 'text/plain' where JSON"),
        (b"", "application/json", "not as described"),
        (b'[1, "2"]', "application/json", r"Expected `int`, got `str` - at `\$\[1\]`"),
        (b"[1", "application/json", "truncated"),
        (b"[1.5]", "application/json", "Expected `int`"),
        (b'["\xff"]', "application/json", "not as described"),
        (b"[" * 100_000, "application/json", "not as described"),
    ],
)
def test_what_is_no_such_json_is_a_mismatch(body: bytes, kind: str, says: str) -> None:
    with pytest.raises(ProtocolMismatch, match=says):
        decode(said(READ, body, kind), list[int])
    with pytest.raises(OutcomeUnknown, match=says):
        decode(said(WRITE, body, kind), list[int])
    with pytest.raises(ProtocolMismatch, match=says):
        decode(said(WRITE, body, kind, status=422), list[int])


def test_invalid_text_and_depth_are_a_mismatch_whatever_was_expected() -> None:
    for body in (b'"\xff"', b"[" * 100_000):
        with pytest.raises(ProtocolMismatch):
            decode(said(READ, body), object)


def test_what_is_waited_where_nothing_is_said_is_the_callers() -> None:
    assert retry_after_s({"retry-after": "soon"}, 1_800_000_000, 2.5) == 2.5
    assert retry_after_s({"retry-after": "7"}, 1_800_000_000, 2.5) == 7
