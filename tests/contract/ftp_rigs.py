"""Rigs for warehouses that exchange files over FTPS: vsftpd, which wants its sessions resumed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from dropstreamd.testing import Rig
from tests.counterparts.vsftpd import FtpAccount

from .sftp_rigs import Folders, file_rig


@asynccontextmanager
async def vsftpd_in_place(ftp_account: FtpAccount) -> AsyncIterator[Rig[Any]]:
    """With the setting that says what is true of vsftpd: it renames in one step."""
    yield _rig(ftp_account, one_step_rename=True)


@asynccontextmanager
async def vsftpd(ftp_account: FtpAccount) -> AsyncIterator[Rig[Any]]:
    """With the settings' defaults."""
    yield _rig(ftp_account, one_step_rename=False)


def _rig(account: FtpAccount, *, one_step_rename: bool) -> Rig[Any]:
    def table(port: int) -> dict[str, object]:
        return {
            "url": f"ftpes://{account.user}@127.0.0.1:{port}{account.folder}",
            "password": {"secret": "acme"},
            "ca_file": str(account.ca),
            "one_step_rename": one_step_rename,
            "settle_s": 0,
        }

    folders = Folders(account.root, account.owner)
    secrets, wrong = {"acme": account.password}, {"acme": "another password"}
    return file_rig(folders, account.port, table, secrets, wrong)
