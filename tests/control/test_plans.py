"""Plans: shown, kept, and applied exactly as they were shown."""

from functools import partial
from typing import Any

from msgspec.structs import replace

from dropstreamd.platform.contract import Whereabouts
from dropstreamd.store import levels
from dropstreamd.store.plans import PLANS_KEPT
from dropstreamd.store.records import AttemptKey, Flow
from tests.channels.plant import order, package
from tests.control.office import START_S, Client, Office
from tests.control.test_order_verbs import NEW_S, SHOP, of_one, shown, verb

PLANS = f"{SHOP}/plans"
WHY = {"why": "as agreed"}


async def plan(client: Client, what: str, **asked: object) -> Any:
    return await client.ask("POST", PLANS, {"what": what, **asked})


async def apply(client: Client, made: Any) -> Any:
    return await client.ask("POST", f"{PLANS}/{made['id']}/apply", WHY)


async def settled(client: Client, run: str) -> None:
    """Until a run that was asked for has ended."""
    async with client.http.stream("GET", f"/v1/events?run={run}", timeout=20) as stream:
        assert [line async for line in stream.aiter_lines()]


async def handed(office: Office, client: Client, *numbers: str) -> None:
    for number in numbers:
        office.stores["shop"].changes.change(f"o{number}", order(number, ("A", 2), placed_s=NEW_S))
    await client.enable()
    await client.run("sales_orders.import")


# ---- inventory.full


async def test_no_plan_before_any_stock_was_read(office: Office, client: Client) -> None:
    """Nothing to do is what it would say, and the run would do all of it."""
    office.report({"A": 5})
    status, _, told = await client.refused("POST", PLANS, {"what": "inventory.full"})
    assert (status, told["detail"]) == (409, "no stock of the warehouse has been read yet")
    assert told["remedy"].startswith("dropstreamctl run shop inventory.smart")


async def test_a_name_that_is_listed_as_another_sku_stands_there_once(office: Office, client: Client) -> None:
    office.report({"A": 5, "B": 3})
    await client.enable()
    await client.run("inventory.smart")
    file = office.conf / "connections.d" / "shop.toml"
    office.write("shop", file.read_text() + '[listings]\n"A" = "B"\n')
    await client.ask("POST", "/reload")
    made = await plan(client, "inventory.full")
    assert [(each["key"], each["after"]) for each in made["items"]] == [("A", "3")]


async def test_levels_as_they_were_shown(office: Office, client: Client) -> None:
    office.report({"A": 5, "B": 3, "C": 1})
    await client.enable()
    await client.run("inventory.full")
    office.report({"A": 6, "B": 4, "C": 1})
    await client.run("shipments.export")
    made = await plan(client, "inventory.full")
    assert made["items"] == [], "no run has read the new snapshot yet"
    office.stores["shop"].levels.refuse.update({"A": "x", "B": "x"})
    await client.run("inventory.smart")
    made = await plan(client, "inventory.full")
    assert [(each["key"], each["before"], each["after"]) for each in made["items"]] == [
        ("A", "5", "6"),
        ("B", "3", "4"),
    ]
    assert made["unchanged"] == 1
    assert await client.get(f"{PLANS}/{made['id']}") == made
    office.stores["shop"].levels.refuse.clear()
    office.stores["shop"].changes.change("o1", order("1", ("B", 1), placed_s=NEW_S, method="Express"))
    await client.run("sales_orders.import")
    applied = await apply(client, made)
    assert (applied["done"], applied["moved"]) == (
        1,
        [{"named": "B", "why": "it would be 3 by now, not 4"}],
    )
    await settled(client, applied["run"])
    assert office.stores["shop"].shows()["A"] == 6
    assert (await client.refused("POST", f"{PLANS}/{made['id']}/apply", WHY))[:2] == (404, "not found")


async def test_levels_of_what_nothing_sells_any_more(office: Office, client: Client) -> None:
    """A Full Sync tells them as well."""
    office.report({"A": 5})
    await client.enable()
    await client.run("inventory.full")
    sold = AttemptKey("OLD", 4, b"")
    told = partial(levels.accept, flow=Flow("c-shop", "inventory"), tried=sold, run="", remote="")
    await office.state.write(partial(told, opened_s=0.0, now_s=START_S))
    made = await plan(client, "inventory.full")
    assert [(each["key"], each["before"], each["after"]) for each in made["items"]] == [("OLD", "4", "0")]
    assert made["unchanged"] == 1
    await settled(client, (await apply(client, made))["run"])
    assert office.stores["shop"].shows() == {"A": 5, "OLD": 0}


# ---- sales_orders.import


async def test_older_orders_as_they_were_shown(office: Office, client: Client) -> None:
    for number, days in (("1", 3), ("2", 2), ("3", 1)):
        placed = order(number, ("A", 2), placed_s=START_S - days * 86400)
        office.stores["shop"].changes.change(f"o{number}", placed)
    await client.enable()
    await client.run("sales_orders.import")
    made = await plan(client, "sales_orders.import", since="2026-02-28")
    assert [each["number"] for each in made["items"]] == ["2", "3"]
    assert made["items"][0]["after"] == "2 × A"
    changed = replace(order("3", ("A", 1), placed_s=START_S - 86400), note="ring")
    office.stores["shop"].changes.change("o3", changed)
    late = order("4", placed_s=START_S - 3600)
    office.stores["shop"].changes.change("o4", late)
    await client.run("sales_orders.import")
    applied = await apply(client, made)
    assert applied["done"] == 1
    assert [each["named"] for each in applied["moved"]] == ["3"]
    await settled(client, applied["run"])
    await client.run("sales_orders.import")
    assert of_one(office).created() == {"o2": 1}
    [line] = [each for each in (await client.get(f"{SHOP}/log"))["lines"] if each["event"] == "applied"]
    assert line["text"].endswith("1 applied, 1 moved: as agreed")


# ---- resend


async def test_a_lost_file_is_sent_again_as_it_was_shown(office: Office, client: Client) -> None:
    await handed(office, client, "1", "2", "3", "4")
    office.ship(package("P4", "SH4", ("A", 1)))
    await client.run("shipments.export")
    made = await plan(client, "resend", orders=["1", "SH2", "3", "4", "none", "1"])
    assert [each["number"] for each in made["items"]] == ["1", "2", "3"]
    left_out = {each["named"]: each["why"] for each in made["left_out"]}
    assert left_out["none"] == "there is no such order"
    assert "package P4 has left" in left_out["4"]
    office.ship(package("P2", "SH2", ("A", 1)))
    await client.run("shipments.export")
    await verb(client, "resend", "3", confirmed=True)
    applied = await apply(client, made)
    assert applied["done"] == 1
    assert {each["named"] for each in applied["moved"]} == {"2", "3"}
    await settled(client, applied["run"])
    await client.run("sales_orders.import")
    assert of_one(office).created() == {"o1": 2, "o2": 1, "o3": 2, "o4": 1}


async def test_what_was_not_taken_is_left_out_of_a_plan_and_of_its_application(
    office: Office, client: Client
) -> None:
    await handed(office, client, "1", "2", "3")
    lies = Whereabouts(where="waiting", detail="it lies there")
    office.warehouse.looks, office.warehouse.where = True, {"SH1": lies}
    made = await plan(client, "resend", orders=["1", "2", "3"])
    assert [each["number"] for each in made["items"]] == ["2", "3"]
    assert all(each["before"].endswith("; its file was taken") for each in made["items"])
    told = "it lies there; sent again, it would be there twice"
    assert made["left_out"] == [{"named": "1", "why": told}]
    office.warehouse.where = None
    assert (await client.refused("POST", f"{PLANS}/{made['id']}/apply", WHY))[:2] == (503, "unreachable")
    office.warehouse.where = {"SH2": lies}
    applied = await apply(client, made)
    assert (applied["done"], applied["moved"]) == (1, [{"named": "2", "why": told}])
    await settled(client, applied["run"])
    await client.run("sales_orders.import")
    assert of_one(office).created() == {"o1": 1, "o2": 1, "o3": 2}


async def test_a_plan_is_applied_where_the_channel_is_off(office: Office, client: Client) -> None:
    await handed(office, client, "1")
    made = await plan(client, "resend", orders=["1"])
    await client.ask("POST", f"{SHOP}/disable", {"channel": "sales_orders"})
    assert (await apply(client, made))["run"] == ""
    assert (await shown(client))["life"] == "queued"


# ---- what is no plan


async def test_plans_that_cannot_be_made(office: Office, client: Client) -> None:
    for asked in (
        {"what": "products.update"},
        {"what": "resend"},
        {"what": "resend", "orders": ["1"], "since": "2026-01-01"},
        {"what": "inventory.full", "orders": ["1"]},
        {"what": "sales_orders.import"},
        {"what": "sales_orders.import", "since": "soon"},
    ):
        assert (await client.refused("POST", PLANS, asked))[:2] == (400, "bad request"), asked


async def test_plans_are_few_and_expire(office: Office, client: Client) -> None:
    await handed(office, client, "1")
    made = [await plan(client, "resend", orders=["1"]) for _ in range(PLANS_KEPT + 1)]
    assert (await client.refused("GET", f"{PLANS}/{made[0]['id']}"))[0] == 404
    assert await client.get(f"{PLANS}/{made[1]['id']}") == made[1]
    office.clock.step(86401)
    assert (await client.refused("POST", f"{PLANS}/{made[1]['id']}/apply", WHY))[:2] == (404, "not found")
    fresh = await plan(client, "resend", orders=["1"])
    assert (await client.refused("POST", f"{PLANS}/{fresh['id']}/apply", {"why": ""}))[0] == 400
    assert (await client.refused("POST", "/connections/ebay/plans/x/apply", WHY))[0] == 404
