"""What every test may ask for."""

import pytest

from tests.counterparts.fixtures import (
    account,
    ftp_account,
    medusa,
    medusa_models,
    medusa_shop,
    new_shop,
    number,
    own_sshd,
    own_vendure,
    own_vsftpd,
    second_vendure,
    shop,
    sshd,
    tryton,
    tryton_warehouse,
    vendure,
    vsftpd,
    warehouse,
)
from tests.counterparts.workers import share_servers

__all__ = [
    "account",
    "ftp_account",
    "medusa",
    "medusa_models",
    "medusa_shop",
    "new_shop",
    "number",
    "own_sshd",
    "own_vendure",
    "own_vsftpd",
    "second_vendure",
    "shop",
    "sshd",
    "tryton",
    "tryton_warehouse",
    "vendure",
    "vsftpd",
    "warehouse",
]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    share_servers(items)
