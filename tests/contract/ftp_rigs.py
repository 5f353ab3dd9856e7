"""A rig for warehouses that exchange files over FTPS: vsftpd, which wants its sessions resumed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from dropstreamd.testing import Rig
from tests.counterparts.vsftpd import FtpAccount

from .sftp_rigs import Folders, file_rig


@asynccontextmanager
async def vsftpd(ftp_account: FtpAccount) -> AsyncIterator[Rig[Any]]:
    """With the setting that says what is true of vsftpd: it renames in one step. Without it, pushes
    that break are in doubt more often than the contract lets them be."""

    def table(port: int) -> dict[str, object]:
        return {
            "url": f"ftpes://{ftp_account.user}@127.0.0.1:{port}{ftp_account.folder}",
            "password": {"secret": "acme"},
            "ca_file": str(ftp_account.ca),
            "one_step_rename": True,
            "settle_s": 0,
        }

    folders = Folders(ftp_account.root, ftp_account.owner)
    secrets, wrong = {"acme": ftp_account.password}, {"acme": "another password"}
    yield file_rig(folders, ftp_account.port, table, secrets, wrong)
