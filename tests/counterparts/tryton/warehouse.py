"""A warehouse of its own on a Tryton, with one merchant's goods, and the people who work in it."""

from collections.abc import Mapping, Sequence

import msgspec

from .rpc import Row, Rpc, decimal
from .server import ADMIN, TrytonServer

OUT = "stock.shipment.out"
RETURN = "stock.shipment.out.return"
PURCHASE = "purchase.purchase"
MOST_AT_ONCE = 40  # SQLite gives up over a hundred products ("parser stack overflow")


class Packed(msgspec.Struct, frozen=True, kw_only=True):
    """A package as the packer makes it: units by SKU, and its tracking number."""

    units: Mapping[str, int]
    tracking: str = ""


class TrytonWarehouse:
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
        self.supplier = 0
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

    # ---- shipments

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

    def state(self, model: str, record: int) -> str:
        (row,) = self.rpc.rows(model, [["id", "=", record]], "state")
        return str(row["state"])

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

    # ----

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
