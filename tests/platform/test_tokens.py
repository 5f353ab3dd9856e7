"""An account's access tokens are got once, used until shortly before their end, and shown to nobody."""

import pytest
import trio
from trio.testing import MockClock

from dropstreamd.errors import Unreachable
from dropstreamd.platform.secrets import Secret
from dropstreamd.platform.tokens import EARLY_S, MOST_KEPT, Token, Tokens


class Giver:
    """Gives tokens that live for an hour, counted."""

    def __init__(self, lives_s: float = 3600.0) -> None:
        self.given = 0
        self.lives_s = lives_s

    async def __call__(self) -> Token:
        await trio.sleep(1)
        self.given += 1
        return Token(secret=Secret(f"token {self.given}"), lives_s=self.lives_s)


async def test_of_several_who_ask_at_once_one_gets_it(autojump_clock: MockClock) -> None:
    tokens, giver = Tokens(), Giver()
    got: list[str] = []

    async def ask() -> None:
        got.append((await tokens.get("a", giver)).reveal())

    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(ask)
    assert got == ["token 1"] * 5
    assert giver.given == 1
    assert (await tokens.get("b", giver)).reveal() == "token 2"


async def test_it_is_renewed_before_its_end(autojump_clock: MockClock) -> None:
    tokens, giver = Tokens(), Giver()
    await tokens.get("a", giver)
    await trio.sleep(3600 - EARLY_S - 2)
    assert (await tokens.get("a", giver)).reveal() == "token 1"
    await trio.sleep(3)
    assert (await tokens.get("a", giver)).reveal() == "token 2"
    short = Giver(lives_s=10)
    await tokens.get("short", short)
    await trio.sleep(4)
    await tokens.get("short", short)
    assert short.given == 1, "one that lives briefly is used for half its life"


async def test_one_that_was_refused_is_renewed_once(autojump_clock: MockClock) -> None:
    tokens, giver = Tokens(), Giver()
    first = await tokens.get("a", giver)
    second = await tokens.get("a", giver, refused=first)
    assert await tokens.get("a", giver, refused=first) is second, "another has renewed it"
    assert giver.given == 2


async def test_what_fails_leaves_nothing_behind(autojump_clock: MockClock) -> None:
    tokens, giver = Tokens(), Giver()

    async def fail() -> Token:
        raise Unreachable("nobody there")

    with pytest.raises(Unreachable):
        await tokens.get("a", fail)
    assert (await tokens.get("a", giver)).reveal() == "token 1"


async def test_few_are_kept_and_none_is_shown(autojump_clock: MockClock) -> None:
    tokens, giver = Tokens(), Giver()
    for number in range(MOST_KEPT + 1):
        secret = await tokens.get(str(number), giver)
        assert "token" not in repr(secret)
    await tokens.get("0", giver)
    assert giver.given == MOST_KEPT + 2
