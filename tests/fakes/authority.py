"""An authorization server (RFC 6749) and the one resource that it guards, in this process."""

from base64 import b64decode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import parse_qs

import msgspec
import trio

from tests.fakes.web import Asked, Reply, json, web

CLIENT = ("client-id", "client secret")
CODE_S = 300.0
LIFE_S = 7200.0


class Code(msgspec.Struct):
    until: float
    used: bool = False


class Authority:
    """`tokens` are what was asked for, by grant type, in order; `reads` how often the resource was read.

    `rotates`: a refresh ends the refresh token that it was made with. `gate` holds answers of the token
    endpoint back, once what they say has been done. `on_read` is called with each read.
    """

    def __init__(self, *, rotates: bool = False) -> None:
        self.rotates = rotates
        self.refresh_life_s: float | None = None
        self.codes: dict[str, Code] = {}
        self.refresh: set[str] = set()
        self.access: dict[str, float] = {}
        self.tokens: list[str] = []
        self.reads = 0
        self.gate = trio.Event()
        self.gate.set()
        self.on_read: Callable[[], None] = lambda: None
        self.port = 0
        self._made = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def consent(self) -> str:
        """A person consents; the code."""
        code = f"c^1.1#{self._next()}+=&"
        self.codes[code] = Code(until=trio.current_time() + CODE_S)
        return code

    async def answer(self, asked: Asked) -> Reply | None:
        if asked.target == "/token":
            reply = self._token(asked)
            await self.gate.wait()
            return reply
        self.reads += 1
        self.on_read()
        token = asked.headers.get("authorization", "").removeprefix("Bearer ")
        if self.access.get(token, 0.0) < trio.current_time():
            return json({"error": "invalid_token"}, 401)
        return json({"account": "acme"})

    def _token(self, asked: Asked) -> Reply:
        form = {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
        self.tokens.append(form["grant_type"])
        scheme, _, pair = asked.headers["authorization"].partition(" ")
        client_id, _, client_secret = b64decode(pair).decode().partition(":")
        if (scheme, client_id, client_secret.replace("%20", " ")) != ("Basic", *CLIENT):
            return json({"error": "invalid_client"}, 401)
        if form["grant_type"] == "authorization_code":
            code = self.codes.get(form["code"])
            if code is None or code.used or code.until < trio.current_time():
                return json({"error": "invalid_grant"}, 400)
            code.used = True
            return self._granted(self._new_refresh())
        if form["refresh_token"] not in self.refresh:
            return json({"error": "invalid_grant"}, 400)
        if not self.rotates:
            return self._granted(None)
        self.refresh.discard(form["refresh_token"])
        return self._granted(self._new_refresh())

    def _new_refresh(self) -> str:
        made = f"refresh-{self._next()}"
        self.refresh.add(made)
        return made

    def _granted(self, refresh: str | None) -> Reply:
        access = f"access-{self._next()}"
        self.access[access] = trio.current_time() + LIFE_S
        more: dict[str, object] = {} if refresh is None else {"refresh_token": refresh}
        if refresh is not None and self.refresh_life_s is not None:
            more["refresh_token_expires_in"] = self.refresh_life_s
        return json({"access_token": access, "expires_in": LIFE_S, "token_type": "Bearer", **more})

    def _next(self) -> int:
        self._made += 1
        return self._made


@asynccontextmanager
async def authority(*, rotates: bool = False) -> AsyncIterator[Authority]:
    made = Authority(rotates=rotates)
    async with web(made.answer) as port:
        made.port = port
        yield made
