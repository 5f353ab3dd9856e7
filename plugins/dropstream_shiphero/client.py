"""One session on ShipHero's API: gets its access token, keeps to its credits, and judges errors.

A user has credits, which come back so many a second; every document costs what it asks for. One that asks
for more than there is is answered with status 200 and the error 30 before anything of it is done, with how
many are wanted and left: it is asked again, writes too ("Throttling & Quotas").
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from functools import partial
from typing import TypeVar

import msgspec

from dropstream_shiphero import answers, documents
from dropstream_shiphero.credits import LEAST_COST, Credits
from dropstream_shiphero.documents import Document
from dropstream_shiphero.settings import Settings
from dropstreamd.errors import (
    AuthFailed,
    Hold,
    OutcomeUnknown,
    ProtocolMismatch,
    RateLimited,
    Unreachable,
    Wait,
)
from dropstreamd.platform.contract import Grant, Host
from dropstreamd.platform.http import HttpClient, HttpLimits, Response, decode
from dropstreamd.platform.http_errors import mismatch
from dropstreamd.platform.rows import UNREADABLE
from dropstreamd.platform.secrets import Secret

T = TypeVar("T")

TOKEN_PATH = "/auth/refresh"  # noqa: S105 - an address
TRIES = 6
"""Of a call for which there are not credits enough: each waits until there should be."""
OUT_OF_CREDITS = 30
NOT_FOUND = 5

_PERMISSION = re.compile(r"permission|not authori[sz]ed|unauthori[sz]ed", re.IGNORECASE)
_SCOPE = re.compile(r"\bscopes?\b", re.IGNORECASE)
_MOST_SAID = 200


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A document that was understood and not carried out, or not all of it. `code` is ShipHero's; `message`,
    its words, may quote what was sent. `data` is what came beside it."""

    code: int
    message: str = ""
    data: bytes = b"{}"

    @property
    def not_found(self) -> bool:
        return self.code == NOT_FOUND or "not found" in self.message.lower()


class Api:
    """Asks documents. One task at a time; `stack` closes its connections."""

    def __init__(self, settings: Settings, host: Host, stack: AsyncExitStack) -> None:
        self._settings = settings
        self._host = host
        self._stack = stack
        self._http: HttpClient | None = None
        self._credits = Credits(host.limiter)

    async def query(self, document: Document, variables: Mapping[str, object], into: type[T]) -> T:
        """A query that must succeed. Variables that are None are left out."""
        answer = await self.ask(document, variables, into, write=False)
        if isinstance(answer, Refusal):
            raise _unanswered(document, answer)
        return answer

    async def ask(
        self, document: Document, variables: Mapping[str, object], into: type[T], *, write: bool
    ) -> T | Refusal:
        """The data of a document, or why there is none.

        Raises AuthFailed where a permission is missing; of a write OutcomeUnknown, where nobody can tell.
        """
        if self._credits.due and document.counted:
            await self._recount()
        wait_s = 0.0
        for _ in range(TRIES):
            response = await self._sent(document, variables, write=write)
            told = decode(response, answers.Answer)
            throttled = next((each for each in told.errors or () if _is_throttle(each)), None)
            if throttled is None:
                self._credits.answered(document, told.complexity)
                return self._judged(document, response, told, into, write=write)
            wait_s = self._credits.refused(document, throttled)
        raise RateLimited(
            f"ShipHero had not credits enough for {document.name} {TRIES} times in a row",
            retry_after_s=wait_s,
        )

    # ---- calls

    async def _sent(self, document: Document, variables: Mapping[str, object], *, write: bool) -> Response:
        http = await self._opened()
        token = await self._token(http)
        try:
            response = await self._post(http, token, document, variables, write=write)
        except AuthFailed:
            # A token lives for 28 days: it may have ended since, and nothing was done under it.
            token = await self._token(http, refused=token)
            try:
                response = await self._post(http, token, document, variables, write=write)
            except AuthFailed:
                raise self._denied() from None
        if not response.ok and response.status != 400:
            raise mismatch(response.call, f"answered {response.status}", certain=True)
        return response

    async def _post(
        self,
        http: HttpClient,
        token: str,
        document: Document,
        variables: Mapping[str, object],
        *,
        write: bool,
    ) -> Response:
        given = {name: value for name, value in variables.items() if value is not None}
        return await http.request(
            "POST",
            applied="write" if write else "safe",
            json={"query": document.text, "variables": given, "operationName": document.name},
            headers={"authorization": f"Bearer {token}"},
            cost=self._credits.cost(document),
        )

    async def _opened(self) -> HttpClient:
        if self._http is None:
            client = self._host.http.client(
                self._settings.address, settings=self._settings.http, limits=HttpLimits(read_s=90.0)
            )
            self._http = await self._stack.enter_async_context(client)
        return self._http

    async def _token(self, http: HttpClient, refused: str = "") -> str:
        fetch = partial(self._fetch_token, http)
        return await self._host.access_token(fetch, secrets=[self._settings.refresh_token], refused=refused)

    async def _fetch_token(self, http: HttpClient) -> Grant:
        """An access token for the refresh token, which stays as it is ("How to Obtain API Access & Refresh
        Tokens")."""
        refresh = self._host.secret(self._settings.refresh_token).reveal()
        try:
            response = await http.request(
                "POST",
                TOKEN_PATH,
                applied="safe",
                json={"refresh_token": refresh},
                cost=LEAST_COST,
                ahead=True,
            )
        except AuthFailed:
            raise self._no_token() from None
        if 400 <= response.status < 500:
            raise self._no_token()
        token = decode(response, answers.Token)
        return Grant(access_token=Secret(token.access_token), expires_in_s=token.expires_in)

    def _no_token(self) -> AuthFailed:
        return AuthFailed(
            f"ShipHero gave no access token for the refresh token of {self._settings.user}",
            remedy="copy the refresh token anew: My Account → Developer Users in ShipHero; is the account "
            "active?",
        )

    def _denied(self) -> AuthFailed:
        return AuthFailed(
            f"ShipHero refused a new access token of {self._settings.user}",
            remedy="is the developer user still there, and the account active? ShipHero's firewall refuses "
            "some networks with 403 too: ask its support, naming this machine's address",
        )

    async def _recount(self) -> None:
        """Ask how many credits are left: other apps may spend them too."""
        self._credits.asking()
        quota = await self.ask(documents.QUOTA, {}, answers.QuotaData, write=False)
        # Where it is not told, what is written of every user holds.
        if not isinstance(quota, Refusal) and quota.user_quota is not None:
            self._credits.told(quota.user_quota)

    # ---- what an answer says

    def _judged(
        self, document: Document, response: Response, told: answers.Answer, into: type[T], *, write: bool
    ) -> T | Refusal:
        errors = [each for each in told.errors or () if not told.only_warns(each, _SCOPE)]
        if not errors:
            if told.data is None:
                raise mismatch(response.call, "answered neither data nor errors")
            try:
                return msgspec.json.decode(told.data, type=into)
            except UNREADABLE as error:
                raise mismatch(
                    response.call, f"{document.name} answered other data than described: {error}"
                ) from error
        first = errors[0]
        if first.number is not None:
            if _PERMISSION.search(first.message) or _SCOPE.search(first.message):
                raise _forbidden(document, first)
            return Refusal(code=first.number, message=_said(first.message), data=told.data or b"{}")
        if told.data is None and not first.path:
            # Nothing of a document that is not valid is carried out.
            raise ProtocolMismatch(f"ShipHero does not know {document.name} any more: {_said(first.message)}")
        if write:
            raise OutcomeUnknown(f"ShipHero failed over {document.name}; it may have been applied")
        raise Unreachable(f"ShipHero failed over the query {document.name}")


@contextmanager
def after(done: bool, what: str) -> Iterator[None]:
    """Once something was `done`, no error means that nothing was: `what` says which part."""
    try:
        yield
    except OutcomeUnknown:
        raise
    except (Wait, Hold) as error:
        if done:
            raise OutcomeUnknown(f"{what} in ShipHero, and then: {error.message}") from error
        raise


def _is_throttle(error: answers.Failure) -> bool:
    return error.number == OUT_OF_CREDITS or "not enough credits" in error.message


def _forbidden(document: Document, error: answers.Failure) -> AuthFailed:
    return AuthFailed(
        f"ShipHero does not let this user ask {document.name}: {_said(error.message)}",
        remedy="give the developer user the permission, or scope, that is named",
    )


def _unanswered(document: Document, refusal: Refusal) -> ProtocolMismatch:
    return ProtocolMismatch(
        f"ShipHero refused the query {document.name} (code {refusal.code}): {refusal.message}",
        remedy="are `warehouse` and `customer_account` right? `dropstreamctl test` tells",
    )


def _said(message: str) -> str:
    """Words of ShipHero's in one short line."""
    line = " ".join(message.split())
    return line if len(line) <= _MOST_SAID else f"{line[:_MOST_SAID]}…"
