"""Settings of a partner that decode but cannot be right."""

import fnmatch
import re
from collections.abc import Iterator

import msgspec

from dropstream_file_exchange.x12.elements import ELEMENTS, Kind
from dropstream_file_exchange.x12.settings import X12, Delimiters
from dropstreamd.platform.contract import SettingProblem

_CODE = re.compile(r"[A-Z0-9]+")
_ID = re.compile(r"[!-~]([ -~]*[!-~])?")
_SIGN = re.compile(r"[^A-Za-z0-9 ]")
MOST_HOURS = 24 * 30
NOTES = ("note_code", "delivery_code", "gift_code")
DATES = ("placed_date", "ship_by_date", "deliver_by_date")


def check(settings: X12) -> list[SettingProblem]:
    """Every problem, each with its key below `x12`."""
    return [
        *_parties(settings),
        *_writing(settings),
        *_files(settings),
        *_codes(settings),
        *_orders(settings),
        *_reading(settings),
        *_notices(settings),
    ]


def _parties(settings: X12) -> Iterator[SettingProblem]:
    for side in ("sender", "receiver"):
        yield from _id(side, getattr(settings, side), needed=True, delimiters=settings.delimiters)
        group = f"group_{side}"
        value: str = getattr(settings, group)
        yield from _id(group, value, needed=False, delimiters=settings.delimiters)
        if not value and len(getattr(settings, side)) < 2:
            yield _problem(group, repr(value), "2 to 15 characters (GS02, GS03)")
        qualifier: str = getattr(settings, f"{side}_qualifier")
        yield from _coded(f"{side}_qualifier", qualifier, 2, 2)
    if settings.sender and (settings.sender_qualifier, settings.sender) == (
        settings.receiver_qualifier,
        settings.receiver,
    ):
        yield _problem("receiver", repr(settings.receiver), "another party than sender")


def _id(key: str, value: str, *, needed: bool, delimiters: Delimiters) -> Iterator[SettingProblem]:
    if not value:
        if needed:
            yield _problem(
                key, "nothing", "the id agreed with the partner, of 1 to 15 characters (ISA06, ISA08)"
            )
        return
    least = 1 if needed else 2
    signs = msgspec.structs.astuple(delimiters)
    if not _ID.fullmatch(value) or not least <= len(value) <= 15 or any(sign in value for sign in signs):
        allowed = f"{least} to 15 ASCII characters, none of them a delimiter, no blank at an end"
        yield _problem(key, repr(value), allowed)


def _writing(settings: X12) -> Iterator[SettingProblem]:
    signs: dict[str, str] = msgspec.structs.asdict(settings.delimiters)
    for name, sign in signs.items():
        if len(sign) != 1 or not sign.isascii() or not _SIGN.fullmatch(sign):
            yield _problem(f"delimiters.{name}", repr(sign), "one ASCII character, no letter, digit or blank")
    if len(set(signs.values())) < len(signs):
        yield _problem("delimiters", "one character twice", "three different characters")
    if settings.newline != "none" and signs["segment"] in "\r\n":
        yield _problem(
            "newline", repr(settings.newline), '"none", where delimiters.segment ends the line itself'
        )
    substitute = settings.substitute
    if substitute and (
        len(substitute) != 1
        or not substitute.isascii()
        or not substitute.isprintable()
        or substitute in signs.values()
    ):
        yield _problem("substitute", repr(substitute), 'one ASCII character that is no delimiter, or ""')


def _files(settings: X12) -> Iterator[SettingProblem]:
    try:
        first, second = (
            settings.name.format(kind=kind, number=number)
            for kind, number in (("940", "000000001"), ("940", "000000002"))
        )
        other = settings.name.format(kind="943", number="000000001")
    except (LookupError, ValueError):
        first = second = other = ""
    if len({first, second, other}) < 3 or "/" in first or len(first) > 100:
        allowed = 'a name with {kind} and {number}, such as "{kind}_{number}.edi"'
        yield _problem("name", repr(settings.name), allowed)
    if fnmatch.fnmatchcase("a.edi.shipments-1-1.taken", settings.pattern) or not settings.pattern:
        yield _problem("pattern", repr(settings.pattern), 'one that our own notes ("….taken") are not like')
    if not 0 <= settings.acknowledged_within_hours <= MOST_HOURS:
        found = f"{settings.acknowledged_within_hours:g}"
        yield _problem("acknowledged_within_hours", found, f"0 (it acknowledges nothing) to {MOST_HOURS}")


def _codes(settings: X12) -> Iterator[SettingProblem]:
    yield from _list("sku_qualifiers", settings.sku_qualifiers, 2, 2, needed=True)
    yield from _list("units", settings.units, 2, 2, needed=True)
    yield from _coded("unit", settings.unit, 2, 2)
    if settings.unit not in settings.units:
        yield _problem("unit", repr(settings.unit), "one of units")


def _orders(settings: X12) -> Iterator[SettingProblem]:
    orders = settings.orders
    for qualifier in orders.references:
        yield from _coded(f"orders.references.{qualifier}", qualifier, 2, 3)
    if len(orders.references) > 10:
        yield _problem("orders.references", f"{len(orders.references)} of them", "10 at most")
    yield from _own_parties(settings)
    carrier_kinds = {"method": ELEMENTS["W66"][1], "routing": ELEMENTS["W66"][4], "scac": ELEMENTS["W66"][9]}
    for method, carrier in orders.carriers.items():
        for field, kind in carrier_kinds.items():
            yield from _fits(f"orders.carriers.{method}.{field}", getattr(carrier, field), kind)
    for name in NOTES:
        yield from _coded(f"orders.{name}", getattr(orders, name), 3, 3, needed=False)
    for name in DATES:
        yield from _coded(f"orders.{name}", getattr(orders, name), 2, 2, needed=False)
    yield from _coded("orders.line_reference", orders.line_reference, 2, 3, needed=False)
    yield from _coded("orders.payment", orders.payment, 2, 2)
    yield from _coded("orders.facility", orders.facility, 2, 3, needed=False)
    yield from _coded("orders.facility_qualifier", orders.facility_qualifier, 1, 2)
    if orders.facility in {"ST", "BT"}:
        yield _problem(
            "orders.facility", repr(orders.facility), "another party: ST and BT come from the order"
        )
    if not 0 <= orders.most_notes <= 1000:
        yield _problem("orders.most_notes", str(orders.most_notes), "0 to 1000 segments")


def _own_parties(settings: X12) -> Iterator[SettingProblem]:
    orders = settings.orders
    for code, party in orders.parties.items():
        key = f"orders.parties.{code}"
        yield from _coded(key, code, 2, 3)
        if code in {"ST", "BT"}:
            yield _problem(key, repr(code), "another party: ST and BT come from the order")
        if not party.name and not party.id:
            yield _problem(key, "neither name nor id", "at least one")
        if bool(party.id) != bool(party.qualifier):
            yield _problem(key, "only one of qualifier and id", "both or none")
        for field, kind in zip(("name", "qualifier", "id"), ELEMENTS["N1"][1:4], strict=True):
            yield from _fits(f"{key}.{field}", getattr(party, field), kind)
    if len(orders.parties) > 8:
        yield _problem("orders.parties", f"{len(orders.parties)} of them", "8 at most, beside ST and BT")


def _reading(settings: X12) -> Iterator[SettingProblem]:
    shipments, inventory, receipts = settings.shipments, settings.inventory, settings.receipts
    yield from _list("shipments.tracking_marks", shipments.tracking_marks, 1, 2)
    yield from _list("shipments.package_marks", shipments.package_marks, 1, 2)
    yield from _list("shipments.tracking_references", shipments.tracking_references, 2, 3, needed=True)
    both = set(shipments.tracking_marks) & set(shipments.package_marks)
    if both:
        allowed = "no code of tracking_marks"
        yield _problem("shipments.package_marks", ", ".join(sorted(both)), allowed)
    yield from _list("shipments.closed", shipments.closed, 2, 2)
    yield from _list("shipments.backordered", shipments.backordered, 2, 2)
    if both := set(shipments.closed) & set(shipments.backordered):
        yield _problem("shipments.backordered", ", ".join(sorted(both)), "no code of closed")
    yield from _list("shipments.refused", shipments.refused, 1, 1)
    yield from _coded("shipments.ship_date", shipments.ship_date, 2, 2)
    yield from _list("inventory.available", inventory.available, 2, 2, needed=inventory.figure == "available")
    yield from _list("inventory.on_hand", inventory.on_hand, 2, 2, needed=inventory.figure == "on_hand")
    if both := set(inventory.available) & set(inventory.on_hand):
        yield _problem("inventory.on_hand", ", ".join(sorted(both)), "no code of available")
    yield from _list("inventory.facility", inventory.facility, 2, 3)
    adjustments = settings.adjustments
    yield from _list("adjustments.minus", adjustments.minus, 2, 2)
    yield from _list("adjustments.ignored", adjustments.ignored, 2, 2)
    if both := set(adjustments.minus) & set(adjustments.ignored):
        yield _problem("adjustments.ignored", ", ".join(sorted(both)), "no code of minus")
    yield from _list("shipments.facility", shipments.facility, 2, 3)
    yield from _list("receipts.ignored", receipts.ignored, 1, 1)
    yield from _list("receipts.return_references", receipts.return_references, 2, 3, needed=True)
    yield from _list("receipts.order_references", receipts.order_references, 2, 3)


def _notices(settings: X12) -> Iterator[SettingProblem]:
    yield from _coded("notices.reporting", settings.notices.reporting, 1, 1)
    for name in ("ordered_date", "expected_date"):
        yield from _coded(f"notices.{name}", getattr(settings.notices, name), 2, 2, needed=False)


def _fits(key: str, value: str, kind: Kind) -> Iterator[SettingProblem]:
    if value and not kind.least <= len(value) <= kind.most:
        yield _problem(key, f"{len(value)} characters", f"{kind.least} to {kind.most}")


def _list(
    key: str, codes: tuple[str, ...], least: int, most: int, *, needed: bool = False
) -> Iterator[SettingProblem]:
    if needed and not codes:
        yield _problem(key, "nothing", "at least one code")
    for code in codes:
        yield from _coded(key, code, least, most)


def _coded(key: str, code: str, least: int, most: int, *, needed: bool = True) -> Iterator[SettingProblem]:
    if not code and not needed:
        return
    if not _CODE.fullmatch(code) or not least <= len(code) <= most:
        count = str(least) if least == most else f"{least} to {most}"
        yield _problem(key, repr(code), f"a code of {count} capital letters and digits")


def _problem(key: str, found: str, allowed: str) -> SettingProblem:
    return SettingProblem(key=f"x12.{key}", found=found, allowed=allowed)
