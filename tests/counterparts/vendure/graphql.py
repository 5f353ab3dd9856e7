"""One GraphQL API of a Vendure, as its own clients call it; synchronous, for tests and fixtures."""

from collections.abc import Mapping
from typing import TypeVar

import httpx
import msgspec

from ..plain import no_tls
from ..process import CounterpartError

T = TypeVar("T")
TIMEOUT_S = 120


class GraphQLProblem(msgspec.Struct, frozen=True, kw_only=True):
    message: str


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    data: msgspec.Raw = msgspec.Raw(b"null")
    errors: list[GraphQLProblem] = []


class Api:
    """A session on one API (`admin` or `shop`) of one channel; a second one is another visitor."""

    def __init__(self, url: str, api: str, *, channel_token: str | None = None) -> None:
        headers = {"vendure-token": channel_token} if channel_token else {}
        self._http = httpx.Client(headers=headers, timeout=TIMEOUT_S, verify=no_tls(), trust_env=False)
        self._url = f"{url}/{api}-api"

    def ask(
        self,
        document: str,
        answer: type[T],
        variables: Mapping[str, object] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> T:
        """Run one document and convert its data; errors of any kind raise.

        The session token that an answer brings is kept and sent from then on.
        """
        body = {"query": document, "variables": variables or {}}
        response = self._http.post(self._url, json=body, headers=headers)
        token = response.headers.get("vendure-auth-token")
        if token:
            self._http.headers["authorization"] = f"Bearer {token}"
        decoded = msgspec.json.decode(response.content, type=Answer)
        if decoded.errors:
            problems = "; ".join(problem.message for problem in decoded.errors)
            raise CounterpartError(f"Vendure answered {response.status_code}: {problems}")
        return msgspec.json.decode(decoded.data, type=answer)

    def login(self, name: str, password: str) -> None:
        self.ask(
            "mutation($n:String!,$p:String!){login(username:$n,password:$p){__typename}}",
            dict[str, object],
            {"n": name, "p": password},
        )

    def close(self) -> None:
        self._http.close()


def succeeded(result: dict[str, object], *, expected: str) -> None:
    """Raise unless a mutation's union came back as `expected`; the answer then holds its own message."""
    if result.get("__typename") != expected:
        raise CounterpartError(f"Vendure refused: {result}")
