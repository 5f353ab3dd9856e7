"""The arithmetic of receipts: every unit is counted once, and every kit is told once."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from dropstreamd.channels import kits, return_lines, returned_kits
from dropstreamd.channels.return_lines import Expected
from dropstreamd.channels.traces import Brought
from dropstreamd.model.returns import Condition, ReceiptLine

GIFT = {"TEE": 2, "MUG": 1}
SOLD = 4
EXPECTED = (
    Expected(number=1, sku="TEE", quantity=2 * SOLD, order_line="L1", kit="GIFT", units_per_kit=2),
    Expected(number=2, sku="MUG", quantity=SOLD, order_line="L1", kit="GIFT", units_per_kit=1),
    Expected(number=3, sku="TEE", quantity=3, order_line="L2"),
)
CONDITIONS: list[Condition] = ["restock", "damaged", "quarantine"]
LINES = st.builds(
    ReceiptLine,
    sku=st.sampled_from(["TEE", "MUG", "CAP"]),
    quantity=st.integers(1, 5),
    condition=st.sampled_from(CONDITIONS),
    return_line=st.integers(0, 3),
)


@settings(max_examples=200, deadline=None)
@given(receipts=st.lists(st.lists(LINES, min_size=1, max_size=4), max_size=6))
def test_receipts_tell_each_kit_once(receipts: list[list[ReceiptLine]]) -> None:
    brought = Brought(units={}, kits={})
    total: Counter[str] = Counter()
    for number, told in enumerate(receipts):
        came, spare = return_lines.share_out(told, EXPECTED, brought.units.values())
        units: Counter[str] = Counter(spare)
        for one in came:
            units[one.sku] += one.quantity
        assert units == sum((Counter({line.sku: line.quantity}) for line in told), Counter())
        telling = returned_kits.tell(came, brought, {}, EXPECTED, {"L1": "GIFT", "L2": "TEE"})
        of_lines: Counter[str] = Counter()
        for line in telling.lines:
            of_lines[line.order_line] += line.quantity
        assert of_lines["L1"] == telling.kits.get("L1", 0)
        assert of_lines["L2"] == sum(one.quantity for one in came if one.line == 3)
        assert sum(lacking.kits for lacking in telling.lacking) <= of_lines["L1"]
        brought.units[str(number)], brought.kits[str(number)] = came, telling.kits
        total += of_lines
    everything = {
        sku: sum(one.quantity for came in brought.units.values() for one in came if one.line == number)
        for number, sku in ((1, "TEE"), (2, "MUG"))
    }
    assert total["L1"] == kits.touched(GIFT, everything) <= SOLD
    assert total["L2"] <= 3
