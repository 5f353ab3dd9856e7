"""What waits for a person: parked, in doubt, tasks, and the words on them; orders and SKUs explained."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from dropstreamd.control.messages.look import (
    AllocationStep,
    AttemptShown,
    ComponentShown,
    Done,
    DoubtShown,
    InDoubtShown,
    OrderShown,
    PackageShown,
    Parked,
    ParkedExample,
    ParkedGroup,
    PromiseShown,
    RefusalShown,
    Release,
    Released,
    Resolve,
    ResolveTask,
    SkuShown,
    Step,
    Tasks,
    TaskShown,
)
from dropstreamd.control.messages.setup import Approve, Approved, SameStore, StoreShown
from dropstreamd.model.orders import Address, Order, OrderLine, OutboundLine, OutboundOrder
from dropstreamd.model.shipments import Package, PackageLine
from tests.control.fake_api import FakeApi, ctl, fake_api, golden, refusal
from tests.control.shown import ILL, NO_BACKLOG, NOW_S, OLDER, WELL

AT = "/v1/connections/acme-vendure"
PLACED = datetime(2026, 3, 5, 18, 0, tzinfo=UTC)


@pytest.fixture
def api(tmp_path: Path) -> Iterator[FakeApi]:
    with fake_api(tmp_path) as api:
        api.answer("GET /v1/status/acme-vendure", WELL)
        yield api


# ---- parked


def group(**fields: object) -> ParkedGroup:
    example = ParkedExample(key="gid://1", number="1001", reason="SKU X has no listing", since_s=NOW_S)
    whole = {"channel": "sales_orders", "kind": "parked", "cause": "sku:X", "count": 14, "more": False}
    return ParkedGroup(**{**whole, "examples": (example,), **fields})  # type: ignore[arg-type]


def test_parked(api: FakeApi) -> None:
    groups = (
        group(),
        group(kind="held", cause="waiting", count=1),
        group(kind="held", cause="before-restore", count=2),
        group(channel="inventory", cause="it's refused", count=500, more=True, examples=()),
        group(channel="shipments", kind="unmatched", cause="", count=2, account="acme/main"),
        group(kind="undecodable", cause="bad", count=1),
    )
    api.answer(f"GET {AT}/parked", Parked(groups=groups, backlog=OLDER))
    golden("parked", ctl(api, "parked", "acme-vendure").out)


def test_nothing_parked(api: FakeApi) -> None:
    api.answer(f"GET {AT}/parked", Parked(groups=(), backlog=NO_BACKLOG))
    assert ctl(api, "parked", "acme-vendure").out == "Nothing is parked.\n"


@pytest.mark.parametrize(
    ("argv", "body"),
    [
        (("--cause", "sku:X"), Release(channel="sales_orders", cause="sku:X")),
        (("gid://1",), Release(channel="sales_orders", key="gid://1")),
    ],
)
def test_release(api: FakeApi, argv: tuple[str, ...], body: Release) -> None:
    api.answer(f"POST {AT}/release", Released(released=14, more=True))
    told = ctl(api, "release", "acme-vendure", "sales_orders", *argv)
    assert told.out == (
        "14 documents released: tried again with the next run.\n"
        "More of this cause are left: repeat the command.\n"
    )
    assert api.asked[0].read(Release) == body


@pytest.mark.parametrize(("argv", "code"), [(("--cause", "sku:X"), 0), (("gid://1",), 1)])
def test_a_release_of_nothing(api: FakeApi, argv: tuple[str, ...], code: int) -> None:
    api.answer(f"POST {AT}/release", Released(released=0))
    assert ctl(api, "release", "acme-vendure", "sales_orders", *argv).code == code


@pytest.mark.parametrize("argv", [(), ("gid://1", "--cause", "sku:X")])
def test_release_wants_a_key_or_a_cause(api: FakeApi, argv: tuple[str, ...]) -> None:
    told = ctl(api, "release", "acme-vendure", "sales_orders", *argv)
    assert (told.code, api.asked) == (2, [])
    assert "either a KEY or --cause CAUSE" in told.err


# ---- in doubt

DOUBT = DoubtShown(
    channel="sales_orders",
    key="gid://shop/Order/1",
    number="1001",
    reference="SH1001",
    revision=3,
    why="the part is gone",
    name="ord_1.csv",
    run="01J",
    opened_s=NOW_S,
    step="uploaded",
)


def test_in_doubt(api: FakeApi) -> None:
    api.answer(f"GET {AT}/in-doubt", InDoubtShown(documents=(DOUBT,), more=True))
    golden("in_doubt", ctl(api, "in-doubt", "acme-vendure").out)


def test_nothing_in_doubt(api: FakeApi) -> None:
    api.answer(f"GET {AT}/in-doubt", InDoubtShown(documents=()))
    assert ctl(api, "in-doubt", "acme-vendure").out == "Nothing is in doubt.\n"


@pytest.mark.parametrize("key", ["gid://shop/Order/1", "1001"])
@pytest.mark.parametrize(("verdict", "applied"), [("--sent", True), ("--not-sent", False)])
def test_a_doubt_is_resolved_as_it_was_read(api: FakeApi, key: str, verdict: str, applied: bool) -> None:
    api.answer(f"GET {AT}/in-doubt", InDoubtShown(documents=(DOUBT,)))
    api.answer(f"POST {AT}/in-doubt/sales_orders/gid%3A%2F%2Fshop%2FOrder%2F1", Done(text="1001 is settled"))
    told = ctl(api, "resolve", "acme-vendure", "sales_orders", key, verdict)
    assert (told.code, told.out) == (0, "1001 is settled\n")
    assert api.asked[1].read(Resolve) == Resolve(applied=applied, revision=3)


def test_a_doubt_beyond_the_list_is_the_daemons_to_find(api: FakeApi) -> None:
    api.answer(f"GET {AT}/in-doubt", InDoubtShown(documents=(), more=True))
    api.answer(f"POST {AT}/in-doubt/sales_orders/77", refusal("not found", 404, "77 is not in doubt"))
    told = ctl(api, "resolve", "acme-vendure", "sales_orders", "77", "--sent", "--revision", "2")
    assert (told.code, told.err) == (2, "Refused: 77 is not in doubt\n")
    assert api.asked[1].read(Resolve) == Resolve(applied=True, revision=2)


def test_a_number_of_two_documents_is_not_enough(api: FakeApi) -> None:
    twin = msgspec.structs.replace(DOUBT, key="gid://shop/Order/2")
    other = msgspec.structs.replace(DOUBT, channel="shipments")
    api.answer(f"GET {AT}/in-doubt", InDoubtShown(documents=(DOUBT, other, twin)))
    told = ctl(api, "resolve", "acme-vendure", "sales_orders", "1001", "--sent")
    assert told.code == 2
    assert "gid://shop/Order/1, gid://shop/Order/2" in told.err


@pytest.mark.parametrize("verdict", [(), ("--sent", "--not-sent"), ("--sent", "--task")])
def test_one_verdict_is_wanted(api: FakeApi, verdict: tuple[str, ...]) -> None:
    assert ctl(api, "resolve", "acme-vendure", "sales_orders", "1", *verdict).code == 2
    assert api.asked == []


# ---- tasks

TASK = TaskShown(
    channel="sales_orders",
    key="gid://1",
    kind="changed",
    number="1001",
    title="changed after hand-over",
    detail="line 2: 3 instead of 2 \x1b[31m",
    since_s=NOW_S,
    revision=4,
)


def test_tasks(api: FakeApi) -> None:
    api.answer(f"GET {AT}/tasks", Tasks(tasks=(TASK,), more=True))
    golden("tasks", ctl(api, "tasks", "acme-vendure").out)


def test_no_tasks(api: FakeApi) -> None:
    api.answer(f"GET {AT}/tasks", Tasks(tasks=()))
    assert ctl(api, "tasks", "acme-vendure").out == "Nothing is to be done by hand.\n"


def test_a_task_is_shown_and_asked_about(api: FakeApi) -> None:
    api.answer(f"GET {AT}/tasks", Tasks(tasks=(TASK,)))
    api.answer(f"POST {AT}/tasks/sales_orders/gid%3A%2F%2F1", Done(text="done"))
    argv = ("resolve", "acme-vendure", "sales_orders", "1001", "--task")
    told = ctl(api, *argv, typed="y\n", is_terminal=True)
    assert (told.code, told.out) == (0, "done\n")
    assert "line 2: 3 instead of 2 \\x1b[31m\nIs this done? [y/N] " in told.err
    assert api.asked[1].read(ResolveTask) == ResolveTask(revision=4)
    assert ctl(api, *argv).code == 4
    assert ctl(api, *argv, typed="n\n", is_terminal=True).code == 4


def test_a_task_is_done_by_its_revision(api: FakeApi) -> None:
    api.answer(f"GET {AT}/tasks", Tasks(tasks=(TASK,)))
    api.answer(f"POST {AT}/tasks/sales_orders/gid%3A%2F%2F1", refusal("changed", 409, "it has changed since"))
    told = ctl(api, "resolve", "acme-vendure", "sales_orders", "gid://1", "--task", "--revision", "3")
    assert told.code == 2
    assert api.asked[1].read(ResolveTask) == ResolveTask(revision=3)


def test_a_task_that_is_not_there(api: FakeApi) -> None:
    api.answer(f"GET {AT}/tasks", Tasks(tasks=()))
    told = ctl(api, "resolve", "acme-vendure", "sales_orders", "1", "--task")
    assert told.code == 2
    assert "tasks acme-vendure" in told.err


def test_refusals_of_the_lists_are_passed_on(api: FakeApi) -> None:
    for path in ("in-doubt", "tasks"):
        api.answer(f"GET {AT}/{path}", refusal("not found", 404, "no such connection"))
    assert ctl(api, "resolve", "acme-vendure", "sales_orders", "1", "--sent").code == 2
    assert ctl(api, "resolve", "acme-vendure", "sales_orders", "1", "--task").code == 2


# ---- approve


def test_approve(api: FakeApi) -> None:
    api.answer(
        "POST /v1/warehouses/acme/main/approve", Approved(snapshot="inv.csv", changed=1, why="41% missing")
    )
    api.answer("GET /v1/status", ILL)
    for argv, generation in (((), "01JGEN"), (("--generation", "01J7"), "01J7")):
        told = ctl(api, "approve", "acme.main", *argv)
        assert told.out.startswith("Approved: snapshot inv.csv (41% missing); 1 SKU changed.")
        assert api.asked[-1].read(Approve) == Approve(generation=generation)
    assert ctl(api, "approve", "acme").code == 2


# ---- explained

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


# ---- same-store


def test_the_same_store(api: FakeApi) -> None:
    path = f"{AT}/store"
    api.answer(f"GET {path}", StoreShown(connection="acme-vendure", belongs_to="v:old", configured="v:new"))
    told = ctl(api, "same-store", "acme-vendure")
    assert told.code == 4
    assert "has been of v:old.\nIts file now leads to v:new." in told.err
    api.answer(f"POST {path}", Done(text="v:new is the shop"))
    told = ctl(api, "same-store", "acme-vendure", "--yes")
    assert (told.code, told.out) == (0, "v:new is the shop.\n")
    assert api.asked[-1].read(SameStore) == SameStore(account="v:new")


def test_the_same_store_says_nothing_where_nothing_changed(api: FakeApi) -> None:
    path = f"{AT}/store"
    api.answer(f"GET {path}", StoreShown(connection="acme-vendure", belongs_to=None, configured="v:new"))
    assert ctl(api, "same-store", "acme-vendure", "--yes").code == 0
    assert api.lines == [f"GET {path}"]


def test_the_same_store_of_no_connection(api: FakeApi) -> None:
    api.answer(f"GET {AT}/store", refusal("not found", 404, "there is no connection 'acme-vendure'"))
    assert ctl(api, "same-store", "acme-vendure").code == 2
