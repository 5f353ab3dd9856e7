"""What the daemon lends to plugins: each account's budget, its way to the web, and secrets."""

import random
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, cast

import msgspec
import trio

from dropstreamd.clock import Clock
from dropstreamd.config.accounts import Plugins
from dropstreamd.config.schema import StoreAccount, WarehouseAccount
from dropstreamd.errors import Misconfigured, ProtocolMismatch
from dropstreamd.platform.access import AccountTokens, digest
from dropstreamd.platform.circuit import Circuits
from dropstreamd.platform.consent import Consent
from dropstreamd.platform.contract import Part, Plugin, Session, Store, Warehouse
from dropstreamd.platform.grants import Fetch, Grant, Keep
from dropstreamd.platform.http import Http, HttpSettings, Observer
from dropstreamd.platform.http_connect import Trust
from dropstreamd.platform.limiter import Limiter, Limiters, Priority
from dropstreamd.platform.secrets import Secret, SecretRef
from dropstreamd.store import control_numbers
from dropstreamd.store.base import Store as State
from dropstreamd.store.keys import MAX_PART_BYTES

ReadSecret = Callable[[SecretRef], Secret]
WriteSecret = Callable[[str, str], None]
"""Makes the secret of a name durable; it blocks, briefly."""


class Lent(msgspec.Struct, frozen=True, kw_only=True):
    """A `Host` for one session."""

    clock: Clock
    limiter: Limiter
    http: Http
    read_secret: ReadSecret
    tokens: AccountTokens
    keep: Keep | None
    state: State
    path: tuple[str, str] | None

    def secret(self, ref: SecretRef) -> Secret:
        return self.read_secret(ref)

    def made_with(self, secrets: Sequence[SecretRef]) -> bytes:
        """What tells whether these secrets have changed."""
        return digest(self.read_secret(ref) for ref in secrets)

    async def access_token(self, fetch: Fetch, *, secrets: Sequence[SecretRef], refused: str = "") -> str:
        made_with = partial(self.made_with, secrets)
        return await self.tokens.token(fetch, made_with=made_with, keep=self.keep, refused=refused)

    async def number(self, series: str, purpose: str) -> int:
        if self.path is None:
            raise ProtocolMismatch("a store's plugin asked for a control number: only warehouses count")
        if not purpose or len(purpose.encode()) > MAX_PART_BYTES - len("for "):
            raise ProtocolMismatch("a control number was asked for without, or with too long a purpose")
        return await self.state.write(
            partial(control_numbers.for_purpose, path=self.path, series=series, purpose=purpose)
        )


class Accounts:
    """Opens sessions; keeps what outlives them: one budget, one circuit and one owner of the access token for
    each account."""

    def __init__(
        self,
        *,
        plugins: Plugins,
        clock: Clock,
        read_secret: ReadSecret,
        write_secret: WriteSecret,
        observer: Observer,
        rng: random.Random,
        state: State,
    ) -> None:
        self.plugins = plugins
        self._state = state
        self._clock = clock
        self._read_secret = read_secret
        self._write_secret = write_secret
        self._tokens: dict[str, AccountTokens] = {}
        self._observer = observer
        self._rng = rng
        self._limiters = Limiters()
        self._trust = Trust()
        self.circuits = Circuits()

    def plugin(self, platform: str) -> Plugin[Any]:
        """The plugin of that name. Raises Misconfigured where it did not load."""
        status = self.plugins.get(platform)
        if status is None:
            raise Misconfigured(f"there is no plugin {platform!r}", remedy="install it, or correct the name")
        if status.plugin is None:
            raise Misconfigured(f"plugin {platform}: {status.problem}", remedy=status.remedy)
        return status.plugin

    def amends(self, account: StoreAccount | WarehouseAccount) -> frozenset[Part]:
        """The parts whose changed documents its plugin, set like this, can hand over."""
        return self.plugin(account.platform).amends(account.settings)

    def cancels(self, account: StoreAccount | WarehouseAccount) -> frozenset[Part]:
        """The parts of which its plugin, set like this, can stop what was handed over."""
        return self.plugin(account.platform).cancels(account.settings)

    def offers(self, account: StoreAccount | WarehouseAccount) -> frozenset[Part]:
        """The parts that its plugin offers, set like this."""
        return self.plugin(account.platform).parts(account.settings)

    def open_store(self, account: StoreAccount, priority: Priority) -> AbstractAsyncContextManager[Store]:
        """The store's session; the caller enters it for one run."""
        return cast("AbstractAsyncContextManager[Store]", self._open(account, priority))

    def open_warehouse(
        self, account: WarehouseAccount, priority: Priority
    ) -> AbstractAsyncContextManager[Warehouse]:
        """The warehouse's session, likewise."""
        return cast("AbstractAsyncContextManager[Warehouse]", self._open(account, priority))

    def _open(
        self, account: StoreAccount | WarehouseAccount, priority: Priority
    ) -> AbstractAsyncContextManager[Session]:
        plugin = self.plugin(account.platform)
        return plugin.open(account.settings, self._lend(account, plugin, priority))

    # ---- consent

    def consent(self, account: StoreAccount | WarehouseAccount) -> Consent[Any] | None:
        """How a person lets the daemon into the account; None where nobody has to."""
        return self.plugin(account.platform).consent

    async def authorize(
        self, account: StoreAccount | WarehouseAccount, consent: Consent[Any], code: str
    ) -> Grant:
        """Turn the code of a person's consent into a refresh token, and keep that; what was given. Where it
        fails, the one from before goes on."""
        host = self._lend(account, self.plugin(account.platform), Priority.ORDERS)

        async def exchange() -> Grant:
            grant: Grant = await consent.exchange(account.settings, host, code)
            return grant

        return await host.tokens.replace(exchange, self._keeper(account, consent))

    def _keeper(self, account: StoreAccount | WarehouseAccount, consent: Consent[Any]) -> Keep:
        """What makes a refresh token of the account durable."""
        ref = consent.keeps(account.settings)

        async def keep(token: Secret) -> None:
            if ref.secret is None:
                raise Misconfigured(
                    f"the refresh token cannot be kept in the {ref}", remedy="name it as { secret = … }"
                )
            await trio.to_thread.run_sync(self._write_secret, ref.secret, token.reveal())

        return keep

    def _owner(self, account: str, plugin: Plugin[Any]) -> AccountTokens:
        must_end = plugin.consent is not None and plugin.consent.rotates
        return self._tokens.setdefault(account, AccountTokens(must_end=must_end))

    def _lend(
        self, account: StoreAccount | WarehouseAccount, plugin: Plugin[Any], priority: Priority
    ) -> Lent:
        key = account.account_key
        circuit = self.circuits.circuit(key)
        limiter = self._limiters.budget(key, plugin.pace(account.settings)).for_priority(priority)
        http = Http(
            account=key,
            limiter=limiter,
            circuit=circuit,
            observer=self._observer,
            trust=self._trust,
            random=self._rng,
            clock=self._clock,
            settings=HttpSettings(allow_private=account.allow_private_address),
        )
        path = (account.merchant, account.name) if isinstance(account, WarehouseAccount) else None
        return Lent(
            clock=self._clock,
            limiter=limiter,
            http=http,
            read_secret=self._read_secret,
            tokens=self._owner(key, plugin),
            keep=None if plugin.consent is None else self._keeper(account, plugin.consent),
            state=self._state,
            path=path,
        )
