"""TLS on FTP's two connections: certificate and host name are always verified."""

import ssl

import certifi
import msgspec
import trio

from dropstreamd.errors import Misconfigured, Unreachable

OLD_OR_OTHER = ("UNSUPPORTED_PROTOCOL", "NO_PROTOCOLS_AVAILABLE", "DH_KEY_TOO_SMALL", "HANDSHAKE_FAILURE")


class Tls(msgspec.Struct, frozen=True, kw_only=True):
    """What is trusted, and the name that the server's certificate must bear."""

    context: ssl.SSLContext
    host: str


async def make_tls(host: str, ca_file: str | None) -> Tls:
    """`ca_file` holds the authorities that alone are trusted, or the server's own certificate (which
    need not be an authority's); None: those of the `certifi` package, whatever the environment says.

    Raises Misconfigured where the file cannot be read or holds none.
    """
    context = await trio.to_thread.run_sync(_make_context, ca_file)
    return Tls(context=context, host=host)


async def start_tls(
    stream: trio.SocketStream, tls: Tls, where: str, *, resumed: ssl.SSLSession | None = None
) -> trio.SSLStream[trio.SocketStream]:
    """The stream, in TLS from now on. `resumed` is the control connection's session: servers ask for
    it on data connections, as a proof that both are one client's.

    A server that ends its side without TLS's own goodbye is taken to have ended it: on the data
    connection the answer on the other one says whether all was sent.
    """
    encrypted = trio.SSLStream(stream, tls.context, server_hostname=tls.host, https_compatible=True)
    if resumed is not None:
        encrypted.session = resumed
    try:
        await encrypted.do_handshake()
    except trio.BrokenResourceError as error:
        raise _explained(error.__cause__, where) from error
    return encrypted


def _explained(cause: BaseException | None, where: str) -> Misconfigured | Unreachable:
    if isinstance(cause, ssl.SSLCertVerificationError):
        wrong_name = "mismatch" in cause.verify_message
        remedy = (
            "write the host in url as the certificate names it"
            if wrong_name
            else "name the authority's certificate, or the server's own, in ca_file; "
            "if it has expired, the warehouse must renew it"
        )
        return Misconfigured(
            f"{where}: the server's certificate is not accepted: {cause.verify_message}", remedy=remedy
        )
    if isinstance(cause, ssl.SSLError) and any(word in str(cause.reason) for word in OLD_OR_OTHER):
        return Misconfigured(
            f"{where}: no common version of TLS: {cause.reason}",
            remedy="the server must offer TLS 1.2 or newer",
        )
    reason = cause.reason if isinstance(cause, ssl.SSLError) else None
    return Unreachable(f"{where}: TLS could not begin: {reason or 'the connection was lost'}")


def _make_context(ca_file: str | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ca_file or certifi.where())
    except OSError as error:  # ssl.SSLError is one
        raise Misconfigured(
            f"the certificates of ca_file {ca_file}: {error.strerror or error}",
            remedy="name a readable file of PEM certificates",
        ) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file is not None:
        # The server's own certificate is then as good an anchor as an authority's.
        context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    return context
