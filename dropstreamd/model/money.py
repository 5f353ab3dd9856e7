"""Amounts of money: a decimal with its currency, never a float."""

from decimal import Decimal

import msgspec


class Money(msgspec.Struct, frozen=True, kw_only=True):
    """An amount in major units (`Decimal("19.99")`), with its ISO 4217 currency code."""

    amount: Decimal
    currency: str
