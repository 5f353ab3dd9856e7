"""Access tokens: fetched for an account by one at a time, kept until shortly before their end.

A plugin asks `host.access_token(fetch, secrets=…)` before a call, and again with `refused` where the platform
refused the token. `fetch` makes the platform's own call for one, `ahead` of all others
(`HttpClient.request`). Whoever else needs a token of the account meanwhile waits for that call and makes
none, whatever comes of it.

A platform that a person has to let us into (OAuth 2.0, RFC 6749, 4.1) declares a `Consent` in its `Plugin`:
`dropstreamctl authorize` shows its address and exchanges the code that comes of it. The refresh token is a
secret of the account, durable before anything is done with it; so is each that replaces it.
"""

import hashlib
import math
from collections.abc import Callable, Iterable

import msgspec
import trio

from dropstreamd.errors import DropstreamError, ProtocolMismatch, Unreachable
from dropstreamd.platform.grants import Fetch, Grant, Keep
from dropstreamd.platform.secrets import Secret

EARLIER_S = 300.0
"""How long before its end a token is replaced; a tenth of its life where that is shorter."""

FETCH_LIMIT_S = 30.0
"""The longest that a fetch may take which must not be broken off."""


class _Held(msgspec.Struct, frozen=True, kw_only=True):
    token: Secret
    until: float
    made_with: bytes


class _Failed(msgspec.Struct, frozen=True, kw_only=True):
    """The last fetch, where it failed: `number` counts those that have ended."""

    number: int
    error: DropstreamError
    made_with: bytes


class AccountTokens:
    """The one owner of an account's access token; it outlives sessions.

    `keep` makes a refresh token durable. `made_with` tells the secrets that a token is fetched with: one that
    was fetched with others is not used. A fetch that `must_end` is not broken off by a cancellation: it may
    have cost the refresh token before, so that the new one has to be kept.
    """

    def __init__(self, *, must_end: bool = False) -> None:
        self._turn = trio.Lock()
        self._held: _Held | None = None
        self._must_end = must_end
        self._ended = 0
        self._failed: _Failed | None = None

    async def token(
        self, fetch: Fetch, *, made_with: Callable[[], bytes], keep: Keep | None, refused: str = ""
    ) -> str:
        """A token that is good for a while. Raises what `fetch`, `keep` and `made_with` raise, also to those
        who waited for them meanwhile."""
        before = self._ended
        async with self._turn:
            held = self._held
            if (
                held is not None
                and trio.current_time() < held.until
                and held.token.reveal() != refused
                and held.made_with == made_with()
            ):
                return held.token.reveal()
            self._held = None
            with_these, failed = made_with(), self._failed
            if not self._turn.statistics().tasks_waiting:
                self._failed = None  # it is for those who wait
            if failed is not None and failed.number > before and failed.made_with == with_these:
                raise failed.error
            try:
                if self._must_end:
                    return await self._to_the_end(fetch, made_with=made_with, keep=keep)
                return await self._fetched(fetch, made_with=made_with, keep=keep)
            except DropstreamError as error:
                if self._turn.statistics().tasks_waiting:
                    self._failed = _Failed(number=self._ended + 1, error=error, made_with=with_these)
                raise
            finally:
                self._ended += 1

    async def replace(self, fetch: Fetch, keep: Keep) -> Grant:
        """Get a refresh token by other means, such as a person's consent, and keep it; where that fails, what
        was stays. The next access token is fetched with it."""
        async with self._turn:
            with trio.move_on_after(FETCH_LIMIT_S, shield=True):
                grant = await fetch()
                if grant.refresh_token is None:
                    raise ProtocolMismatch("the platform gave no refresh token")
                await keep(grant.refresh_token)
                self._held = None
                return grant
            raise _too_slow()

    async def _to_the_end(self, fetch: Fetch, *, made_with: Callable[[], bytes], keep: Keep | None) -> str:
        with trio.move_on_after(FETCH_LIMIT_S, shield=True):
            return await self._fetched(fetch, made_with=made_with, keep=keep)
        raise _too_slow()

    async def _fetched(self, fetch: Fetch, *, made_with: Callable[[], bytes], keep: Keep | None) -> str:
        asked_at = trio.current_time()
        grant = await fetch()
        if grant.refresh_token is not None and keep is not None:
            await keep(grant.refresh_token)
        lives_s = max(0.0, grant.expires_in_s) if math.isfinite(grant.expires_in_s) else 0.0
        self._held = _Held(
            token=grant.access_token,
            until=asked_at + lives_s - min(EARLIER_S, lives_s / 10),
            made_with=made_with(),
        )
        return grant.access_token.reveal()


def _too_slow() -> Unreachable:
    return Unreachable(f"no access token was given within {FETCH_LIMIT_S:.0f} s")


def digest(secrets: Iterable[Secret]) -> bytes:
    """Tells whether secrets are the same as before, without keeping them."""
    made = hashlib.blake2b()
    for secret in secrets:
        made.update(hashlib.blake2b(secret.reveal().encode()).digest())
    return made.digest()
