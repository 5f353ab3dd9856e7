"""A write is made again only where it is certain that it had no effect."""

import pytest

from dropstreamd.errors import DropstreamError, OutcomeUnknown, RateLimited, Unreachable
from dropstreamd.platform.again import TRIES, until_taken


class Write:
    """Raises these, one for each try; then it is made."""

    def __init__(self, *errors: DropstreamError) -> None:
        self.errors = list(errors)
        self.made = 0

    async def __call__(self) -> str:
        self.made += 1
        if self.errors:
            raise self.errors.pop(0)
        return "made"


def busy(retry_after_s: float = 3.0) -> RateLimited:
    return RateLimited("answered 429", retry_after_s=retry_after_s)


async def test_one_that_is_refused_for_its_number_is_made_again() -> None:
    write = Write(*[busy()] * (TRIES - 1))
    assert await until_taken(write, most_wait_s=20) == "made"
    assert write.made == TRIES


@pytest.mark.parametrize(
    ("errors", "made"),
    [
        ([busy()] * TRIES, TRIES),
        ([busy(), busy(21)], 2),
        ([OutcomeUnknown("no answer")], 1),
        ([busy(), Unreachable("no connection")], 2),
    ],
)
async def test_any_other_end_is_told(errors: list[DropstreamError], made: int) -> None:
    write = Write(*errors)
    with pytest.raises(type(errors[made - 1])):
        await until_taken(write, most_wait_s=20)
    assert write.made == made
