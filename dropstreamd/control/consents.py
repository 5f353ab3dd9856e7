"""Consents that people were asked for: begun with an address, ended by what the browser came back with.

The state in the address (RFC 6749, 10.12) ties the answer to the attempt: it is a secret of the daemon and
the client that asked, good for one account, once, for a while. It lives in memory; after a restart one begins
again.
"""

from collections.abc import Callable
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec
import trio

from dropstreamd.control.messages.runs import Side
from dropstreamd.control.refused import refuse

STATE_BYTES = 32
LASTS_S = 1800.0
MOST = 64
"""Attempts that are kept; the oldest is forgotten."""


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One consent that was asked for: `account` is the account's key. `until` is trio's time."""

    connection: str
    side: Side
    account: str
    until: float


class Consents:
    """`new_state` makes a value that nobody can guess."""

    def __init__(self, new_state: Callable[[], str]) -> None:
        self._new_state = new_state
        self._open: dict[str, Attempt] = {}

    def begin(self, connection: str, side: Side, account: str) -> str:
        """The state of a new attempt."""
        while len(self._open) >= MOST:
            del self._open[next(iter(self._open))]
        state = self._new_state()
        until = trio.current_time() + LASTS_S
        self._open[state] = Attempt(connection=connection, side=side, account=account, until=until)
        return state

    def attempt(self, state: str, connection: str) -> Attempt:
        """The attempt of that state. Refused where there is none that is still good."""
        attempt = self._open.get(state)
        if attempt is None or attempt.until < trio.current_time() or attempt.connection != connection:
            refuse("not possible", "nobody was asked for this consent, or too long ago", remedy=AGAIN)
        return attempt

    def end(self, state: str) -> None:
        """It is used up."""
        self._open.pop(state, None)


AGAIN = "begin again: dropstreamctl authorize"


def code_in(answer: str, state: str) -> str:
    """The code in what the browser came back with: the whole address of the page, or the code alone.

    Refused where the address tells of another attempt or of none, or that consent was declined. No refusal
    repeats any of it.
    """
    text = answer.strip()
    if "://" not in text and "code=" not in text and "error=" not in text:
        if not text or any(letter.isspace() for letter in text):
            refuse(
                "bad request", "neither an address nor a code", remedy="paste the whole address of the page"
            )
        return unquote(text)
    told = _parameters(text)
    if told.get("state") != state:
        refuse(
            "not possible",
            "the address is not the answer to this consent: its state is another, or missing",
            remedy=f"{AGAIN}, and paste the address of the page that this very link leads to",
        )
    if "error" in told:
        declined = told["error"] == "access_denied"
        refuse(
            "not possible",
            "consent was declined" if declined else "the platform did not ask for consent: it found an error",
            remedy=AGAIN if declined else "are the app's settings there the same as in the configuration?",
        )
    if not told.get("code"):
        refuse("not possible", "the address has no code in it", remedy=f"{AGAIN}, and give consent")
    return told["code"]


def _parameters(text: str) -> dict[str, str]:
    """The query of an address, or of the part of one that was pasted."""
    try:
        query = urlsplit(text).query if "://" in text else text.partition("?")[2] or text
    except ValueError:
        refuse("bad request", "this is no address", remedy="paste the whole address of the page")
    return {name: values[0] for name, values in parse_qs(query).items()}
