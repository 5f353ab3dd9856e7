"""What every test may ask for."""

from tests.counterparts.fixtures import (
    account,
    ftp_account,
    new_shop,
    number,
    own_sshd,
    own_vendure,
    own_vsftpd,
    second_vendure,
    shop,
    sshd,
    vendure,
    vsftpd,
    warehouse,
)

__all__ = [
    "account",
    "ftp_account",
    "new_shop",
    "number",
    "own_sshd",
    "own_vendure",
    "own_vsftpd",
    "second_vendure",
    "shop",
    "sshd",
    "vendure",
    "vsftpd",
    "warehouse",
]
