"""Edits the configuration's files as a careful person would: comments stay, a bad edit changes nothing.

What an edit would give is loaded first, with all other files; problems that it would bring refuse it.
Then the file is replaced whole: a reader, or a crash, sees the old one or the new one.
"""

import errno
import hashlib
import os
import random
import stat
import tomllib
from collections.abc import Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
import tomlkit
from tomlkit.exceptions import TOMLKitError

from dropstreamd.config.accounts import Plugins
from dropstreamd.config.connections import CONNECTIONS
from dropstreamd.config.disk import read_regular, sync_folder, write_new
from dropstreamd.config.files import TOML_LIMIT_BYTES, Overlay, name_of
from dropstreamd.config.load import load
from dropstreamd.config.merchants import MERCHANTS
from dropstreamd.config.place import Place
from dropstreamd.errors import ConfigError, Misconfigured, Problem, ReadOnly, Stale

Kind = Literal["merchant", "connection"]

_FOLDERS: Mapping[Kind, str] = {"merchant": MERCHANTS, "connection": CONNECTIONS}
_NEW_MODE = 0o640
_READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)
_ID_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


class FileText(msgspec.Struct, frozen=True, kw_only=True):
    """A file as it was read; `digest` tells later whether it is still the same."""

    text: str
    digest: str


class Editor:
    """Edits of merchants and connections. Every method blocks on the disk; calls must not overlap.

    Each raises ConfigError with the problems that the edit would bring, ReadOnly where the daemon may not
    write, Stale where `digest` was given and the file is another by now, Misconfigured where the disk
    fails. After each of them the file is as it was (a folder that cannot be synced excepted).
    """

    def __init__(self, conf_dir: Path, plugins: Plugins) -> None:
        self._conf_dir = conf_dir
        self._plugins = plugins

    def read(self, kind: Kind, name: str) -> FileText:
        """A file's text and digest."""
        path = self._path(kind, name)
        content = self._content(path)
        try:
            return FileText(text=content.decode(), digest=_digest(content))
        except UnicodeDecodeError as error:
            raise self._refused(path, "a byte that is no UTF-8", "text in UTF-8") from error

    def add(self, kind: Kind, name: str, text: str) -> FileText:
        """A new file, as `text` has it."""
        path = self._path(kind, name)
        if os.path.lexists(self._conf_dir / path):
            raise self._refused(path, "a file of that name", f"the name of a new {kind}")
        content = text.encode()
        self._try({path: content})
        self._write(path, content, before=None)
        return FileText(text=text, digest=_digest(content))

    def add_connection(self, name: str, text: str, rng: random.Random) -> FileText:
        """A new connection. A text without an `id` gets one, as its first line."""
        try:
            has_id = "id" in tomllib.loads(text)
        except ValueError:
            has_id = True  # `add` reports what is wrong
        return self.add("connection", name, text if has_id else f'id = "{new_id(rng)}"\n{text}')

    def replace(self, kind: Kind, name: str, text: str, *, digest: str) -> FileText:
        """The whole file anew, as a person edited what `read` gave."""
        path = self._path(kind, name)
        before = self._content(path, digest)
        content = text.encode()
        self._try({path: content})
        self._write(path, content, before=before)
        return FileText(text=text, digest=_digest(content))

    def remove(self, kind: Kind, name: str, *, digest: str | None = None) -> None:
        """The file is gone, durably. A merchant that a connection names is refused."""
        path = self._path(kind, name)
        self._content(path, digest)
        self._try({path: None})
        target = self._target(path)
        try:
            target.unlink()
            sync_folder(target.parent)
        except OSError as error:
            raise self._failed(path, error) from error

    def set_schedule(
        self,
        connection: str,
        channel: str,
        job: str,
        rules: Sequence[str] | None,
        *,
        digest: str | None = None,
    ) -> FileText:
        """The rules of one job; () is manual, None is the default. Nothing else of the file changes."""
        path = self._path("connection", connection)
        before = self._content(path, digest)
        text = self._scheduled(path, before, (channel, job), rules)
        content = text.encode()
        if content != before:
            self._try({path: content})
            self._write(path, content, before=before)
        return FileText(text=text, digest=_digest(content))

    def _scheduled(self, path: str, before: bytes, key: tuple[str, str], rules: Sequence[str] | None) -> str:
        form = f"a table [channels.{key[0]}]"
        try:
            wanted = tomllib.loads(before.decode())
            document = tomlkit.parse(before.decode())
            done = _set(wanted, key, rules, dict) and _set(document, key, rules, tomlkit.table)
            text = tomlkit.dumps(document)
        except (ValueError, RecursionError, TOMLKitError) as error:
            raise self._refused(path, "what cannot be edited as it is", form) from error
        if not done or tomllib.loads(text) != wanted:
            raise self._refused(path, "what cannot be edited as it is", form)
        return text

    def _path(self, kind: Kind, name: str) -> str:
        path, problems = f"{_FOLDERS[kind]}/{name}.toml", list[Problem]()
        if name_of(name, Place(_FOLDERS[kind], problems)) is None:
            raise ConfigError(problems)
        return path

    def _content(self, path: str, digest: str | None = None) -> bytes:
        try:
            content = read_regular(self._conf_dir / path, TOML_LIMIT_BYTES)
        except OSError as error:
            found = (error.strerror or "an error").lower()
            raise self._refused(path, found, "a file that the daemon may read") from error
        if digest is not None and digest != _digest(content):
            raise self._stale(path)
        return content

    def _try(self, overlay: Overlay) -> None:
        """Refuse an edit for the problems that it would bring; those that there are already may stay."""
        earlier = self._problems(None)
        brought = [problem for problem in self._problems(overlay) if problem not in earlier]
        if brought:
            raise ConfigError(brought)

    def _problems(self, overlay: Overlay | None) -> Sequence[Problem]:
        try:
            return load(self._conf_dir, self._plugins, overlay=overlay).problems
        except ConfigError as error:
            return error.problems

    def _write(self, path: str, content: bytes, *, before: bytes | None) -> None:
        """Replace a file that still has the content `before`, or make one where there is none."""
        target = self._target(path)
        part = target.parent / f".{target.name}.part"
        try:
            part.unlink(missing_ok=True)
            mode = _NEW_MODE if before is None else stat.S_IMODE(target.stat().st_mode)
            write_new(part, content, mode)
            if before is None:
                os.link(part, target)
                part.unlink()
            elif read_regular(target, TOML_LIMIT_BYTES) == before:
                part.replace(target)
            else:
                part.unlink()
                raise self._stale(path)
            sync_folder(target.parent)
        except FileExistsError as error:
            part.unlink(missing_ok=True)
            raise self._stale(path) from error
        except OSError as error:
            raise self._failed(path, error) from error

    def _target(self, path: str) -> Path:
        """Where a file is; a symbolic link there is another's way of managing it."""
        target = self._conf_dir / path
        if target.is_symlink():
            raise self._read_only(path, "a symbolic link")
        return target

    def _failed(self, path: str, error: OSError) -> ConfigError | Misconfigured:
        if error.errno in _READ_ONLY:
            return self._read_only(path, "a folder that the daemon may not write")
        return Misconfigured(
            f"{self._conf_dir / path} cannot be written: {error.strerror}",
            remedy="look at its disk and folder",
        )

    def _read_only(self, path: str, found: str) -> ReadOnly:
        hint = "edit it where it comes from, then `dropstreamctl reload`"
        return ReadOnly([self._problem(path, found, "a file that the daemon may replace", hint)])

    def _stale(self, path: str) -> Stale:
        found = "another content than was read before"
        return Stale([self._problem(path, found, "the same file", "read it again, then edit")])

    def _refused(self, path: str, found: str, allowed: str) -> ConfigError:
        return ConfigError([self._problem(path, found, allowed, "")])

    def _problem(self, path: str, found: str, allowed: str, hint: str) -> Problem:
        return Problem(file=str(self._conf_dir / path), key="", found=found, allowed=allowed, hint=hint)


def new_id(rng: random.Random) -> str:
    """An id for a new connection; without letters and digits that are mistaken for others."""
    return "c-" + "".join(rng.choice(_ID_LETTERS) for _ in range(10))


def _set(document: Any, key: tuple[str, str], rules: Sequence[str] | None, table: Any) -> bool:
    """Set or remove `channels.CHANNEL.JOB`, in plain data and in a document with comments alike; False
    where something other than a table is in the way."""
    channel, job = key
    parent = document
    for name in ("channels", channel):
        if name not in parent:
            if rules is None:
                return True
            parent[name] = table()
        parent = parent[name]
        if not isinstance(parent, MutableMapping):
            return False
    if rules is None:
        parent.pop(job, None)
    else:
        parent[job] = list(rules)
    return True


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
