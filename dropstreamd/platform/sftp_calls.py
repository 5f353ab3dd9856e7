"""What an `Sftp` does, as it runs in the connection's own thread and loop."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import asyncssh

from dropstreamd.platform.files import Entry
from dropstreamd.platform.sftp_errors import ABSENT

READ_BYTES = 1 << 20  # asked for at once, in as many parallel requests as the server allows


async def goodbye(connection: asyncssh.SSHClientConnection, patience_s: float) -> None:
    connection.close()
    try:
        async with asyncio.timeout(patience_s):
            await connection.wait_closed()
    except TimeoutError:
        connection.abort()
        await connection.wait_closed()


async def listdir(sftp: asyncssh.SFTPClient, path: str, limit: int) -> list[Entry] | None:
    entries: list[Entry] = []
    # As bytes: a name in another encoding must not hide all the others.
    async for found in sftp.scandir(raw(path)):
        name = found.filename
        name = name.decode(errors="surrogateescape") if isinstance(name, bytes) else name
        if name in {".", ".."}:
            continue
        if len(entries) == limit:
            return None
        entries.append(
            Entry(
                name=name,
                size=found.attrs.size or 0,
                mtime_s=int(found.attrs.mtime or 0),
                is_file=found.attrs.type in {asyncssh.FILEXFER_TYPE_REGULAR, asyncssh.FILEXFER_TYPE_UNKNOWN},
            )
        )
    return entries


async def size(sftp: asyncssh.SFTPClient, path: str) -> int | None:
    with suppress(*ABSENT):
        return (await sftp.stat(raw(path))).size or 0
    return None


async def download(
    sftp: asyncssh.SFTPClient, path: str, into: Callable[[bytes], object], limit_bytes: int
) -> int | None:
    try:
        file = await sftp.open(raw(path), "rb")
    except ABSENT:
        return None
    count = 0
    async with file:
        while count <= limit_bytes:
            chunk: bytes = await file.read(min(READ_BYTES, limit_bytes + 1 - count))
            if not chunk:
                break
            count += len(chunk)
            into(chunk[: len(chunk) - max(0, count - limit_bytes)])
    return count


async def write(sftp: asyncssh.SFTPClient, path: str, content: bytes) -> None:
    async with await sftp.open(raw(path), "wb", encoding=None) as file:
        await file.write(content)
        with suppress(asyncssh.SFTPOpUnsupported):
            await file.fsync()


async def offers_posix_rename(sftp: asyncssh.SFTPClient, absent: str) -> bool:
    try:
        await sftp.posix_rename(raw(absent), raw(f"{absent}-renamed"))
    except asyncssh.SFTPOpUnsupported:
        return False
    except (asyncssh.SFTPNoConnection, asyncssh.SFTPConnectionLost):
        raise
    except asyncssh.SFTPError:
        return True
    return True


async def mkdir(sftp: asyncssh.SFTPClient, path: str) -> None:
    if not await sftp.isdir(raw(path)):
        await sftp.mkdir(raw(path))


def raw(path: str) -> bytes:
    """As the server spells it: what `_listdir` could not decode comes back byte for byte."""
    return path.encode(errors="surrogateescape")
