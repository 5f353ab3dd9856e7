"""Which addresses are connected to, and which certificates are believed."""

import ipaddress
import socket
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from dropstreamd.errors import Misconfigured, OutcomeUnknown, Unreachable
from dropstreamd.platform.http import Http, HttpLimits, HttpSettings
from dropstreamd.platform.http_connect import CheckedBackend, Trust, is_public
from tests.platform.servers import answer, certificate, scripted, server_tls

ONCE = HttpLimits(retries=0, connect_s=5)
PUBLIC = "93.184.215.14"


class Names(trio.abc.HostnameResolver):
    """Answers every look-up with the next of its answers, the last one for ever."""

    def __init__(self, *answers: list[str] | Exception | None) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def getaddrinfo(self, host: bytes | None, port: object, *_hints: int) -> Any:
        self.asked.append((host or b"").decode())
        given = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if given is None:
            await trio.sleep_forever()
        if isinstance(given, Exception):
            raise given
        assert given is not None
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in given]

    async def getnameinfo(self, sockaddr: object, flags: int) -> Any:
        raise NotImplementedError


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("tls"), host="shop.example")


async def get(http: Http, base: str, *, ca_file: Path | None = None, allow_private: bool = False) -> int:
    settings = HttpSettings(ca_file=str(ca_file) if ca_file else None, allow_private=allow_private)
    async with http.client(base, settings=settings, limits=ONCE) as client:
        return (await client.request("POST", applied="write")).status


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True),
        ("2606:2800:220:1::1", True),
        ("64:ff9b::5db8:d70e", True),
        ("127.0.0.1", False),
        ("10.0.0.1", False),
        ("172.16.9.9", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),  # noqa: S104 - an address to refuse
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fc00::1", False),
        ("ff02::1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("2002:a00:1::", False),
    ],
)
def test_public_addresses(address: str, public: bool) -> None:
    assert is_public(ipaddress.ip_address(address)) is public


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "[::1]", "localhost", "169.254.169.254", "2130706433", "0x7f.1"]
)
async def test_a_private_address_is_refused_however_it_is_written(http: Http, host: str) -> None:
    with pytest.raises(Misconfigured, match=r"is a private address.*allow_private"):
        await get(http, f"https://{host}:9/")


async def test_a_name_that_leads_inside_is_refused(http: Http) -> None:
    trio.socket.set_custom_hostname_resolver(Names(["10.0.0.7", "192.168.0.1"]))
    with pytest.raises(Misconfigured, match=r"shop\.example: 10\.0\.0\.7 is a private address"):
        await get(http, "https://shop.example/")


async def test_a_name_is_looked_up_once_and_what_was_checked_is_connected_to(http: Http, pem: Path) -> None:
    """The second look-up, were there one, would lead elsewhere. Host and TLS name stay the name's."""
    async with scripted(answer(), tls=server_tls(pem)) as server:
        names = Names(["127.0.0.1"], [PUBLIC])
        trio.socket.set_custom_hostname_resolver(names)
        base = f"https://shop.example:{server.port}/api"
        assert await get(http, base, ca_file=pem, allow_private=True) == 200
    assert names.asked == ["shop.example"]
    assert f"host: shop.example:{server.port}".encode() in server.requests[0].lower()


def test_of_mixed_answers_only_the_allowed_are_tried() -> None:
    inside, outside = ipaddress.ip_address("10.0.0.7"), ipaddress.ip_address(PUBLIC)
    strict = CheckedBackend(allow_private=False, plain=False)
    assert strict._allowed("shop.example", [inside, outside]) == [outside]
    plain = CheckedBackend(allow_private=True, plain=True)
    assert plain._allowed("shop.example", [inside, outside]) == [inside]
    assert len(strict._allowed("shop.example", [outside] * 9)) == 4


async def test_the_next_address_is_tried_where_one_does_not_answer(http: Http, pem: Path) -> None:
    async with scripted(answer(), tls=server_tls(pem)) as server:
        trio.socket.set_custom_hostname_resolver(Names(["127.0.0.2", "127.0.0.1"]))
        base = f"https://shop.example:{server.port}/api"
        assert await get(http, base, ca_file=pem, allow_private=True) == 200


async def test_plain_http_never_reaches_a_public_address(http: Http) -> None:
    trio.socket.set_custom_hostname_resolver(Names([PUBLIC]))
    with pytest.raises(Misconfigured, match="is public, and http:// would carry the credentials"):
        await get(http, "http://shop.example/", allow_private=True)


@pytest.mark.parametrize(
    ("answer_", "says"),
    [
        (
            socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
            "looking up its name failed: Name or service not known",
        ),
        (
            socket.gaierror(socket.EAI_AGAIN, "Temporary failure"),
            "looking up its name failed: Temporary failure",
        ),
        (UnicodeError("label too long"), "it is no host name"),
        (None, "connecting took too long"),
        ([], "its name has no address"),
    ],
)
async def test_a_name_that_cannot_be_found_had_surely_no_effect(
    http: Http, answer_: list[str] | Exception | None, says: str, patient_clock: MockClock
) -> None:
    trio.socket.set_custom_hostname_resolver(Names(answer_))
    with pytest.raises(Unreachable, match=says):
        await get(http, "https://shop.example/")


# ---- certificates


async def tls_error(http: Http, pem: Path, *, ca_file: Path | None, host: str) -> str:
    async with scripted(answer(), tls=server_tls(pem)) as server:
        trio.socket.set_custom_hostname_resolver(Names(["127.0.0.1"]))
        with pytest.raises(Misconfigured, match="its TLS certificate is not accepted") as caught:
            await get(http, f"https://{host}:{server.port}/", ca_file=ca_file, allow_private=True)
        assert server.requests == []
    return str(caught.value)


async def test_a_certificate_of_an_unknown_authority_is_refused(http: Http, pem: Path) -> None:
    assert "self-signed certificate" in await tls_error(http, pem, ca_file=None, host="shop.example")


async def test_a_certificate_for_another_host_is_refused(http: Http, pem: Path) -> None:
    said = await tls_error(http, pem, ca_file=pem, host="other.example")
    assert "not valid for 'other.example'" in said


async def test_an_expired_certificate_is_refused(http: Http, tmp_path: Path) -> None:
    pem = certificate(tmp_path, host="shop.example", days=(-9, -2))
    assert "certificate has expired" in await tls_error(http, pem, ca_file=pem, host="shop.example")


async def test_a_certificate_of_the_future_is_refused(http: Http, tmp_path: Path) -> None:
    pem = certificate(tmp_path, host="shop.example", days=(5, 9))
    assert "not yet valid" in await tls_error(http, pem, ca_file=pem, host="shop.example")


async def test_a_port_that_speaks_no_tls_is_a_wrong_address(http: Http) -> None:
    async with trio.open_nursery() as nursery:

        async def plain(stream: trio.SocketStream) -> None:
            await stream.receive_some()
            await stream.send_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        listeners = await nursery.start(trio.serve_tcp, plain, 0)
        port = listeners[0].socket.getsockname()[1]
        with pytest.raises(Misconfigured, match=r"TLS failed: .*does this port speak https"):
            await get(http, f"https://127.0.0.1:{port}/", allow_private=True)
        nursery.cancel_scope.cancel()


async def test_a_connection_cut_in_the_handshake_had_surely_no_effect(http: Http) -> None:
    async with trio.open_nursery() as nursery:

        async def cut(stream: trio.SocketStream) -> None:
            await stream.receive_some()

        listeners = await nursery.start(trio.serve_tcp, cut, 0)
        port = listeners[0].socket.getsockname()[1]
        with pytest.raises(Unreachable, match="no connection"):
            await get(http, f"https://127.0.0.1:{port}/", allow_private=True)
        nursery.cancel_scope.cancel()


async def test_a_tls_answer_that_is_cut_is_lost(http: Http, pem: Path) -> None:
    async with scripted(answer(body=b"[1,2,3]")[:-3], tls=server_tls(pem)) as server:
        trio.socket.set_custom_hostname_resolver(Names(["127.0.0.1"]))
        with pytest.raises(OutcomeUnknown):
            await get(http, f"https://shop.example:{server.port}/", ca_file=pem, allow_private=True)


async def test_a_ca_file_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.pem").write_text("no certificate")
    for name in ("missing.pem", "text.pem"):
        with pytest.raises(Misconfigured, match=rf"ca_file .*{name}: "):
            await Trust().context(str(tmp_path / name))


async def test_a_context_is_made_once_for_each_file(pem: Path) -> None:
    trust = Trust()
    assert await trust.context(str(pem)) is await trust.context(str(pem))
    assert await trust.context(None) is not await trust.context(str(pem))
