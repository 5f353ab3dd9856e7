"""What the daemon lends to plugins: each account's budget, its way to the web, and secrets."""

import random
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, cast

import msgspec

from dropstreamd.clock import Clock
from dropstreamd.config.accounts import Plugins
from dropstreamd.config.schema import StoreAccount, WarehouseAccount
from dropstreamd.errors import Misconfigured, ProtocolMismatch
from dropstreamd.platform.circuit import Circuits
from dropstreamd.platform.contract import Host, Part, Plugin, Session, Store, Warehouse
from dropstreamd.platform.http import Http, HttpSettings, Observer
from dropstreamd.platform.http_connect import Trust
from dropstreamd.platform.limiter import Limiter, Limiters, Priority
from dropstreamd.platform.secrets import Secret, SecretRef
from dropstreamd.platform.tokens import Tokens
from dropstreamd.store import control_numbers
from dropstreamd.store.base import Store as State
from dropstreamd.store.keys import MAX_PART_BYTES

ReadSecret = Callable[[SecretRef], Secret]


class Lent(msgspec.Struct, frozen=True, kw_only=True):
    """A `Host` for one session."""

    clock: Clock
    limiter: Limiter
    http: Http
    read_secret: ReadSecret
    state: State
    path: tuple[str, str] | None

    def secret(self, ref: SecretRef) -> Secret:
        return self.read_secret(ref)

    async def number(self, series: str, purpose: str) -> int:
        if self.path is None:
            raise ProtocolMismatch("a store's plugin asked for a control number: only warehouses count")
        if not purpose or len(purpose.encode()) > MAX_PART_BYTES - len("for "):
            raise ProtocolMismatch("a control number was asked for without, or with too long a purpose")
        return await self.state.write(
            partial(control_numbers.for_purpose, path=self.path, series=series, purpose=purpose)
        )


class Accounts:
    """Opens sessions; keeps what outlives them: one budget, one circuit and the tokens of each account."""

    def __init__(
        self,
        *,
        plugins: Plugins,
        clock: Clock,
        read_secret: ReadSecret,
        observer: Observer,
        rng: random.Random,
        state: State,
    ) -> None:
        self.plugins = plugins
        self._state = state
        self._clock = clock
        self._read_secret = read_secret
        self._observer = observer
        self._rng = rng
        self._limiters = Limiters()
        self._tokens: dict[str, Tokens] = {}
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

    def _lend(
        self, account: StoreAccount | WarehouseAccount, plugin: Plugin[Any], priority: Priority
    ) -> Host:
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
            tokens=self._tokens.setdefault(key, Tokens()),
        )
        path = (account.merchant, account.name) if isinstance(account, WarehouseAccount) else None
        return Lent(
            clock=self._clock,
            limiter=limiter,
            http=http,
            read_secret=self._read_secret,
            state=self._state,
            path=path,
        )
