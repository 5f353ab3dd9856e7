"""Settings of the connection that decode but cannot be right."""

import re
from collections.abc import Iterator

from dropstream_file_exchange.settings import Settings, scheme
from dropstreamd.platform.contract import SettingProblem

PLAIN_FTP = "I accept that the password and the orders travel unencrypted"
HOST_KEY = re.compile(r"(ssh|ecdsa|sk-ssh|sk-ecdsa)-[a-z0-9@.-]+ [A-Za-z0-9+/]+={0,2}( .*)?")
URL = re.compile(r"(sftp|ftpes|ftp)://[^/:@?#]+@([^/:@?#\[\]]+|\[[0-9a-f:.]+\])(:[1-9]\d{0,4})?(/[^?#]*)?")
MOST_PORT = 65535


def login_problems(settings: Settings) -> Iterator[SettingProblem]:
    """Every problem of `url` and of what belongs to it."""
    how = scheme(settings)
    if how not in {"sftp", "ftpes", "ftp"}:
        allowed = "sftp://USER@HOST[:PORT]/FOLDER, or ftpes:// for FTP with explicit TLS"
        if how == "ftps":
            allowed += " (ftps:// would be implicit TLS, usually on port 990, which is not supported)"
        yield _problem("url", f"the scheme {how[:20]!r}", allowed)
        return
    if not (form := URL.fullmatch(settings.url)) or int((form[3] or ":1")[1:]) > MOST_PORT:
        # Not shown: somebody may have put a password in it.
        yield _problem("url", "something else", f"{how}://USER@HOST[:PORT]/FOLDER, without a password")
    if how == "sftp":
        yield from _sftp(settings)
    else:
        yield from _ftp(settings, how)


def _sftp(settings: Settings) -> Iterator[SettingProblem]:
    if (settings.key is None) == (settings.password is None):
        found = "neither key nor password" if settings.key is None else "key and password"
        yield _problem("key", found, "exactly one of key and password")
    if settings.key_passphrase is not None and settings.key is None:
        yield _problem("key_passphrase", "a passphrase without a key", "key_passphrase only beside key")
    for line in settings.host_keys or ("nothing",):
        if not HOST_KEY.fullmatch(line):
            yield _problem(
                "host_key", repr(line[:40]), '"ssh-ed25519 AAAA…", as ssh-keyscan prints it after the host'
            )
    if settings.ca_file is not None:
        yield _problem("ca_file", "a file, beside sftp://", "ca_file only beside ftpes://")
    if settings.plain_ftp:
        yield _problem("plain_ftp", "words, beside sftp://", "plain_ftp only beside ftp://")
    if settings.one_step_rename:
        yield _problem("one_step_rename", "true, beside sftp://", "nothing: an SFTP server tells it itself")


def _ftp(settings: Settings, how: str) -> Iterator[SettingProblem]:
    if settings.password is None:
        yield _problem("password", "nothing", 'password = { secret = "NAME" }, the only login of FTP')
    for key in ("key", "key_passphrase"):
        if getattr(settings, key) is not None:
            yield _problem(key, f"a key, beside {how}://", "password: FTP knows no keys")
    if settings.host_keys:
        yield _problem(
            "host_key",
            f"a host key, beside {how}://",
            "none: FTPS has certificates (see ca_file), FTP nothing",
        )
    if how == "ftpes" and settings.plain_ftp:
        yield _problem("plain_ftp", "words, beside ftpes://", "plain_ftp only beside ftp://")
    if how == "ftp":
        yield from _plain(settings)


def _plain(settings: Settings) -> Iterator[SettingProblem]:
    if settings.plain_ftp != PLAIN_FTP:
        yield _problem(
            "plain_ftp",
            "other words" if settings.plain_ftp else "nothing, beside ftp://",
            f'ftpes:// in url, which encrypts, or plain_ftp = "{PLAIN_FTP}"',
        )
    if settings.ca_file is not None:
        yield _problem("ca_file", "a file, beside ftp://", "ca_file only beside ftpes://")


def _problem(key: str, found: str, allowed: str) -> SettingProblem:
    return SettingProblem(key=key, found=found, allowed=allowed)
