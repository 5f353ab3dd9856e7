"""What the suite lends a plugin in the daemon's stead."""

import random
from collections.abc import Mapping, Sequence
from functools import partial

import trio

from dropstreamd.clock import Clock
from dropstreamd.errors import Misconfigured
from dropstreamd.platform.access import AccountTokens, digest
from dropstreamd.platform.circuit import Circuit
from dropstreamd.platform.grants import Fetch
from dropstreamd.platform.http import Http, HttpSettings
from dropstreamd.platform.http_connect import Trust
from dropstreamd.platform.limiter import Budget, Limiter, Pace, Priority
from dropstreamd.platform.secrets import Secret, SecretRef
from dropstreamd.telemetry.metrics import CallResult

RATE_PER_S = 10_000.0  # the suite is not there to wait


class BenchHost:
    """A `Host` for one session. Secrets are found by whatever name their reference gives."""

    def __init__(self, account: str, pace: Pace, clock: Clock, secrets: Mapping[str, str]) -> None:
        self.clock = clock
        budget = Budget(Pace(rate_per_s=RATE_PER_S, burst=RATE_PER_S, at_once=pace.at_once))
        self.limiter: Limiter = budget.for_priority(Priority.ORDERS)
        self._secrets = secrets
        self._tokens = AccountTokens()
        self._numbers: dict[tuple[str, str], int] = {}
        self.http = Http(
            account=account,
            limiter=self.limiter,
            circuit=Circuit(account),
            observer=_Nobody(),
            trust=Trust(),
            random=random.Random(7),  # noqa: S311 - it spreads retries
            clock=clock,
            settings=HttpSettings(allow_private=True),
        )

    def secret(self, ref: SecretRef) -> Secret:
        name = ref.secret or ref.credential or ref.file or ""
        if name not in self._secrets:
            raise Misconfigured(f"the rig has no {ref}", remedy="add it to the rig's secrets")
        return Secret(self._secrets[name])

    async def access_token(self, fetch: Fetch, *, secrets: Sequence[SecretRef], refused: str = "") -> str:
        made_with = partial(self._made_with, secrets)
        return await self._tokens.token(fetch, made_with=made_with, keep=None, refused=refused)

    def _made_with(self, secrets: Sequence[SecretRef]) -> bytes:
        return digest(self.secret(ref) for ref in secrets)

    async def number(self, series: str, purpose: str) -> int:
        await trio.lowlevel.checkpoint()
        return self._numbers.setdefault((series, purpose), len(self._numbers) + 1)


class _Nobody:
    """An `Observer` that does not look."""

    def call_finished(self, account: str, result: CallResult) -> None:
        pass

    def throttled(self, account: str) -> None:
        pass
