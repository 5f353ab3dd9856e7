"""One user's session on a Tryton: signs in when it is first used, calls methods, and judges errors.

Tryton runs each call in one transaction. What it refuses, or fails over, it answers with status 200
and an error, after it has rolled the transaction back: such a write had no effect.
"""

import base64
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import TypeVar

import msgspec

from dropstream_tryton import protocol
from dropstream_tryton.settings import Settings
from dropstreamd.errors import AuthFailed, DropstreamError, OutcomeUnknown, ProtocolMismatch, Unreachable
from dropstreamd.platform.contract import Host
from dropstreamd.platform.http import HttpClient, decode
from dropstreamd.platform.rows import UNREADABLE

T = TypeVar("T")
Domain = Sequence[object]
Values = Mapping[str, object]

OPTIONAL = ("carrier", "packages", "shipping_reference", "weight")

ASCENDING = (("last_modified_at", "ASC"), ("id", "ASC"))


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A call that was understood and not carried out. `kind` is the class of Tryton's exception, empty
    for a fault of its own; `message` holds no record's name."""

    kind: str
    message: str = ""

    def __str__(self) -> str:
        return self.message or self.kind or "a fault of its own: its log says which"


class Api:
    """Calls methods of models. One task at a time; `stack` closes its connections."""

    def __init__(self, settings: Settings, host: Host, stack: AsyncExitStack) -> None:
        self._settings = settings
        self._host = host
        self._stack = stack
        self._http: HttpClient | None = None
        self._context: dict[str, object] = {}
        self._company = 0
        self._fields: dict[str, frozenset[str]] = {}

    # ---- what the parts ask

    async def read(self, method: str, *arguments: object, into: type[T], context: Values | None = None) -> T:
        """The result of a method that changes nothing. Raises where Tryton does not answer it."""
        answer = await self.ask(method, *arguments, into=into, context=context)
        if isinstance(answer, Refusal):
            raise _failed(method, answer)
        return answer

    async def ask(
        self,
        method: str,
        *arguments: object,
        into: type[T],
        context: Values | None = None,
        write: bool = False,
    ) -> T | Refusal:
        """The result of a model's method, or why there is none. Raises AuthFailed where a right is missing;
        of a fault of Tryton's own Unreachable, where the call was a `write`."""
        http = await self._signed_in(anew=False)
        try:
            answer = await self._call(http, method, arguments, context, write=write)
        except AuthFailed:
            # The session has ended: seen before anything is done, so that a write may be sent again.
            http = await self._signed_in(anew=True)
            answer = await self._call(http, method, arguments, context, write=write)
        if not answer.refused:
            try:
                return msgspec.json.decode(answer.result, type=into)
            except UNREADABLE as error:
                what = f"Tryton: {method} answered another result: {error}"
                raise (OutcomeUnknown(what) if write else ProtocolMismatch(what)) from error
        refusal = _judged(method, answer.error, self._settings.username)
        if write and not refusal.kind:
            raise Unreachable(f"Tryton failed over {method} and took it back: its own log says why")
        return refusal

    async def rows(
        self,
        model: str,
        domain: Domain,
        *fields: str,
        into: type[T],
        order: Sequence[Sequence[str]] = (("id", "ASC"),),
        limit: int = 1000,
        context: Values | None = None,
    ) -> list[T]:
        """Records of a model that fit."""
        method = f"{model}.search_read"
        return await self.read(method, domain, 0, limit, order, fields, into=list[into], context=context)  # type: ignore[valid-type]

    async def fields_of(self, model: str) -> frozenset[str]:
        """Which of the fields it has that belong to modules which may not be there. Asked once."""
        if model not in self._fields:
            found = await self.read(f"{model}.fields_get", OPTIONAL, into=dict[str, msgspec.Raw])
            self._fields[model] = frozenset(found)
        return self._fields[model]

    async def company(self) -> int:
        """The company that the user works for."""
        await self._signed_in(anew=False)
        return self._company

    # ---- signing in

    async def _signed_in(self, *, anew: bool) -> HttpClient:
        if self._http is None or anew:
            self._http = await self._sign_in()
        return self._http

    async def _sign_in(self) -> HttpClient:
        name = self._settings.username
        parameters = {"password": self._host.secret(self._settings.password).reveal()}
        body = {"id": 1, "method": "common.db.login", "params": [name, parameters, "en"]}
        try:
            response = await (await self._client({})).request("POST", applied="safe", json=body)
        except AuthFailed as error:
            raise AuthFailed(
                f"Tryton refused user {name}",
                remedy="correct username, database or the secret; is the user active?",
            ) from error
        answer = decode(response, protocol.LoginAnswer)
        if answer.result is None:
            raise ProtocolMismatch("Tryton neither accepted nor refused the user and password")
        user, session, _ = answer.result
        token = base64.b64encode(f"{name}:{user}:{session}".encode()).decode()
        http = await self._client({"authorization": f"Session {token}"})
        told = await self._call(http, "res.user.get_preferences", [True], {}, write=False)
        if told.refused:
            raise _failed("res.user.get_preferences", _judged("preferences", told.error, name))
        try:
            preferences = msgspec.json.decode(told.result, type=protocol.Preferences)
        except UNREADABLE as error:
            raise ProtocolMismatch(f"Tryton told other preferences of user {name}: {error}") from error
        if preferences.company is None:
            raise AuthFailed(
                f"Tryton's user {name} belongs to no company",
                remedy="choose the user's company under Administration, Users",
            )
        # English, since some refusals are known by their words.
        self._company = preferences.company
        self._context = {"company": preferences.company, "language": "en"}
        return http

    async def _client(self, headers: Mapping[str, str]) -> HttpClient:
        settings = self._settings
        client = self._host.http.client(settings.address, headers=headers, settings=settings.http)
        return await self._stack.enter_async_context(client)

    async def _call(
        self,
        http: HttpClient,
        method: str,
        arguments: Sequence[object],
        context: Values | None,
        *,
        write: bool,
    ) -> protocol.Answer:
        params = [*arguments, {**self._context, **(context or {})}]
        body = {"id": 1, "method": f"model.{method}", "params": params}
        response = await http.request("POST", applied="write" if write else "safe", json=body)
        return decode(response, protocol.Answer)


def _judged(method: str, raw: msgspec.Raw, user: str) -> Refusal:
    """What an error means: its first element names a class, or is the text of a fault."""
    kind, message, description = protocol.error(raw)
    if kind not in ("UserError", "UserWarning", "ConcurrencyException", "LoginException"):
        return Refusal(kind="")
    if kind == "UserError" and (message.startswith("You are not allowed") or "Within groups:" in description):
        model = method.rpartition(".")[0]
        raise AuthFailed(
            f"Tryton does not let user {user} call {method}",
            remedy=f"give the user a group that may use {model}: the plugin's README lists them",
        )
    return Refusal(kind=kind, message=protocol.nameless(message))


def _failed(method: str, refusal: Refusal) -> DropstreamError:
    """What it means that a read was not answered."""
    if not refusal.kind:
        return Unreachable(f"Tryton failed over {method}: its own log says why")
    return ProtocolMismatch(f"Tryton refused {method}: {refusal}")
