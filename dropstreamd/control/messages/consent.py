"""Letting the daemon into an account: what a person is asked, and what they bring back."""

import msgspec

from dropstreamd.control.messages.runs import Side


class AskConsent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For which side of the connection; None: the one whose platform wants it."""

    side: Side | None = None


class ConsentAsked(msgspec.Struct, frozen=True, kw_only=True):
    """`url` is to be opened in any browser by somebody who may decide for the account. `state` names this
    attempt until `until_s`; it is nobody else's business."""

    side: Side
    platform: str
    account: str
    url: str
    state: str
    until_s: float

    def __repr__(self) -> str:
        return "ConsentAsked(…)"


class GiveConsent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`answer` is the whole address of the page that the browser ended on, or the code in it."""

    state: str
    answer: str

    def __repr__(self) -> str:
        return "GiveConsent(…)"
