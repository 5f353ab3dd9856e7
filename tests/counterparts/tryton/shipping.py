"""Those who ship what the merchant has sold: from a shipment's entry to the carrier."""

from collections.abc import Mapping, Sequence

import msgspec

from .premises import Premises
from .rpc import Row

OUT = "stock.shipment.out"


class Packed(msgspec.Struct, frozen=True, kw_only=True):
    """A package as the packer makes it: units by SKU, and its tracking number."""

    units: Mapping[str, int]
    tracking: str = ""


class Shipping(Premises):
    """Shipments of the merchant's orders."""

    def drafts(self) -> int:
        """How many shipments of the merchant's orders are drafts."""
        domain = [["customer", "=", self.merchant], ["state", "=", "draft"]]
        found: int = self.rpc(f"{OUT}.search_count", domain)
        return found

    def shipments(self, reference: str | None = None) -> list[Row]:
        """Shipments of the merchant's orders, with their moves out of the house."""
        domain: list[list[object]] = [["customer", "=", self.merchant]]
        if reference is not None:
            domain.append(["reference", "=", reference])
        fields = (
            "state",
            "reference",
            "number",
            "planned_date",
            "carrier.rec_name",
            "delivery_address.full_address",
            "delivery_address.contact_mechanisms.value",
            "outgoing_moves.product.code",
            "outgoing_moves.quantity",
            "outgoing_moves.state",
        )
        return self.rpc.rows(OUT, domain, *fields)

    def ship_new(self, reference: str, units: Mapping[str, float], *, carrier: str = "Ground") -> int:
        """A shipment as the staff enters one, waiting to be assigned."""
        return self.ship_many([reference], units, carrier=carrier)[0]

    def ship_many(
        self, references: Sequence[str], units: Mapping[str, float], *, carrier: str = "Ground"
    ) -> list[int]:
        addresses = self.rpc.rows("party.address", [["party", "=", self.merchant]])
        address = addresses[0]["id"] if addresses else self._address(self.merchant)
        (service,) = self.rpc.rows("carrier", [["carrier_product.name", "=", carrier]])
        values: list[Row] = [
            {
                "customer": self.merchant,
                "delivery_address": address,
                "warehouse": self.warehouse,
                "warehouse_storage": self.storage,
                "warehouse_output": self.output,
                "reference": reference,
                "carrier": service["id"],
                "outgoing_moves": [
                    ["create", [self._move(sku, n, self.output, self.customers) for sku, n in units.items()]]
                ],
            }
            for reference in references
        ]
        ids = self.rpc.create(OUT, *values)
        self.rpc(f"{OUT}.wait", ids)
        return ids

    def assign(self, shipment: int) -> bool:
        """Whether all of it could be assigned."""
        self.rpc(f"{OUT}.assign_try", [shipment])
        return self.state(OUT, shipment) == "assigned"

    def go_short(self, shipment: int) -> None:
        """Of a shipment that could not be wholly assigned, give up the rest."""
        (row,) = self.rpc.rows(
            OUT, [["id", "=", shipment]], "inventory_moves.state", "inventory_moves.quantity"
        )
        missing = [move["id"] for move in row["inventory_moves."] if move["state"] == "draft"]
        self.rpc.wizard("stock.shipment.assign", OUT, shipment, "ignore", {"partial": {"moves": missing}})

    def split(self, shipment: int, sku: str, units: float) -> int:
        """Back in draft, keep so many units and move the others of that SKU into another shipment, which is
        returned; both wait then."""
        self.rpc(f"{OUT}.draft", [shipment])
        moves = self._moves(OUT, shipment, "outgoing_moves")
        (move,) = [each for each in moves if each["product."]["code"] == sku]
        data: Row = {"start": {"quantity": units, "unit": move["unit"], "count": 1, "uom_category": None}}
        self.rpc.wizard("stock.move.split", "stock.move", move["id"], "split", data)
        after = [each["id"] for each in self._moves(OUT, shipment, "outgoing_moves")]
        before = {each["id"] for each in moves}
        rest = [each for each in after if each not in before]
        data = {"start": {"moves": rest, "domain_moves": after}}
        self.rpc.wizard("stock.shipment.split", OUT, shipment, "split", data)
        (row,) = self.rpc.rows("stock.move", [["id", "=", rest[0]]], "shipment")
        other = int(row["shipment"].partition(",")[2])
        self.rpc(f"{OUT}.wait", [shipment, other])
        return other

    def pick(self, shipment: int) -> None:
        self.rpc(f"{OUT}.pick", [shipment])

    def pack(self, shipment: int, packages: Sequence[Packed] = ()) -> list[int]:
        """Pack it, into packages that together hold all of it; their ids."""
        (box,) = self.rpc.rows("stock.package.type", [["name", "=", "Box"]])
        moves = self._moves(OUT, shipment, "outgoing_moves")
        made: list[int] = []
        for package in packages:
            values = {
                "type": box["id"],
                "shipment": f"{OUT},{shipment}",
                "shipping_reference": package.tracking or None,
                "moves": [
                    ["add", [each["id"] for each in moves if each["product."]["code"] in package.units]]
                ],
            }
            made += self.rpc.create("stock.package", values)
        self.rpc(f"{OUT}.pack", [shipment])
        return made

    def track(self, package: int, tracking: str) -> None:
        self.rpc("stock.package.write", [package], {"shipping_reference": tracking})

    def send(self, shipment: int) -> None:
        """Handed to the carrier, and gone."""
        self.rpc(f"{OUT}.ship", [shipment])
        self.rpc(f"{OUT}.do", [shipment])

    def fulfil(self, shipments: Sequence[int], *, tracking: str = "") -> list[int]:
        """All steps, of shipments that are wholly on hand, each in one package; the packages."""
        ids = list(shipments)
        for step in ("assign_try", "pick"):
            self.rpc(f"{OUT}.{step}", ids)
        (box,) = self.rpc.rows("stock.package.type", [["name", "=", "Box"]])
        rows = self.rpc.rows(OUT, [["id", "in", ids]], "outgoing_moves")
        values: list[Row] = [
            {
                "type": box["id"],
                "shipment": f"{OUT},{row['id']}",
                "shipping_reference": tracking or None,
                "moves": [["add", row["outgoing_moves"]]],
            }
            for row in rows
        ]
        made = self.rpc.create("stock.package", *values)
        for step in ("pack", "ship", "do"):
            self.rpc(f"{OUT}.{step}", ids)
        return made

    def cancel(self, shipment: int) -> None:
        self.rpc(f"{OUT}.cancel", [shipment])
