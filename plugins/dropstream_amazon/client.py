"""One session with the Selling Partner API: gets its token, keeps to each operation's budget, judges errors.

An access token is got with the refresh token that a seller gave the app, and lives for an hour ("Connect to
the SP-API"). It is kept for the account, and renewed before its end; one that Amazon refuses is renewed once.
"""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import NoReturn, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from dropstream_amazon import wire
from dropstream_amazon.operations import MOST_REST_S, Operation
from dropstream_amazon.settings import Settings
from dropstreamd.errors import AuthFailed, Misconfigured, ProtocolMismatch, Unfinished, Unreachable
from dropstreamd.platform.again import until_taken
from dropstreamd.platform.contract import Grant, Host
from dropstreamd.platform.http import HttpClient, Response, decode
from dropstreamd.platform.limiter import Limiter
from dropstreamd.platform.rows import UNREADABLE
from dropstreamd.platform.secrets import Secret

T = TypeVar("T")

Query = Mapping[str, str | int | Sequence[str]]

_REMEDIES = {
    "invalid_client": "correct client_id and client_secret: Seller Central → Develop Apps → the app → LWA "
    "credentials. A secret lasts for 180 days: has it been rotated?",
    "invalid_grant": "authorize the app anew and store the new refresh token: this one was "
    "withdrawn, or has ended",
    "unauthorized_client": "the refresh token is another app's: authorize this one and store its own",
}


class Api:
    """Calls operations. Several tasks may use it at once; `stack` closes its connections."""

    def __init__(self, settings: Settings, host: Host, stack: AsyncExitStack) -> None:
        self._settings = settings
        self._host = host
        self._stack = stack
        self._clients: dict[str, HttpClient] = {}

    def budget(self, operation: Operation) -> Limiter:
        """What the seller may still ask of an operation."""
        return self._host.limiter.operation(operation.name, operation.pace)

    def hold_to_budget(self, operation: Operation, patience_s: float, what: str) -> None:
        """Raise Unfinished where a call would have to wait longer than that. It says to ask again after the
        time that one takes to come back at the longest, as the plan is known: what is missing beyond that was
        cut from it for a while."""
        ready_s = self.budget(operation).ready_in_s()
        if ready_s > patience_s:
            raise Unfinished(
                f"Amazon's budget of {what} is used up",
                again_s=min(ready_s, 1 / operation.pace.rate_per_s),
                remedy="if that goes on, see what else calls Amazon as this app: other connections, other "
                "programs, schedules that are shorter than the README says",
            )

    async def get(
        self,
        operation: Operation,
        into: type[T],
        *,
        path: Mapping[str, str] | None = None,
        query: Query | None = None,
        json: object | None = None,
    ) -> T:
        """The answer of a call that changes nothing, and must succeed."""
        response = await self.call(operation, path=path, query=query, json=json)
        if not response.ok:
            self.refuse(operation, response)
        return decode(response, into)

    async def call(
        self,
        operation: Operation,
        *,
        path: Mapping[str, str] | None = None,
        query: Query | None = None,
        json: object | None = None,
        write: bool = False,
    ) -> Response:
        """One call; an answer from 200 to 499 that is the caller's to judge. Raises AuthFailed, naming what
        the app needs, where it is not permitted."""
        token = await self._token()
        try:
            response = await self._send(operation, token, path or {}, query or {}, json, write=write)
        except AuthFailed:
            # Amazon says the same of a token that has ended and of a role that is missing.
            token = await self._token(refused=token)
            try:
                response = await self._send(operation, token, path or {}, query or {}, json, write=write)
            except AuthFailed:
                raise self._denied(operation) from None
        self._learn(operation, response)
        return response

    async def elsewhere(
        self, method: str, url: str, *, content: bytes | None = None, kind: str = ""
    ) -> Response:
        """A call to an address that Amazon has given for a document, on another host, and which holds for
        five minutes: nothing of ours goes with it."""
        http = await self._client(_origin(url))
        headers = {"content-type": kind} if kind else {}
        try:
            return await http.request(method, url, applied="safe", content=content, headers=headers)
        except AuthFailed as error:
            raise Unreachable(
                f"{error.message}: the address that Amazon gave for a document is over"
            ) from error

    def check_account(self, operation: Operation, response: Response) -> None:
        """Raise Misconfigured where an answer says that seller and marketplace do not belong together."""
        faults = faults_of(response)
        words = " ".join(each.message for each in faults).casefold()
        if response.status == 400 and ("sellerid" in words or "marketplace" in words):
            where = ", ".join(self._settings.marketplaces)
            raise Misconfigured(
                f"Amazon does not know seller {self._settings.seller} in marketplace {where} "
                f"({operation.name}: {_codes(faults)})",
                remedy="correct seller, marketplaces and region: does the seller sell there, and is the "
                "refresh token of that region?",
            )

    def refuse(self, operation: Operation, response: Response) -> NoReturn:
        """Raise what an answer means that is no success and concerns no document."""
        self.check_account(operation, response)
        raise ProtocolMismatch(f"{response.call}: answered {response.status}: {_codes(faults_of(response))}")

    # ---- calls

    async def _send(
        self,
        operation: Operation,
        token: str,
        path: Mapping[str, str],
        query: Query,
        json: object | None,
        *,
        write: bool,
    ) -> Response:
        http = await self._client(self._settings.address)
        filled = operation.path.format(
            seller=self._settings.seller, **{name: quote(value, safe="") for name, value in path.items()}
        )
        asked = urlencode({name: _listed(value) for name, value in query.items()}, safe=",:")

        async def once() -> Response:
            return await http.request(
                operation.method,
                f"{filled}?{asked}" if asked else filled,
                applied="write" if write else "safe",
                json=json,
                headers={"x-amz-access-token": token},
                limiter=self.budget(operation),
                unstated_s=operation.rest_s,
            )

        return await until_taken(once, most_wait_s=MOST_REST_S) if write else await once()

    async def _client(self, base: str) -> HttpClient:
        http = self._clients.get(base)
        if http is None:
            client = self._host.http.client(base, settings=self._settings.http)
            http = self._clients[base] = await self._stack.enter_async_context(client)
        return http

    def _learn(self, operation: Operation, response: Response) -> None:
        """The rate that is told in an answer holds."""
        try:
            rate_per_s = float(response.headers.get("x-amzn-ratelimit-limit", ""))
        except ValueError:
            return
        if 0 < rate_per_s < 10_000:
            pace = msgspec.structs.replace(operation, rate_per_s=rate_per_s).pace
            self.budget(operation).learn(available=None, burst=pace.burst, rate_per_s=pace.rate_per_s)

    def _denied(self, operation: Operation) -> AuthFailed:
        return AuthFailed(
            f"Amazon refused app {self._settings.client_id} the operation {operation.name} for seller "
            f"{self._settings.seller}",
            remedy=f"it needs the role {operation.role}: add it to the app in Seller Central (Develop Apps), "
            "then authorize the app anew and store the new refresh token. Is the region right?",
        )

    # ---- tokens

    async def _token(self, refused: str = "") -> str:
        settings = self._settings
        used = [settings.client_secret, settings.refresh_token]
        return await self._host.access_token(self._new_token, secrets=used, refused=refused)

    async def _new_token(self) -> Grant:
        http = await self._client(self._settings.login)
        form = {
            "grant_type": "refresh_token",
            "refresh_token": self._host.secret(self._settings.refresh_token).reveal(),
            "client_id": self._settings.client_id,
            "client_secret": self._host.secret(self._settings.client_secret).reveal(),
        }
        try:
            response = await http.request(
                "POST",
                applied="safe",
                content=urlencode(form).encode(),
                headers={"content-type": "application/x-www-form-urlencoded;charset=UTF-8"},
                cost=0.0,
                ahead=True,
            )
        except AuthFailed:
            raise self._no_token("invalid_client") from None
        if not response.ok:
            raise self._no_token(decode(response, wire.TokenError).error)
        token = decode(response, wire.Token)
        return Grant(access_token=Secret(token.access_token), expires_in_s=token.expires_in)

    def _no_token(self, code: str) -> AuthFailed:
        known = code if code in _REMEDIES else "it does not say why"
        return AuthFailed(
            f"Amazon gave app {self._settings.client_id} no access token: {known}",
            remedy=_REMEDIES.get(code, "are client_id, client_secret and refresh_token of the same app?"),
        )


def faults_of(response: Response) -> tuple[wire.Fault, ...]:
    """The errors that an answer tells; none where it tells them in no way that is known."""
    try:
        return msgspec.json.decode(response.body, type=wire.Faults).errors
    except UNREADABLE:
        return ()


def _codes(faults: Sequence[wire.Fault]) -> str:
    return ", ".join(sorted({each.code for each in faults}))[:200] or "it does not say why"


def _listed(value: str | int | Sequence[str]) -> str:
    return str(value) if isinstance(value, str | int) else ",".join(value)


def _origin(url: str) -> str:
    try:
        address = urlsplit(url)
    except ValueError as error:
        raise ProtocolMismatch("Amazon gave an address that is none") from error
    return f"{address.scheme}://{address.netloc}"
