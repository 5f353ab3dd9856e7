"""FTP's second connection, which carries one file or one listing.

It is always ours to open, to the address that the control connection has reached (whatever address the
server may name), and in TLS it resumes the control connection's session.
"""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import trio

from dropstreamd.errors import Misconfigured, Unreachable
from dropstreamd.platform.ftp_control import Control, Reply, why
from dropstreamd.platform.ftp_tls import Tls, start_tls

CONNECT_S = 20.0
STALL_S = 60.0  # for the next piece of a file
GRACE_S = 2.0
CHUNK_BYTES = 64 << 10

EPSV = re.compile(r"\((.)\1\1(\d{1,5})\1\)")
PASV = re.compile(r"\d{1,3},\d{1,3},\d{1,3},\d{1,3},(\d{1,3}),(\d{1,3})")

Data = trio.SocketStream | trio.SSLStream[trio.SocketStream]


async def receive(control: Control, verb: str, argument: str, take: Callable[[bytes], bool]) -> Reply:
    """Hand what the server sends to `take` until it says False; the server's last answer.

    An answer that is not `done` means that what was taken may not be all. Raises as `Control` does.
    """
    async with _opened(control, verb, argument) as (begun, data):
        if data is None:
            return begun
        try:
            wanted = True
            while wanted and (piece := await _piece(control, data)):
                wanted = take(piece)
            if wanted:
                await _finish(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            return await _after_breaking(control, data, error)
        await _close(data)
        return await control.answer()


async def send(control: Control, verb: str, argument: str, content: bytes) -> Reply:
    """Send `content`; the server's last answer. Raises as `Control` does."""
    async with _opened(control, verb, argument) as (begun, data):
        if data is None:
            return begun
        try:
            for start in range(0, len(content), CHUNK_BYTES):
                with trio.fail_after(STALL_S):
                    await data.send_all(content[start : start + CHUNK_BYTES])
        except trio.TooSlowError as error:
            raise control.lost(f"the server took nothing for {STALL_S:g} s") from error
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            return await _after_breaking(control, data, error)
        await _finish(data)
        await _close(data)
        return await control.answer()


@asynccontextmanager
async def _opened(control: Control, verb: str, argument: str) -> AsyncIterator[tuple[Reply, Data | None]]:
    """The data connection of one command, None where the server refused the command."""
    plain = await _connect(control)
    try:
        await control.send(verb, argument)
        begun = await control.first()
        if not begun.preliminary:
            yield begun, None
        elif control.tls is None:
            yield begun, plain
        else:
            yield begun, await _encrypted(control, control.tls, plain)
    finally:
        await _close(plain)


async def _encrypted(control: Control, tls: Tls, plain: trio.SocketStream) -> Data:
    try:
        with trio.fail_after(CONNECT_S):
            return await start_tls(plain, tls, control.where, resumed=control.session)
    except trio.TooSlowError as error:
        raise control.lost("the server did not begin TLS on the data connection") from error
    except Unreachable as error:
        await _close(plain)
        reply = await control.answer()
        raise Unreachable(f"{error}; the server then said {reply}") from error


async def _connect(control: Control) -> trio.SocketStream:
    port = await _port(control)
    try:
        with trio.fail_after(CONNECT_S):
            return await trio.open_tcp_stream(control.peer, port)
    except (OSError, trio.TooSlowError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise Unreachable(
            f"{control.where}: {control.doing}: no data connection to port {port}: "
            f"{reason or f'no answer within {CONNECT_S:g} s'}",
            remedy="have the server's range of passive ports opened in the firewalls between",
        ) from error


async def _port(control: Control) -> int:
    reply = await control.command("EPSV")
    found = EPSV.search(reply.text) if reply.done else None
    if found is not None:
        return int(found[2])
    if not reply.done:
        reply = await control.command("PASV")
        found = PASV.search(reply.text) if reply.done else None
        if found is not None:
            return (int(found[1]) << 8) + int(found[2])
    raise Misconfigured(
        f"{control.where}: {control.doing}: the server opens no port for data: {reply}",
        remedy="have passive mode switched on",
    )


async def _piece(control: Control, data: Data) -> bytes:
    try:
        with trio.fail_after(STALL_S):
            return bytes(await data.receive_some(CHUNK_BYTES))
    except trio.TooSlowError as error:
        raise control.lost(f"the server sent nothing for {STALL_S:g} s") from error


async def _after_breaking(control: Control, data: Data, error: BaseException) -> Reply:
    """The data connection broke: the server's answer may say why."""
    await _close(data)
    reply = await control.answer()
    if reply.done:
        raise control.lost(f"its data connection broke: {why(error)}") from error
    return reply


async def _finish(data: Data) -> None:
    """Say goodbye in TLS, then in TCP, and read the server's own: to close with something unread (TLS
    sends some) would throw away what the server has not yet read."""
    gone = suppress(trio.BrokenResourceError, trio.ClosedResourceError)
    plain = data.transport_stream if isinstance(data, trio.SSLStream) else data
    if isinstance(data, trio.SSLStream):
        with gone, trio.move_on_after(GRACE_S):
            await data.unwrap()
    with gone, trio.move_on_after(GRACE_S):
        await plain.send_eof()
        while await plain.receive_some(CHUNK_BYTES):
            pass


async def _close(data: Data) -> None:
    await trio.aclose_forcefully(data)
