"""What an HTTP call that went wrong means for its caller: the one place where it is decided.

    before anything was sent   name, refusal, time-out of the connection   Unreachable
                               TLS or certificate                          Misconfigured
    after it was sent          cut, time-out, nonsense instead of HTTP     lost
    status                     401, 403                                    AuthFailed
                               404, 405, 410 at the client's own address   Misconfigured
                               429                                         RateLimited
                               408, 425, 5xx                               lost
                               302, 303 of a write                         lost
                               any other redirection                       Misconfigured
                               what remains                                is the plugin's to judge

*Lost* is `Unreachable` for a read and `OutcomeUnknown` for a write: it may have had its effect.
Messages name method, host and path, never a query string, a header or a body (save the title of a
web page).
"""

import re
import ssl
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Literal

import httpcore
import msgspec

from dropstreamd.errors import (
    AuthFailed,
    DropstreamError,
    Misconfigured,
    OutcomeUnknown,
    ProtocolMismatch,
    RateLimited,
    Unreachable,
)

Applied = Literal["safe", "write"]
"""`safe`: the call changes nothing and may be repeated. `write`: it may change something."""

MOST_RETRY_AFTER_S = 3600.0
UNSTATED_RETRY_AFTER_S = 30.0
_BEFORE_SENDING = (httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.PoolTimeout)
_BROKEN_OFF = (httpcore.ReadError, httpcore.RemoteProtocolError)
_KNOWN = (DropstreamError, httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError)


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One call, as people read of it: `where` is host and path, without a query string."""

    method: str
    where: str
    applied: Applied

    def __str__(self) -> str:
        return f"{self.method} {self.where}"


def lost(call: Call, what: str, *, answered: bool = False) -> Unreachable | OutcomeUnknown:
    """The error for a call that was sent and whose fate is not known. `answered`: something came back."""
    if call.applied == "write":
        return OutcomeUnknown(f"{call}: {what}; it may have been applied")
    return Unreachable(f"{call}: {what}", answered=answered)


def mismatch(call: Call, what: str, *, certain: bool = False) -> ProtocolMismatch | OutcomeUnknown:
    """The error for an answer that cannot be understood. `certain`: a write had surely no effect."""
    if call.applied == "write" and not certain:
        return OutcomeUnknown(f"{call}: {what}; it may have been applied")
    return ProtocolMismatch(f"{call}: {what}")


def from_exception(call: Call, error: Exception) -> DropstreamError | None:
    """The error that this exception, or group of them, means; None where it is none of HTTP's."""
    leaves = list(_leaves(error))
    if not all(isinstance(leaf, _KNOWN) for leaf in leaves):
        return None
    for leaf in leaves:
        if isinstance(leaf, DropstreamError):
            return leaf
    if not all(isinstance(leaf, _BEFORE_SENDING) for leaf in leaves):
        return lost(call, _in_words(leaves), answered=any(isinstance(leaf, _BROKEN_OFF) for leaf in leaves))
    for leaf in leaves:
        for cause in _causes(leaf):
            if isinstance(cause, ssl.SSLError):
                return _tls_error(call, cause)
    return Unreachable(f"{call}: no connection: {_in_words(leaves)}")


def from_status(
    call: Call,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    at_base: bool,
    now_s: float,
    unstated_s: float = UNSTATED_RETRY_AFTER_S,
) -> DropstreamError | None:
    """The error that this status means; None where the plugin is to judge it. `unstated_s`: how long to wait
    after a 429 that does not say it."""
    page = f", with {web_page(headers, body)}" if web_page(headers, body) else ""
    answered = f"answered {status}{page}"
    if status in (401, 403):
        return AuthFailed(
            f"{call}: {answered}", remedy="are the credentials right, and do they have the permission?"
        )
    if status in (404, 405, 410) and at_base:
        return Misconfigured(f"{call}: {answered}", remedy="is the address right?")
    if status == 429:
        return RateLimited(f"{call}: {answered}", retry_after_s=retry_after_s(headers, now_s, unstated_s))
    form_answer = status in (302, 303) and call.applied == "write"  # as a form's success is answered
    if status in (408, 425) or status >= 500 or form_answer:
        return lost(call, answered, answered=status >= 500)
    if status in (301, 302, 303, 307, 308):
        return Misconfigured(f"{call}: {answered}, a redirection that is not followed")
    return None


def retry_after_s(
    headers: Mapping[str, str], now_s: float, unstated_s: float = UNSTATED_RETRY_AFTER_S
) -> float:
    """Seconds until the other side wants to hear from us again, from 0 to an hour; `unstated_s` where it does
    not say.

    Retry-After holds seconds or a date ("HTTP Semantics", RFC 9110, 10.2.3). A date is counted from
    the answer's own Date, so that neither clock need be right. BigCommerce tells milliseconds under a
    name of its own ("API rate limits").
    """
    text = headers.get("retry-after", "").strip()
    own = headers.get("x-rate-limit-time-reset-ms", "").strip()
    if not text and re.fullmatch(r"\d{1,12}", own):
        return min(int(own) / 1000, MOST_RETRY_AFTER_S)
    seconds = float(text) if re.fullmatch(r"\d{1,9}(\.\d{1,6})?", text) else None
    if seconds is None:
        until_s, sent_s = _date_s(text), _date_s(headers.get("date", ""))
        if until_s is None:
            return unstated_s
        seconds = until_s - (now_s if sent_s is None else sent_s)
    return min(max(seconds, 0.0), MOST_RETRY_AFTER_S)


def web_page(headers: Mapping[str, str], body: bytes) -> str:
    """What kind of page it is, with its title, where an answer is one for people; else empty."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    head = body[:4096].decode("utf-8", "replace")
    if kind not in ("text/html", "application/xhtml+xml") and not re.match(
        r"\s*<(!doctype\s+)?html", head, re.IGNORECASE
    ):
        return ""
    title = re.search(r"<title[^>]*>([^<]*)", head, re.IGNORECASE)
    if title is None:
        return "a web page (text/html)"
    words = "".join(letter for letter in " ".join(title[1].split()) if letter.isprintable())
    return f"a web page (text/html, title “{words[:80]}”)"


def _leaves(error: Exception) -> Iterator[Exception]:
    if isinstance(error, ExceptionGroup):
        for part in error.exceptions:
            yield from _leaves(part)
    else:
        yield error


def _causes(error: BaseException) -> Iterator[BaseException]:
    """It and what it was made from, and so on; of a group the first.

    httpcore's pool cuts the chain (`from None`), but its errors keep their origin as an argument.
    """
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        origin = cause.args[0] if cause.args else None
        if isinstance(cause, BaseExceptionGroup):
            cause = cause.exceptions[0]
        elif isinstance(origin, BaseException):
            cause = origin
        else:
            cause = cause.__cause__


def _tls_error(call: Call, error: ssl.SSLError) -> DropstreamError:
    if isinstance(error, ssl.SSLCertVerificationError):
        return Misconfigured(
            f"{call}: its TLS certificate is not accepted: {error.verify_message.rstrip('.')}",
            remedy="if it is signed by an authority of your own, set ca_file to that one's certificate",
        )
    # Python 3.11.2 tells an end during the handshake as an error without a reason.
    if isinstance(error, ssl.SSLEOFError) or not error.reason:
        return Unreachable(f"{call}: no connection: it was closed during the TLS handshake")
    reason = error.reason.replace("_", " ").lower()
    return Misconfigured(f"{call}: TLS failed: {reason}", remedy="does this port speak https?")


def _in_words(leaves: list[Exception]) -> str:
    words = {
        httpcore.ConnectTimeout: "connecting took too long",
        httpcore.PoolTimeout: "every connection was busy for too long",
        httpcore.ReadTimeout: "no answer came in time",
        httpcore.WriteTimeout: "sending it took too long",
        httpcore.ReadError: "the connection broke before the answer was complete",
        httpcore.WriteError: "the connection broke while it was being sent",
        httpcore.RemoteProtocolError: "the answer was cut short or is not HTTP",
    }
    leaf = next((leaf for leaf in leaves if not isinstance(leaf, _BEFORE_SENDING)), leaves[0])
    said = words.get(type(leaf))
    if said is not None:
        return said
    refusals = [one.strerror for one in _causes(leaf) if isinstance(one, OSError) and one.strerror]
    return refusals[-1].lower() if refusals else " ".join(str(leaf).split())[:200]


def _date_s(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp() if text else None
    except (ValueError, OverflowError):
        return None
