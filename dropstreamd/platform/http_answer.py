"""What was answered to a call over HTTP, and how its JSON is read."""

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from dropstreamd.platform.http_errors import Call, mismatch, web_page
from dropstreamd.platform.rows import UNREADABLE

T = TypeVar("T")


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that is the plugin's to judge: 2xx, 304, or a 4xx that concerns the document.

    Names in `headers` are in lower case. `body` is complete and unpacked.
    """

    call: Call
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether the status is one of success."""
        return 200 <= self.status < 300


def decode(response: Response, into: type[T]) -> T:
    """The JSON body as `into`, strictly.

    Raises ProtocolMismatch where the body is no JSON or another; for a write that was answered with
    success OutcomeUnknown, as it may have been applied.
    """
    refused = 400 <= response.status < 500
    page = web_page(response.headers, response.body)
    if page:
        raise mismatch(
            response.call,
            f"answered {page} where JSON was expected: is the address right?",
            certain=refused,
        )
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind and kind != "application/json" and not kind.endswith("+json"):
        raise mismatch(response.call, f"answered {kind[:60]!r} where JSON was expected", certain=refused)
    try:
        return msgspec.json.decode(response.body, type=into)
    except UNREADABLE as error:
        raise mismatch(
            response.call, f"answered JSON that is not as described: {error}", certain=refused
        ) from error
