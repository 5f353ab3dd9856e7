"""Where an HTTP connection really goes: the address is checked on the very socket that is opened.

A name is resolved once, each of its addresses is judged, and the connection is made to one that was
allowed, by number: a name that changes its address between the look-up and the connection (DNS
rebinding) gains nothing. The Host header and the TLS server name stay those of the address that was
configured.
"""

import ipaddress
import math
import socket
import ssl
from collections.abc import Iterable

import certifi
import httpcore
import trio

from dropstreamd.errors import Misconfigured

_MOST_ADDRESSES = 4
_NAT64 = ipaddress.ip_network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Trust:
    """TLS contexts, made once for each CA file (making one costs some 50 ms of CPU, so a thread does it).

    Certificates are always verified. Without a CA file, the authorities are those of the `certifi`
    package, whatever the environment says.
    """

    def __init__(self) -> None:
        self._contexts: dict[str | None, ssl.SSLContext] = {}

    async def context(self, ca_file: str | None) -> ssl.SSLContext:
        """The context for this file. Raises Misconfigured where it cannot be read or holds none."""
        if ca_file not in self._contexts:
            # Read again by the next client after a failure; a replaced file counts from a restart.
            self._contexts[ca_file] = await trio.to_thread.run_sync(_make_context, ca_file)
        return self._contexts[ca_file]


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """Opens TCP connections to allowed addresses only.

    Public addresses are allowed where the connection is encrypted; private, loopback and link-local
    ones only with `allow_private`; with `plain` (no TLS) only these.
    """

    def __init__(self, *, allow_private: bool, plain: bool) -> None:
        self._allow_private = allow_private
        self._plain = plain
        self._tcp = httpcore.TrioBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        deadline_s = trio.current_time() + (math.inf if timeout is None else timeout)
        addresses = self._allowed(host, await _resolve(host, port, deadline_s))
        failure: Exception = httpcore.ConnectTimeout("there was no time to try")
        for tried, address in enumerate(addresses):
            share_s = max(0.0, deadline_s - trio.current_time()) / (len(addresses) - tried)
            try:
                return await self._tcp.connect_tcp(str(address), port, share_s, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def sleep(self, seconds: float) -> None:
        await trio.sleep(seconds)

    def _allowed(self, host: str, addresses: list[Address]) -> list[Address]:
        private = [address for address in addresses if not is_public(address)]
        allowed = private if self._plain else addresses
        if not self._allow_private:
            allowed = [address for address in allowed if address not in private]
        if allowed:
            return allowed[:_MOST_ADDRESSES]
        if self._plain:
            raise Misconfigured(
                f"{host}: {addresses[0]} is public, and http:// would carry the credentials unencrypted",
                remedy="use its https:// address",
            )
        raise Misconfigured(
            f"{host}: {addresses[0]} is a private address, to which connections are refused",
            remedy="set allow_private_address = true if this host is meant",
        )


def is_public(address: Address) -> bool:
    """Whether it is an address of the public Internet, also where an IPv6 one carries an IPv4 one."""
    if isinstance(address, ipaddress.IPv6Address):
        carried = address.ipv4_mapped or address.sixtofour
        if carried is None and address in _NAT64:
            carried = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if carried is not None:
            return is_public(carried)
    return address.is_global and not address.is_multicast


async def _resolve(host: str, port: int, deadline_s: float) -> list[Address]:
    try:
        with trio.fail_at(deadline_s):
            found = await trio.socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except trio.TooSlowError as error:
        raise httpcore.ConnectTimeout("looking up its name took too long") from error
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no host name"
        raise httpcore.ConnectError(f"looking up its name failed: {reason}") from error
    if not found:
        raise httpcore.ConnectError("its name has no address")
    return [ipaddress.ip_address(sockaddr[0]) for _, _, _, _, sockaddr in found]


def _make_context(ca_file: str | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ca_file or certifi.where())
    except OSError as error:  # ssl.SSLError is one
        raise Misconfigured(
            f"ca_file {ca_file}: {error.strerror or error}",
            remedy="name a readable file of PEM certificates",
        ) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context
