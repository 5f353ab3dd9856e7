"""What is in a folder, as FTP servers tell it.

With MLSD (RFC 3659) they tell names, kinds, sizes and times at once. Without it there are the names
(NLST), and SIZE and MDTM for each that matters: the lists that LIST prints are made for people, differ
between servers, and lack seconds, year or zone.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from dropstreamd.errors import Misconfigured, ProtocolMismatch
from dropstreamd.platform import ftp_data
from dropstreamd.platform.files import Entry
from dropstreamd.platform.ftp_control import Control
from dropstreamd.platform.ftp_errors import NO_FILE, not_permitted, refused

INSTANT = re.compile(r"(\d{14})(?:\.\d+)?")
LINE_BYTES = 8192
HERE = frozenset({"cdir", "pdir"})


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a listing; None, or no kind, for what it does not tell."""

    name: str
    kind: str = ""
    size: int | None = None
    mtime_s: int | None = None


class _Lines:
    """Cuts what arrives into at most `limit` lines, and one more that says that there are more."""

    def __init__(self, limit: int) -> None:
        self.found: list[str] = []
        self.endless = False
        self._limit = limit
        self._rest = b""

    def take(self, piece: bytes) -> bool:
        """Whether more is wanted."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            self._keep(line)
        self.endless = len(self._rest) > LINE_BYTES
        return len(self.found) <= self._limit and not self.endless

    def end(self) -> None:
        """The last line may lack its end."""
        self._keep(self._rest)
        self._rest = b""

    def _keep(self, line: bytes) -> None:
        text = line.rstrip(b"\r").decode(errors="surrogateescape")
        if text:
            self.found.append(text)


async def machine_list(control: Control, path: str, limit: int) -> list[Line] | None:
    """MLSD of the working folder, which is `path`; None: more than `limit`."""
    lines = await _lines(control, "MLSD", path, limit + len(HERE))
    if lines is None:
        return None
    found = [_machine_line(control, path, line) for line in lines]
    found = [line for line in found if line.kind not in HERE and line.name not in {".", ".."}]
    return found if len(found) <= limit else None


async def names(control: Control, path: str, limit: int) -> list[str] | None:
    """NLST of the working folder, which is `path`; None: more than `limit`."""
    lines = await _lines(control, "NLST", path, limit + 2)
    if lines is None:
        return None
    found = [line.rpartition("/")[2] for line in lines]
    found = [name for name in found if name not in {"", ".", ".."}]
    return found if len(found) <= limit else None


async def size(control: Control, path: str) -> int | None:
    """The file's bytes; None where there is no such file."""
    reply = await control.command("SIZE", path)
    if reply.code in NO_FILE and not not_permitted(reply):
        return None
    if not reply.done:
        raise refused(control.where, path, "looking at", reply)
    if not reply.text.isascii() or not reply.text.isdigit():
        raise ProtocolMismatch(f"{control.where}: the size of {path} is told as {reply}")
    return int(reply.text)


async def mtime_s(control: Control, path: str) -> int | None:
    """The file's time of last change; None where there is no such file."""
    reply = await control.command("MDTM", path)
    if reply.code in NO_FILE and not not_permitted(reply):
        return None
    if not reply.done:
        raise refused(control.where, path, "asking for the time of", reply)
    told = _instant(reply.text)
    if told is None:
        raise ProtocolMismatch(f"{control.where}: the time of {path} is told as {reply}")
    return told


async def entries(
    control: Control, path: str, *, limit: int, mlsd: bool, exact: Callable[[str], bool]
) -> list[Entry] | None:
    """Of the working folder, which is `path`; None: more than `limit`. As `FileServer.listdir`."""
    if mlsd:
        told = await machine_list(control, path, limit)
    else:
        plain = await names(control, path, limit)
        told = None if plain is None else [Line(name=name) for name in plain]
    if told is None:
        return None
    made = [await _entry(control, path, line, exact) for line in told]
    return [entry for entry in made if entry is not None]


async def _entry(control: Control, path: str, line: Line, exact: Callable[[str], bool]) -> Entry | None:
    """None: it has gone since it was listed."""
    bytes_, at_s = line.size, line.mtime_s
    is_file = line.kind in {"", "file"}
    if is_file and (bytes_ is None or at_s is None) and exact(line.name):
        full = f"{path.rstrip('/')}/{line.name}"
        bytes_ = await size(control, full)
        is_file = bytes_ is not None  # else a folder, most likely
        at_s = await mtime_s(control, full) if is_file else 0
        if at_s is None:
            return None
    return Entry(name=line.name, size=bytes_ or 0, mtime_s=at_s or 0, is_file=is_file)


async def _lines(control: Control, verb: str, path: str, limit: int) -> list[str] | None:
    lines = _Lines(limit)
    reply = await ftp_data.receive(control, verb, "", lines.take)
    if lines.endless:
        raise ProtocolMismatch(f"{control.where}: listing {path}: a name without end")
    if len(lines.found) > limit:
        return None
    if reply.code in NO_FILE and not lines.found and not not_permitted(reply):
        return []  # so do some servers say that a folder is empty
    if not reply.done:
        raise refused(control.where, path, "listing", reply)
    lines.end()
    return lines.found if len(lines.found) <= limit else None


def _machine_line(control: Control, path: str, line: str) -> Line:
    told, space, name = line.partition(" ")
    if not space or "=" not in told or not name:
        raise ProtocolMismatch(f"{control.where}: listing {path}: {line[:80]!r} is no line of MLSD")
    pairs = (fact.partition("=") for fact in told.split(";") if fact)
    facts = {key.casefold(): value for key, _, value in pairs}
    bytes_ = facts.get("size", "")
    return Line(
        name=name.rpartition("/")[2],
        kind=facts.get("type", "").casefold(),
        size=int(bytes_) if bytes_.isascii() and bytes_.isdigit() else None,
        mtime_s=_instant(facts.get("modify", "")),
    )


def _instant(text: str) -> int | None:
    """RFC 3659's YYYYMMDDHHMMSS, which is UTC."""
    found = INSTANT.fullmatch(text)
    if found is None:
        return None
    try:
        return int(datetime.strptime(found[1], "%Y%m%d%H%M%S").replace(tzinfo=UTC).timestamp())
    except ValueError:
        return None


def too_many(where: str, path: str, limit: int) -> Misconfigured:
    """The error for a folder of more than `limit` files."""
    return Misconfigured(
        f"{where}: {path} holds more than {limit} files", remedy="move old files out of the folder"
    )
