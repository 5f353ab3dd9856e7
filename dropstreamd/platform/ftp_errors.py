"""What an FTP server's refusal means, as one of our errors.

FTP's codes are few and servers use them freely: 550 is "no such file", "not permitted" and more. What
a server says in words decides between them where it is plain, else the caller looks.
"""

from dropstreamd.errors import AuthFailed, DropstreamError, Misconfigured, Unreachable
from dropstreamd.platform.ftp_control import Reply
from dropstreamd.platform.secrets import Secret

UNKNOWN_COMMAND = {500, 502, 504}
NO_FILE = {450, 550, 553}
NO_SPACE = {452, 552}
ENCRYPTION = {522, 533, 534, 535, 536}
NO_DATA_CONNECTION = 425
NOT_LOGGED_IN = {530, 532}


def not_permitted(reply: Reply) -> bool:
    """Whether the server says in words that it is a matter of permission."""
    text = reply.text.casefold()
    return any(word in text for word in ("permission", "denied", "not allowed", "forbidden", "read-only"))


def too_many(reply: Reply) -> bool:
    """Whether a login was refused for the number of others."""
    text = reply.text.casefold()
    return "too many" in text or "maximum" in text


def refused(where: str, path: str, doing: str, reply: Reply) -> DropstreamError:
    """The error for a refusal while `doing` something to `path`."""
    at = f"{where}: {doing} {path}" if path else f"{where}: {doing}"
    if reply.code in NOT_LOGGED_IN:
        return AuthFailed(f"{at}: {reply}", remedy="have the account permitted to do this")
    if reply.passing or reply.code in NO_SPACE:
        return _passing(at, doing, reply)
    return _lasting(at, reply)


def _passing(at: str, doing: str, reply: Reply) -> Unreachable:
    if reply.code in NO_SPACE:
        return Unreachable(f"{at}: the server's disk or quota is full: {reply}")
    if reply.code == NO_DATA_CONNECTION:
        return Unreachable(
            f"{at}: the server had no data connection: {reply}",
            remedy="have its range of passive ports opened in the firewalls between",
        )
    hint = "; a full disk or quota looks like this" if doing == "writing" else ""
    return Unreachable(f"{at} failed: {reply}{hint}")


def _lasting(at: str, reply: Reply) -> Misconfigured:
    if reply.code in ENCRYPTION:
        return Misconfigured(
            f"{at}: the server wants TLS otherwise than it is used: {reply}",
            remedy="compare its settings with this plugin's README",
        )
    if reply.code in UNKNOWN_COMMAND:
        return Misconfigured(f"{at}: the server cannot do this: {reply}", remedy="use another kind of server")
    if not_permitted(reply):
        return Misconfigured(
            f"{at}: permission denied: {reply}", remedy="have the account permitted to do this"
        )
    return Misconfigured(
        f"{at} was refused: {reply}", remedy="see that the folder is there and the account may write to it"
    )


def login_refused(where: str, reply: Reply, password: Secret) -> DropstreamError:
    """The error for a refused login. What the server says is not shown where it repeats the password."""
    said = str(reply.code) if password.reveal() in reply.text else str(reply)
    if too_many(reply) or reply.passing:
        return Unreachable(f"{where}: the server takes no more logins for now: {said}")
    if reply.code in UNKNOWN_COMMAND:
        return Misconfigured(
            f"{where}: the server cannot log this user in: {said}", remedy="show this to the warehouse"
        )
    return AuthFailed(
        f"{where}: the server refused the credentials: {said}",
        remedy="check the user name and its password, and whether the server wants encryption (ftpes://)",
    )
