"""What the daemon lends a plugin."""

from collections.abc import Sequence
from typing import Protocol

from dropstreamd.clock import Clock
from dropstreamd.platform.grants import Fetch
from dropstreamd.platform.http import Http
from dropstreamd.platform.limiter import Limiter
from dropstreamd.platform.secrets import Secret, SecretRef


class Host(Protocol):
    """What the daemon lends a plugin for one session."""

    @property
    def clock(self) -> Clock: ...

    @property
    def limiter(self) -> Limiter:
        """The account's one budget of calls; `http` spends from it by itself."""
        ...

    @property
    def http(self) -> Http:
        """The account's way to the web: `host.http.client(address)`."""
        ...

    def secret(self, ref: SecretRef) -> Secret:
        """Its present value. Raises Misconfigured where it cannot be read."""
        ...

    async def access_token(self, fetch: Fetch, *, secrets: Sequence[SecretRef], refused: str = "") -> str:
        """The account's access token, good for a while (`platform.access`). `fetch` is called where there is
        none, by one at a time for the whole account; `secrets` are those that it uses. `refused` is a
        token that the platform has just refused. Raises what `fetch` raises; Misconfigured where a secret
        cannot be read."""
        ...

    async def number(self, series: str, purpose: str) -> int:
        """A control number of a series (`Writes.series`), durable before it is returned: the same again
        for the same purpose (what is answered, in at most 100 bytes), for no other purpose, and for no
        attempt. From 1."""
        ...
