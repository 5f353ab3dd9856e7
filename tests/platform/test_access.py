"""The one owner of an account's access token."""

import pytest
import trio
from trio.testing import MockClock

from dropstreamd.errors import AuthFailed, DropstreamError, ProtocolMismatch, Unreachable
from dropstreamd.platform.access import FETCH_LIMIT_S, AccountTokens, digest
from dropstreamd.platform.grants import Grant
from dropstreamd.platform.secrets import Secret


class Platform:
    """Grants tokens that live for 7,200 s; takes `slow_s` for it."""

    def __init__(self, *, rotates: bool = False) -> None:
        self.calls = 0
        self.slow_s = 0.0
        self.kept: list[str] = []
        self.secret = "first"
        self.rotates = rotates
        self.fails: DropstreamError | None = None

    async def fetch(self) -> Grant:
        self.calls += 1
        number = self.calls
        await trio.sleep(self.slow_s)
        if self.fails is not None:
            raise self.fails
        refresh = Secret(f"refresh-{number}") if self.rotates else None
        return Grant(access_token=Secret(f"access-{number}"), expires_in_s=7200.0, refresh_token=refresh)

    async def keep(self, token: Secret) -> None:
        await trio.lowlevel.checkpoint()
        self.kept.append(token.reveal())
        self.secret = token.reveal()

    def made_with(self) -> bytes:
        return digest([Secret(self.secret)])

    async def token(self, owner: AccountTokens, refused: str = "") -> str:
        return await owner.token(self.fetch, made_with=self.made_with, keep=self.keep, refused=refused)


async def test_it_is_fetched_once_and_replaced_before_its_end(autojump_clock: MockClock) -> None:
    platform, owner = Platform(), AccountTokens()
    platform.slow_s = 2.0
    found: list[str] = []

    async def one() -> None:
        found.append(await platform.token(owner))

    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(one)
    assert found == ["access-1"] * 5
    await trio.sleep(6_800)
    assert await platform.token(owner) == "access-1"
    await trio.sleep(200)
    assert await platform.token(owner) == "access-2"


async def test_one_that_was_refused_is_replaced_by_the_first_who_says_so() -> None:
    platform, owner = Platform(), AccountTokens()
    first = await platform.token(owner)
    assert await platform.token(owner, refused=first) == "access-2"
    assert await platform.token(owner, refused=first) == "access-2"


async def test_another_secret_means_another_token() -> None:
    platform, owner = Platform(), AccountTokens()
    await platform.token(owner)
    platform.secret = "second"
    assert await platform.token(owner) == "access-2"


async def test_a_rotated_refresh_token_is_kept_though_its_run_is_cancelled(autojump_clock: MockClock) -> None:
    platform, owner = Platform(rotates=True), AccountTokens(must_end=True)
    platform.slow_s = 5.0
    with trio.move_on_after(1.0) as cut:
        await platform.token(owner)
    assert cut.cancel_called
    assert platform.kept == ["refresh-1"]
    assert await platform.token(owner) == "access-1"
    assert platform.calls == 1


async def test_one_that_does_not_rotate_may_be_cancelled(autojump_clock: MockClock) -> None:
    platform, owner = Platform(), AccountTokens()
    platform.slow_s = 5.0
    with trio.move_on_after(1.0):
        await platform.token(owner)
    assert trio.current_time() == pytest.approx(1.0)
    platform.slow_s = 0.0
    assert await platform.token(owner) == "access-2"


async def test_what_cannot_be_kept_is_not_used() -> None:
    platform, owner = Platform(rotates=True), AccountTokens()

    async def no_room(_token: Secret) -> None:
        await trio.lowlevel.checkpoint()
        raise AuthFailed("no room")

    with pytest.raises(AuthFailed):
        await owner.token(platform.fetch, made_with=platform.made_with, keep=no_room)
    assert await platform.token(owner) == "access-2"


async def test_who_waited_for_a_fetch_that_failed_makes_none_itself(autojump_clock: MockClock) -> None:
    """However many wait: nobody waits for more than the one that was under way."""
    platform, owner = Platform(), AccountTokens()
    platform.slow_s, platform.fails = 20.0, Unreachable("it is down")
    ended_s: list[float] = []

    async def one() -> None:
        with pytest.raises(Unreachable, match="it is down"):
            await platform.token(owner)
        ended_s.append(trio.current_time())

    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(one)
    assert (ended_s, platform.calls) == ([20.0] * 5, 1)
    platform.fails = None
    assert await platform.token(owner) == "access-2", "the next one tries"


async def test_who_came_while_it_was_under_way_makes_none_either(autojump_clock: MockClock) -> None:
    """A call that failed may have spent a refresh token that rotates: using it again may end the grant."""
    platform, owner = Platform(), AccountTokens()
    platform.slow_s, platform.fails = 20.0, Unreachable("it is down")
    ended_s: list[float] = []

    async def one() -> None:
        with pytest.raises(Unreachable, match="it is down"):
            await platform.token(owner)
        ended_s.append(trio.current_time())

    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(one)
            await trio.sleep(1)
    assert (ended_s, platform.calls) == ([20.0] * 5, 1)
    platform.fails = None
    assert await platform.token(owner) == "access-2", "the next one tries"


async def test_a_failure_with_other_secrets_is_nobody_elses(autojump_clock: MockClock) -> None:
    platform, owner = Platform(), AccountTokens()
    platform.slow_s, platform.fails = 20.0, AuthFailed("wrong")
    found: list[str] = []

    async def first() -> None:
        with pytest.raises(AuthFailed):
            await platform.token(owner)

    async def second() -> None:
        found.append(await platform.token(owner))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(first)
        await trio.sleep(1)
        nursery.start_soon(second)
        await trio.sleep(1)
        platform.secret = "corrected"
        await trio.sleep(18.5)
        platform.fails = None
    assert found == ["access-2"]


async def test_who_waited_for_a_fetch_that_was_cancelled_makes_it(autojump_clock: MockClock) -> None:
    platform, owner = Platform(), AccountTokens()
    platform.slow_s = 5.0
    found: list[str] = []

    async def cut() -> None:
        with trio.move_on_after(1.0):
            await platform.token(owner)

    async def waiter() -> None:
        found.append(await platform.token(owner))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(cut)
        await trio.sleep(0.5)
        nursery.start_soon(waiter)
    assert found == ["access-2"]


async def test_a_consent_replaces_the_token_or_leaves_what_was(autojump_clock: MockClock) -> None:
    platform, owner = Platform(), AccountTokens()
    await platform.token(owner)
    with pytest.raises(ProtocolMismatch):
        await owner.replace(platform.fetch, platform.keep)
    assert await platform.token(owner) == "access-1"
    platform.slow_s = 2 * FETCH_LIMIT_S
    with pytest.raises(Unreachable):
        await owner.replace(platform.fetch, platform.keep)
    platform.slow_s, platform.rotates = 0.0, True
    await owner.replace(platform.fetch, platform.keep)
    assert platform.kept == ["refresh-4"]
    assert await platform.token(owner) == "access-5"
