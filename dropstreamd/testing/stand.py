"""Where one rule is tried: a rig, the proxy before it, sessions of the plugin, and an eye on secrets."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any, NoReturn, TypeVar

import msgspec
import trio
from trio.testing import MockClock

from dropstreamd.clock import SystemClock, VirtualClock
from dropstreamd.errors import DropstreamError
from dropstreamd.platform.contract import Part, Plugin, Session
from dropstreamd.testing.host import BenchHost
from dropstreamd.testing.proxy import Proxy
from dropstreamd.testing.rig import Rig

T = TypeVar("T")

PATIENCE_S = 120.0
LIMIT_S = 1800.0
CLOSING_S = 60.0
MOST_CAUSES = 20


class ContractBroken(AssertionError):
    """The plugin does not keep a rule; the message says which and how."""


class NotApplicable(Exception):
    """The rule says nothing about this plugin; the message says why."""


def broken(how: str) -> NoReturn:
    """Say how the rule is broken."""
    raise ContractBroken(how)


def require(condition: object, otherwise: str) -> None:
    """Raise ContractBroken, which says `otherwise`, unless the condition holds."""
    if not condition:
        broken(otherwise)


class Stand:
    """What a rule works with. Seconds are trio's, which go faster than real ones here."""

    def __init__(self, plugin: Plugin[Any], rig: Rig[Any], proxy: Proxy, clock: MockClock) -> None:
        self.plugin = plugin
        self.rig = rig
        self.proxy = proxy
        self.limit = trio.CancelScope(deadline=trio.current_time() + LIMIT_S)
        self._trio_clock = clock
        now_s = SystemClock().now_s() if rig.now_s is None else rig.now_s
        self.clock = VirtualClock(now_s)
        self._secrets = [text for text in (*rig.secrets.values(), *rig.wrong_secrets.values()) if text]
        self._seen: list[tuple[str, str]] = []
        self.disturbed = 0
        self.doubted = 0
        """Pushes that a fault struck, and of those what only a person could tell the outcome of."""

    def settings(self, port: int | None = None) -> Any:  # the plugin's own Struct
        """The rig's settings, leading to the proxy or another port."""
        table = self.rig.table(self.proxy.port if port is None else port)
        return msgspec.convert(table, self.plugin.settings)

    def bench(self, part: Part) -> Any:  # the bench that fits the part
        require(part in self.rig.benches, f"the rig has no bench for {part.value}")
        return self.rig.benches[part]

    @asynccontextmanager
    async def session(
        self, *, port: int | None = None, secrets: Mapping[str, str] | None = None
    ) -> AsyncIterator[Any]:  # the plugin's Store or Warehouse
        """A session of the plugin's. After it, no connection of the plugin's may be open."""
        settings = self.settings(port)
        given = self.rig.secrets if secrets is None else secrets
        account = self.plugin.account_key(settings)
        host = BenchHost(account, self.plugin.pace(settings), self.clock, given)
        try:
            async with self.plugin.open(settings, host) as session:
                yield session
        except BaseException as error:
            self.see("an error", *_texts(error))
            raise
        with trio.move_on_after(CLOSING_S) as patience:
            await self.proxy.idle()
        require(not patience.cancelled_caught, "a connection stays open after the session's end")

    async def findings(self, session: Session, *, write: bool) -> list[str]:
        """What `test` finds wrong."""
        found = await within("test", session.test(write=write))
        self.see("a finding of test", *map(repr, found))
        return [f"{finding.name}: {finding.detail}" for finding in found if not finding.ok]

    async def error_of(self, session: Session) -> BaseException | None:
        """What `test` raises, if anything."""
        try:
            await self.findings(session, write=False)
        except Exception as error:  # noqa: BLE001 - the rule judges it
            self.see("an error", *_texts(error))
            return error
        return None

    def see(self, what: str, *texts: str) -> None:
        """Something that a person or a log is shown."""
        self._seen.extend((what, text) for text in texts)

    def check_secrets(self) -> None:
        """Raise ContractBroken where a secret's text stands in anything that was seen."""
        for what, text in self._seen:
            for secret in self._secrets:
                require(secret not in text, f"{what} holds a secret's text")

    @contextmanager
    def watching_logs(self) -> Iterator[None]:
        """Keep what is logged from level INFO on."""
        handler = _Kept(self.see)
        root = logging.getLogger()
        before = root.level
        root.addHandler(handler)
        root.setLevel(logging.INFO)
        try:
            yield
        finally:
            root.removeHandler(handler)
            root.setLevel(before)

    def pass_time(self, seconds: float) -> None:
        """Let so many seconds have passed."""
        self.limit.deadline += seconds
        self._trio_clock.jump(seconds)


async def within(what: str, call: Awaitable[T], seconds: float = PATIENCE_S) -> T:
    """The call's result. Raises ContractBroken where it does not end in time."""
    with trio.move_on_after(seconds):
        return await call
    broken(f"{what} does not end within {seconds:g} s")


def ours(error: BaseException) -> bool:
    """Whether it is one of `dropstreamd.errors`."""
    return isinstance(error, DropstreamError)


def told(error: BaseException | None) -> str:
    """An error in a word or two; "nothing" for none."""
    return "nothing" if error is None else f"{type(error).__name__}: {error}"


class _Kept(logging.Handler):
    def __init__(self, see: Callable[[str, str], None]) -> None:
        super().__init__(logging.INFO)
        self._see = see

    def emit(self, record: logging.LogRecord) -> None:
        self._see("a log line", record.getMessage())


def _texts(error: BaseException) -> list[str]:
    """Everything that the error, and those that led to it, would show."""
    texts: list[str] = []
    waiting = [error]
    seen: set[int] = set()
    while waiting and len(seen) < MOST_CAUSES:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        texts += [str(one), repr(one), *getattr(one, "__notes__", [])]
        waiting += [each for each in (one.__cause__, one.__context__) if each is not None]
        if isinstance(one, BaseExceptionGroup):
            waiting += one.exceptions
    return texts
