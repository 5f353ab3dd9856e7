"""What a person does to an order by hand: each says why."""

import msgspec


class ByHand(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`why` is kept in the order's history and in the log: at most 200 characters, no customer's data."""

    why: str


class Confirmed(ByHand, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Without `confirmed` it is refused (409 `unconfirmed`), with what is `known` of the order."""

    confirmed: bool = False
