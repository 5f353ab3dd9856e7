"""Requests that are wrong, too large or unlucky: each gets a clear answer, and none a stack trace."""

import pytest
import trio

from dropstreamd.control.messages.refusal import RefusalKind
from dropstreamd.control.refused import of_error
from dropstreamd.control.route import BODY_LIMIT_BYTES
from dropstreamd.errors import (
    AuthFailed,
    ConfigError,
    DropstreamError,
    Problem,
    ReadOnly,
    Stale,
    StateFull,
    StoreError,
    Unreachable,
)
from tests.control.office import Client, Office

PROBLEM = Problem(file="f", key="k", found="x", allowed="y")


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [
        ("GET", "/nothing", 404, "not found"),
        ("GET", "/connections/shop/enable", 405, "method not allowed"),
        ("DELETE", "/status", 405, "method not allowed"),
        ("GET", "/connections/shop/runs?limit=many", 400, "bad request"),
        ("GET", "/connections/shop/runs?limt=3", 400, "bad request"),
        ("GET", "/status/", 404, "not found"),
    ],
)
async def test_a_path_that_is_none(client: Client, method: str, path: str, status: int, kind: str) -> None:
    assert (await client.refused(method, path))[:2] == (status, kind)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "truncated"),
        (b"[]", "Expected `object`"),
        (b'{"chanel": "x"}', "unknown field `chanel`"),
        (b'{"channel": 3}', "Expected `str`"),
        (b"\xff\xfe", "invalid"),
    ],
)
async def test_a_body_that_cannot_be_read(client: Client, body: bytes, words: str) -> None:
    answer = await client.http.post("/v1/connections/shop/enable", content=body)
    assert (answer.status_code, answer.json()["kind"]) == (400, "bad request")
    assert words in answer.json()["detail"]


async def test_a_body_that_is_too_large(client: Client) -> None:
    body = b'{"channel": "%s"}' % (b"x" * BODY_LIMIT_BYTES)
    answer = await client.http.post("/v1/connections/shop/enable", content=body)
    assert (answer.status_code, answer.json()["kind"]) == (413, "too large")


async def test_a_body_without_end_is_cut_off(office: Office) -> None:
    head = b"POST /v1/reload HTTP/1.1\r\nHost: daemon\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with await trio.open_unix_socket(str(office.socket)) as stream:
        await stream.send_all(head)
        with pytest.raises(trio.BrokenResourceError):
            await _send_for_ever(stream)


async def _send_for_ever(stream: trio.SocketStream) -> None:
    while True:
        await stream.send_all(b"10000\r\n%s\r\n" % (b"x" * 0x10000))


async def test_a_head_that_is_no_http(office: Office) -> None:
    async with await trio.open_unix_socket(str(office.socket)) as stream:
        await stream.send_all(b"\x16\x03\x01 hello\r\n\r\n")
        assert b" 400 " in await stream.receive_some()


async def test_a_path_beyond_ascii_ends_its_own_client_alone(office: Office, client: Client) -> None:
    async with await trio.open_unix_socket(str(office.socket)) as stream:
        await stream.send_all(b"GET /v1/\xe9 HTTP/1.1\r\nHost: daemon\r\n\r\n")
        await stream.receive_some()
    assert (await client.get("/status"))["version"] == "1.2.3"


async def test_a_fault_in_a_handler_is_an_answer_without_its_words(office: Office, client: Client) -> None:
    office.store_answers.test = RuntimeError("the buyer's name")
    status, kind, told = await client.refused("POST", "/connections/shop/test", {"side": "store"})
    assert (status, kind) == (500, "fault")
    assert "buyer" not in str(told)
    assert (await client.get("/status"))["version"] == "1.2.3"


async def test_keys_with_a_nul_are_refused(client: Client) -> None:
    for path in ("/connections/shop/skus/a%00b", "/connections/shop/orders/a%00b"):
        assert (await client.refused("GET", path))[0] == 404
    path = "/connections/shop/in-doubt/sales_orders/a%00b"
    assert (await client.refused("POST", path, {"applied": True}))[0] == 400


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (ConfigError([PROBLEM, PROBLEM]), 422, "config"),
        (ReadOnly([PROBLEM]), 409, "read-only"),
        (Stale([PROBLEM]), 409, "changed"),
        (StateFull("full", remedy="make room"), 507, "state full"),
        (Unreachable("away"), 503, "unreachable"),
        (AuthFailed("no"), 409, "not possible"),
        (StoreError("torn"), 500, "fault"),
    ],
)
def test_what_errors_mean(error: DropstreamError, status: int, kind: RefusalKind) -> None:
    told = of_error(error)
    assert (told.status, told.kind) == (status, kind)
    assert told.problems == (tuple(error.problems) if isinstance(error, ConfigError) else ())
