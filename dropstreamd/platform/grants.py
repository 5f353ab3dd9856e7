"""What an authorization server gives."""

from collections.abc import Awaitable, Callable

import msgspec

from dropstreamd.platform.secrets import Secret


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """What an authorization server gave. `refresh_token` is None where the one before goes on;
    `refresh_expires_in_s` None where nobody told how long it holds."""

    access_token: Secret
    expires_in_s: float
    refresh_token: Secret | None = None
    refresh_expires_in_s: float | None = None


Fetch = Callable[[], Awaitable[Grant]]
Keep = Callable[[Secret], Awaitable[None]]
