"""What went wrong over SFTP, as one of our errors."""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncssh

from dropstreamd.errors import AuthFailed, DropstreamError, Misconfigured, OutcomeUnknown, Unreachable

# Any of these says that the connection is gone or that its bytes make no sense.
BROKEN = (asyncssh.DisconnectError, asyncssh.SFTPNoConnection, asyncssh.SFTPConnectionLost, OSError)
ABSENT = (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath)


@contextmanager
def connecting(where: str) -> Iterator[None]:
    """Map what may go wrong while a connection is made to `where` (`user@host:port`)."""
    try:
        yield
    except asyncssh.PermissionDenied as error:
        raise AuthFailed(
            f"{where}: the server refused the credentials",
            remedy="check the user name and its key or password",
        ) from error
    except asyncssh.KeyExchangeFailed as error:
        raise Misconfigured(
            f"{where}: no common method of encryption or host key: {error.reason}",
            remedy="compare host_key with the server's own keys",
        ) from error
    except asyncssh.ChannelOpenError as error:
        raise Misconfigured(
            f"{where}: the server offers this user no SFTP: {error.reason}",
            remedy="have SFTP switched on for it",
        ) from error
    except (asyncssh.DisconnectError, OSError) as error:
        raise Unreachable(f"{where}: the connection failed: {_text(error)}") from error
    except asyncssh.SFTPError as error:
        raise Misconfigured(f"{where}: the server does not speak SFTP as expected: {error.reason}") from error


@contextmanager
def working(where: str, path: str, doing: str, *, unknown: bool = False) -> Iterator[None]:
    """Map what may go wrong while `doing` something to `path`.

    `unknown`: the request has an effect; when its answer is lost, that is `OutcomeUnknown`.
    """
    try:
        yield
    except BROKEN as error:
        lost = OutcomeUnknown if unknown else Unreachable
        raise lost(f"{where}: the connection was lost while {doing} {path}: {_text(error)}") from error
    except asyncssh.SFTPError as error:
        raise _refused(where, path, doing, error) from error


def _refused(where: str, path: str, doing: str, error: asyncssh.SFTPError) -> DropstreamError:
    if isinstance(error, ABSENT):
        return Misconfigured(
            f"{where}: {doing} {path}: there is no such file or folder",
            remedy="create it, or correct the path",
        )
    if isinstance(error, (asyncssh.SFTPPermissionDenied, asyncssh.SFTPWriteProtect)):
        return Misconfigured(
            f"{where}: {doing} {path}: permission denied", remedy="have the account permitted to do this"
        )
    if isinstance(error, asyncssh.SFTPNoSpaceOnFilesystem | asyncssh.SFTPQuotaExceeded):
        return Unreachable(f"{where}: {doing} {path}: the server's disk or quota is full")
    if isinstance(
        error, asyncssh.SFTPNotADirectory | asyncssh.SFTPFileIsADirectory | asyncssh.SFTPFileAlreadyExists
    ):
        return Misconfigured(f"{where}: {doing} {path}: {error.reason}")
    if doing == "writing":
        return Unreachable(
            f"{where}: writing {path} failed without a reason; a full disk or quota looks like this"
        )
    return Unreachable(f"{where}: {doing} {path} failed: {error.reason or 'no reason given'}")


def _text(error: Exception) -> str:
    return str(error) or type(error).__name__
