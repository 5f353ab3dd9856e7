"""A document of ours as one shipment or return of Tryton's: looked up by reference, made, stopped.

Tryton knows no idempotency key. Our reference stands in the record's `reference`, and the record's
customer is the merchant: by both every write looks first whether it has happened.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

import msgspec

from dropstream_tryton import wire
from dropstream_tryton.client import Api, Refusal
from dropstream_tryton.places import House
from dropstreamd.model.handover import (
    Accepted,
    InDoubt,
    Outcome,
    Rejected,
    Untouched,
    Withdrawn,
)
from dropstreamd.platform.contract import Record, Whereabouts

CREATING = "creating"
"""Recorded before the call that creates: without it, nothing was sent."""
CANCELLING = "cancelling"

VISIBLE_AFTER_S = 120.0
"""A call whose answer was lost may still run in Tryton; then it is found by its reference."""

_ROUNDS = 3


T = TypeVar("T")
W = TypeVar("W", bound="Wanted")


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is frozen of every document. `remote` is that of a record to cancel, else empty."""

    reference: str
    remote: str = ""

    @property
    def units(self) -> Counter[str]:
        """By SKU."""
        raise NotImplementedError


Make = Callable[[House, str, W], Awaitable[dict[str, object] | Rejected]]
"""Looks up what the document names, and gives the record's fields."""


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """A model of Tryton's. `moves` names the moves that are ours to give, `stoppable` the states in which
    nobody has laid hands on the goods, `ready` a method to be called on what was created, if any."""

    model: str
    moves: str
    stoppable: frozenset[str]
    ready: str
    what: str


OUT = Kind(
    model="stock.shipment.out",
    moves="outgoing_moves",
    stoppable=frozenset({"draft", "waiting", "assigned"}),
    ready="wait",
    what="shipment",
)
BACK = Kind(
    model="stock.shipment.out.return",
    moves="incoming_moves",
    stoppable=frozenset({"draft"}),
    ready="",
    what="return",
)
_UNTOUCHED_STATES = frozenset({"draft", "waiting"})


class Records:
    """The records of one kind."""

    def __init__(self, api: Api, kind: Kind) -> None:
        self._api = api
        self._kind = kind

    async def _standing(self, house: House, reference: str) -> tuple[wire.Standing, ...]:
        """Everything that bears the reference, cancelled too: several, where a person has split it."""
        moves = self._kind.moves
        fields = ("state", "number", "_timestamp", f"{moves}.product.code", f"{moves}.internal_quantity")
        domain = [["reference", "=", reference], ["customer", "=", house.customer]]
        return tuple(
            await self._api.rows(self._kind.model, domain, *fields, f"{moves}.state", into=wire.Standing)
        )

    async def push(self, house: House, key: str, wanted: W, make: Make[W], record: Record) -> Outcome:
        """Create it, or finish one that is there; or cancel it."""
        if wanted.remote:
            return await self._cancel_all(house, key, wanted, record)
        live = alive(await self._standing(house, wanted.reference))
        if live:
            return await self._finished(key, live, wanted)
        values = await make(house, key, wanted)
        if isinstance(values, Rejected):
            return values
        try:
            await record(CREATING, if_wanted=True)
        except Withdrawn:
            return Untouched(key=key)
        return await self._create(key, values)

    async def recover(self, house: House, key: str, wanted: Wanted) -> Outcome:
        """Look it up by its reference, and finish it."""
        found = await self._standing(house, wanted.reference)
        live = alive(found)
        if not wanted.remote:
            return await self._finished(key, live, wanted) if live else Untouched(key=key)
        if not found:
            return InDoubt(key=key, why=f"the {self._kind.what} is no longer in Tryton")
        return Untouched(key=key) if live else Accepted(key=key, remote=wanted.remote)

    async def look(self, house: House, reference: str) -> Whereabouts:
        """What there is under a reference."""
        found = await self._standing(house, reference)
        live = alive(found)
        if not found:
            return Whereabouts(where="gone", detail=f"Tryton has no {self._kind.what} with its reference")
        if not live:
            return Whereabouts(where="gone", detail=f"its {self._kind.what} is cancelled in Tryton")
        said = ", ".join(f"{each.number or each.id} ({each.state})" for each in live[:5])
        return Whereabouts(where="there", detail=f"Tryton has its {self._kind.what} {said}")

    async def _create(self, key: str, values: Mapping[str, object]) -> Outcome:
        """Make it, and make it ready."""
        made = await self._api.ask(f"{self._kind.model}.create", [values], into=list[int], write=True)
        if isinstance(made, Refusal):
            return Rejected(key=key, cause="refused", reason=f"Tryton refuses the {self._kind.what}: {made}")
        return await self._ready(key, made, made[0])

    async def _finished(self, key: str, live: Sequence[wire.Standing], wanted: Wanted) -> Outcome:
        """What is there is taken for ours, if it has our units, and made ready."""
        untouched = all(each.state in _UNTOUCHED_STATES for each in live)
        if untouched and _units(live) != wanted.units:
            number = live[0].number or live[0].id
            reason = f"{self._kind.what} {number} bears this reference in Tryton, with other SKUs or units"
            return Rejected(key=key, cause="other-content", reason=reason)
        return await self._ready(key, [each.id for each in live if each.state == "draft"], live[0].id)

    async def _ready(self, key: str, ids: Sequence[int], remote: int) -> Outcome:
        if ids and self._kind.ready:
            done = await self._api.ask(
                f"{self._kind.model}.{self._kind.ready}", ids, into=msgspec.Raw, write=True
            )
            if isinstance(done, Refusal):
                return Rejected(
                    key=key,
                    cause="draft",
                    reason=f"the {self._kind.what} was made and stays a draft in Tryton: {done}; "
                    "mend that there, then release this",
                )
        return Accepted(key=key, remote=str(remote))

    async def _cancel_all(self, house: House, key: str, wanted: Wanted, record: Record) -> Outcome:
        """Cancel all that bears the reference, unless one of it is beyond that. Tryton is told what was
        seen, so that it refuses where somebody has picked it meanwhile."""
        for round_ in range(_ROUNDS):
            found = await self._standing(house, wanted.reference)
            over = self._over(key, found, wanted)
            if over is not None:
                return over
            if not round_:
                try:
                    await record(CANCELLING, if_wanted=True)
                except Withdrawn:
                    return Untouched(key=key)
            told = await self._cancel(alive(found))
            if not isinstance(told, Refusal):
                return Accepted(key=key, remote=wanted.remote)
            if told.kind != "ConcurrencyException":
                return Rejected(key=key, cause="not-cancelled", reason=f"Tryton does not cancel it: {told}")
        return Untouched(key=key)

    def _over(self, key: str, found: Sequence[wire.Standing], wanted: Wanted) -> Outcome | None:
        """What it comes to where there is nothing that can be cancelled; else None."""
        if not found:
            reason = f"Tryton has no {self._kind.what} to be stopped"
            return Rejected(key=key, cause="none", reason=reason)
        live = alive(found)
        if not live:
            return Accepted(key=key, remote=wanted.remote)
        late = [each for each in live if each.state not in self._kind.stoppable]
        if late:
            number = late[0].number or late[0].id
            reason = f"{self._kind.what} {number} is already {late[0].state} in Tryton"
            return Rejected(key=key, cause="too-late", reason=reason)
        return None

    async def _cancel(self, live: Sequence[wire.Standing]) -> msgspec.Raw | Refusal:
        model = self._kind.model
        seen = {f"{model},{each.id}": each.timestamp for each in live}
        return await self._api.ask(
            f"{model}.cancel",
            [each.id for each in live],
            into=msgspec.Raw,
            write=True,
            context={"_timestamp": seen},
        )


def alive(found: Sequence[wire.Standing]) -> list[wire.Standing]:
    return [each for each in found if each.state != "cancelled"]


def _units(live: Sequence[wire.Standing]) -> Counter[str]:
    units: Counter[str] = Counter()
    for each in live:
        for move in each.moves:
            if move.state != "cancelled":
                units[move.product.code or ""] += round(move.internal_quantity)
    return +units


def wrong_reference(key: str, reference: str) -> Rejected | None:
    """Tryton cuts blanks at the ends: what is written must be found again as it is."""
    if reference and reference == reference.strip():
        return None
    return Rejected(key=key, cause="reference", reason="a reference begins and ends with no blank")
