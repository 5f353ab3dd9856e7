"""The elements of the segments that we write, with the lengths that release 004010 gives them."""

import msgspec


class Kind(msgspec.Struct, frozen=True):
    """One element. An `exact` one identifies something: no character of it is ever replaced. A `strict`
    one may not even have blanks around it, which X12 loses."""

    name: str
    least: int
    most: int
    needed: bool = False
    number: bool = False
    exact: bool = False
    strict: bool = False


def _code(name: str, least: int, most: int) -> Kind:
    return Kind(name, least, most, exact=True)


def _needed(kind: Kind) -> Kind:
    return msgspec.structs.replace(kind, needed=True)


def _count(name: str, most: int) -> Kind:
    return Kind(name, 1, most, number=True, exact=True)


_DATE = _code("date", 8, 8)
_TIME = _code("time", 4, 8)
_UNIT = _code("unit", 2, 2)
_METHOD = _code("transportation method", 1, 2)
_PAYMENT = _code("payment of the freight", 2, 2)
_SCAC = _code("carrier's SCAC", 2, 4)
_ROUTING = _code("routing", 1, 35)
_QUALIFIER = _code("qualifier", 2, 2)
_PRODUCT = Kind("product id", 1, 48, exact=True, strict=True)
_SET = _code("transaction set", 3, 3)
_CONTROL = _code("control number", 4, 9)
_ACK = _code("acknowledgement code", 1, 1)
_SYNTAX = _code("syntax error code", 1, 3)
_ORDER = _code("depositor order number", 1, 22)
_PURCHASE_ORDER = _code("purchase order number", 1, 22)
_UPC = _code("UPC case code", 12, 12)
_PRODUCTS = (_needed(_QUALIFIER), _needed(_PRODUCT), _QUALIFIER, _PRODUCT)

ELEMENTS: dict[str, tuple[Kind, ...]] = {
    "ST": (_needed(_SET), _needed(_CONTROL)),
    "SE": (_needed(_count("number of segments", 10)), _needed(_CONTROL)),
    "W05": (
        _needed(_code("order status code", 1, 1)),
        _needed(_ORDER),
        _PURCHASE_ORDER,
        _code("link sequence number", 6, 6),
        _code("master reference number", 1, 22),
        _code("transaction type", 2, 2),
        _code("action code", 1, 2),
    ),
    "W06": (
        _needed(_code("reporting code", 1, 1)),
        _ORDER,
        _DATE,
        _code("shipment number", 1, 30),
        _code("agent shipment number", 1, 12),
        _PURCHASE_ORDER,
    ),
    "N1": (
        _needed(_code("party", 2, 3)),
        Kind("name", 1, 60),
        _code("qualifier of the party's id", 1, 2),
        _code("party's id", 2, 80),
    ),
    "N2": (_needed(Kind("second name", 1, 60)), Kind("third name", 1, 60)),
    "N3": (_needed(Kind("address line 1", 1, 55)), Kind("address line 2", 1, 55)),
    "N4": (
        Kind("city", 2, 30),
        _code("state or province", 2, 2),
        _code("postal code", 3, 15),
        _code("country", 2, 3),
        _code("location qualifier", 1, 2),
        Kind("region", 1, 30),
    ),
    "PER": (
        _needed(_code("contact function", 2, 2)),
        Kind("contact's name", 1, 60),
        _QUALIFIER,
        Kind("contact's phone", 1, 80),
        _QUALIFIER,
        _code("contact's e-mail address", 1, 80),
    ),
    "N9": (_needed(_code("reference qualifier", 2, 3)), _code("reference", 1, 30)),
    "G62": (_code("date qualifier", 2, 2), _DATE, _code("time qualifier", 1, 2), _TIME),
    "NTE": (_code("note code", 3, 3), _needed(Kind("note", 1, 80))),
    "W66": (
        _needed(_PAYMENT),
        _needed(_METHOD),
        _code("pallet exchange code", 1, 1),
        _code("unit load option", 2, 2),
        _ROUTING,
        _code("FOB point code", 2, 2),
        Kind("FOB point", 1, 30),
        _code("COD payment code", 1, 1),
        _count("COD amount", 15),
        _SCAC,
    ),
    "W27": (_needed(_METHOD), _SCAC, _ROUTING, _PAYMENT),
    "LX": (_needed(_count("assigned number", 6)),),
    "W01": (_needed(_count("quantity ordered", 15)), _needed(_UNIT), _UPC, *_PRODUCTS),
    "W04": (_needed(_count("number of units", 10)), _needed(_UNIT), _UPC, *_PRODUCTS),
    "W20": (_needed(_count("units in a pack", 6)),),
    "G69": (_needed(Kind("description", 1, 45)),),
    "W76": (_needed(_count("total quantity ordered", 15)),),
    "W03": (_needed(_count("total of units", 10)),),
    "AK1": (_needed(_code("functional group", 2, 2)), _needed(_code("group control number", 1, 9))),
    "AK2": (_needed(_SET), _needed(_CONTROL)),
    "AK3": (
        _needed(_code("segment", 2, 3)),
        _needed(_count("segment position", 6)),
        _code("loop", 1, 6),
        _code("segment syntax error", 1, 3),
    ),
    "AK5": (_needed(_ACK), _SYNTAX, _SYNTAX, _SYNTAX, _SYNTAX, _SYNTAX),
    "AK9": (
        _needed(_ACK),
        _needed(_count("sets included", 6)),
        _needed(_count("sets received", 6)),
        _needed(_count("sets accepted", 6)),
        _SYNTAX,
        _SYNTAX,
        _SYNTAX,
        _SYNTAX,
        _SYNTAX,
    ),
}
