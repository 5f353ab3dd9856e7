"""What waits for a person, and the word on it: in doubt, tasks, held snapshots, the same store."""

from datetime import UTC, datetime

import msgspec
import pytest

from dropstreamd.control.messages.look import (
    Done,
    DoubtShown,
    InDoubtShown,
    Resolve,
    ResolveTask,
    Tasks,
)
from dropstreamd.control.messages.setup import (
    Approve,
    Approved,
    SameStore,
    SameWarehouse,
    StoreShown,
    WarehouseShown,
)
from tests.control.fake_api import FakeApi, ctl, golden, refusal
from tests.control.shown import ILL, NOW_S, TASK

AT = "/v1/connections/acme-vendure"
PLACED = datetime(2026, 3, 5, 18, 0, tzinfo=UTC)


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


# ---- same-warehouse


def test_the_same_warehouse(api: FakeApi) -> None:
    path = f"{AT}/warehouse"
    shown = WarehouseShown(
        connection="acme-vendure", belongs_to="a.b (k)", configured="a.c (k)", under_way="; 2 orders"
    )
    api.answer(f"GET {path}", shown)
    told = ctl(api, "same-warehouse", "acme-vendure")
    assert told.code == 4
    assert "has been of a.b (k); 2 orders.\nIts files now lead to a.c (k)." in told.err
    api.answer(f"POST {path}", Done(text="a.c (k) is the same"))
    told = ctl(api, "same-warehouse", "acme-vendure", "--yes")
    assert (told.code, told.out) == (0, "a.c (k) is the same.\n")
    assert api.asked[-1].read(SameWarehouse) == SameWarehouse(warehouse="a.c (k)")


def test_the_same_warehouse_says_nothing_where_nothing_changed(api: FakeApi) -> None:
    shown = WarehouseShown(connection="acme-vendure", belongs_to=None, configured="a.c (k)", under_way="")
    api.answer(f"GET {AT}/warehouse", shown)
    told = ctl(api, "same-warehouse", "acme-vendure", "--yes")
    assert (told.code, api.lines) == (0, [f"GET {AT}/warehouse"])


def test_the_same_warehouse_of_no_connection(api: FakeApi) -> None:
    api.answer(f"GET {AT}/warehouse", refusal("not found", 404, "there is no connection 'acme-vendure'"))
    assert ctl(api, "same-warehouse", "acme-vendure").code == 2
