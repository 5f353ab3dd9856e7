"""Reads how a merchant's stock is sold: `[bundles]` and `[allocation]` of its file."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

import msgspec

from dropstreamd.config.csv_rows import Columns, Row, Wrong
from dropstreamd.config.files import ConfFolder
from dropstreamd.config.place import Place, Table, mapping, shown
from dropstreamd.config.schema import NO_ALLOCATION, WHOLE_PPM, Allocation, Recipe, StockRule
from dropstreamd.config.values import entries, file_below, parts_per_million, whole

SKU_LIMIT_BYTES = 100
INLINE_LIMIT = 1000
CSV_ROWS_LIMIT = 2_000_000
COMPONENTS_LIMIT = 100
MOST_IN_A_BUNDLE = 10_000
MOST_UNITS = 1_000_000_000
_SHARES_LIMIT = 10_000

_UNITS = whole(0, MOST_UNITS)
_MADE_OF = whole(1, MOST_IN_A_BUNDLE)
_RULE = ("safety_stock", "fixed", "maximum", "minimum")
_SAFETY_ALLOWED = f'units from 0 to {MOST_UNITS}, or per cent in quotes: "5%"'


class ReadAllocation(msgspec.Struct, frozen=True, kw_only=True):
    """`[allocation]`: the rules, and the share of each connection by its name."""

    allocation: Allocation = NO_ALLOCATION
    shares: Mapping[str, int] = {}


def check_skus(skus: Iterable[str], place: Place) -> None:
    """Report every SKU that is too long to be kept as it is."""
    for sku in skus:
        if len(sku.encode()) > SKU_LIMIT_BYTES:
            found = f"a SKU of {len(sku.encode())} bytes, {sku[:30]}…"
            place.wrong(found=found, allowed=f"at most {SKU_LIMIT_BYTES} bytes")


# ---- bundles


def read_bundles(top: Table, folder: ConfFolder) -> Mapping[str, Recipe]:
    """`[bundles]`, or the CSV file that `bundles_file` names."""
    instead = "put them in a CSV file with a header bundle,component,units and name it in bundles_file"
    inline = top.maybe("bundles", entries(_recipe, most=INLINE_LIMIT, instead=instead)) or {}
    path = top.maybe("bundles_file", file_below)
    place = top.place.at("bundles")
    bundles: Mapping[str, Recipe] = inline
    if path is not None and top.holds("bundles"):
        top.place.at("bundles_file").wrong(found="bundles and bundles_file", allowed="one of the two")
    elif path is not None:
        place = Place(folder.shown_path(path), top.place.problems)
        bundles = _in_file(path, folder, place)
    for sku, recipe in bundles.items():
        _check_bundle(sku, recipe, bundles, place.at(sku))
    return bundles


def _recipe(value: object, place: Place) -> Recipe | None:
    return entries(_MADE_OF, most=COMPONENTS_LIMIT)(value, place)


def _in_file(path: str, folder: ConfFolder, place: Place) -> dict[str, Recipe]:
    columns = Columns(names=("bundle", "component", "units"), keys=2, check=_wrong_part)
    bundles: dict[str, dict[str, int]] = {}
    for sku, component, units in folder.rows(path, columns, CSV_ROWS_LIMIT, place) or ():
        bundles.setdefault(sku, {})[component] = int(units)
    return {**bundles}


def _wrong_part(row: Row) -> Wrong | None:
    if _number(row[2]) is None or not 1 <= int(row[2]) <= MOST_IN_A_BUNDLE:
        return Wrong(f"units {shown(row[2])}", f"a whole number from 1 to {MOST_IN_A_BUNDLE}")
    return None


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else None


def _check_bundle(sku: str, recipe: Recipe, bundles: Mapping[str, Recipe], place: Place) -> None:
    check_skus((sku, *recipe), place)
    if sum(recipe.values()) < 2:
        found = "one unit" if recipe else "no component"
        place.wrong(
            found=found,
            allowed="at least one component and two units",
            hint="one unit under another SKU is a listing" if recipe else "",
        )
    if len(recipe) > COMPONENTS_LIMIT:
        place.wrong(found=f"{len(recipe)} components", allowed=f"at most {COMPONENTS_LIMIT}")
    for component in recipe:
        if component in bundles:
            place.at(component).wrong(
                found="itself" if component == sku else "a bundle in a bundle",
                allowed="a SKU that the warehouse stocks",
                hint="" if component == sku else "name what that one is made of",
            )


# ---- allocation


def read_allocation(top: Table, folder: ConfFolder, bundles: Mapping[str, Recipe]) -> ReadAllocation:
    """`[allocation]`. What an override does not say is as in the default; but a bundle holds back bundles
    only where an override says so: its components have safety stock of their own."""
    table = top.table("allocation")
    default = _rule(table, StockRule())
    made = msgspec.structs.replace(default, safety_units=0, safety_ppm=0)
    bases = dict.fromkeys(bundles, made)
    overrides = _overrides(table, folder, default, bases)
    shares = table.maybe("share", entries(parts_per_million, most=_SHARES_LIMIT)) or {}
    table.close()
    allocation = Allocation(default=default, overrides=overrides)
    return ReadAllocation(
        allocation=NO_ALLOCATION if allocation == NO_ALLOCATION else allocation, shares=shares
    )


def _rule(table: Table, base: StockRule) -> StockRule:
    safety = table.maybe("safety_stock", _safety)
    rule = base if safety is None else _held_back(base, safety)
    fixed = table.get("fixed", _UNITS, base.fixed)
    maximum = table.get("maximum", _UNITS, base.maximum)
    minimum = table.get("minimum", _UNITS, base.minimum)
    for name, most in (("maximum", maximum), ("fixed", fixed)):
        if most is not None and minimum > most > 0:
            found = f"{minimum}, more than the {name} of {most}"
            table.place.at("minimum").wrong(found=found, allowed=f"at most the {name}: nothing is shown else")
    return msgspec.structs.replace(rule, fixed=fixed, maximum=maximum, minimum=minimum)


class _Safety(msgspec.Struct, frozen=True):
    units: int
    ppm: int


def _held_back(base: StockRule, safety: _Safety) -> StockRule:
    return msgspec.structs.replace(base, safety_units=safety.units, safety_ppm=safety.ppm)


def _safety(value: object, place: Place) -> _Safety | None:
    """Units, or per cent in quotes."""
    if isinstance(value, str):
        quiet = Place(place.file, [])
        ppm = parts_per_million(value, quiet)
        if ppm is not None:
            return _Safety(0, ppm)
    elif isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_UNITS:
        return _Safety(value, 0)
    place.wrong(found=shown(value), allowed=_SAFETY_ALLOWED)
    return None


def _overrides(
    table: Table, folder: ConfFolder, default: StockRule, bases: Mapping[str, StockRule]
) -> dict[str, StockRule]:
    instead = f"put them in a CSV file with a header sku,{','.join(_RULE)} and name it in overrides_file"
    inline = table.maybe("overrides", entries(mapping, most=INLINE_LIMIT, instead=instead)) or {}
    path = table.maybe("overrides_file", file_below)
    if path is not None and table.holds("overrides"):
        table.place.at("overrides_file").wrong(found="overrides and overrides_file", allowed="one of the two")
        return {}
    place = table.place.at("overrides")
    written: dict[str, Mapping[str, object]] = {**inline}
    if path is not None:
        place = Place(folder.shown_path(path), table.place.problems)
        columns = Columns(names=("sku",), optional=_RULE, check=_wrong_rule)
        rows = folder.rows(path, columns, CSV_ROWS_LIMIT, place) or []
        written = {row[0]: _as_written(row) for row in rows}
    check_skus(written, place)
    found = {}
    for sku, values in written.items():
        one = Table(values, place.at(sku))
        found[sku] = _rule(one, bases.get(sku, default))
        one.close()
    return found


def _wrong_rule(row: Row) -> Wrong | None:
    for name, text in zip(_RULE, row[1:], strict=True):
        if not text or (_number(text) is not None and int(text) <= MOST_UNITS):
            continue
        if name == "safety_stock" and parts_per_million(text, Place("", [])) is not None:
            continue
        allowed = _SAFETY_ALLOWED if name == "safety_stock" else f"units from 0 to {MOST_UNITS}, or nothing"
        return Wrong(f"{name} {shown(text)}", allowed)
    return None


def _as_written(row: Row) -> dict[str, object]:
    """A row as TOML would have it."""
    values = zip(_RULE, row[1:], strict=True)
    return {name: text if "%" in text else int(text) for name, text in values if text}


def too_much(shares: Mapping[str, int]) -> str:
    """Why these connections of one warehouse may not have these shares; "" if they may."""
    total = sum(shares.values())
    if total <= WHOLE_PPM:
        return ""
    return f"{Decimal(total) / 10_000}% in all for {', '.join(sorted(shares))}"
