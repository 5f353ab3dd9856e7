"""Medusa's REST APIs as its own clients call them; synchronous, for tests and fixtures."""

from collections.abc import Mapping, Sequence
from typing import TypeVar
from urllib.parse import urlencode

import httpx
import msgspec

from ..plain import no_tls
from ..process import CounterpartError

T = TypeVar("T")
TIMEOUT_S = 120
Params = Mapping[str, str | int | Sequence[str]]


class Api:
    """One visitor of the Admin API, or of the Store API."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        self._http = httpx.Client(
            base_url=url, headers=dict(headers), timeout=TIMEOUT_S, verify=no_tls(), trust_env=False
        )

    def get(self, path: str, into: type[T], params: Params | None = None) -> T:
        return self._ask("GET", path, None, into, params)

    def post(self, path: str, body: object, into: type[T], params: Params | None = None) -> T:
        return self._ask("POST", path, body, into, params)

    def delete(self, path: str) -> None:
        self._ask("DELETE", path, None, dict[str, object], None)

    def close(self) -> None:
        self._http.close()

    def _ask(self, method: str, path: str, body: object, into: type[T], params: Params | None) -> T:
        query = urlencode(params or {}, doseq=True)
        content = None if body is None else msgspec.json.encode(body)
        response = self._http.request(
            method,
            f"{path}?{query}" if query else path,
            content=content,
            headers={"content-type": "application/json"},
        )
        if not response.is_success:
            raise CounterpartError(f"{method} {path}: {response.status_code} {response.text[:500]}")
        return msgspec.json.decode(response.content, type=into)
