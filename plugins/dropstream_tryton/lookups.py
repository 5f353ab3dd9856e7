"""What an order names, as Tryton's records: SKUs, ship methods, countries, the address to send to."""

from collections.abc import Sequence

from dropstream_tryton import wire
from dropstream_tryton.client import Api, Refusal
from dropstream_tryton.places import House
from dropstreamd.model.handover import Rejected
from dropstreamd.model.orders import Address
from dropstreamd.platform.contract import Finding

MOST_CARRIERS = 1000
LISTED = 50
"""Ship methods that preflight names."""


async def find_goods(
    api: Api, house: House, key: str, skus: Sequence[str]
) -> dict[str, wire.Goods] | Rejected:
    """The products of these codes, exactly so written."""
    wanted = sorted(set(skus))
    domain = [*house.goods, ["code", "in", wanted]]
    found = await api.rows("product.product", domain, "code", "default_uom", into=wire.Goods)
    by_code: dict[str, wire.Goods] = {}
    for one in found:
        if one.code in by_code:
            reason = f"several of Tryton's products have the code {one.code}: make them differ"
            return Rejected(key=key, cause=f"sku:{one.code}", reason=reason)
        by_code[one.code] = one
    for sku in wanted:
        if sku not in by_code:
            return Rejected(key=key, cause=f"sku:{sku}", reason=f"Tryton has no goods with the code {sku}")
    return by_code


async def all_carriers(api: Api) -> list[wire.Carrier] | None:
    """Every carrier; None where shipments have none, since the module is not active."""
    if "carrier" not in await api.fields_of("stock.shipment.out"):
        return None
    fields = ("party.name", "carrier_product.name", "carrier_product.code")
    return await api.rows("carrier", [], *fields, into=wire.Carrier, limit=MOST_CARRIERS)


def ship_methods(carriers: Sequence[wire.Carrier]) -> Finding:
    """What a ship method may be mapped to: of each carrier the clearest name."""
    names = sorted({each.names[0] for each in carriers if each.names})
    if not names:
        return Finding(
            name="ship methods",
            ok=False,
            detail="Tryton has no carrier: no order with a ship method can be taken",
            remedy="enter the carriers in Tryton",
        )
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return Finding(name="ship methods", ok=True, detail=f"{len(names)}: {', '.join(names[:LISTED])}{more}")


async def find_carrier(api: Api, key: str, method: str) -> int | Rejected | None:
    """The carrier that a ship method names; None for no method, or where shipments have no carrier."""
    carriers = await all_carriers(api) if method else None
    if carriers is None:
        return None
    for depth in range(4):
        named = [each for each in carriers if depth < len(each.names) and each.names[depth] == method]
        if len(named) == 1:
            return named[0].id
        if named:
            break
    how = "several carriers are" if named else "no carrier is"
    return Rejected(key=key, cause=f"method:{method}", reason=f"in Tryton {how} called {method!r}")


async def find_address(api: Api, house: House, key: str, address: Address, email: str) -> int | Rejected:
    """The customer's address with exactly these fields, made where there is none."""
    country = await _country(api, address.country)
    if address.country and country is None:
        reason = f"Tryton has no country {address.country}: run trytond_import_countries"
        return Rejected(key=key, cause=f"country:{address.country}", reason=reason)
    subdivision = await _subdivision(api, address, country)
    city = address.city
    if address.region and subdivision is None:
        city = f"{city}, {address.region}" if city else address.region
    fields: dict[str, object] = {
        "party_name": (address.company or address.name).strip() or None,
        "attn": (address.name.strip() or None) if address.company else None,
        "street_unstructured": "\n".join(
            line for line in (address.line1.strip(), address.line2.strip()) if line
        )
        or None,
        "postal_code": address.postal_code.strip() or None,
        "city": city.strip() or None,
        "country": country,
        "subdivision": subdivision,
    }
    contacts = [
        (kind, told.strip()) for kind, told in (("email", email), ("phone", address.phone)) if told.strip()
    ]
    same = [["party", "=", house.customer], *([name, "=", value] for name, value in fields.items())]
    same += [["contact_mechanisms.value", "=", value] for _, value in contacts]
    found = await api.rows("party.address", same, "id", into=wire.Id, limit=1)
    if found:
        return found[0].id
    # Some servers look at telephone numbers, and refuse those that they do not know the form of.
    for kinds in ({}, {"phone": "other"}):
        values = _with_contacts(
            fields, house.customer, [(kinds.get(kind, kind), told) for kind, told in contacts]
        )
        made = await api.ask("party.address.create", [values], into=list[int], write=True)
        if not isinstance(made, Refusal):
            return made[0]
    return Rejected(key=key, cause="address", reason=f"Tryton refuses the address: {made}")


def _with_contacts(
    fields: dict[str, object], customer: int, contacts: Sequence[tuple[str, str]]
) -> dict[str, object]:
    mechanisms = [{"party": customer, "type": kind, "value": told} for kind, told in contacts]
    extra: dict[str, object] = {"contact_mechanisms": [["create", mechanisms]]} if mechanisms else {}
    return {"party": customer, **fields, **extra}


async def _country(api: Api, code: str) -> int | None:
    if not code:
        return None
    found = await api.rows("country.country", [["code", "=", code]], "name", into=wire.Named)
    return found[0].id if found else None


async def _subdivision(api: Api, address: Address, country: int | None) -> int | None:
    if not address.region or country is None:
        return None
    names = ["OR", ["code", "=", f"{address.country}-{address.region}"], ["name", "=", address.region]]
    domain = [["country", "=", country], names]
    found = await api.rows("country.subdivision", domain, "name", into=wire.Named)
    return found[0].id if len(found) == 1 else None


def price(house: House, amount: str, currency: str) -> dict[str, object]:
    """A move's price in the company's currency: nothing where the order's is another."""
    same = currency == house.currency.code
    return {"unit_price": wire.decimal(amount if same and amount else "0"), "currency": house.currency.id}
