"""Carriers as BigCommerce knows them: its own shipping providers, else AfterShip's couriers."""

import re

import msgspec

PROVIDERS = {
    "auspost": "auspost",
    "australiapost": "auspost",
    "canadapost": "canadapost",
    "endicia": "endicia",
    "fedex": "fedex",
    "federalexpress": "fedex",
    "royalmail": "royalmail",
    "shipperhq": "shipperhq",
    "ups": "ups",
    "unitedparcelservice": "ups",
    "upsonline": "upsonline",
    "upsready": "upsready",
    "usps": "usps",
    "unitedstatespostalservice": "usps",
}
"""`shipping_provider` by a carrier's name, in small letters and digits alone ("Create Order Shipment")."""

COURIERS = {
    "dhl": "dhl",
    "dhlexpress": "dhl",
    "dhlecommerce": "dhl-global-mail",
    "dhlglobalmail": "dhl-global-mail",
    "dpd": "dpd",
    "gls": "gls",
    "lasership": "lasership",
    "ontrac": "ontrac",
    "postnl": "postnl",
    "purolator": "purolator",
    "tnt": "tnt",
}
"""`tracking_carrier` likewise ("AfterShip: Supported Couriers")."""

COURIER = "aftership:"
"""Before a courier's own name, in the map of carriers: for those that are not listed here."""

THIRD_PARTY = re.compile(r"carrier_[0-9]{1,9}")


class Carrier(msgspec.Struct, frozen=True, kw_only=True):
    """As a shipment names it; both are empty for one that BigCommerce does not know."""

    provider: str = ""
    courier: str = ""


def carrier(name: str) -> Carrier:
    """The carrier of this name."""
    plain = name.strip()
    if plain.casefold().startswith(COURIER):
        return Carrier(courier=plain[len(COURIER) :].strip().lower())
    if THIRD_PARTY.fullmatch(plain):
        return Carrier(provider=plain)
    bare = re.sub(r"[^a-z0-9]", "", plain.casefold())
    return Carrier(provider=PROVIDERS.get(bare, ""), courier=COURIERS.get(bare, ""))
