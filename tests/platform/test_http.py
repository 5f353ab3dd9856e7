"""Calls that are made as asked, and to nobody else."""

import logging

import msgspec
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse
from starlette.routing import Route
from trio.testing import MockClock

from dropstreamd.errors import (
    Misconfigured,
    OutcomeUnknown,
    ProtocolMismatch,
)
from dropstreamd.platform.http import Http, HttpClient, HttpLimits, decode
from dropstreamd.telemetry.metrics import CallResult
from tests.platform.calls import LOCAL, ask
from tests.platform.conftest import Counted
from tests.platform.servers import answer, scripted, served

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
