"""The metrics endpoint over real sockets: what it answers, to whom, and within which bounds."""

import pytest
import trio
from trio.testing import MockClock

from dropstreamd.control.metrics_endpoint import CLIENTS_LIMIT, HEAD_LIMIT_BYTES, MetricsEndpoint
from dropstreamd.errors import Misconfigured
from dropstreamd.telemetry import Metrics


class Served:
    """An endpoint on a free port of the loopback."""

    def __init__(self) -> None:
        self.ill: str | None = None
        self.metrics = Metrics(now_s=lambda: 0.0, version="0.1.0")
        self.port = 0

    async def connect(self) -> trio.SocketStream:
        return await trio.open_tcp_stream("127.0.0.1", self.port)

    async def ask(self, request: str) -> tuple[int, str, str]:
        """Status, head and body of the answer; status 0 where the connection was closed."""
        async with await self.connect() as stream:
            try:
                await stream.send_all(request.encode())
                return await answer_on(stream)
            except trio.BrokenResourceError:
                return 0, "", ""

    async def get(self, path: str, host: str = "127.0.0.1:9464") -> tuple[int, str, str]:
        return await self.ask(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n")


async def answer_on(stream: trio.SocketStream) -> tuple[int, str, str]:
    received = b""
    async for chunk in stream:
        received += chunk
    head, _, body = received.decode().partition("\r\n\r\n")
    return int(head.split()[1]) if head else 0, head.lower(), body


@pytest.fixture
async def served(nursery: trio.Nursery) -> Served:
    served = Served()
    endpoint = MetricsEndpoint(
        served.metrics, lambda: served.ill, host="127.0.0.1", port=0, names=("Shop-1.internal",)
    )
    listeners: list[trio.SocketListener] = await nursery.start(endpoint.run)
    served.port = listeners[0].socket.getsockname()[1]
    return served


async def test_metrics(served: Served) -> None:
    served.metrics.throttled("vendure:shop")
    status, head, body = await served.get("/metrics?x=1")
    assert status == 200
    assert "content-type: text/plain; version=0.0.4" in head
    assert 'dropstreamd_throttles_total{account="vendure:shop"} 1.0' in body


async def test_head_has_no_body(served: Served) -> None:
    status, _, body = await served.ask("HEAD /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert (status, body) == (200, "")


async def test_health(served: Served) -> None:
    assert (await served.get("/healthz"))[::2] == (200, "ok\n")
    served.ill = "the writer has not moved for 20 s"
    assert (await served.get("/healthz"))[::2] == (503, "the writer has not moved for 20 s\n")


@pytest.mark.parametrize("host", ["localhost:9464", "[::1]:9464", "10.1.2.3", "shop-1.internal:9464"])
async def test_addresses_and_known_names_are_answered(served: Served, host: str) -> None:
    assert (await served.get("/healthz", host))[0] == 200


@pytest.mark.parametrize("host", ["evil.example:9464", "", "127.0.0.1.evil.example", "[::1"])
async def test_other_names_are_not(served: Served, host: str) -> None:
    assert (await served.get("/healthz", host))[0] == (200 if host == "[::1" else 421)


async def test_a_client_of_http_1_0_need_not_name_a_host(served: Served) -> None:
    assert (await served.ask("GET /healthz HTTP/1.0\r\n\r\n"))[0] == 200


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        ("POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n", 405),
        ("GET /secrets HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        ("GET /metrics HTTP/1.1\r\n\r\n", 400),
        ("\x16\x03\x01 hello\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: localhost\r\nX: " + "x" * HEAD_LIMIT_BYTES, 431),
    ],
)
async def test_what_is_refused(served: Served, request_head: str, status: int) -> None:
    assert (await served.ask(request_head))[0] == status


async def test_a_client_that_closes_without_asking_leaves_nothing(served: Served) -> None:
    async with await served.connect():
        pass
    assert (await served.get("/healthz"))[0] == 200


async def test_a_client_that_says_nothing_is_told_so(served: Served, autojump_clock: MockClock) -> None:
    async with await served.connect() as stream:
        assert (await answer_on(stream))[0] == 408


async def test_one_client_too_many_is_closed_and_a_free_place_is_used_again(served: Served) -> None:
    silent = [await served.connect() for _ in range(CLIENTS_LIMIT)]
    while (await served.get("/healthz"))[0] != 0:
        await trio.lowlevel.checkpoint()  # the silent ones are not all let in yet
    for stream in silent:
        await stream.aclose()
    while (await served.get("/healthz"))[0] != 200:
        await trio.lowlevel.checkpoint()


async def test_an_address_in_use_says_so(served: Served) -> None:
    second = MetricsEndpoint(served.metrics, lambda: None, host="127.0.0.1", port=served.port)
    with pytest.raises(Misconfigured) as caught:
        await second.run()
    assert str(caught.value) == (
        f'metrics = "127.0.0.1:{served.port}" in dropstreamd.toml: another process listens there already '
        "(stop that one, or set metrics to a free port, or to false for none)"
    )


async def test_an_address_of_another_machine_says_so() -> None:
    metrics = Metrics(now_s=lambda: 0.0, version="1")
    endpoint = MetricsEndpoint(metrics, lambda: None, host="192.0.2.1", port=1)
    with pytest.raises(Misconfigured, match=r'metrics = "192.0.2.1:1" .*this machine has no such address'):
        await endpoint.run()
