"""What becomes of shipments before they leave: assigned is accepted, cancelled is cancelled.

A person may have split an order: it is cancelled when all its shipments are, and closed short when one is
and the others have left, whichever comes last.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec
import trio

from dropstream_tryton import wire
from dropstream_tryton.changes import Changes, Followed
from dropstream_tryton.client import Api
from dropstream_tryton.places import House, Places
from dropstream_tryton.source import Unusable, bad, reference
from dropstreamd.model.acknowledgements import Acknowledgement, Verdict
from dropstreamd.model.handover import Bad
from dropstreamd.platform.contract import Page, Taken
from dropstreamd.platform.rows import UNREADABLE

MODEL = "stock.shipment.out"
ACCEPTED = frozenset({"assigned", "picked", "packed"})
CANCELLED = "cancelled"
LEFT = frozenset({"shipped", "done"})
ENDED = LEFT | {CANCELLED}

_state = msgspec.json.Decoder(wire.ShipmentState)


class Acknowledgements:
    """A `Source[Acknowledgement]`."""

    def __init__(self, api: Api, places: Places) -> None:
        followed = Followed(model=MODEL, fields=("number", "reference", "state"), domain=_domain)
        self._api = api
        self._places = places
        self._changes = Changes(api, places, followed)

    async def page(self, cursor: str | None, taken: Taken) -> Page[Acknowledgement]:  # noqa: ARG002
        """The next shipments that changed. Nothing has a mark."""
        listed = await self._changes.page(cursor)
        shipments: list[tuple[wire.ShipmentState, str]] = []
        unusable: list[Bad] = []
        for raw in listed.rows:
            try:
                shipment = _state.decode(raw)
                if shipment.state in LEFT and not shipment.reference:
                    continue  # which order it is of is asked where it becomes a package
                shipments.append((shipment, reference(shipment.reference)))
            except (*UNREADABLE, Unusable) as error:
                unusable.append(bad("shipment", bytes(raw), str(error)))
        siblings = await self._siblings([told for shipment, told in shipments if shipment.state in ENDED])
        said = tuple({word.key: word for word in acknowledgements_of(shipments, siblings)}.values())
        return Page(documents=said, bad=tuple(unusable), cursor=listed.cursor, more=listed.more)

    async def confirm(self, marks: Sequence[str]) -> None:  # noqa: ARG002 - nothing has a mark
        await trio.lowlevel.checkpoint()

    async def _siblings(self, references: Sequence[str]) -> Mapping[str, list[wire.ShipmentState]]:
        """By reference all its shipments."""
        found: defaultdict[str, list[wire.ShipmentState]] = defaultdict(list)
        if references:
            house = await self._places.house()
            domain = [["reference", "in", sorted(set(references))], ["customer", "=", house.customer]]
            rows = await self._api.rows(
                MODEL, domain, "last_modified_at", "reference", "state", into=wire.ShipmentState
            )
            for row in rows:
                found[row.reference or ""].append(row)
        return found


def _domain(house: House) -> list[object]:
    return [
        ["state", "in", sorted(ACCEPTED | ENDED)],
        ["customer", "=", house.customer],
        ["warehouse", "in", house.ids],
    ]


def acknowledgements_of(
    shipments: Iterable[tuple[wire.ShipmentState, str]],
    siblings: Mapping[str, Sequence[wire.ShipmentState]],
) -> Iterable[Acknowledgement]:
    """What shipments that changed say of the orders whose references come with them; `siblings` are all
    shipments of those that ended. An order ends with its last shipment, whichever that is."""
    for shipment, told in shipments:
        of = shipment
        if shipment.state in ACCEPTED:
            verdict: Verdict | None = "accepted"
        else:
            every = siblings.get(told, ())
            verdict = _of_ended({each.state for each in every})
            # The same word, whichever of its shipments brings it.
            of = max((each for each in every if each.state == CANCELLED), key=_id, default=shipment)
        if verdict is not None:
            yield Acknowledgement(
                key=f"{of.id}.{verdict}",
                reference=told,
                verdict=verdict,
                reason=f"shipment {of.number or of.id} is {of.state} in Tryton",
                at=of.last_modified_at.at,
            )


def _id(shipment: wire.ShipmentState) -> int:
    return shipment.id


def _of_ended(states: set[str]) -> Verdict | None:
    """None where nothing was cancelled, or another shipment of the order is on its way yet."""
    if CANCELLED not in states or not states <= ENDED:
        return None
    return "cancelled" if states == {CANCELLED} else "closed-short"
