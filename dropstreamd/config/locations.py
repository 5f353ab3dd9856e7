"""Reads `[locations]`: which of a store's locations shows the stock of which facility of the warehouse."""

from collections.abc import Mapping

from dropstreamd.config.accounts import Account
from dropstreamd.config.place import Place, Table, shown
from dropstreamd.config.schema import WarehouseAccount
from dropstreamd.config.values import entries, text

LOCATIONS_LIMIT = 50
"""Each is a pass of its own over the levels."""

LOCATION_BYTES = 80
"""It is part of a key of the state."""

_FACILITY = text("the code of a facility", most=LOCATION_BYTES)


def read_locations(table: Table) -> Mapping[str, str]:
    """The table as it stands, with what is wrong with it alone; empty where there is none."""
    found = table.maybe("locations", entries(_FACILITY, most=LOCATIONS_LIMIT))
    place = table.place.at("locations")
    if found is None:
        return {}
    if not found:
        place.wrong(found="an empty table", allowed="a facility for each location, or no such table")
    has: dict[str, str] = {}
    for location, facility in found.items():
        if not location or len(location.encode()) > LOCATION_BYTES or "\0" in location:
            place.wrong(found=shown(location), allowed=f"a location's id of 1 to {LOCATION_BYTES} bytes")
        if facility in has:
            place.at(location).wrong(
                found=f"{shown(facility)}, which {shown(has[facility])} has",
                allowed="a facility of its own for each location",
                hint="its stock would be sold twice",
            )
        has[facility] = location
    return found


def check_locations(
    facilities: Mapping[str, str], store: Account | None, account: WarehouseAccount | None, place: Place
) -> str:
    """Report where the two sides cannot do as the map says. The location of what names none, "" where
    nobody can say it."""
    home = "" if store is None or store.locations is None else store.locations.home
    if not facilities:
        return home
    at = place.at("locations")
    if store is not None and store.locations is None:
        found = f"locations of a store of the plugin {store.platform}, which keeps one stock"
        at.wrong(found=found, allowed="no such table")
    elif store is not None:
        home = home or (next(iter(facilities)) if len(facilities) == 1 else "")
        if home not in facilities:
            at.wrong(
                found=f"no {shown(home)}, which [store] names" if home else "several locations",
                allowed="the location that [store] names for what has none of its own, among these",
                hint="its setting stands in the plugin's README",
            )
    if account is not None:
        _check_warehouse(facilities, account, at)
    return home


def _check_warehouse(facilities: Mapping[str, str], account: WarehouseAccount, at: Place) -> None:
    if account.duplicates == "refuse":
        at.wrong(
            found=f'duplicates = "refuse" at {account.name}',
            allowed="a warehouse that may tell a SKU in one row for each facility",
            hint=f'set duplicates of {account.name} to "sum"',
        )
    if account.adjusts:
        at.wrong(
            found=f"stock adjustments that count, at {account.name}",
            allowed="a warehouse whose snapshots alone say what is at which facility",
            hint=f"an adjustment names no facility: have {account.name} apply none, or drop this table",
        )
    for location, facility in facilities.items():
        if account.facilities is not None and facility not in account.facilities:
            at.at(location).wrong(
                found=f"{shown(facility)}, which `facilities` of {account.name} leaves out",
                allowed=f"one of {', '.join(sorted(account.facilities)) or 'none'}",
            )
