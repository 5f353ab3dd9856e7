"""What every test may ask for."""

from tests.counterparts.fixtures import (
    account,
    new_shop,
    number,
    own_sshd,
    own_vendure,
    second_vendure,
    shop,
    sshd,
    vendure,
    warehouse,
)

__all__ = [
    "account",
    "new_shop",
    "number",
    "own_sshd",
    "own_vendure",
    "second_vendure",
    "shop",
    "sshd",
    "vendure",
    "warehouse",
]
