"""Rules about orders: what asks, and what is done then."""

from typing import Literal

import msgspec

from dropstreamd.model.expressions import Expression

Verdict = Literal["accept", "reject", "archive", "fail"]
"""What ends the rules for an order. `accept`: it goes. `reject`: it is not this connection's to
ship. `archive`: it is taken note of, and never sent. `fail`: it waits for a person."""


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """A field and what it becomes: a text, or what an expression over the order comes to."""

    field: str
    value: str | Expression[str]


class Then(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule does: first `settings`, then `reject_line`, `hold_s` and `verdict`.

    `hold_s` is counted in seconds from when the order was first seen; infinite until a person
    releases it. `reason` is shown to people; of a `fail` it is the message.
    """

    settings: tuple[Setting, ...] = ()
    reject_line: Expression[bool] | None = None
    hold_s: float | None = None
    verdict: Verdict | None = None
    reason: str = ""


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """`name` is unlike any other of its connection."""

    name: str
    when: Expression[bool]
    then: Then
