"""Settings that cannot be right are named with their key."""

import msgspec
import pytest

from dropstream_file_exchange import PLUGIN
from dropstream_file_exchange.check import check
from dropstream_file_exchange.settings import Settings

from ..files import BASE


def problems(changes: dict[str, object] | None = None, form: str = "x12") -> list[tuple[str, str]]:
    table = {"sender": "ACME", "receiver": "WMS3PL", **(changes or {})}
    settings = msgspec.convert({**BASE, "format": form, "x12": table}, Settings)
    return [(each.key, each.found) for each in check(settings)]


def test_the_defaults_want_only_the_two_ids() -> None:
    assert problems() == []
    assert [key for key, _ in problems({"sender": "", "receiver": ""})] == [
        "x12.sender",
        "x12.group_sender",
        "x12.receiver",
        "x12.group_receiver",
    ]
    assert check(msgspec.convert(BASE, Settings)) == []


def test_a_pair_of_ids_is_one_accounts_alone() -> None:
    """Tests have control numbers of their own."""

    def claims(**x12: str) -> list[str]:
        table = {"sender": "ACME", "receiver": "WMS3PL", **x12}
        settings = msgspec.convert({**BASE, "format": "x12", "x12": table}, Settings)
        return [claim.what for claim in PLUGIN.claims(settings)]

    assert claims() == claims(name="940_{kind}_{number}.edi") == ["x12 ZZ:ACME ZZ:WMS3PL P"]
    assert (
        len({*claims(), *claims(usage="T"), *claims(sender="ACME2"), *claims(receiver_qualifier="01")}) == 4
    )
    assert not PLUGIN.claims(msgspec.convert(BASE, Settings))


def test_settings_of_another_format_are_no_use() -> None:
    assert problems(form="dsfx") == [("x12", "settings beside the format 'dsfx'")]


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"sender": "A" * 16}, "sender"),
        ({"sender": "AC*ME"}, "sender"),
        ({"sender": " ACME"}, "sender"),
        ({"sender": "Ä"}, "sender"),
        ({"receiver": "ACME"}, "receiver"),
        ({"sender": "A"}, "group_sender"),
        ({"group_receiver": "X"}, "group_receiver"),
        ({"sender_qualifier": "Z"}, "sender_qualifier"),
        ({"receiver_qualifier": "zz"}, "receiver_qualifier"),
        ({"delimiters": {"element": "A"}}, "delimiters.element"),
        ({"delimiters": {"element": "**"}}, "delimiters.element"),
        ({"delimiters": {"segment": "*"}}, "delimiters"),
        ({"delimiters": {"segment": "\n"}, "newline": "lf"}, "newline"),
        ({"substitute": "*"}, "substitute"),
        ({"substitute": "--"}, "substitute"),
        ({"name": "order.edi"}, "name"),
        ({"name": "{kind}.edi"}, "name"),
        ({"name": "{number}.edi"}, "name"),
        ({"name": "{x}.edi"}, "name"),
        ({"name": "a/{kind}_{number}"}, "name"),
        ({"pattern": "*"}, "pattern"),
        ({"pattern": ""}, "pattern"),
        ({"acknowledged_within_hours": -1}, "acknowledged_within_hours"),
        ({"adjustments": {"minus": ["1"]}}, "adjustments.minus"),
        ({"adjustments": {"minus": ["07"], "ignored": ["07"]}}, "adjustments.ignored"),
        ({"sku_qualifiers": []}, "sku_qualifiers"),
        ({"sku_qualifiers": ["SKU"]}, "sku_qualifiers"),
        ({"units": []}, "units"),
        ({"unit": "CA"}, "unit"),
        ({"orders": {"references": {"C": "number"}}}, "orders.references.C"),
        ({"orders": {"references": {f"A{at}": "number" for at in range(10, 21)}}}, "orders.references"),
        ({"orders": {"parties": {"ST": {"name": "x"}}}}, "orders.parties.ST"),
        ({"orders": {"parties": {"SF": {}}}}, "orders.parties.SF"),
        ({"orders": {"parties": {"SF": {"id": "EAST"}}}}, "orders.parties.SF"),
        ({"orders": {"parties": {"SF": {"name": "x" * 61}}}}, "orders.parties.SF.name"),
        ({"orders": {"parties": {f"A{at}": {"name": "x"} for at in range(9)}}}, "orders.parties"),
        ({"orders": {"carriers": {"UPS": {"scac": "UPSNX"}}}}, "orders.carriers.UPS.scac"),
        ({"orders": {"carriers": {"UPS": {"routing": "x" * 36}}}}, "orders.carriers.UPS.routing"),
        ({"orders": {"note_code": "WH"}}, "orders.note_code"),
        ({"orders": {"placed_date": "4"}}, "orders.placed_date"),
        ({"orders": {"payment": ""}}, "orders.payment"),
        ({"orders": {"line_reference": "L"}}, "orders.line_reference"),
        ({"orders": {"most_notes": -1}}, "orders.most_notes"),
        ({"shipments": {"package_marks": ["CP"]}}, "shipments.package_marks"),
        ({"shipments": {"closed": ["BO"]}}, "shipments.backordered"),
        ({"shipments": {"tracking_references": []}}, "shipments.tracking_references"),
        ({"shipments": {"refused": ["XX"]}}, "shipments.refused"),
        ({"shipments": {"ship_date": ""}}, "shipments.ship_date"),
        ({"inventory": {"available": []}}, "inventory.available"),
        ({"inventory": {"figure": "on_hand", "on_hand": []}}, "inventory.on_hand"),
        ({"inventory": {"on_hand": ["33"]}}, "inventory.on_hand"),
        ({"receipts": {"return_references": []}}, "receipts.return_references"),
    ],
)
def test_each_wrong_setting_is_named(changes: dict[str, object], key: str) -> None:
    assert f"x12.{key}" in [found for found, _ in problems(changes)]


def test_codes_that_are_left_out_may_be_empty() -> None:
    none = {"note_code": "", "gift_code": "", "ship_by_date": "", "line_reference": ""}
    assert problems({"orders": none, "acknowledged_within_hours": 0, "inventory": {"on_hand": []}}) == []
