"""Carriers as Amazon names them: by a code that it knows, else as "Other" with their name.

From the carrier codes of Amazon's order fulfillment schema, as they have been used for years.
"""

OTHER = "Other"

CODES = (
    "4PX",
    "AFL/Fedex",
    "Amazon Shipping",
    "Aramex",
    "Australia Post",
    "Blue Package",
    "BlueDart",
    "Canada Post",
    "China Post",
    "Chrono Express",
    "Chronopost",
    "City Link",
    "Correios",
    "Correos",
    "DHL",
    "DHL Global Mail",
    "DPD",
    "DTDC",
    "Delhivery",
    "Deutsche Post",
    "Endopack",
    "FEDEX_JP",
    "Fastway",
    "FedEx",
    "FedEx SmartPost",
    "First Flight",
    "GLS",
    "GO!",
    "Hermes Logistik Gruppe",
    "India Post",
    "JP_EXPRESS",
    "La Poste",
    "Lasership",
    "MRW",
    "NITTSU",
    "Nacex",
    "Newgistics",
    "NipponExpress",
    "OSM",
    "OnTrac",
    "Overnite Express",
    "Parcelforce",
    "Parcelnet",
    "Poste Italiane",
    "Professional",
    "Royal Mail",
    "SAGAWA",
    "SDA",
    "SF Express",
    "SagawaExpress",
    "Seur",
    "Smartmail",
    "Streamlite",
    "TNT",
    "Target",
    "Toll Global Express",
    "UPS",
    "UPS Mail Innovations",
    "UPSMI",
    "USPS",
    "YAMATO",
    "YANWEN",
    "YamatoTransport",
    "Yodel",
    "Yun Express",
)

_BY_NAME = {each.casefold(): each for each in CODES}


def code_of(name: str) -> str:
    """Amazon's code for a carrier's name, whatever its case; `OTHER` where it knows none."""
    return _BY_NAME.get(name.strip().casefold(), OTHER)
