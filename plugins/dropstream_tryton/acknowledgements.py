"""What becomes of shipments before they leave: assigned is accepted, cancelled is cancelled.

A person may have split an order: it is cancelled when all its shipments are, and closed short when one is
and the others have left.
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

MODEL = "stock.shipment.out"
ACCEPTED = frozenset({"assigned", "picked", "packed"})
CANCELLED = "cancelled"

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
                shipments.append((shipment, reference(shipment.reference)))
            except (msgspec.DecodeError, Unusable) as error:
                unusable.append(bad("shipment", bytes(raw), str(error)))
        siblings = await self._siblings([told for shipment, told in shipments if shipment.state == CANCELLED])
        said = tuple(_acknowledgements(shipments, siblings))
        return Page(documents=said, bad=tuple(unusable), cursor=listed.cursor, more=listed.more)

    async def confirm(self, marks: Sequence[str]) -> None:  # noqa: ARG002 - nothing has a mark
        await trio.lowlevel.checkpoint()

    async def _siblings(self, references: Sequence[str]) -> Mapping[str, set[str]]:
        """By reference the states of all its shipments."""
        states: defaultdict[str, set[str]] = defaultdict(set)
        if references:
            house = await self._places.house()
            domain = [["reference", "in", sorted(set(references))], ["customer", "=", house.customer]]
            rows = await self._api.rows(
                MODEL, domain, "last_modified_at", "reference", "state", into=wire.ShipmentState
            )
            for row in rows:
                states[row.reference or ""].add(row.state)
        return states


def _domain(house: House) -> list[object]:
    return [
        ["state", "in", sorted({*ACCEPTED, CANCELLED})],
        ["customer", "=", house.customer],
        ["warehouse", "=", house.warehouse.id],
    ]


def _acknowledgements(
    shipments: Iterable[tuple[wire.ShipmentState, str]], siblings: Mapping[str, set[str]]
) -> Iterable[Acknowledgement]:
    for shipment, told in shipments:
        verdict = "accepted" if shipment.state in ACCEPTED else _of_cancelled(siblings.get(told, set()))
        if verdict is not None:
            yield Acknowledgement(
                key=f"{shipment.id}.{verdict}",
                reference=told,
                verdict=verdict,
                reason=f"shipment {shipment.number or shipment.id} is {shipment.state} in Tryton",
                at=shipment.last_modified_at.at,
            )


def _of_cancelled(states: set[str]) -> Verdict | None:
    """None where another shipment of the order is on its way yet."""
    if states <= {CANCELLED}:
        return "cancelled"
    return "closed-short" if states <= {CANCELLED, "shipped", "done"} else None
