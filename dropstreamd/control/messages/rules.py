"""Trying rules on orders that are here."""

from typing import Literal

import msgspec

Outcome = Literal["goes", "stays", "held", "waits", "rejected", "archived"]
"""What becomes of an order: it `stays` where no rule stops it and something else does, `held` goes by itself
once its time is over (if it has one), `waits` for a person or for the rule to be mended."""


class TryRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Try the rules on these orders (number, reference or key), or on the newest 50.

    `text` is a TOML file with other rules, a connection's file or its `[[rules]]` alone; None tries those
    that hold now. `file` is its name, for what is said of it."""

    orders: tuple[str, ...] = ()
    text: str | None = None
    file: str = "rules.toml"


class ChangeShown(msgspec.Struct, frozen=True, kw_only=True):
    """A field of an order that a rule sets."""

    field: str
    before: str
    after: str


class FiredShown(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that applies to an order, and what it does; `lines` are the SKUs that it rejects."""

    rule: str
    did: str
    changes: tuple[ChangeShown, ...] = ()
    lines: tuple[str, ...] = ()
    error: str = ""


class OrderTried(msgspec.Struct, frozen=True, kw_only=True):
    """An order as the rules would treat it if no rule had been released for it. `state` is where it
    stands in truth; `until_s` when a hold ends, 0 where it does not by itself. `stays`: what keeps it
    whatever rules say, such as who held it by hand and why, or the store; empty where nothing does."""

    key: str
    number: str
    state: str
    outcome: Outcome
    reason: str = ""
    until_s: float = 0.0
    fired: tuple[FiredShown, ...] = ()
    stays: str = ""


class RulesTried(msgspec.Struct, frozen=True, kw_only=True):
    """The rules by name, in their order, and every order that was asked for, the newest first."""

    rules: tuple[str, ...]
    orders: tuple[OrderTried, ...]
