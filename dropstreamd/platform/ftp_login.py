"""How an FTP session begins: encryption first, then the password, then what the server can do."""

import re

import msgspec

from dropstreamd.errors import DropstreamError, Misconfigured
from dropstreamd.platform.ftp_control import Control, Reply
from dropstreamd.platform.ftp_errors import login_refused, refused
from dropstreamd.platform.ftp_tls import Tls
from dropstreamd.platform.secrets import Secret

PWD = re.compile(r'"((?:[^"]|"")*)"')
WANTS_PASSWORD, WANTS_ACCOUNT, LOGGED_IN = 331, 332, 230


class Abilities(msgspec.Struct, frozen=True, kw_only=True):
    """What a server offers: `home` is where a login lands, `mlsd` a listing that a machine can read."""

    home: str
    mlsd: bool


async def log_in(control: Control, user: str, password: Secret, tls: Tls | None) -> Abilities:
    """Log in; without `tls` everything travels as it is. Raises Unreachable, AuthFailed, Misconfigured."""
    control.doing = "connecting"
    greeting = await control.welcome()
    if not greeting.done:
        raise refused(control.where, "", "connecting", greeting)
    if tls is not None:
        await _encrypt(control, tls)
    control.doing = "logging in"
    await _identify(control, user, password)
    if tls is not None:
        for verb, argument in (("PBSZ", "0"), ("PROT", "P")):
            _require(control, await control.command(verb, argument), f"encrypting files ({verb})")
    control.doing = "asking what the server can do"
    features = await _features(control)
    if "UTF8" in features:
        await control.command("OPTS", "UTF8 ON")  # some servers want to be told, others refuse to be
    _require(control, await control.command("TYPE", "I"), "switching to binary files")
    return Abilities(home=await _home(control), mlsd="MLST" in features)


async def _encrypt(control: Control, tls: Tls) -> None:
    control.doing = "beginning TLS"
    reply = await control.command("AUTH", "TLS")
    if not reply.done:
        raise Misconfigured(
            f"{control.where}: the server offers no encryption (AUTH TLS): {reply}",
            remedy="have explicit FTPS switched on, or use sftp://",
        )
    await control.encrypt(tls)


async def _identify(control: Control, user: str, password: Secret) -> None:
    reply = await control.command("USER", user)
    if reply.code == WANTS_PASSWORD:
        reply = await control.command("PASS", password.reveal())
    if reply.code == WANTS_ACCOUNT:
        raise Misconfigured(
            f"{control.where}: the server asks for an FTP account beside the user name",
            remedy="have a login made that needs none",
        )
    if not reply.done:
        raise login_refused(control.where, reply, password)


async def _features(control: Control) -> frozenset[str]:
    reply = await control.command("FEAT")
    if not reply.done:
        return frozenset()
    words = (line.split() for line in reply.lines[1:-1])
    return frozenset(line[0].upper() for line in words if line)


async def _home(control: Control) -> str:
    reply = await control.command("PWD")
    found = PWD.search(reply.text) if reply.done else None
    if found is None or not found[1].startswith("/"):
        raise _cannot(control, reply, "asking for the login's folder")
    return found[1].replace('""', '"')


def _require(control: Control, reply: Reply, doing: str) -> None:
    if not reply.done:
        raise _cannot(control, reply, doing)


def _cannot(control: Control, reply: Reply, doing: str) -> DropstreamError:
    return refused(control.where, "", doing, reply)
