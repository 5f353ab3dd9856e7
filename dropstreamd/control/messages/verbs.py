"""What a person does to an order by hand: each says why."""

from typing import Annotated

import msgspec

Text = Annotated[str, msgspec.Meta(max_length=100)]
"""What a person puts in: one line."""


class ByHand(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`why` is kept in the order's history and in the log: at most 200 characters, no customer's data."""

    why: str


class Confirmed(ByHand, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """It is refused (409 `unconfirmed`), with what is `known` of the order, until a person agrees: to that,
    by naming it with `shown`, and then it is refused again if anything of it has changed; or by `confirmed`,
    to whatever is known."""

    confirmed: bool = False
    shown: str = ""


class Replace(Confirmed, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`lines` are units by the store's SKU; empty: all that was ordered."""

    lines: dict[str, int] = {}


class Shipped(Confirmed, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """It left outside of the warehouse. With `tell`, the store is told so, with its tracking. Where the
    warehouse has shipped it though it had ended by hand, the store is told (`tell` alone) of those packages,
    and of what comes of it later. It wants to be confirmed where the warehouse has the order."""

    tell: bool = False
    carrier: Text = ""
    tracking: Annotated[tuple[Text, ...], msgspec.Meta(max_length=10)] = ()


class EditAddress(ByHand, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to put in the place of the store's: only what is given. `reset`: the store's again, whole."""

    name: Text | None = None
    company: Text | None = None
    line1: Text | None = None
    line2: Text | None = None
    city: Text | None = None
    region: Text | None = None
    postal_code: Text | None = None
    country: Text | None = None
    phone: Text | None = None
    reset: bool = False
