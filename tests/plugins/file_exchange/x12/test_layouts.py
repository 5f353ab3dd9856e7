"""945 as different warehouses lay it out: the packages are the same."""

from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from dropstream_file_exchange.x12.shipping_advice import read_advice

from .oracle import parsed
from .samples import SETTINGS, file, segments

Cartons = list[dict[str, int]]
"""Units by SKU of each carton."""
ORDERED = 1_000


def by_carton(cartons: Cartons) -> list[str]:
    """An LX for each carton, its number and tracking number in one MAN."""
    rows: list[str] = []
    for at, carton in enumerate(cartons, start=1):
        rows += [f"LX*{at}", f"MAN*GM*BOX{at}**CP*T{at}"]
        rows += [_item(sku, units) for sku, units in carton.items()]
    return rows


def by_tracking(cartons: Cartons) -> list[str]:
    """An LX for each carton, which has a tracking number alone, in N9."""
    rows: list[str] = []
    for at, carton in enumerate(cartons, start=1):
        rows += [f"LX*{at}", f"N9*2I*T{at}"]
        rows += [_item(sku, units) for sku, units in carton.items()]
    return rows


def by_item(cartons: Cartons) -> list[str]:
    """An LX for each item; the tracking number stands behind it."""
    rows: list[str] = []
    for at, carton in enumerate(cartons, start=1):
        for sku, units in carton.items():
            rows += [f"LX*{len(rows) + 1}", _item(sku, units), "G69*A THING", f"N9*2I*T{at}"]
    return rows


def mixed_up(cartons: Cartons) -> list[str]:
    """An LX for each item, its carton before it, items of a SKU together."""
    found = sorted(
        (sku, at, units) for at, each in enumerate(cartons, start=1) for sku, units in each.items()
    )
    rows: list[str] = []
    for sku, at, units in found:
        rows += [f"LX*{len(rows) + 1}", f"MAN*CP*T{at}", _item(sku, units)]
    return rows


def _item(sku: str, units: int) -> str:
    return f"W12*CP*{ORDERED}*{units}*{ORDERED - units}*EA**VN*{sku}"


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.dictionaries(st.sampled_from("ABCD"), st.integers(1, 30), min_size=1), min_size=1, max_size=6
    ),
    st.sampled_from([by_carton, by_tracking, by_item, mixed_up]),
    st.sampled_from([("*", "~"), ("|", "\n"), ("\x1d", "\x1c\r\n")]),
)
def test_every_unit_is_in_its_package(cartons: Cartons, layout: object, signs: tuple[str, str]) -> None:
    assert callable(layout)
    rows = layout(cartons)
    body = "\n".join(["W06*F*SH1*20261121*S1", "N1*WH*W", "W27*U*UPSN*GROUND", *rows, "W03*1"])
    parsed(file("945", body))
    content = file("945", body, element=signs[0], end=signs[1])
    advice = read_advice(segments(content), SETTINGS, ZoneInfo("UTC"))
    told = {
        each.tracking_numbers: {line.sku: line.quantity for line in each.lines} for each in advice.packages
    }
    assert told == {(f"T{at}",): carton for at, carton in enumerate(cartons, start=1)}
    assert len({each.key for each in advice.packages}) == len(cartons)
    totals = {sku: sum(carton.get(sku, 0) for carton in cartons) for carton in cartons for sku in carton}
    assert {each.sku: each.shipped for each in advice.remainders} == totals
    assert {each.outcome for each in advice.remainders} == {"closed"}
