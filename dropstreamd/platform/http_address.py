"""Which addresses and headers a client takes, what a call may name, and where a redirection may lead."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

import httpx

from dropstreamd.errors import Misconfigured, ProtocolMismatch
from dropstreamd.platform.http_errors import Call

USUAL_PORTS = {"https": 443, "http": 80}


def server_of(url: str) -> str:
    """Host and port of a sound address, as an account's key names them: the same for every way to write
    them. A port is left out where the scheme has it anyway, and so is the dot that may end a host."""
    address = urlsplit(url)
    usual = address.port == USUAL_PORTS.get(address.scheme)
    port = f":{address.port}" if address.port and not usual else ""
    return f"{(address.hostname or '').removesuffix('.')}{port}"


def server_formerly(url: str) -> tuple[str, ...]:
    """The same in other ways, of which keys once had the one that was written."""
    address = urlsplit(url)
    written = f"{address.hostname}:{address.port}" if address.port else f"{address.hostname}"
    usual = USUAL_PORTS.get(address.scheme)
    return (written, f"{server_of(url)}:{usual}") if address.port in (None, usual) else (written,)


def redirection(call: Call, status: int, headers: Mapping[str, str], address: httpx.URL) -> httpx.URL | None:
    """Where a safe GET is to be asked again, if it is: the same scheme, host and port, or it raises
    Misconfigured."""
    location = headers.get("location")
    if call.method != "GET" or call.applied == "write" or location is None:
        return None
    if status not in (301, 302, 303, 307, 308):
        return None
    try:
        target = address.join(location)
    except httpx.InvalidURL:
        target = httpx.URL()
    if not _same_origin(target, address):
        raise Misconfigured(
            f"{call}: answered {status}, a redirection to "
            f"{target.scheme}://{target.host}, which is not followed",
            remedy="if that is the right address, configure it",
        )
    return target


def checked_base(base: str, *, allow_private: bool) -> httpx.URL:
    """The configured address, or Misconfigured. It is not repeated in the error: it may hold a secret."""
    try:
        url = httpx.URL(base)
    except httpx.InvalidURL as error:
        raise Misconfigured("the address is no URL", remedy="write it as https://host/path") from error
    if url.scheme not in ("https", "http") or not url.host:
        raise Misconfigured("the address is no https:// URL", remedy="write it as https://host/path")
    if url.userinfo:
        raise Misconfigured(
            f"{url.host}: the address holds a user name or password", remedy="name a secret instead"
        )
    if url.scheme == "http" and not allow_private:
        raise Misconfigured(
            f"{url.host}: http:// would carry the credentials unencrypted",
            remedy="use its https:// address, or set allow_private_address = true for a private one",
        )
    return url.copy_with(fragment=None)


def checked_call(base: httpx.URL, url: str) -> httpx.URL:
    """The address that `url` names (as `HttpClient.request` says), or ProtocolMismatch where it is of another
    host or none at all."""
    if not url:
        return base
    below = base if url.startswith("?") else base.copy_with(path=base.path.rstrip("/") + "/", query=None)
    try:
        address = below.join(url)
    except httpx.InvalidURL as error:
        raise ProtocolMismatch(f"{base.host}: an address to be called is malformed") from error
    if not _same_origin(address, base):
        raise ProtocolMismatch(f"{base.host}: a call led to another host, {address.host}, and was not made")
    return address


def checked_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """With names in lower case. A value is never shown, not even in a chained error."""
    for name, value in headers.items():
        if not re.fullmatch(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?|", value):
            raise Misconfigured(
                f"header {name}: its value has a character that HTTP does not allow",
                remedy="look for a line break or a space at the end of the secret",
            )
    return {name.lower(): value for name, value in headers.items()}


def _same_origin(one: httpx.URL, other: httpx.URL) -> bool:
    """Whether what may be told to the one may be told to the other."""
    return (one.scheme, one.host, one.port) == (other.scheme, other.host, other.port)
