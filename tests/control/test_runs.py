"""Switches and runs: asked for, confirmed, merged, watched."""

import contextlib
import os
import pwd

import msgspec
import pytest
import trio

from dropstreamd.control.events import EVENTS_LIMIT, WATCHERS_LIMIT, Events, Watcher
from dropstreamd.control.messages.runs import Began, Counting, Ended, Missed, RunShown
from dropstreamd.control.watching import NEVER
from dropstreamd.platform.contract import Part
from tests.channels.plant import order
from tests.control.ear import listening_to
from tests.control.office import START_S, Client, Office

RUN = "/connections/shop/channels/sales_orders/jobs/import/run"


# ---- switches


async def test_the_first_enabling_says_what_becomes_of_older_orders(client: Client) -> None:
    told = await client.ask("POST", "/connections/shop/enable", {"channel": "sales_orders"})
    assert told["on"]
    assert "orders placed before now are not sent" in told["note"]
    assert "shop itself is still off" in told["note"]
    told = await client.ask("POST", "/connections/shop/enable", {})
    assert told["note"] == "still off: shipments, inventory"
    await client.ask("POST", "/connections/shop/disable", {"channel": "sales_orders"})
    told = await client.ask("POST", "/connections/shop/enable", {"channel": "sales_orders"})
    assert told["note"] == ""


async def test_an_unknown_channel_cannot_be_enabled(client: Client) -> None:
    status, kind, told = await client.refused("POST", "/connections/shop/enable", {"channel": "shipment"})
    assert (status, kind, told["remedy"]) == (404, "not found", 'did you mean "shipments"?')


async def test_who_did_it_is_in_the_log(client: Client) -> None:
    await client.ask("POST", "/connections/shop/enable", {})
    [line] = (await client.get("/connections/shop/log"))["lines"]
    assert line["event"] == "enabled"
    assert line["who"] == pwd.getpwuid(os.getuid()).pw_name


# ---- asking for a run


async def test_a_run_of_what_is_off_is_refused(client: Client) -> None:
    status, kind, told = await client.refused("POST", RUN, {})
    assert (status, kind, told["detail"]) == (409, "disabled", "shop is disabled")
    await client.ask("POST", "/connections/shop/enable", {})
    _, _, told = await client.refused("POST", RUN, {})
    assert told["remedy"] == "dropstreamctl enable shop sales_orders"


async def test_an_unknown_job_is_refused(client: Client) -> None:
    path = "/connections/shop/channels/inventory/jobs/ful/run"
    status, _, told = await client.refused("POST", path, {})
    assert (status, told["remedy"]) == (404, 'did you mean "full"?')


async def test_a_job_that_a_side_does_not_offer_is_refused(office: Office, client: Client) -> None:
    shop = office.plugins["shop"]
    assert shop.plugin is not None
    lesser = msgspec.structs.replace(shop.plugin, provides=frozenset({Part.ORDERS}))
    office.plugins["shop"] = msgspec.structs.replace(shop, plugin=lesser)
    [card] = (await client.get("/status/shop"))["connections"]
    [job] = card["channels"][1]["jobs"]
    assert not job["supported"]
    assert job["reason"] == "the store's platform, Shop, does not offer shipments"


async def test_older_orders_are_let_go_only_after_their_count_was_shown(
    office: Office, client: Client
) -> None:
    placed_s = {"1": START_S - 90_000, "2": START_S - 3_600, "3": START_S - 1_800}
    for number, at_s in placed_s.items():
        office.stores["shop"].changes.change(f"o{number}", order(number, placed_s=at_s))
    await client.enable()
    status, kind, told = await client.refused("POST", RUN, {"since": "2026-03-01", "backlog": "any"})
    assert (status, kind) == (409, "not possible")
    assert "not counted" in told["detail"]

    assert (await client.run("sales_orders.import"))["counts"] == {"staged": 3}
    backlog = await client.get("/connections/shop/backlog")
    assert (backlog["count"], backlog["numbers"]) == (3, ["1", "2", "3"])
    assert backlog["oldest_s"] == START_S - 90_000

    since = {"since": "2026-03-02T02:00:00"}  # in New York: 07:00 in UTC
    status, kind, told = await client.refused("POST", RUN, since)
    assert (status, kind) == (409, "unconfirmed")
    assert told["backlog"]["numbers"] == ["2", "3"]
    assert office.warehouse.taken.created() == {}

    ended = await client.run("sales_orders.import", **since, backlog=told["backlog"]["id"])
    assert ended["counts"]["released"] == 2
    assert ended["since_s"] == START_S - 7_200
    assert office.warehouse.taken.created() == {"o2": 1, "o3": 1}


async def test_older_orders_that_nobody_was_shown_are_not_let_go(office: Office, client: Client) -> None:
    def place(number: str) -> None:
        shop = office.stores["shop"].changes
        shop.change(f"o{number}", order(number, placed_s=START_S - 3_600 + int(number)))

    place("1")
    await client.enable()
    await client.run("sales_orders.import")
    since = {"since": "2026-03-01"}
    _, _, told = await client.refused("POST", RUN, since)
    shown = told["backlog"]["id"]

    place("2")
    await client.run("sales_orders.import")
    status, kind, told = await client.refused("POST", RUN, {**since, "backlog": shown})
    assert (status, kind, told["backlog"]["numbers"]) == (409, "unconfirmed", ["1", "2"])
    assert "others than were shown" in told["detail"]
    assert office.warehouse.taken.created() == {}

    place("3")
    ended = await client.run("sales_orders.import", **since, backlog=told["backlog"]["id"])
    assert ended["counts"] == {"staged": 1, "released": 2, "held_back": 1, "accepted": 2}
    assert office.warehouse.taken.created() == {"o1": 1, "o2": 1}
    backlog = await client.get("/connections/shop/backlog")
    assert backlog["numbers"] == ["3"]
    ended = await client.run("sales_orders.import", **since, backlog=backlog["id"])
    assert office.warehouse.taken.created() == {"o1": 1, "o2": 1, "o3": 1}


@pytest.mark.parametrize("since", ["yesterday", "2026-13-01", "2026-03-02T25:00", "2999-01-01", "9999-12-31"])
async def test_an_instant_that_is_none(client: Client, since: str) -> None:
    await client.enable()
    status, kind, told = await client.refused("POST", RUN, {"since": since})
    assert (status, kind) == (400, "bad request")
    assert told["detail"].startswith("since: ")


async def test_only_orders_have_older_ones(client: Client) -> None:
    await client.enable()
    path = "/connections/shop/channels/shipments/jobs/export/run"
    status, kind, _ = await client.refused("POST", path, {"since": "2026-03-01"})
    assert (status, kind) == (400, "bad request")


# ---- runs that were, and are


async def test_a_run_is_seen_while_it_goes_on(office: Office, client: Client) -> None:
    office.gate = trio.Event()
    office.stores["shop"].changes.change("o1", order("1", placed_s=START_S + 60))
    await client.enable()
    run = (await client.ask("POST", RUN, {}))["run"]
    async with listening_to(office, f"/events?run={run}") as ear:
        await ear.until('{"staged":1}')
        [card] = (await client.get("/status/shop"))["connections"]
        assert card["channels"][0]["running"]["id"] == run
        assert card["channels"][0]["running"]["counts"] == {"staged": 1}
        assert (await client.get(f"/connections/shop/runs/{run}"))["result"] == "running"
        office.gate.set()
        await ear.until("event: ended")
    [shown] = (await client.get("/connections/shop/runs?channel=sales_orders"))["runs"]
    assert (shown["result"], shown["counts"]) == ("done", {"staged": 1, "accepted": 1})


async def test_runs_of_all_channels_newest_first(client: Client) -> None:
    await client.enable()
    ids = [(await client.run(job))["id"] for job in ("sales_orders.import", "inventory.full")]
    runs = (await client.get("/connections/shop/runs"))["runs"]
    assert [run["id"] for run in runs] == ids[::-1]
    assert len((await client.get("/connections/shop/runs?limit=1"))["runs"]) == 1


async def test_a_run_that_another_did_for_is_answered_by_that(office: Office, client: Client) -> None:
    office.gate = trio.Event()
    office.stores["shop"].changes.change("o1", order("1", placed_s=START_S + 60))
    await client.enable()
    first = (await client.ask("POST", RUN, {}))["run"]
    while (await client.get(f"/connections/shop/runs/{first}"))["result"] == "waiting":
        await trio.lowlevel.checkpoint()
    waiting = [(await client.ask("POST", RUN, {}))["run"] for _ in range(2)]
    assert waiting[0] == waiting[1] != first
    assert (await client.get(f"/connections/shop/runs/{waiting[0]}"))["result"] == "waiting"
    [card] = (await client.get("/status/shop"))["connections"]
    assert card["channels"][0]["jobs"][0]["waiting"]
    office.gate.set()


async def test_a_smart_sync_that_a_full_one_absorbs(office: Office, client: Client) -> None:
    await client.enable()
    actor = office.daemon.connections["c-shop"].actors["inventory"]
    smart = actor.ask("smart", run="SMART", who="a", agreed=None)
    full = actor.ask("full", run="FULL", who="b", agreed=None)
    assert (smart, full) == ("SMART", "FULL")
    async with client.http.stream("GET", "/v1/events?run=SMART") as stream:
        events = [line async for line in stream.aiter_lines() if line.startswith("data: ")]
    ended = msgspec.json.decode(events[-1].removeprefix("data: "))
    assert (ended["type"], ended["run"]["id"]) == ("ended", "FULL")
    shown = await client.get("/connections/shop/runs/SMART")
    assert (shown["id"], shown["asked"]) == ("FULL", "SMART")


async def test_an_unknown_run(client: Client) -> None:
    assert (await client.refused("GET", "/connections/shop/runs/NONE"))[:2] == (404, "not found")
    async with client.http.stream("GET", "/v1/events?run=NONE") as stream:
        lines = [line async for line in stream.aiter_lines() if line]
    assert lines[0] == "event: gone"
    assert NEVER in lines[1]


async def test_all_runs_can_be_watched(office: Office, client: Client) -> None:
    await client.enable()
    async with listening_to(office, "/events") as ear:
        await ear.until("200")
        ended = await client.run("shipments.export", "shop")
        heard = await ear.until("event: ended")
    assert heard.index("event: began") < heard.index("event: ended")
    assert ended["id"] in heard


# ---- watchers by themselves


def shown(run: str) -> RunShown:
    return RunShown(
        id=run, connection="c", channel="x", job="y", trigger="person", result="running", started_s=1.0
    )


async def test_counts_are_merged_and_a_slow_reader_is_told_what_it_missed() -> None:
    watcher = Watcher()
    for total in range(1_000):
        watcher.count("R", "pushed", total)
    assert await watcher.take() == [Counting(run="R", counts={"pushed": 999})]
    for _ in range(EVENTS_LIMIT + 1):
        watcher.post(Began(run=shown("R")))
    taken = await watcher.take()
    assert len(taken) == EVENTS_LIMIT + 1
    assert isinstance(taken[-1], Missed)


async def test_the_counts_of_a_run_that_ended_are_in_its_end() -> None:
    watcher = Watcher()
    watcher.count("R", "pushed", 1)
    watcher.post(Ended(run=shown("R")))
    assert await watcher.take() == [Ended(run=shown("R"))]


def test_watchers_are_bounded() -> None:
    events = Events()
    with contextlib.ExitStack() as stack:
        watchers = [stack.enter_context(events.watching()) for _ in range(WATCHERS_LIMIT + 1)]
    assert watchers[-1] is None
    assert None not in watchers[:-1]
