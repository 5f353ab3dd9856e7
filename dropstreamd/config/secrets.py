"""Secrets on disk: read when used, written durably, shown never.

`secrets/` in the state folder (0700) holds one file (0600) a secret. Credentials are systemd's, in
`$CREDENTIALS_DIRECTORY`, whose access systemd rules (by ACL where the service has a user of its own).
Other files must be closed to group and world.
"""

import errno
import os
import re
import stat
import threading
from pathlib import Path

from dropstreamd.config.disk import open_regular, sync_folder, write_new
from dropstreamd.errors import ConfigError, Misconfigured, Problem
from dropstreamd.platform.secrets import Secret, SecretRef

SECRET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
ALLOWED_NAME = "letters, digits, dot, - and _, at most 100, starting with a letter or digit"
SECRET_LIMIT_BYTES = 64 * 1024


class SecretStore:
    """The secrets that this daemon can reach.

    Methods block on the disk, briefly, and may be called in any thread. One process writes.
    """

    def __init__(self, state_dir: Path, credentials_dir: Path | None) -> None:
        self._folder = state_dir / "secrets"
        self._credentials = credentials_dir
        self._writing = threading.Lock()

    def read(self, ref: SecretRef) -> Secret:
        """Its present value, less line ends at its end. Raises Misconfigured, which says what to do."""
        if ref.secret is not None:
            remedy = f"run `dropstreamctl secret set {_named(ref.secret)}`"
            return _read(self._folder / _named(ref.secret), f"the {ref}", remedy, private=True, follow=False)
        if ref.credential is not None:
            if self._credentials is None:
                raise Misconfigured(
                    f"there is no {ref}: CREDENTIALS_DIRECTORY is not set",
                    remedy="add LoadCredential= to the service, or use { secret = … }",
                )
            remedy = f"see LoadCredential=, SetCredentialEncrypted= of the service for {ref.credential}"
            return _read(
                self._credentials / _named(ref.credential), f"the {ref}", remedy, private=False, follow=True
            )
        if ref.file is not None and Path(ref.file).is_absolute():
            remedy = "it must be a file of the daemon's user, with mode 0600 or less"
            return _read(Path(ref.file), f"the {ref}", remedy, private=True, follow=True)
        raise Misconfigured(
            f"{ref} cannot be found", remedy="name a secret, a credential or an absolute path"
        )

    def put(self, name: str, value: str) -> None:
        """Make a secret durable; an earlier value is gone. Raises ConfigError for a name or value that
        cannot be one, Misconfigured where it cannot be written (then the earlier value stands)."""
        content = value.rstrip("\r\n").encode()
        _refuse_unless(SECRET_NAME.fullmatch(name) is not None, "another name", ALLOWED_NAME)
        _refuse_unless(len(content) > 0, "an empty value", "a secret", key=name)
        _refuse_unless(
            len(content) <= SECRET_LIMIT_BYTES,
            f"{len(content)} bytes",
            f"at most {SECRET_LIMIT_BYTES} bytes",
            key=name,
        )
        try:
            with self._writing:
                self._folder.mkdir(mode=0o700, exist_ok=True)
                self._folder.chmod(0o700)
                _replace(self._folder, name, content)
        except OSError as error:
            raise Misconfigured(
                f"the secret {name} cannot be written: {error.strerror}", remedy=f"look at {self._folder}"
            ) from error

    def names(self) -> tuple[str, ...]:
        """The names of the secrets that were put, sorted."""
        try:
            found = [path.name for path in self._folder.iterdir()]
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise Misconfigured(
                f"the secrets cannot be listed: {error.strerror}", remedy=f"look at {self._folder}"
            ) from error
        return tuple(sorted(name for name in found if SECRET_NAME.fullmatch(name)))

    def delete(self, name: str) -> bool:
        """Forget a secret, durably; False if there was none."""
        _refuse_unless(SECRET_NAME.fullmatch(name) is not None, "another name", ALLOWED_NAME)
        try:
            with self._writing:
                (self._folder / name).unlink()
                sync_folder(self._folder)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise Misconfigured(
                f"the secret {name} cannot be deleted: {error.strerror}", remedy=f"look at {self._folder}"
            ) from error
        return True


def _named(name: str) -> str:
    """A name that stays in its folder."""
    if SECRET_NAME.fullmatch(name) is None:
        raise Misconfigured("a secret is named as none can be", remedy=f"a name may have {ALLOWED_NAME}")
    return name


def _refuse_unless(fine: bool, found: str, allowed: str, *, key: str = "") -> None:
    if not fine:
        raise ConfigError([Problem(file="secrets", key=key, found=found, allowed=allowed)])


def _read(path: Path, what: str, remedy: str, *, private: bool, follow: bool) -> Secret:
    try:
        with open_regular(path, follow=follow) as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            content = file.read(SECRET_LIMIT_BYTES + 3)
    except OSError as error:
        symbolic = not follow and error.errno == errno.ELOOP
        reason = "is a symbolic link" if symbolic else f"cannot be read: {error.strerror}"
        raise Misconfigured(f"{what} {reason}", remedy=remedy) from error
    if private and mode & 0o177:
        raise Misconfigured(f"{what} has mode {mode:04o}: others may read it", remedy=f"chmod 0600 {path}")
    return _decoded(content, what, remedy)


def _decoded(content: bytes, what: str, remedy: str) -> Secret:
    try:
        value = content.decode().rstrip("\r\n")
    except UnicodeDecodeError:  # not chained: the error carries the bytes
        value = None
    if value is None:
        raise Misconfigured(f"{what} is not text in UTF-8", remedy=remedy)
    if len(value.encode()) > SECRET_LIMIT_BYTES:
        raise Misconfigured(f"{what} is larger than {SECRET_LIMIT_BYTES} bytes", remedy=remedy)
    if not value:
        raise Misconfigured(f"{what} is empty", remedy=remedy)
    return Secret(value)


def _replace(folder: Path, name: str, content: bytes) -> None:
    """Under a name that no secret can have first, so that a crash leaves the old value or the new."""
    part = folder / f".{name}.part"
    part.unlink(missing_ok=True)
    write_new(part, content, 0o600)
    part.replace(folder / name)
    sync_folder(folder)
