"""How a person lets the daemon into an account: what a plugin declares of it."""

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import msgspec

from dropstreamd.platform.grants import Grant
from dropstreamd.platform.host import Host
from dropstreamd.platform.secrets import SecretRef

S = TypeVar("S", bound=msgspec.Struct)


class Consent(msgspec.Struct, Generic[S], frozen=True, kw_only=True):
    """How a person lets the daemon into an account.

    `address` is where a browser asks for that, with `state` in it; `exchange` turns the code that the
    platform gave into a `Grant` with a refresh token; `keeps` is the setting that names the secret which
    holds that one. `rotates`: the platform gives another refresh token with every refresh, and ends the old.
    Both raise the errors of `dropstreamd.errors`; AuthFailed says what the person did wrong.
    """

    address: Callable[[S, str], str]
    exchange: Callable[[S, Host, str], Awaitable[Grant]]
    keeps: Callable[[S], SecretRef]
    rotates: bool = False
