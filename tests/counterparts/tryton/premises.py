"""A warehouse's places on a Tryton, and one merchant's goods in them."""

from collections.abc import Mapping

from .rpc import Row, Rpc, decimal
from .server import ADMIN, TrytonServer

MOST_AT_ONCE = 40  # SQLite gives up over a hundred products ("parser stack overflow")


class Premises:
    """Several of one server share nothing but users and carriers. `code` is the name of the warehouse, of
    the merchant (a party, in whose name goods are shipped) and of the category of the merchant's goods."""

    def __init__(self, server: TrytonServer, *, code: str) -> None:
        self.server = server
        self.code = code
        self.rpc = rpc = Rpc(server.url, ADMIN, ADMIN)
        self.storage, self.input, self.output, self.damaged = rpc.create(
            "stock.location",
            {"name": f"{code} storage", "type": "storage"},
            {"name": f"{code} input", "type": "storage"},
            {"name": f"{code} output", "type": "storage"},
            {"name": f"{code} damaged", "type": "lost_found"},
        )
        (lost,) = rpc.rows("stock.location", [["name", "=", "Lost and Found"]])
        (self.warehouse,) = rpc.create(
            "stock.location",
            {
                "name": code,
                "code": code,
                "type": "warehouse",
                "storage_location": self.storage,
                "input_location": self.input,
                "output_location": self.output,
                "lost_found_location": lost["id"],
                "waste_locations": [["add", [self.damaged]]],
            },
        )
        (self.quarantine,) = rpc.create(
            "stock.location", {"name": f"{code} quarantine", "type": "storage", "parent": self.storage}
        )
        (self.merchant,) = rpc.create("party.party", {"name": code, "code": code})
        (self.category,) = rpc.create("product.category", {"name": code})
        self.customers, self.suppliers = (
            rpc.rows("stock.location", [["type", "=", kind]])[0]["id"] for kind in ("customer", "supplier")
        )
        self.units = {row["symbol"]: row["id"] for row in rpc.rows("product.uom", [], "symbol")}
        self._products: dict[str, int] = {}

    def close(self) -> None:
        """Its goods give their codes away: of those in use no two have the same."""
        rows = self.rpc.rows("product.product", [self._ours], "code")
        for start in range(0, len(rows), MOST_AT_ONCE):
            changes: list[object] = []
            for row in rows[start : start + MOST_AT_ONCE]:
                changes += [[row["id"]], {"suffix_code": f"{self.code}: {row['code']}"}]
            self.rpc("product.product.write", *changes)
        self.rpc.close()

    # ---- goods

    def add_products(self, stock: Mapping[str, float], *, unit: str = "u") -> None:
        """New products with so many on hand."""
        templates: list[Row] = [
            {
                "name": f"The {sku}",
                "type": "goods",
                "default_uom": self.units[unit],
                "purchasable": True,
                "purchase_uom": self.units[unit],
                "categories": [["add", [self.category]]],
                "products": [["create", [{"suffix_code": sku}]]],
            }
            for sku in stock
        ]
        for start in range(0, len(templates), MOST_AT_ONCE):
            self.rpc.create("product.template", *templates[start : start + MOST_AT_ONCE])
        rows = self.rpc.rows("product.product", [["code", "in", list(stock)], self._ours], "code")
        self._products |= {row["code"]: row["id"] for row in rows}
        self.count({sku: units for sku, units in stock.items() if units})

    def rename(self, sku: str, name: str) -> None:
        (row,) = self.rpc.rows("product.product", [["id", "=", self.product(sku)]], "template")
        self.rpc("product.template.write", [row["template"]], {"name": name})

    def change_sku(self, sku: str, new: str) -> None:
        self.rpc("product.product.write", [self.product(sku)], {"suffix_code": new})

    def add_warehouse(self, code: str, stock: Mapping[str, float]) -> int:
        """Another warehouse, with so many of the merchant's goods; its storage."""
        storage, received, output = self.rpc.create(
            "stock.location",
            *({"name": f"{code} {what}", "type": "storage"} for what in ("storage", "input", "output")),
        )
        (lost,) = self.rpc.rows("stock.location", [["name", "=", "Lost and Found"]])
        values: Row = {
            "name": code,
            "code": code,
            "type": "warehouse",
            "storage_location": storage,
            "input_location": received,
            "output_location": output,
            "lost_found_location": lost["id"],
        }
        self.rpc.create("stock.location", values)
        self.count(stock, location=storage)
        return int(storage)

    def stock_in(self, location: int, sku: str) -> int:
        """Units in a location."""
        context = {"locations": [location]}
        (row,) = self.rpc("product.product.read", [self.product(sku)], ["quantity"], context=context)
        return int(row["quantity"])

    def count(self, stock: Mapping[str, float], *, location: int | None = None) -> None:
        """Count the storage, or another location: it holds so many."""
        if stock:
            lines = [{"product": self.product(sku), "quantity": units} for sku, units in stock.items()]
            values = {"location": location or self.storage, "lines": [["create", lines]]}
            self.rpc("stock.inventory.confirm", self.rpc.create("stock.inventory", values))

    def on_hand(self, sku: str) -> int:
        """Units in storage that are not in quarantine, whoever waits for them."""
        return self.stock_in(self.storage, sku) - self.stock_in(self.quarantine, sku)

    def product(self, sku: str) -> int:
        if sku not in self._products:
            (row,) = self.rpc.rows("product.product", [["code", "=", sku], self._ours])
            self._products[sku] = row["id"]
        return self._products[sku]

    def catalogue(self) -> list[Row]:
        fields = ("code", "template.name", "active", "identifiers.code", "weight")
        return self.rpc.rows("product.product", [self._ours], *fields)

    # ---- for those who work there

    def state(self, model: str, record: int) -> str:
        (row,) = self.rpc.rows(model, [["id", "=", record]], "state")
        return str(row["state"])

    @property
    def _ours(self) -> list[object]:
        return ["template.categories", "=", self.category]

    def _move(self, sku: str, units: float, source: int, target: int) -> Row:
        return {
            "product": self.product(sku),
            "unit": self._unit_of(sku),
            "quantity": units,
            "from_location": source,
            "to_location": target,
            "unit_price": decimal(1),
            "currency": 1,
        }

    def _unit_of(self, sku: str) -> int:
        (row,) = self.rpc.rows("product.product", [["id", "=", self.product(sku)]], "default_uom")
        return int(row["default_uom"])

    def _moves(self, model: str, record: int, field: str) -> list[Row]:
        names = [f"{field}.{name}" for name in ("product.code", "quantity", "unit", "state")]
        (row,) = self.rpc.rows(model, [["id", "=", record]], *names)
        moves: list[Row] = row[f"{field}."]
        return moves

    def _address(self, party: int) -> int:
        (address,) = self.rpc.create(
            "party.address", {"party": party, "street": "1 Dock Rd", "city": "Utrecht"}
        )
        return address
