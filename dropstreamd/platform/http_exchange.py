"""One try of a call: sent, redirected where it may be, and its answer read, all under limits."""

from collections.abc import Mapping

import httpcore
import httpx
import msgspec
import trio

from dropstreamd.errors import Misconfigured
from dropstreamd.platform.http_address import redirection
from dropstreamd.platform.http_answer import Response
from dropstreamd.platform.http_body import read_body
from dropstreamd.platform.http_errors import Call, from_exception, lost

_MOST_REDIRECTIONS = 3


class HttpLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of every call. Seconds are for each connect, read and write, and for the whole of a try: a
    shorter deadline belongs to the caller (`trio.fail_after`). `retries` are for safe calls only."""

    connect_s: float = 10.0
    read_s: float = 60.0
    write_s: float = 60.0
    whole_s: float = 900.0
    response_bytes: int = 32 * 1024 * 1024
    request_bytes: int = 8 * 1024 * 1024
    retries: int = 3


async def exchange(
    pool: httpcore.AsyncConnectionPool,
    call: Call,
    address: httpx.URL,
    headers: Mapping[str, str],
    content: bytes | None,
    limits: HttpLimits,
) -> Response:
    """Ask `address`, and where a safe GET is redirected to, whatever the status is in the end.

    Raises as `http_errors` says of calls that no status came of, and Misconfigured for a redirection that
    is not followed.
    """
    with trio.move_on_after(limits.whole_s):
        for _ in range(_MOST_REDIRECTIONS + 1):
            response = await _send(pool, call, address, headers, content, limits)
            target = redirection(call, response.status, response.headers, address)
            if target is None:
                return response
            address = target
        raise Misconfigured(f"{call}: redirected more than {_MOST_REDIRECTIONS} times")
    raise lost(call, f"the answer was not complete within {limits.whole_s:g} s")


async def _send(
    pool: httpcore.AsyncConnectionPool,
    call: Call,
    address: httpx.URL,
    headers: Mapping[str, str],
    content: bytes | None,
    limits: HttpLimits,
) -> Response:
    seconds = {"connect": limits.connect_s, "read": limits.read_s, "write": limits.write_s}
    try:
        async with pool.stream(
            call.method,
            httpcore.URL(
                scheme=address.raw_scheme,
                host=address.raw_host,
                port=address.port,
                target=address.raw_path,
            ),
            headers=[(name.encode(), value.encode()) for name, value in headers.items()],
            content=content,
            extensions={"timeout": {**seconds, "pool": limits.connect_s + limits.read_s}},
        ) as answer:
            told = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in answer.headers}
            body = await read_body(call, answer, told, limits.response_bytes)
            return Response(call=call, status=answer.status, headers=told, body=body)
    except (
        httpcore.NetworkError,
        httpcore.TimeoutException,
        httpcore.ProtocolError,
        ExceptionGroup,
    ) as error:
        meant = from_exception(call, error)
        if meant is None:
            raise
        raise meant from error
