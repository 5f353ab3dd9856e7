"""Where goods are, and in whose name: the settings' names as Tryton's ids, looked up once a session."""

from collections.abc import Collection, Iterable, Sequence
from typing import TypeVar

import msgspec

from dropstream_tryton import wire
from dropstream_tryton.client import Api
from dropstream_tryton.settings import Settings
from dropstreamd.errors import Misconfigured


class House(msgspec.Struct, frozen=True, kw_only=True):
    """`quarantine` and `damaged` have their sublocations with them. `category` is None where all goods are
    meant. Each of the warehouses is a facility: stock of all is told, and orders may go to any; what names
    none is the first one's."""

    warehouse: wire.Warehouse
    more: tuple[wire.Warehouse, ...] = ()
    customer: int
    customers: int
    quarantine: frozenset[int]
    damaged: frozenset[int]
    category: int | None
    currency: wire.Named

    @property
    def facilities(self) -> dict[str, wire.Warehouse]:
        """The warehouses by what they are called as facilities: their codes, or else their names."""
        return {each.code or each.name or "": each for each in (self.warehouse, *self.more)}

    @property
    def ids(self) -> list[int]:
        """Of the warehouses."""
        return [self.warehouse.id, *(each.id for each in self.more)]

    def facility_of(self, warehouse: int | None) -> str:
        """What the warehouse of that id is called; "" where it is none of these."""
        return next((name for name, each in self.facilities.items() if each.id == warehouse), "")

    @property
    def storage(self) -> int:
        """Where goods lie that can be sold."""
        return self.warehouse.storage_location

    @property
    def goods(self) -> list[object]:
        """The domain of the products that matter."""
        domain: list[object] = [["type", "=", "goods"]]
        if self.category is not None:
            domain.append(["template.categories", "child_of", [self.category], "parent"])
        return domain


def picked_from(warehouse: wire.Warehouse) -> int:
    """Where a shipment's goods are taken from in a warehouse."""
    return warehouse.picking_location or warehouse.storage_location


class Places:
    """Finds the house."""

    def __init__(self, api: Api, settings: Settings) -> None:
        self._api = api
        self._settings = settings
        self._house: House | None = None

    async def house(self) -> House:
        """Raises Misconfigured, naming the choices, where a setting names nothing or several."""
        if self._house is None:
            self._house = await self._look()
        return self._house

    async def _look(self) -> House:
        settings = self._settings
        places = await self._places()
        warehouse = _warehouse(places, settings.warehouse)
        customers = await self._api.rows(
            "party.party", _called(settings.customer), "customer_location", into=_Customer
        )
        customer = _only("party", "customer", settings.customer, customers)
        if customer.customer_location is None:
            raise Misconfigured(f"Tryton: party {settings.customer!r} has no customer location")
        (company,) = await self._api.rows(
            "company.company", [["id", "=", await self._api.company()]], "currency.code", into=wire.Company
        )
        more = tuple(_warehouse(places, each) for each in settings.more_warehouses)
        waste = (each for house in (warehouse, *more) for each in house.waste_locations)
        damaged = {*waste, *_named(places, "damaged", settings.damaged)}
        return House(
            warehouse=warehouse,
            more=more,
            customer=customer.id,
            customers=customer.customer_location,
            quarantine=await self._with_inner(_named(places, "quarantine", settings.quarantine)),
            damaged=await self._with_inner(damaged),
            category=await self._category(),
            currency=company.currency,
        )

    async def _places(self) -> list[wire.Location]:
        """The warehouses, and the locations that the settings name."""
        names = [*self._settings.quarantine, *self._settings.damaged]
        kinds = ["type", "=", "warehouse"]
        return await self._api.rows(
            "stock.location",
            ["OR", kinds, ["code", "in", names], ["name", "in", names]],
            "name",
            "code",
            "type",
            "storage_location",
            "input_location",
            "output_location",
            "picking_location",
            "waste_locations",
            into=wire.Location,
        )

    async def _category(self) -> int | None:
        name = self._settings.category
        if not name:
            return None
        found = await self._api.rows("product.category", [["name", "=", name]], "name", into=wire.Named)
        return _only("product category", "category", name, found).id

    async def _with_inner(self, ids: Collection[int]) -> frozenset[int]:
        """These locations, with all that lie in them."""
        if not ids:
            return frozenset()
        inner = await self._api.rows(
            "stock.location", [["parent", "child_of", sorted(ids)]], "name", into=wire.Named, limit=10_000
        )
        return frozenset({*ids, *(each.id for each in inner)})


def _warehouse(places: Sequence[wire.Location], wanted: str) -> wire.Warehouse:
    found = [each for each in places if each.type == "warehouse"]
    if wanted:
        found = [each for each in found if wanted in (each.code, each.name)]
    elif len(found) != 1:
        choices = ", ".join(str(each.code or each.name) for each in found) or "none"
        raise Misconfigured(
            f"Tryton has {len(found)} warehouses", remedy=f"set warehouse to one of: {choices}"
        )
    one = _only("warehouse", "warehouse", wanted, found)
    if one.storage_location is None or one.input_location is None or one.output_location is None:
        raise Misconfigured(f"Tryton's warehouse {one.name} lacks its storage, input or output location")
    return wire.Warehouse(
        id=one.id,
        name=one.name,
        code=one.code,
        storage_location=one.storage_location,
        input_location=one.input_location,
        output_location=one.output_location,
        picking_location=one.picking_location,
        waste_locations=one.waste_locations,
    )


def _named(places: Sequence[wire.Location], key: str, names: Iterable[str]) -> set[int]:
    ids = set()
    for name in names:
        found = [each for each in places if name in (each.code, each.name)]
        ids.add(_only("location", key, name, found).id)
    return ids


class _Customer(wire.Wire, frozen=True, kw_only=True):
    id: int
    customer_location: int | None = None


def _called(name: str) -> list[object]:
    return [["OR", ["code", "=", name], ["name", "=", name]]]


R = TypeVar("R", wire.Location, wire.Named, _Customer)


def _only(what: str, key: str, name: str, found: Sequence[R]) -> R:
    if len(found) == 1:
        return found[0]
    many = f"{len(found)} of them are" if found else "none is"
    raise Misconfigured(
        f"Tryton: of the {what} records, {many} called {name!r}",
        remedy=f"set {key} to a code or name that one has, and let the user see it",
    )
