"""Levels by location, as people see them: explained, planned, parked, released and audited."""

from dropstreamd.clock import utc
from dropstreamd.model.orders import Order
from dropstreamd.model.stock import StockRow
from dropstreamd.platform.contract import Locations, StockPage
from tests.channels.plant import order
from tests.control.office import Client, Office
from tests.control.test_order_verbs import NEW_S, SHOP
from tests.control.test_plans import apply, plan, settled

LOCATIONS = '[locations]\n"gid://1" = "EAST"\n"gid://2" = "WEST"\n'


async def located(office: Office, client: Client) -> None:
    path = office.conf / "connections.d" / "shop.toml"
    office.locations = Locations(home="gid://1")
    office.write("shop", path.read_text() + LOCATIONS)
    await client.ask("POST", "/reload")
    await client.enable()


def report(office: Office, name: str, *rows: tuple[str, str, int]) -> None:
    stock = tuple(StockRow(sku=sku, quantity=units, facility=facility) for facility, sku, units in rows)
    as_of = utc(office.clock.now_s())
    office.warehouse.stock.put(name, StockPage(snapshot=name, as_of=as_of, rows=stock, last=True))


def waiting(number: str, units: int, location: str) -> Order:
    return order(number, ("A", units), placed_s=NEW_S, method="Express", location=location)


async def test_a_sku_is_explained_location_by_location(office: Office, client: Client) -> None:
    await located(office, client)
    office.stores["shop"].changes.change("o1", waiting("1", 2, "gid://2"))
    office.stores["shop"].changes.change("o2", waiting("2", 1, ""))
    await client.run("sales_orders.import")
    report(office, "s1", ("EAST", "A", 5), ("WEST", "A", 4), ("NORTH", "A", 9), ("EAST", "B", 1))
    await client.run("inventory.smart")
    shown = await client.get(f"{SHOP}/skus/A")
    assert (shown["reported"], shown["unsent"], shown["derived"], shown["accepted"]) == (18, 3, 5, 5)
    assert [
        (each["location"], each["facility"], each["reported"], each["unsent"], each["derived"])
        for each in shown["places"]
    ] == [("gid://1", "EAST", 5, 1, 4), ("gid://2", "WEST", 4, 3, 1)]
    assert [len(each["promises"]) for each in shown["places"]] == [1, 2]
    assert "the warehouse reports 4 available at WEST" in shown["places"][1]["steps"][0]
    only = (await client.get(f"{SHOP}/skus/B"))["places"][1]
    assert (only["derived"], only["steps"][0]) == (
        None,
        "the warehouse never reported B at WEST: it has no level",
    )


async def test_a_plan_names_the_location(office: Office, client: Client) -> None:
    await located(office, client)
    report(office, "s1", ("EAST", "A", 5), ("WEST", "A", 4))
    office.stores["shop"].levels.refuse["A"] = "x"
    await client.run("inventory.smart")
    made = await plan(client, "inventory.full")
    assert [(each["key"], each["location"], each["after"]) for each in made["items"]] == [
        ("A", "gid://1", "5"),
        ("A", "gid://2", "4"),
    ]
    office.stores["shop"].levels.refuse.clear()
    applied = await apply(client, made)
    assert (applied["done"], applied["moved"]) == (2, [])
    await settled(client, applied["run"])
    assert office.stores["shop"].shows_at() == {"gid://1": {"A": 5}, "gid://2": {"A": 4}}
    changed = await client.ask("POST", f"{SHOP}/preflight", {})
    assert changed["levels_changed"]["count"] == 0


async def test_a_plan_of_a_location_that_is_gone_is_not_applied(office: Office, client: Client) -> None:
    await located(office, client)
    report(office, "s1", ("EAST", "A", 5), ("WEST", "A", 4))
    office.stores["shop"].levels.refuse["A"] = "x"
    await client.run("inventory.smart")
    made = await plan(client, "inventory.full")
    path = office.conf / "connections.d" / "shop.toml"
    office.write("shop", path.read_text().replace('"gid://2" = "WEST"\n', ""))
    await client.ask("POST", "/reload")
    applied = await apply(client, made)
    assert applied["done"] == 1
    assert applied["moved"] == [{"named": "A", "why": "its location is not mapped as it was"}]


async def test_a_refused_level_is_parked_and_released_by_location(office: Office, client: Client) -> None:
    await located(office, client)
    report(office, "s1", ("EAST", "A", 5), ("WEST", "A", 4))
    office.stores["shop"].levels.refuse["A"] = "not-stocked"
    await client.run("inventory.smart")
    groups = (await client.get(f"{SHOP}/parked"))["groups"]
    assert {(each["channel"], each["cause"]) for each in groups} == {
        ("inventory@gid://1", "not-stocked"),
        ("inventory@gid://2", "not-stocked"),
    }
    [card] = (await client.get("/status/shop"))["connections"]
    work = next(each["work"] for each in card["channels"] if each["channel"] == "inventory")
    assert work["parked"]["count"] == 2
    office.stores["shop"].levels.refuse.clear()
    request = {"channel": "inventory@gid://2", "key": "A"}
    assert (await client.ask("POST", f"{SHOP}/release", request))["released"] == 1
    await client.run("inventory.smart")
    assert office.stores["shop"].shows_at() == {"gid://2": {"A": 4}}


async def test_the_audit_names_the_location(office: Office, client: Client) -> None:
    await located(office, client)
    report(office, "s1", ("EAST", "A", 5), ("WEST", "A", 4))
    await client.run("inventory.smart")
    office.stores["shop"].by_hand = {"A": 9}
    found = await client.ask("POST", f"{SHOP}/audit/inventory", {})
    assert {(each["location"], each["told"], each["shows"]) for each in found["levels"]} == {
        ("gid://1", 5, 9),
        ("gid://2", 4, 9),
    }
