"""Status: what runs, what does not, and what waits."""

import pytest

from dropstreamd.config.load import load
from dropstreamd.control.counted import COUNT_LIMIT
from dropstreamd.errors import Unreachable
from dropstreamd.store import cursors, levels
from dropstreamd.store.records import Flow
from tests.channels.plant import order, package
from tests.control.office import START_S, Client, Office, bad


async def test_a_new_connection_is_off_and_says_what_it_could_do(client: Client) -> None:
    status = await client.get("/status")
    assert [card["name"] for card in status["connections"]] == ["ebay", "shop"]
    card = status["connections"][1]
    assert (card["id"], card["merchant"], card["warehouse"]) == ("c-shop", "acme", "main")
    assert card["switch"]["on"] is False
    jobs = {(channel["channel"], job["job"]): job for channel in card["channels"] for job in channel["jobs"]}
    assert set(jobs) == {
        ("sales_orders", "import"),
        ("shipments", "export"),
        ("inventory", "smart"),
        ("inventory", "full"),
        ("products", "update"),
        ("products", "export"),
        ("returns", "sync"),
        ("catalogs", "sync"),
        ("purchase_orders", "import"),
        ("purchase_orders", "status"),
    }
    assert all(job["next_s"] is None for job in jobs.values())
    supported = {key for key, job in jobs.items() if job["supported"]}
    assert {channel for channel, _ in supported} == {"sales_orders", "shipments", "inventory"}
    assert "offers returns" in jobs["returns", "sync"]["reason"]
    assert status["version"] == "1.2.3"
    assert status["plugins"] == [
        {
            "name": "torn",
            "origin": "a folder",
            "problem": "it cannot be imported",
            "remedy": "install it",
        }
    ]
    [account] = status["accounts"]
    assert account["connections"] == ["ebay", "shop"]
    assert 0 < status["state_used_bytes"] < status["state_limit_bytes"]


async def test_an_open_circuit_shows_what_opened_it(office: Office, client: Client) -> None:
    circuit = office.daemon.accounts.circuits.circuit("vendure:shop")
    for _ in range(5):
        with pytest.raises(Unreachable), circuit.watch():
            raise Unreachable("shop.example: answered 502", remedy="look there")
    [shown] = (await client.get("/status"))["circuits"]
    assert 14 < shown.pop("rests_s") <= 15
    failed = {"error": "shop.example: answered 502", "remedy": "look there"}
    assert shown == {"account": "vendure:shop", "state": "open", "failures": 5, **failed}


async def test_one_connection_by_name_or_id_with_its_account(client: Client) -> None:
    by_name, by_id = await client.get("/status/shop"), await client.get("/status/c-shop")
    assert by_name["connections"] == by_id["connections"]
    assert [card["name"] for card in by_name["connections"]] == ["shop"]
    assert [card["warehouse"] for card in by_name["accounts"]] == ["main"]


async def test_an_unknown_connection_says_what_may_be_meant(client: Client) -> None:
    status, kind, told = await client.refused("GET", "/status/shpo")
    assert (status, kind) == (404, "not found")
    assert told["remedy"] == 'did you mean "shop"?'


async def test_what_a_run_left_is_on_its_card(office: Office, client: Client) -> None:
    office.stores["shop"].changes.change("o1", order("1", method="Express", placed_s=START_S + 60))
    office.stores["shop"].changes.change("o2", order("2", placed_s=START_S - 60))
    office.stores["shop"].changes.change("o3", bad("o3"))
    await client.enable()
    ended = await client.run("sales_orders.import")
    assert ended["result"] == "done"
    [card] = (await client.get("/status/shop"))["connections"]
    channel = card["channels"][0]
    assert channel["switch"]["on"]
    assert channel["running"] is None
    counts = {name: each["count"] for name, each in channel["work"].items()}
    assert counts == {"pending": 0, "parked": 1, "held": 1, "in_doubt": 0, "undecodable": 1, "tasks": 0}
    [job] = channel["jobs"]
    assert job["last"]["id"] == ended["id"]
    assert job["last_success_s"] == ended["ended_s"]
    assert job["trouble"] is None


async def test_counting_stops_at_a_bound(office: Office, client: Client) -> None:
    skus = [f"S{number}" for number in range(COUNT_LIMIT + 5)]
    await office.state.write(lambda tx: levels.mark(tx, Flow("c-shop", "inventory"), skus))
    [card] = (await client.get("/status/shop"))["connections"]
    work = next(each["work"] for each in card["channels"] if each["channel"] == "inventory")
    assert work["pending"] == {"count": COUNT_LIMIT, "more": True}


async def test_trouble_is_shown_with_its_remedy(office: Office, client: Client) -> None:
    office.stores["shop"].changes.down = 1
    await client.enable()
    ended = await client.run("sales_orders.import")
    assert (ended["result"], ended["error"]) == ("failed", "the store is down")
    [card] = (await client.get("/status/shop"))["connections"]
    trouble = card["channels"][0]["jobs"][0]["trouble"]
    assert (trouble["failures"], trouble["held"]) == (1, False)
    assert trouble["retry_s"] > office.clock.now_s()


async def test_a_broken_connection_shows_why(office: Office, client: Client) -> None:
    path = office.conf / "connections.d" / "shop.toml"
    path.write_text(path.read_text().replace('"wms"', '"vms"').replace("acme", "acmee"))
    office.daemon.broken = load(office.conf, office.plugins).broken
    status = await client.get("/status/shop")
    assert status["connections"] == []
    [broken] = status["broken"]
    assert (broken["kind"], broken["name"]) == ("connection", "shop")
    assert "acmee" in broken["problems"][0]["found"]


async def test_a_held_snapshot_and_the_packages_of_nobody(office: Office, client: Client) -> None:
    office.report({"A": 5, "B": 3, "C": 2})
    office.ship(package("P1", "XX9", ("A", 1)))
    await client.enable()
    await client.run("inventory.smart")
    office.report({})
    await client.run("inventory.smart")
    await client.run("shipments.export")
    [account] = (await client.get("/status"))["accounts"]
    assert account["unmatched"] == {"count": 1, "more": False}
    assert (account["held"]["verdict"], account["held"]["why"]) == ("held", "it has no rows")
    assert account["latest"]["skus"] == 3


async def test_levels_wait_for_figures_from_after_a_restore(office: Office, client: Client) -> None:
    office.report({"A": 5})
    await office.state.write(lambda tx: cursors.keep_restored(tx, "c-shop", START_S + 10 * 60))
    await client.enable()
    ended = await client.run("inventory.smart")
    waits = "waits for the first stock figures after the restore of 2026-03-02T09:10:00+00:00"
    assert ended["result"] == "failed"
    assert ended["error"].startswith(waits)
    [card] = (await client.get("/status/shop"))["connections"]
    assert card["waits"] == ended["error"]
    explained = await client.get("/connections/shop/skus/A")
    assert explained["steps"][-3].startswith(f"it {waits}")
    office.clock.step(11 * 60)
    office.report({"A": 5})
    assert (await client.run("inventory.smart"))["result"] == "done"
    assert office.stores["shop"].shows_at() == {None: {"A": 5}}
    [card] = (await client.get("/status/shop"))["connections"]
    assert card["waits"] == ""


async def test_what_could_not_be_looked_at_is_shown_and_is_no_success(office: Office, client: Client) -> None:
    """Older orders are let go only once all of them were counted."""
    changes = office.stores["shop"].changes
    for number in range(1, 5):
        changes.change(f"o{number}", order(str(number), placed_s=START_S - 60))
    changes.allowed = 1
    await client.enable()
    ended = await client.run("sales_orders.import")
    assert (ended["result"], ended["counts"]) == ("unfinished", {"staged": 3})
    assert ended["error"].startswith("its budget is used up: looks again at 2026-03-02 ")
    [card] = (await client.get("/status/shop"))["connections"]
    [job] = card["channels"][0]["jobs"]
    assert job["last_success_s"] == 0
    assert (job["trouble"]["failures"], job["trouble"]["error"]) == (0, "its budget is used up")
    [*_, line] = (await client.get("/connections/shop/log"))["lines"]
    assert (line["event"], line["text"]) == ("run unfinished", f"3 staged; {ended['error']}")
    path = "/connections/shop/channels/sales_orders/jobs/import/run"
    _, kind, told = await client.refused("POST", path, {"since": "2026-03-01"})
    assert (kind, told["detail"]) == (
        "not possible",
        "shop sales_orders has yet to run to its end: its older orders are not counted",
    )
    changes.allowed = None
    assert (await client.run("sales_orders.import"))["result"] == "done"
    assert (await client.get("/connections/shop/backlog"))["count"] == 4
