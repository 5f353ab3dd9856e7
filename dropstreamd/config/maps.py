"""Reads maps from one side's names to the other's: inline, or from a CSV file."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from dropstreamd.config.files import ConfFolder
from dropstreamd.config.place import Place, Table
from dropstreamd.config.selling import CSV_ROWS_LIMIT, INLINE_LIMIT
from dropstreamd.config.values import choice, entries, file_below, text

UNMAPPED: Mapping[str, Literal["hold", "pass"]] = {"hold": "hold", "pass": "pass"}
"""What may become of an order that has a name which is not mapped."""


class Shipping(msgspec.Struct, frozen=True, kw_only=True):
    """Ship methods to the warehouse, carriers back."""

    methods: Mapping[str, str]
    carriers: Mapping[str, str]
    unmapped: Literal["hold", "pass"]


def read_shipping(table: Table, folder: ConfFolder) -> Shipping:
    shipping = Shipping(
        methods=read_map(table, folder, "methods", ("store_method", "warehouse_method")),
        carriers=read_map(table, folder, "carriers", ("warehouse_carrier", "store_carrier")),
        unmapped=table.get("unmapped", choice(UNMAPPED), "hold"),
    )
    table.close()
    return shipping


def read_map(table: Table, folder: ConfFolder, name: str, columns: tuple[str, str]) -> Mapping[str, str]:
    """A map from text to text: the table `name`, or the CSV file that `name_file` names."""
    in_file = f"{name}_file"
    instead = f"put them in a CSV file with a header {','.join(columns)} and name it in {in_file}"
    inline = table.maybe(name, entries(text(), most=INLINE_LIMIT, instead=instead)) or {}
    path = table.maybe(in_file, file_below)
    if path is None:
        return inline
    if table.holds(name):
        table.place.at(in_file).wrong(found=f"{name} and {in_file}", allowed="one of the two")
        return {}
    place = Place(folder.shown_path(path), table.place.problems)
    return folder.pairs(path, columns, CSV_ROWS_LIMIT, place) or {}
