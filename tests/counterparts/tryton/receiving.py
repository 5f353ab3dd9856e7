"""Those who receive: what customers send back, and what suppliers send."""

from collections.abc import Mapping, Sequence

from .premises import Premises
from .rpc import Row, decimal

RETURN = "stock.shipment.out.return"
PURCHASE = "purchase.purchase"


class Receiving(Premises):
    """Returns and purchase orders of the merchant, who has one supplier from the first purchase on."""

    supplier = 0

    # ---- returns

    def returns(self, reference: str | None = None) -> list[Row]:
        domain: list[list[object]] = [["customer", "=", self.merchant]]
        if reference is not None:
            domain.append(["reference", "=", reference])
        fields = ("state", "reference", "incoming_moves.product.code", "incoming_moves.quantity")
        return self.rpc.rows(RETURN, domain, *fields)

    def return_many(self, references: Sequence[str], units: Mapping[str, float]) -> list[int]:
        """Returns as the staff enters them, not yet received."""
        values: list[Row] = [
            {
                "customer": self.merchant,
                "warehouse": self.warehouse,
                "warehouse_storage": self.storage,
                "warehouse_input": self.input,
                "reference": reference,
                "incoming_moves": [
                    ["create", [self._move(sku, n, self.customers, self.input) for sku, n in units.items()]]
                ],
            }
            for reference in references
        ]
        return self.rpc.create(RETURN, *values)

    def receive_back(self, returned: int, put: Mapping[str, Sequence[tuple[int, int]]] | None = None) -> None:
        """Receive a return, and put its units away: by default into storage, else by SKU so many into each
        location."""
        self.rpc(f"{RETURN}.receive", [returned])
        for move in self._moves(RETURN, returned, "inventory_moves"):
            places = (put or {}).get(move["product."]["code"])
            if places:
                (units, first), *others = places
                values = {"quantity": units, "to_location": first}
                self.rpc("stock.move.write", [move["id"]], values)
                for units, place in others:
                    copy = {"quantity": units, "to_location": place}
                    self.rpc("stock.move.copy", [move["id"]], copy)
        self.rpc(f"{RETURN}.do", [returned])

    # ---- purchases

    def purchase_many(
        self, references: Sequence[str], units: Mapping[str, float], unit: str = "u"
    ) -> list[int]:
        """Purchase orders that were sent to a supplier."""
        if not self.supplier:
            (self.supplier,) = self.rpc.create("party.party", {"name": f"{self.code} supplier"})
            self._address(self.supplier)
        (address,) = self.rpc.rows("party.address", [["party", "=", self.supplier]])
        lines = [
            {
                "type": "line",
                "product": self.product(sku),
                "unit": self.units[unit],
                "quantity": n,
                "unit_price": decimal(5),
            }
            for sku, n in units.items()
        ]
        (currency,) = self.rpc.rows("currency.currency", [["code", "=", "USD"]])
        values: list[Row] = [
            {
                "party": self.supplier,
                "invoice_address": address["id"],
                "warehouse": self.warehouse,
                "currency": currency["id"],
                "reference": reference,
                "invoice_method": "manual",
                "lines": [["create", lines]],
            }
            for reference in references
        ]
        ids = self.rpc.create(PURCHASE, *values)
        for step in ("quote", "confirm", "process"):
            self.rpc(f"{PURCHASE}.{step}", ids)
        return ids

    def receive_goods(self, purchase: int, units: Mapping[str, float]) -> None:
        """A supplier's shipment for a purchase order arrives with so many, and is put away."""
        (row,) = self.rpc.rows(
            PURCHASE, [["id", "=", purchase]], "moves.product.code", "moves.state", "moves.quantity"
        )
        open_moves = [each for each in row["moves."] if each["state"] == "draft"]
        arrived = [each for each in open_moves if each["product."]["code"] in units]
        values = {
            "supplier": self.supplier,
            "warehouse": self.warehouse,
            "warehouse_storage": self.storage,
            "warehouse_input": self.input,
            "incoming_moves": [["add", [each["id"] for each in arrived]]],
        }
        (shipment,) = self.rpc.create("stock.shipment.in", values)
        for each in arrived:
            self.rpc("stock.move.write", [each["id"]], {"quantity": units[each["product."]["code"]]})
        for step in ("receive", "do"):
            self.rpc(f"stock.shipment.in.{step}", [shipment])
