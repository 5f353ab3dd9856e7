"""Of many that are asked for in one call, the one over which it fails is found."""

from collections.abc import Collection, Sequence

import pytest

from dropstreamd.errors import ProtocolMismatch, Unreachable
from dropstreamd.platform.halves import by_halves

MANY = [f"k{number}" for number in range(50)]


class Shop:
    """Fails every call that asks for one of `odd`."""

    def __init__(self, odd: Collection[str]) -> None:
        self.odd = odd
        self.calls = 0

    async def ask(self, keys: Sequence[str]) -> list[str]:
        self.calls += 1
        if set(keys) & set(self.odd):
            raise ProtocolMismatch("refused")
        return [key.upper() for key in keys]


@pytest.mark.parametrize(
    ("odd", "most_calls"),
    [((), 1), (("k0",), 13), (("k49",), 13), (("k3", "k30"), 24), (("k0", "k1"), 14), (MANY[1:], 99)],
)
async def test_the_others_are_told(odd: Collection[str], most_calls: int) -> None:
    shop = Shop(odd)
    found, failed = await by_halves(MANY, shop.ask, ProtocolMismatch)
    assert found == [key.upper() for key in MANY if key not in odd]
    assert list(failed) == [key for key in MANY if key in odd]
    assert shop.calls <= most_calls


@pytest.mark.parametrize(("count", "most_calls"), [(1, 1), (2, 3), (50, 10)])
async def test_where_nothing_goes_well_it_is_not_of_one_key(count: int, most_calls: int) -> None:
    shop = Shop(MANY)
    with pytest.raises(ProtocolMismatch):
        await by_halves(MANY[:count], shop.ask, ProtocolMismatch)
    assert shop.calls <= most_calls


async def test_nothing_is_asked_for_nothing_and_other_trouble_is_raised() -> None:
    shop = Shop(MANY)
    assert await by_halves([], shop.ask, ProtocolMismatch) == ([], {})
    assert shop.calls == 0
    with pytest.raises(ProtocolMismatch):
        await by_halves(MANY, shop.ask, Unreachable)
    assert shop.calls == 1
