"""The way to the daemon: HTTP over its Unix socket, and what is said when there is no way."""

import errno
import grp
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

import httpx
import msgspec

from dropstreamd.errors import ProtocolMismatch, Unreachable

T = TypeVar("T")

CONNECT_LIMIT_S = 5.0
ANSWER_LIMIT_S = 60.0
"""The longest wait for an ordinary answer."""
SLOW_LIMIT_S = 3600.0
"""For what asks stores and warehouses, or copies the whole state."""

_REFUSED = 400


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The API's answer as it came."""

    status: int
    body: bytes

    @property
    def is_refusal(self) -> bool:
        return self.status >= _REFUSED

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def read(self, expected: type[T]) -> T:
        """Its content. ProtocolMismatch if it is not what this client knows."""
        try:
            return msgspec.json.decode(self.body, type=expected)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ProtocolMismatch(
                f"the daemon's answer cannot be read: {error}",
                remedy="see that dropstreamctl and the daemon are of one version",
            ) from error


def path_of(*parts: str) -> str:
    """The path below /v1 with each part quoted whole: an order's id may hold slashes, a SKU may be `..`."""
    return "/v1/" + "/".join(_quoted(part) for part in parts)


def _quoted(part: str) -> str:
    return part.replace(".", "%2E") if part in {".", ".."} else quote(part, safe="")


class Daemon:
    """The API of one daemon. Methods raise Unreachable or Misconfigured where it cannot be asked."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self._http = httpx.Client(
            # Nothing here goes over TLS: a context without certificates saves reading all of them.
            transport=httpx.HTTPTransport(uds=str(socket), verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)),
            base_url="http://dropstreamd",
            timeout=httpx.Timeout(ANSWER_LIMIT_S, connect=CONNECT_LIMIT_S),
            trust_env=False,
        )

    def close(self) -> None:
        self._http.close()

    def ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int] | None = None,
        body: msgspec.Struct | None = None,
        content: bytes | None = None,
        limit_s: float = ANSWER_LIMIT_S,
    ) -> Answer:
        """One request, answered within `limit_s` between any two bytes; whatever its status is."""
        sent = msgspec.json.encode(body) if body is not None else content
        headers = {"content-type": "application/json"} if body is not None else {}
        with _reaching(self._socket):
            response = self._http.request(
                method,
                path,
                params=query,
                content=sent,
                headers=headers,
                timeout=httpx.Timeout(limit_s, connect=CONNECT_LIMIT_S),
            )
        return Answer(status=response.status_code, body=response.content)

    @contextmanager
    def listen(self, path: str, *, query: Mapping[str, str], silence_s: float) -> Iterator[Iterator[str]]:
        """The lines of an event stream. They end when the daemon closes it or is silent too long;
        there are none where it refuses."""
        timeout = httpx.Timeout(silence_s, connect=CONNECT_LIMIT_S)
        with (
            _reaching(self._socket),
            self._http.stream("GET", path, params=query, timeout=timeout) as response,
        ):
            yield iter(()) if response.status_code >= _REFUSED else _lines(response)


def _lines(response: httpx.Response) -> Iterator[str]:
    try:
        yield from response.iter_lines()
    except (httpx.ReadTimeout, httpx.RemoteProtocolError, httpx.ReadError):
        return  # the caller asks how things stand, which says whether the daemon is there


@contextmanager
def _reaching(socket: Path) -> Iterator[None]:
    try:
        yield
    except httpx.ConnectTimeout as error:
        raise Unreachable(
            f"{socket}: the daemon does not take requests", remedy="look at its log; it may be overloaded"
        ) from error
    except httpx.TimeoutException as error:
        raise Unreachable(
            f"{socket}: the daemon did not answer in time; what was asked may still be done",
            remedy="look at `dropstreamctl status` before you repeat it",
        ) from error
    except httpx.TransportError as error:
        raise _unreachable(socket, error) from error


def _unreachable(socket: Path, error: httpx.TransportError) -> Unreachable:
    code = _errno_of(error)
    other = "name the right one by --socket or DROPSTREAMD_SOCKET"
    if code == errno.ENOENT:
        return Unreachable(
            f"{socket} does not exist: the daemon does not run, or it listens elsewhere",
            remedy=f"start it (systemctl start dropstreamd), or {other}",
        )
    if code == errno.ECONNREFUSED:
        return Unreachable(
            f"{socket}: nobody listens there; the daemon has ended, or this is not its socket",
            remedy=f"start it (systemctl start dropstreamd), or {other}",
        )
    if code in {errno.EACCES, errno.EPERM}:
        return Unreachable(f"{socket}: you may not use it", remedy=_how_to_be_let_in(socket))
    if code is None and isinstance(error, httpx.ConnectError):
        return Unreachable(f"{socket} cannot be connected to: {error}", remedy=other)
    return Unreachable(
        f"{socket}: the daemon closed the connection before it answered",
        remedy="it may be stopping; look at `dropstreamctl status` before you repeat this",
    )


def _errno_of(error: BaseException | None) -> int | None:
    while error is not None:
        if isinstance(error, OSError) and error.errno is not None:
            return error.errno
        error = error.__cause__ or error.__context__
    return None


def _how_to_be_let_in(socket: Path) -> str:
    try:
        group = grp.getgrgid(socket.stat().st_gid).gr_name
    except (OSError, KeyError):
        group = "dropstreamd"
    return f"ask to be added to its group (usermod -aG {group} YOU), then log in again"
