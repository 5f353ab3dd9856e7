"""A session's one connection to the warehouse's server, over SFTP, FTPS or FTP."""

from contextlib import AsyncExitStack

import trio

from dropstream_file_exchange.settings import Settings, ftp_address, scheme, sftp_address
from dropstreamd.errors import ProtocolMismatch
from dropstreamd.platform.contract import Finding, Host
from dropstreamd.platform.files import FileServer
from dropstreamd.platform.ftp import connect_ftp
from dropstreamd.platform.ftp_tls import make_tls
from dropstreamd.platform.secrets import Secret
from dropstreamd.platform.sftp import connect_sftp
from dropstreamd.platform.sftp_login import Password, PrivateKey


class Link:
    """Connects when it is first asked to; `stack` closes what it opened."""

    def __init__(self, settings: Settings, host: Host, stack: AsyncExitStack) -> None:
        self._settings = settings
        self._host = host
        self._stack = stack
        self._lock = trio.Lock()
        self._server: FileServer | None = None
        self._tls_version: str | None = None

    async def server(self) -> FileServer:
        """Connected; raises what `connect_sftp` and `connect_ftp` do."""
        async with self._lock:
            if self._server is None:
                async with self._host.limiter.admit():
                    self._server = await self._connect()
            return self._server

    async def findings(self) -> list[Finding]:
        """What is to be known of the server, beside its folders."""
        how = scheme(self._settings)
        atomic = await (await self.server()).atomic_rename()
        return [_rename(how, atomic=atomic), *_encryption(how, self._tls_version)]

    async def _connect(self) -> FileServer:
        settings = self._settings
        how = scheme(settings)
        if how == "sftp":
            keys = settings.host_keys
            session = connect_sftp(sftp_address(settings), self._login(), host_keys=keys)
            return await self._stack.enter_async_context(session)
        at = ftp_address(settings)
        tls = None if how == "ftp" else await make_tls(at.host, settings.ca_file)
        ftp = await self._stack.enter_async_context(
            connect_ftp(at, self._password(), tls=tls, one_step_rename=settings.one_step_rename)
        )
        self._tls_version = ftp.encryption
        return ftp

    def _login(self) -> Password | PrivateKey:
        settings, host = self._settings, self._host
        if settings.key is None:
            return Password(password=self._password())
        locked = settings.key_passphrase
        return PrivateKey(
            key=host.secret(settings.key), passphrase=None if locked is None else host.secret(locked)
        )

    def _password(self) -> Secret:
        if self._settings.password is None:
            raise ProtocolMismatch("neither key nor password is set")
        return self._host.secret(self._settings.password)


def _rename(how: str, *, atomic: bool) -> Finding:
    if atomic and how == "sftp":
        return Finding(name="rename", ok=True, detail="the server renames in one step")
    if atomic:
        return Finding(
            name="rename", ok=True, detail="the server renames in one step, as one_step_rename says"
        )
    if how == "sftp":
        remedy = "a server with posix-rename@openssh.com, such as OpenSSH, knows no such doubt"
    else:
        remedy = "set one_step_rename = true where the warehouse's server renames in place (see the README)"
    return Finding(
        name="rename",
        ok=True,
        detail="the server renames in two steps: a connection lost between them leaves an order in doubt",
        remedy=remedy,
    )


def _encryption(how: str, tls_version: str | None) -> list[Finding]:
    if how == "sftp":
        return []
    if tls_version is not None:
        verified = f"{tls_version}; the certificate and its name are verified"
        return [Finding(name="encryption", ok=True, detail=verified)]
    none = "none: anybody on the way can read and change the password and the orders"
    return [Finding(name="encryption", ok=True, detail=none, remedy="ask the warehouse for FTPS or SFTP")]
