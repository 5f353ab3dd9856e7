"""Of many documents that are asked for, those over which the platform fails are found; what is the platform's
own trouble is of none of them."""

from collections.abc import Collection, Sequence

import pytest

from dropstreamd.errors import ProtocolMismatch, RateLimited, Unreachable
from dropstreamd.platform.one_by_one import Failing, by_tens

MANY = [f"k{number}" for number in range(100)]
DOWN = Unreachable("answered 500", answered=True)
SILENT = Unreachable("no answer came in time")


class Shop:
    """Fails every call that asks for one of `odd`, and every one from the `down`th on."""

    def __init__(self, odd: Collection[str], *, error: Exception = DOWN, down: int = 10_000) -> None:
        self.odd = odd
        self.error = error
        self.down = down
        self.calls = 0
        self.there = ["k0", "k1", "old", "older", "oldest"]
        self.failed_in_a_row = self.most_in_a_row = 0

    async def read(self, keys: Sequence[str]) -> dict[str, str]:
        self.calls += 1
        if self.calls >= self.down or set(keys) & set(self.odd):
            self.failed_in_a_row += 1
            self.most_in_a_row = max(self.most_in_a_row, self.failed_in_a_row)
            raise self.error
        self.failed_in_a_row = 0
        return {key: key.upper() for key in keys if key != "gone"}

    async def others(self) -> Sequence[str]:
        if self.calls >= self.down:
            raise DOWN
        self.failed_in_a_row = 0
        return self.there


@pytest.mark.parametrize(
    ("odd", "most_calls"),
    [
        ((), 1),
        (("k0",), 25),
        (("k99",), 25),
        (("k3", "k30"), 38),
        (("k0", "k1"), 26),
        (MANY[1:], 222),
        (MANY, 222),
        (("k7", "old"), 26),
    ],
)
@pytest.mark.parametrize("error", [DOWN, ProtocolMismatch("a web page")], ids=["5xx", "unreadable"])
async def test_the_others_are_told(odd: Collection[str], most_calls: int, error: Exception) -> None:
    shop = Shop(odd, error=error)
    found, failed = await by_tens(MANY, shop.read, shop.others)
    assert found == {key: key.upper() for key in MANY if key not in odd}
    assert list(failed) == [key for key in MANY if key in odd]
    assert all(reason == f"the store fails to tell it: {error}" for reason in failed.values())
    assert shop.calls <= most_calls
    assert shop.most_in_a_row <= 1, "a circuit would open"


async def test_what_is_gone_is_neither() -> None:
    shop = Shop(["k1"])
    found, failed = await by_tens(["gone", "k0", "k1"], shop.read, shop.others)
    assert (list(found), list(failed)) == (["k0"], ["k1"])
    assert await by_tens([], shop.read, shop.others) == ({}, {})


@pytest.mark.parametrize("count", [1, 3, 100])
async def test_where_nothing_else_is_told_it_is_of_no_document(count: int) -> None:
    shop = Shop([*MANY, "old", "older"])
    with pytest.raises(Unreachable, match="answered 500"):
        await by_tens(MANY[:count], shop.read, shop.others)
    assert shop.calls <= 11


async def test_a_shop_that_has_no_others() -> None:
    """Or only such as it fails over: one of those asked for has to be told, before three were not."""
    shop = Shop(["k0", "k2", "old"])
    for there in (["k0"], ["old"]):
        shop.there = there
        found, failed = await by_tens(MANY[:3], shop.read, shop.others)
        assert (list(found), list(failed)) == (["k1"], ["k0", "k2"])
    shop.there = ["k0"]
    found, failed = await by_tens(MANY[:3], shop.read, shop.others)
    assert (list(found), list(failed)) == (["k1"], ["k0", "k2"])
    for odd, asked in ((MANY, MANY), (MANY, MANY[:1]), (["k0"], ["k0", "gone"]), (MANY[:3], MANY[:4])):
        shop.odd, shop.calls = odd, 0
        with pytest.raises(Unreachable):
            await by_tens(asked, shop.read, shop.others)
        assert shop.calls <= 8


@pytest.mark.parametrize("odd", [("k0", "old", "older"), ("k0", "k1", "old"), ("k0", "k1", "old", "older")])
async def test_no_circuit_opens_over_single_documents(odd: Collection[str]) -> None:
    """Each of these calls is tried four times, and five failures in a row open the account's circuit: then
    nobody is told anything for a while, and no document is to blame. An answer of any kind comes between."""
    shop = Shop(odd)
    shop.there = ["old", "older"]
    found, failed = await by_tens(MANY[:4], shop.read, shop.others)
    assert (set(found), set(failed)) == (set(MANY[:4]) - set(odd), set(MANY[:4]) & set(odd))
    assert shop.most_in_a_row == 1


@pytest.mark.parametrize("error", [SILENT, RateLimited("fewer", retry_after_s=1)], ids=["silence", "429"])
async def test_other_trouble_is_raised(error: Exception) -> None:
    shop = Shop(["k5"], error=error)
    with pytest.raises(type(error)):
        await by_tens(MANY, shop.read, shop.others)
    assert shop.calls == 1


@pytest.mark.parametrize("down", range(1, 24))
async def test_a_platform_that_goes_down_meanwhile_makes_nothing_bad(down: int) -> None:
    shop = Shop(["k25"], down=down)
    with pytest.raises(Unreachable):
        await by_tens(MANY, shop.read, shop.others)


def test_one_failure_is_of_the_document_two_are_not() -> None:
    failing = Failing()
    assert failing.over(DOWN) == "the store fails to tell it: answered 500"
    failing.unless(answered=True)
    with pytest.raises(Unreachable):
        failing.unless(answered=False)
    with pytest.raises(ProtocolMismatch):
        failing.over(ProtocolMismatch("a web page"))
    with pytest.raises(Unreachable, match="in time"):
        Failing().over(SILENT)
