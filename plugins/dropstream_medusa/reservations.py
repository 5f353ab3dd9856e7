"""What Medusa keeps back for order lines, where it would not fulfill a part of a line from the last units.

Medusa takes a fulfillment's units off the level first, and then, to lower the line's reservation, wants
none of that level to be lacking: a part of a line is refused wherever fewer units can be sold than the part
has. A reservation that is used up is removed without that question. So it is cut down to the part before,
and what the rest of the line needs is reserved again afterwards.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from dropstream_medusa import wire
from dropstream_medusa.client import Api, Params, Refusal

FIELDS = "id,line_item_id,inventory_item_id,location_id,quantity"
LINE_FIELDS = ",".join(
    (
        "id,items.id,items.detail.quantity,items.detail.fulfilled_quantity",
        "items.variant.manage_inventory,items.variant.inventory_items.inventory_item_id",
        "items.variant.inventory_items.required_quantity",
    )
)
MOST = 1_000


class Reservations:
    """Of the lines of orders."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def held_at(self, lines: Sequence[str], otherwise: str) -> str:
        """The location that keeps most of these lines' units; `otherwise` where it keeps some too, or none
        does."""
        units: Counter[str] = Counter()
        for each in await self._of(lines):
            units[each.location_id] += int(each.quantity)
        return otherwise if otherwise in units or not units else units.most_common(1)[0][0]

    async def cut_down(self, units: Mapping[str, int], still_open: Mapping[str, int]) -> Refusal | None:
        """Reserve for each line no more than these units of what is open of it."""
        for each in await self._of(list(units)):
            line = each.line_item_id
            part = each.quantity * units[line] / still_open[line]
            if part < each.quantity:
                refusal = await self._set(each, int(part))
                if refusal is not None:
                    return refusal
        return None

    async def restore(self, order: str, lines: Sequence[str], location: str) -> None:
        """Reserve for these lines what is open of them, where less is: after `cut_down`, however far that
        came. What Medusa refuses to reserve, as it was sold meanwhile, it refuses to fulfill too, in its
        turn: nothing is to be said of it here."""
        answer = await self._api.read(f"orders/{order}", {"fields": LINE_FIELDS}, wire.StockedAnswer)
        there = {(each.line_item_id, each.inventory_item_id): each for each in await self._of(lines)}
        for line in answer.order.items:
            variant = line.variant
            if line.id not in lines or variant is None or not variant.manage_inventory:
                continue
            for part in variant.inventory_items:
                needed = int(line.detail.quantity - line.detail.fulfilled_quantity) * part.required_quantity
                known = there.get((line.id, part.inventory_item_id))
                if known is None and needed > 0:
                    await self._add(line.id, part.inventory_item_id, location, needed)
                elif known is not None and known.quantity < needed:
                    await self._set(known, needed)

    async def _of(self, lines: Sequence[str]) -> tuple[wire.Reservation, ...]:
        params: Params = {"line_item_id[]": lines, "limit": MOST, "fields": FIELDS}
        return (await self._api.read("reservations", params, wire.Reservations)).reservations

    async def _set(self, reservation: wire.Reservation, units: int) -> Refusal | None:
        answer = await self._api.write(f"reservations/{reservation.id}", {"quantity": units}, wire.Done)
        return answer if isinstance(answer, Refusal) else None

    async def _add(self, line: str, item: str, location: str, units: int) -> None:
        body = {"line_item_id": line, "inventory_item_id": item, "location_id": location, "quantity": units}
        await self._api.write("reservations", body, wire.Done)
