"""Folders on another machine, over SFTP, FTP or FTPS.

Every path is relative to the account's folder and uses `/`. All of it raises `Unreachable` for a
lost or failing connection, `AuthFailed` for refused credentials and `Misconfigured`, naming the
path, for what is not there or not permitted.
"""

from collections.abc import Callable
from typing import Protocol

import msgspec


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One name in a folder; `mtime_s` is the server's own time of last change, in whole seconds."""

    name: str
    size: int
    mtime_s: int
    is_file: bool


class FileServer(Protocol):
    """One connection to a file server; its methods are called one at a time."""

    async def listdir(
        self, folder: str, *, limit: int, exact: Callable[[str], bool] | None = None
    ) -> list[Entry]:
        """What is in `folder`, less `.` and `..`, in no order. More than `limit`: Misconfigured.

        `exact` says of which names size, time and kind matter (None: of all); where each costs a
        question, the others come as files of 0 bytes and time 0. A server may hide names that begin
        with a dot.
        """
        ...

    async def size(self, path: str) -> int | None:
        """Bytes of the file, None where there is none."""
        ...

    async def read(self, path: str, *, limit_bytes: int) -> bytes | None:
        """The whole of a small file, None where there is none. Larger: Misconfigured."""
        ...

    async def download(self, path: str, into: Callable[[bytes], object], *, limit_bytes: int) -> int | None:
        """Hand the file's bytes to `into`, in order, and return their number; None where there is
        no such file. `into` may be called from another thread. Larger than the limit: Misconfigured,
        after at most that much. A cancellation leaves what `into` had until then."""
        ...

    async def write(self, path: str, content: bytes) -> None:
        """Make the file hold exactly `content`, replacing what it held. When this raises or is
        cancelled, the file may hold anything, or not be there."""
        ...

    async def atomic_rename(self) -> bool:
        """Whether `rename` happens in one step even if the server dies within it."""
        ...

    async def rename(self, source: str, target: str) -> bool:
        """Give the file another name, in one step where the server can. False: there is no such
        file. An existing target is refused (Misconfigured), except over SFTP in one step, where it
        is replaced: look first. `OutcomeUnknown` where the answer was lost."""
        ...

    async def remove(self, path: str) -> bool:
        """Remove the file. False: there was none."""
        ...

    async def mkdir(self, folder: str) -> None:
        """Make the folder, unless it is there. Its parent must be there."""
        ...
