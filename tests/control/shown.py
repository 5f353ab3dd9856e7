"""Answers of the API for tests: one connection, `acme-vendure`, in New York, at 2026-03-05 14:30:12."""

import msgspec

from dropstreamd.control.messages.look import TaskShown
from dropstreamd.control.messages.runs import Backlog, RunShown
from dropstreamd.control.messages.status import (
    AccountCard,
    BrokenCard,
    ChannelCard,
    CircuitCard,
    ConnectionCard,
    Counted,
    JobCard,
    OrderAuditCard,
    PluginCard,
    SnapshotShown,
    Status,
    SwitchShown,
    TroubleShown,
    WorkShown,
)
from dropstreamd.errors import Problem

NOW_S = 1_772_739_012.0
RUN = "01JRUN"

ENDED = RunShown(
    id=RUN,
    connection="c-7f3k2m",
    channel="sales_orders",
    job="import",
    trigger="schedule",
    result="done",
    started_s=NOW_S - 200,
    ended_s=NOW_S - 188,
    counts={"staged": 3, "accepted": 2, "parked": 0},
)
FAILED = msgspec.structs.replace(
    ENDED,
    id="01JBAD",
    result="held",
    counts={},
    error="the password was refused",
    remedy="set it anew",
    who="ann",
)
UNFINISHED = msgspec.structs.replace(
    ENDED,
    result="unfinished",
    error="the budget is used up: looks again at 2026-03-05 14:30 EST",
    remedy="see who else uses it",
)
RUNNING = msgspec.structs.replace(ENDED, result="running", ended_s=0.0, counts={"staged": 1})

OLDER = Backlog(count=3, numbers=("901", "902"), oldest_s=NOW_S - 864_000, newest_s=NOW_S - 86_400, id="f00d")
NO_BACKLOG = Backlog(count=0, id="0000")


def work(**counts: int) -> WorkShown:
    names = WorkShown.__struct_fields__
    return WorkShown(**{name: Counted(count=counts.get(name, 0)) for name in names})


ORDERS = ChannelCard(
    channel="sales_orders",
    switch=SwitchShown(on=True, since_s=NOW_S - 86_400, who="ann", first_on_s=NOW_S - 86_400),
    jobs=(
        JobCard(
            job="import",
            title="Import sales orders",
            supported=True,
            rules=("every 15 minutes",),
            timezone="America/New_York",
            next_s=NOW_S + 700,
            last=ENDED,
            last_success_s=NOW_S - 188,
        ),
    ),
    work=work(pending=2),
)
INVENTORY = ChannelCard(
    channel="inventory",
    switch=SwitchShown(on=False),
    jobs=(
        JobCard(job="full", title="Full Sync", supported=True, timezone="America/New_York"),
        JobCard(job="smart", title="Smart Sync", supported=False, reason="vendure takes no levels"),
    ),
    work=work(),
)
CARD = ConnectionCard(
    id="c-7f3k2m",
    name="acme-vendure",
    merchant="acme",
    warehouse="main",
    store_platform="vendure",
    warehouse_platform="file-exchange",
    switch=SwitchShown(on=True, since_s=NOW_S - 86_400, who="ann", first_on_s=NOW_S - 86_400),
    channels=(ORDERS, INVENTORY),
)
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
WELL = Status(
    at_s=NOW_S,
    version="0.1.0",
    connections=(CARD,),
    accounts=(),
    broken=(),
    plugins=(),
    circuits=(),
    state_used_bytes=3 * 1024**2,
    state_limit_bytes=64 * 1024**3,
)

TROUBLE = TroubleShown(
    failures=4,
    retry_s=NOW_S + 1800,
    error="the host key differs",
    remedy="compare it, then set host_key",
    held=True,
)
_HELD = SnapshotShown(
    id="01JGEN",
    snapshot="inv_20260305.csv",
    as_of_s=NOW_S - 60,
    at_s=NOW_S,
    verdict="held",
    why="41% of the SKUs are missing",
    skus=300,
    changed=0,
    missing=200,
    units=900,
    bad_rows=0,
)
ILL = msgspec.structs.replace(
    WELL,
    connections=(
        msgspec.structs.replace(
            CARD,
            crashes=1,
            crash="KeyError",
            audit=OrderAuditCard(
                at_s=NOW_S - 3600, looked_at=40, unaccounted=1, overdue=2, trouble="the store is down"
            ),
            channels=(
                msgspec.structs.replace(
                    ORDERS,
                    running=RUNNING,
                    jobs=(msgspec.structs.replace(ORDERS.jobs[0], trouble=TROUBLE, late_s=90.0),),
                    work=work(pending=2, parked=14, in_doubt=1, undecodable=1, tasks=2),
                ),
            ),
        ),
    ),
    accounts=(
        AccountCard(
            merchant="acme",
            warehouse="main",
            platform="file-exchange",
            connections=("acme-vendure",),
            unmatched=Counted(count=2),
            undecodable=Counted(count=1000, more=True),
            held=_HELD,
        ),
    ),
    broken=(
        BrokenCard(
            kind="connection",
            name="acme-ebay",
            id=None,
            problems=(Problem(file="acme-ebay.toml", key="store.shop", found="nothing", allowed="a name"),),
        ),
    ),
    plugins=(
        PluginCard(name="ebay", origin="dropstream-ebay 1.0", problem="no PLUGIN", remedy="reinstall it"),
    ),
    circuits=(
        CircuitCard(
            account="vendure:shop", state="open", failures=5, rests_s=240.0, error="no answer", remedy="wait"
        ),
    ),
)
