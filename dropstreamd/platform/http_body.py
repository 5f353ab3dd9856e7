"""The body of an answer, read under a limit on what arrives and on what it unpacks to."""

import zlib
from collections.abc import Mapping

import httpcore

from dropstreamd.platform.http_errors import Call, lost, mismatch


async def read_body(
    call: Call, answer: httpcore.Response, headers: Mapping[str, str], limit_bytes: int
) -> bytes:
    """The whole body, unpacked.

    Never holds more than `limit_bytes` and one chunk. Raises ProtocolMismatch (for a write
    OutcomeUnknown) for a body that is larger, or packed otherwise than by gzip.
    """
    declared = headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit_bytes:
        raise _too_large(call, limit_bytes)
    arrived = await _arrived(answer, limit_bytes)
    if len(arrived) > limit_bytes:
        raise _too_large(call, limit_bytes)
    packing = headers.get("content-encoding", "identity").strip().lower()
    if packing in ("identity", "") or not arrived:
        return arrived
    if packing not in ("gzip", "x-gzip"):
        raise mismatch(call, f"the answer is packed by {packing[:20]!r}, which was not asked for")
    return _unpack(call, arrived, limit_bytes)


async def _arrived(answer: httpcore.Response, limit_bytes: int) -> bytes:
    """The body as it came; where it is over the limit, its beginning, over the limit too."""
    arrived = bytearray()
    try:
        async for chunk in answer.aiter_stream():
            if len(arrived) > limit_bytes:
                continue
            arrived += chunk
            if len(arrived) > limit_bytes:
                # Leaving the loop would leave httpcore's generators half-way: cut the connection,
                # so that they come to their end by themselves.
                await answer.aclose()
    except (httpcore.NetworkError, httpcore.ProtocolError):
        if len(arrived) <= limit_bytes:
            raise
    return bytes(arrived)


def _unpack(call: Call, packed: bytes, limit_bytes: int) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        body = unpacker.decompress(packed, limit_bytes + 1)
    except zlib.error as error:
        raise mismatch(call, "the answer says that it is packed by gzip, and is not") from error
    if len(body) > limit_bytes:
        raise _too_large(call, limit_bytes)
    if not unpacker.eof:
        raise lost(call, "the packed answer is cut short", answered=True)
    if unpacker.unused_data:
        raise mismatch(call, "bytes follow the packed answer")
    return body


def _too_large(call: Call, limit_bytes: int) -> Exception:
    return mismatch(call, f"the answer is larger than {limit_bytes} bytes")
