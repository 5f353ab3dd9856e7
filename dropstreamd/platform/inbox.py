"""Files in: each complete file is read once, and cleared away after its content is durable.

A file is complete when its done-marker is there, or when its size and time are the same in two looks
of one run. It is remembered by a mark: name, size, time, digest, and whether it could be read.
"""

import fnmatch
import hashlib
import tempfile
from collections.abc import Callable, Sequence
from typing import IO
from urllib.parse import quote, unquote

import msgspec
import trio

from dropstreamd.errors import ProtocolMismatch
from dropstreamd.platform.files import Entry, FileServer

IN_MEMORY_BYTES = 4 << 20
MOST_FILES = 20_000


class InboxRules(msgspec.Struct, frozen=True, kw_only=True):
    """Which files of a folder are ours to read, when they are complete, and where they go then.

    `done` is a pattern such as `{name}.done` or `{stem}.ok`, None for two looks `settle_s` apart.
    `archive` is a folder below this one, None to remove what was read. What cannot be read goes to
    `quarantine` in any case.
    """

    folder: str
    pattern: str
    done: str | None = None
    settle_s: float = 10.0
    archive: str | None = "archive"
    quarantine: str = "quarantine"
    limit_bytes: int = 64 << 20

    def done_name(self, name: str) -> str | None:
        """The name of the marker that says that `name` is complete."""
        if self.done is None:
            return None
        return self.done.format(name=name, stem=name.rpartition(".")[0] or name)


class Mark(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What a file was when it was read. As text it is the same whenever the same file comes again."""

    name: str
    size: int
    mtime_s: int
    digest: str
    readable: bool

    def __str__(self) -> str:
        name = quote(self.name, safe=" ", errors="surrogateescape")
        return msgspec.json.encode(msgspec.structs.replace(self, name=name)).decode()

    @classmethod
    def parse(cls, text: str) -> "Mark":
        """The mark that `str` wrote."""
        try:
            found = msgspec.json.decode(text, type=cls, strict=True)
            return msgspec.structs.replace(found, name=unquote(found.name, errors="surrogateescape"))
        except msgspec.DecodeError as error:
            raise ProtocolMismatch(f"the mark {text!r} of a file is none of ours") from error


class Fetched(msgspec.Struct, frozen=True, kw_only=True):
    """A file on this machine, in memory or in an unnamed temporary file, at its beginning."""

    entry: Entry
    digest: str
    content: IO[bytes]

    def mark(self, *, readable: bool) -> str:
        return mark(self.entry, self.digest, readable=readable)


def mark(entry: Entry, digest: str, *, readable: bool) -> str:
    """The mark of a file; `digest` is "" for one that was not fetched."""
    seen = Mark(name=entry.name, size=entry.size, mtime_s=entry.mtime_s, digest=digest, readable=readable)
    return str(seen)


def file_key(name: str, digest: str) -> str:
    """The key that a file is set aside under, where it cannot be read: the same for the same bytes under the
    same name. Those of one name are alike up to their last space."""
    named = hashlib.blake2b(name.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()
    return f"file {named} {digest}"


class Inbox:
    """One folder that files come to, for one run."""

    def __init__(self, server: FileServer, rules: InboxRules) -> None:
        self._server = server
        self._rules = rules
        self._made: set[str] = set()

    async def waiting(self) -> list[Entry]:
        """The complete files, oldest first. It takes `settle_s` where there is anything to wait for."""
        seen = await self._look(self._matches)
        found = [entry for entry in seen if self._is_ours(entry)]
        if self._rules.done is not None:
            names = {entry.name for entry in seen}
            found = [entry for entry in found if self._rules.done_name(entry.name) in names]
        elif found:
            await trio.sleep(self._rules.settle_s)
            again = set(map(_look_of, await self._look(self._matches)))
            found = [entry for entry in found if _look_of(entry) in again]
        return sorted(found, key=lambda entry: (entry.mtime_s, entry.name))

    def too_large(self, entry: Entry) -> str | None:
        """Why the file is not to be fetched, if it is too large; its mark is then `unread`."""
        if entry.size <= self._rules.limit_bytes:
            return None
        return f"it holds {entry.size} bytes, the limit is {self._rules.limit_bytes}"

    async def fetch(self, entry: Entry) -> Fetched | None:
        """The file's content, to be closed by the caller; None where it has gone or changed in size
        since it was looked at. Cancelled, it leaves nothing."""
        digest = hashlib.blake2b(digest_size=16)
        content = tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES)  # noqa: SIM115 (the caller closes it)

        def keep(chunk: bytes) -> None:
            digest.update(chunk)
            content.write(chunk)

        count = None
        try:
            count = await self._server.download(
                self._path(entry.name), keep, limit_bytes=self._rules.limit_bytes
            )
        finally:
            if count != entry.size:
                content.close()
        if count != entry.size:
            return None
        content.seek(0)
        return Fetched(entry=entry, digest=digest.hexdigest(), content=content)

    async def confirm(self, marks: Sequence[str]) -> None:
        """Clear away the files that these marks name, unless they have changed. Idempotent."""
        if not marks:
            return
        read = [Mark.parse(text) for text in marks]
        names = frozenset(taken.name for taken in read)
        there = {_look_of(entry) for entry in await self._look(names.__contains__)}
        for taken in read:
            if (taken.name, taken.size, taken.mtime_s) in there:
                await self._clear_away(taken)

    async def _clear_away(self, taken: Mark) -> None:
        target = self._rules.archive if taken.readable else self._rules.quarantine
        if target is None:
            await self._server.remove(self._path(taken.name))
        else:
            await self._move(taken, target)
        done = self._rules.done_name(taken.name)
        if done is not None:
            await self._server.remove(self._path(done))

    async def _move(self, taken: Mark, target: str) -> None:
        """Move a file into another folder. A name that is taken there gets the digest added; the
        same content under that name too is the same file, and this one is removed."""
        folder = self._path(target)
        if folder not in self._made:
            await self._server.mkdir(folder)
            self._made.add(folder)
        stem, dot, suffix = taken.name.rpartition(".")
        plain = f"{folder}/{taken.name}"
        named = f"{folder}/{stem}.{taken.digest}{dot}{suffix}" if dot else f"{plain}.{taken.digest}"
        for name in (plain, named):
            if await self._server.size(name) is None:
                await self._server.rename(self._path(taken.name), name)
                return
        await self._server.remove(self._path(taken.name))

    async def _look(self, exact: Callable[[str], bool]) -> list[Entry]:
        return await self._server.listdir(self._rules.folder, limit=MOST_FILES, exact=exact)

    def _is_ours(self, entry: Entry) -> bool:
        return entry.is_file and self._matches(entry.name)

    def _matches(self, name: str) -> bool:
        return fnmatch.fnmatchcase(name, self._rules.pattern)

    def _path(self, name: str) -> str:
        return f"{self._rules.folder}/{name}"


def _look_of(entry: Entry) -> tuple[str, int, int]:
    return entry.name, entry.size, entry.mtime_s
