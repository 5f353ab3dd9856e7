"""Orders and SKUs explained, step by step."""

from datetime import UTC, datetime

import msgspec

from dropstreamd.control.messages.look import (
    AllocationStep,
    AttemptShown,
    ComponentShown,
    OrderShown,
    PackageShown,
    PromiseShown,
    RefusalShown,
    SkuShown,
    Step,
)
from dropstreamd.model.orders import Address, Order, OrderLine, OutboundLine, OutboundOrder
from dropstreamd.model.shipments import Package, PackageLine
from tests.control.fake_api import FakeApi, ctl, golden
from tests.control.shown import NOW_S, TASK

AT = "/v1/connections/acme-vendure"
PLACED = datetime(2026, 3, 5, 18, 0, tzinfo=UTC)


ORDER = OrderShown(
    connection="c-7f3k2m",
    key="gid://1",
    number="1001",
    reference="SH1001",
    state="accepted",
    standing="ready",
    cause="",
    reason="",
    revision=2,
    accepted=1,
    remote="ord_1.csv",
    first_s=NOW_S - 50,
    changed_s=NOW_S - 40,
    handed_s=NOW_S,
    life="partially shipped",
    explained=("the warehouse has it as SH1001", "still to leave: 1 × 100234"),
    order=Order(
        key="gid://1",
        number="1001",
        status="open",
        placed_at=PLACED,
        updated_at=PLACED,
        ship_to=Address(),
        lines=(
            OrderLine(key="l1", sku="TEE", quantity=2, name="Tee"),
            OrderLine(key="l2", sku="CAP", quantity=1),
        ),
        ship_method="Standard",
        note="ring\x1b]0;x\x07 twice\nplease",
    ),
    sent=OutboundOrder(
        reference="SH1001",
        number="1001",
        placed_at=PLACED,
        ship_to=Address(),
        ship_method="UPS",
        lines=(OutboundLine(number=1, order_line="l1", sku="100234", quantity=2),),
    ),
    attempt=AttemptShown(id="a", name="ord_2.csv", run="01J", opened_s=NOW_S, step="uploaded", unsure_s=0.0),
    packages=(
        PackageShown(
            key="S1-1",
            state="parked",
            cause="carrier:UPS",
            reason="carrier 'UPS' is not mapped",
            remote="",
            package=Package(
                key="S1-1",
                reference="SH1001",
                lines=(PackageLine(sku="100234", quantity=2),),
                carrier="UPS",
                tracking_numbers=("1Z1", "1Z2"),
                shipped_at=PLACED,
            ),
        ),
    ),
    tasks=(TASK,),
    history=(Step(at_s=NOW_S, run="01J", text="handed over"),),
)


def test_an_order_is_explained(api: FakeApi) -> None:
    api.answer(f"GET {AT}/orders/1001", ORDER)
    golden("order", ctl(api, "order", "acme-vendure", "1001").out)


def test_an_order_that_is_new(api: FakeApi) -> None:
    new = msgspec.structs.replace(
        ORDER,
        life="held",
        state="held",
        reason="waits",
        accepted=0,
        sent=None,
        attempt=None,
        packages=(),
        tasks=(),
    )
    api.answer(f"GET {AT}/orders/1001", new)
    told = ctl(api, "order", "acme-vendure", "1001")
    assert told.out.startswith("Order 1001  held\n")
    assert "the warehouse has none" in told.out


SKU = SkuShown(
    connection="c-7f3k2m",
    sku="TEE/../1",
    warehouse_sku="100234",
    listed=True,
    reported=10,
    quantity="on_hand",
    generation="01JGEN",
    snapshot="inv.csv",
    reported_at_s=NOW_S,
    as_of_s=NOW_S - 60,
    unsent=2,
    promises=(
        PromiseShown(
            connection="acme-vendure", order="gid://1", number="1001", units=2, handed_s=0.0, deducted=True
        ),
        PromiseShown(connection="acme-b", order="9", number="9", units=1, handed_s=NOW_S, deducted=False),
    ),
    derived=8,
    accepted=None,
    accepted_at_s=0.0,
    accepted_run="",
    pending=True,
    unsure_until_s=NOW_S,
    refusal=None,
    steps=("the warehouse reported 10", "2 are promised"),
)


def test_a_sku_is_explained(api: FakeApi) -> None:
    api.answer(f"GET {AT}/skus/TEE%2F..%2F1", SKU)
    golden("sku", ctl(api, "sku", "acme-vendure", "TEE/../1").out)


def test_a_bundle_is_explained_step_by_step(api: FakeApi) -> None:
    bundle = msgspec.structs.replace(
        SKU,
        sku="PRESENT",
        warehouse_sku="GIFT",
        reported=None,
        unsent=0,
        promises=(),
        bundle=True,
        components=(
            ComponentShown(sku="TEE", units=2, reported=21, unsent=4, safety=2, left=15, builds=7),
            ComponentShown(sku="MUG", units=1, reported=None, unsent=0, safety=0, left=0, builds=0),
        ),
        built=7,
        allocation=(
            AllocationStep(rule="share", setting="60%", units=4),
            AllocationStep(rule="maximum", setting="3", units=3),
        ),
        derived=3,
        accepted=2,
        accepted_at_s=NOW_S - 60,
        accepted_run="01JRUN",
        unsure_until_s=0.0,
        waits_since_s=NOW_S - 30,
        steps=("2 × TEE each",),
    )
    api.answer(f"GET {AT}/skus/PRESENT", bundle)
    golden("sku_bundle", ctl(api, "sku", "acme-vendure", "PRESENT").out)


def test_a_sku_that_nobody_reported(api: FakeApi) -> None:
    refused = RefusalShown(cause="sku", reason="no such variant", level=3)
    bare = msgspec.structs.replace(
        SKU,
        sku="..",
        warehouse_sku="..",
        listed=False,
        reported=None,
        snapshot="",
        unsent=0,
        promises=(),
        derived=None,
        refusal=refused,
        steps=(),
    )
    api.answer(f"GET {AT}/skus/%2E%2E", bare)
    golden("sku_bare", ctl(api, "sku", "acme-vendure", "..").out)
