"""One session on a Medusa's Admin API: a secret API key, JSON, and what its refusals mean.

A refusal is 400 or 404 with a type (`invalid_data`, `not_allowed`, `not_found`) and a sentence; the
workflow behind it has undone what it had begun. Anything that Medusa itself did not foresee is 500.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from typing import TypeVar
from urllib.parse import urlencode

import msgspec

from dropstream_medusa.settings import Settings
from dropstreamd.errors import DropstreamError, OutcomeUnknown, ProtocolMismatch
from dropstreamd.platform.contract import Host
from dropstreamd.platform.http import HttpClient, Response, decode

T = TypeVar("T")
Params = Mapping[str, str | int | Sequence[str]]

MOST_MESSAGE = 200


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A call that was understood and not carried out: nothing of it was kept."""

    type: str = ""
    message: str = ""

    def __str__(self) -> str:
        return self.message[:MOST_MESSAGE] or self.type or "without a reason"

    @property
    def editing(self) -> bool:
        """Whether another change of the order, such as an edit, stands open."""
        return "active order change" in self.message

    @property
    def lacking(self) -> bool:
        """Whether a level, or what is reserved of it for an order line, does not suffice."""
        return "Not enough stock" in self.message or "No stock reservation" in self.message

    @property
    def missing(self) -> bool:
        return self.type == "not_found"


class Api:
    """Makes calls. One task at a time; `stack` closes its connections."""

    def __init__(self, settings: Settings, host: Host, stack: AsyncExitStack) -> None:
        self._settings = settings
        self._host = host
        self._stack = stack
        self._http: HttpClient | None = None

    async def read(self, path: str, params: Params, into: type[T]) -> T:
        """What must be there. Raises ProtocolMismatch where Medusa refuses to tell it."""
        answer = await self.find(path, params, into)
        if isinstance(answer, Refusal):
            raise ProtocolMismatch(f"Medusa refused to tell {path.partition('/')[0]}: {answer}")
        return answer

    async def find(self, path: str, params: Params, into: type[T]) -> T | Refusal:
        """What may not be there."""
        http = await self._client()
        return _judged(await http.request("GET", _address(path, params), applied="safe"), into)

    async def write(
        self, path: str, body: object, into: type[T], *, params: Params | None = None, method: str = "POST"
    ) -> T | Refusal:
        """Change something, once."""
        http = await self._client()
        address = _address(path, params or {})
        content = body if method == "POST" else None
        return _judged(await http.request(method, address, applied="write", json=content), into)

    async def _client(self) -> HttpClient:
        if self._http is None:
            key = self._host.secret(self._settings.api_key).reveal()
            basic = base64.b64encode(f"{key}:".encode()).decode()
            client = self._host.http.client(
                self._settings.url,
                headers={"authorization": f"Basic {basic}"},
                settings=self._settings.http,
            )
            self._http = await self._stack.enter_async_context(client)
        return self._http


@contextmanager
def begun(what: str) -> Iterator[None]:
    """After the first of several writes: whatever stops the others leaves the outcome unknown."""
    try:
        yield
    except OutcomeUnknown:
        raise
    except DropstreamError as error:
        raise OutcomeUnknown(f"{what} was begun and not finished: {error.message}") from error


def _address(path: str, params: Params) -> str:
    query = urlencode(params, doseq=True)
    return f"admin/{path}?{query}" if query else f"admin/{path}"


def _judged(response: Response, into: type[T]) -> T | Refusal:
    if response.ok:
        return decode(response, into)
    return decode(response, Refusal)
