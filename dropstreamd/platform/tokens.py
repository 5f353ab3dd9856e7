"""Access tokens that live for a while: got once for an account, however many of its sessions ask."""

from collections.abc import Awaitable, Callable

import msgspec
import trio

from dropstreamd.platform.secrets import Secret

EARLY_S = 120.0
"""How long before its end a token is not used any more, in seconds."""

MOST_KEPT = 8


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """One as it was got just now; it lives for so many seconds from here on."""

    secret: Secret
    lives_s: float


class Tokens:
    """An account's tokens, by a name that tells what they were got with. In memory only; they outlive
    sessions. Of several that ask at once, one gets the token and the others wait for it."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[Secret, float]] = {}
        self._lock = trio.Lock()

    async def get(
        self, name: str, fetch: Callable[[], Awaitable[Token]], *, refused: Secret | None = None
    ) -> Secret:
        """The token that is kept, or a new one where there is none, it is about to end, or it is the one
        that was `refused`. Raises what `fetch` raises; then nothing is kept."""
        async with self._lock:
            secret, until_s = self._kept.pop(name, (None, 0.0))
            if secret is None or secret is refused or trio.current_time() >= until_s:
                made = await fetch()
                early_s = min(EARLY_S, made.lives_s / 2)
                secret, until_s = made.secret, trio.current_time() + made.lives_s - early_s
            self._kept[name] = (secret, until_s)
            while len(self._kept) > MOST_KEPT:
                del self._kept[next(iter(self._kept))]
            return secret
