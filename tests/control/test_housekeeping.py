"""What the daemon does once a day."""

import random
import re

from msgspec.structs import replace

from dropstreamd.channels import order_audit
from dropstreamd.channels.order_audit import Audited, Finds, Found
from dropstreamd.channels.outbound import NOT_MAPPED
from dropstreamd.clock import utc
from dropstreamd.platform.circuit import Circuits
from dropstreamd.store.tables import Table
from dropstreamd.supervisor.housekeeping import Housekeeping
from dropstreamd.supervisor.report import Gauges
from tests.channels.plant import order, package
from tests.control.office import START_S, Client, Office
from tests.fakes.sources import Changed

NEW_S = START_S + 60
SHOP = "/connections/shop"
DAY_S = 86400.0


def housekeeping(office: Office) -> Housekeeping:
    return Housekeeping(office.daemon, office.metrics, random.Random(1))


async def test_closed_orders_lose_their_names(office: Office, client: Client) -> None:
    office.stores["shop"].changes.change("o1", order("1", ("A", 2), placed_s=NEW_S))
    await client.enable()
    await client.run("sales_orders.import")
    office.ship(package("P1", "SH1", ("A", 2)))
    await client.run("shipments.export")
    keeping = housekeeping(office)
    await keeping.round()
    assert (await client.get(f"{SHOP}/orders/1"))["order"]["ship_to"]["name"] == "A. Buyer"
    office.clock.step(31 * DAY_S)
    await keeping.round()
    shown = await client.get(f"{SHOP}/orders/1")
    assert shown["order"]["ship_to"]["name"] == shown["sent"]["ship_to"]["name"] == ""
    assert (shown["life"], shown["sent"]["lines"][0]["sku"]) == ("shipped", "A")
    [line] = [each for each in (await client.get(f"{SHOP}/log"))["lines"] if each["event"] == "purged"]
    assert line["text"].startswith("personal data was taken out of 2 closed")
    for verb in ("resend", "cancel", "release", "hold"):
        answer = await client.refused("POST", f"{SHOP}/order-{verb}/1", {"why": "x"})
        assert answer[:2] == (409, "not possible")
        assert "not kept any more" in answer[2]["detail"]


# ---- the order audit


async def test_orders_that_are_not_where_they_should_be(office: Office, client: Client) -> None:
    changes = office.stores["shop"].changes
    soon = utc(START_S + 2 * DAY_S)
    for placed in (
        order("1", ("A", 2), placed_s=NEW_S),
        order("2", placed_s=NEW_S),
        order("3", placed_s=NEW_S, ship_by=soon),
        order("4", placed_s=NEW_S),
        order("5", placed_s=NEW_S, method="Express"),
        order("6", placed_s=START_S - 60),
    ):
        changes.change(placed.key, placed)
    await client.enable()
    audit = f"{SHOP}/audit/orders"
    assert (await client.ask("POST", audit))["trouble"] == "no import of orders has succeeded yet"
    await client.run("sales_orders.import")
    office.clock.step(DAY_S)
    await client.run("sales_orders.import")
    office.ship(package("P2", "SH2", ("A", 1)), package("P4", "SH4", ("A", 1)))
    await client.run("shipments.export")
    well = await client.ask("POST", audit)
    assert (well["looked_at"], well["overdue"], well["trouble"]) == (6, 0, "")
    assert [each["number"] for each in well["unaccounted_orders"]] == ["2", "4"]
    shipped = order("4", placed_s=NEW_S)
    lines = tuple(replace(line, fulfilled=1) for line in shipped.lines)
    changes.change("o4", replace(shipped, lines=lines, status="closed"))
    await office.state.write(lambda tx: tx.delete(Table.DOCUMENTS, ("c-shop", "sales_orders", "o1")))
    office.clock.step(3 * DAY_S)
    found = await client.ask("POST", audit)
    assert {each["number"]: each["what"] for each in found["unaccounted_orders"]} == {
        "1": "it was never told to us",
        "2": "all of it has left the warehouse, and the store shows it as open",
    }
    assert {each["number"]: each["what"] for each in found["overdue_orders"]} == {
        "3": "it was sent, and nothing has left"
    }
    assert office.warehouse.taken.created() == {f"o{number}": 1 for number in (1, 2, 3, 4)}
    await housekeeping(office).round()
    [line] = [each for each in (await client.get(f"{SHOP}/log"))["lines"] if not each["who"]][-1:]
    assert line["text"] == "2 orders unaccounted for, 1 overdue: 1, 2, 3"
    told = office.metrics.render().decode()
    assert 'dropstreamd_orders_overdue{connection="shop"} 1.0' in told
    assert 'dropstreamd_orders_unaccounted{connection="shop"} 2.0' in told
    office.clock.step(5 * DAY_S)
    late = await client.ask("POST", audit)
    assert {each["number"]: each["what"] for each in late["overdue_orders"]} == {
        "3": "it was sent, and nothing has left",
        "5": f"it was not sent: ship method 'Express' {NOT_MAPPED}",
    }


async def test_orders_that_wait_for_a_person_are_overdue_in_the_end(office: Office, client: Client) -> None:
    """Nothing else calls for them: only what is parked has an alert, and that one ends after some hours."""
    changes = office.stores["shop"].changes
    for placed in (
        order("1", placed_s=NEW_S, method="Express", ship_by=utc(START_S + DAY_S)),
        order("2", placed_s=NEW_S, cancel_requested=True),
        order("3", placed_s=NEW_S, status="waiting"),
        order("4", placed_s=START_S - 60),
    ):
        changes.change(placed.key, placed)
    await client.enable()
    await client.run("sales_orders.import")
    for days, expected in ((2, ["1"]), (6, ["1", "2"])):
        office.clock.step(days * DAY_S)
        found = await client.ask("POST", f"{SHOP}/audit/orders")
        assert [each["number"] for each in found["overdue_orders"]] == expected


async def test_an_order_that_waits_here_and_no_more_in_the_store(office: Office, client: Client) -> None:
    """Not every store dates what lets an order be shipped, as its payment."""
    changes = office.stores["shop"].changes
    waiting = order("1", placed_s=NEW_S, status="waiting")
    for placed in (waiting, *(order(str(number), placed_s=NEW_S) for number in (2, 3, 4))):
        changes.change(placed.key, placed)
    await client.enable()
    await client.run("sales_orders.import")
    changes.rows["o1"] = Changed(changes.rows["o1"].at, replace(waiting, status="open"))
    office.clock.step(DAY_S)
    await client.run("sales_orders.import")
    found = await client.ask("POST", f"{SHOP}/audit/orders")
    assert [(each["number"], each["what"]) for each in found["unaccounted_orders"]] == [
        ("1", "the store lets it be shipped, and told us that it waits")
    ]


async def astray(office: Office, client: Client) -> None:
    """An order that the store shows as open, and that we do not know."""
    placed = order("1", placed_s=NEW_S)
    office.stores["shop"].changes.change(placed.key, placed)
    await client.enable()
    await client.run("sales_orders.import")
    office.clock.step(DAY_S)
    await client.run("sales_orders.import")
    await office.state.write(lambda tx: tx.delete(Table.DOCUMENTS, ("c-shop", "sales_orders", "o1")))


async def test_what_the_last_audit_found_is_kept(office: Office, client: Client) -> None:
    await astray(office, client)
    audit = f"{SHOP}/audit/orders"
    assert (await client.refused("GET", audit))[:2] == (404, "not found")
    await housekeeping(office).round()
    found = await client.get(audit)
    assert (found["unaccounted"], found["unaccounted_orders"][0]["number"]) == (1, "1")
    [card] = (await client.get("/status/shop"))["connections"]
    assert card["audit"] == {
        "at_s": found["at_s"],
        "looked_at": 1,
        "unaccounted": 1,
        "overdue": 0,
        "trouble": "",
    }
    # as after a restart: before there is another audit
    office.metrics.not_audited("shop")
    Housekeeping(office.daemon, office.metrics, random.Random(1)).show_kept()
    shown = {
        name: office.metrics.registry.get_sample_value(f"dropstreamd_{name}", {"connection": "shop"})
        for name in ("orders_unaccounted", "orders_overdue", "orders_audited_timestamp_seconds")
    }
    assert list(shown.values()) == [1.0, 0.0, found["at_s"]]


async def test_what_was_put_right_since_the_audit_is_not_counted_any_more(
    office: Office, client: Client
) -> None:
    changes = office.stores["shop"].changes
    for number in ("1", "2", "3"):
        changes.change(f"o{number}", order(number, placed_s=NEW_S))
    await client.enable()
    await client.run("sales_orders.import")
    office.clock.step(8 * DAY_S)
    await client.run("sales_orders.import")
    await office.state.write(lambda tx: tx.delete(Table.DOCUMENTS, ("c-shop", "sales_orders", "o1")))
    await housekeeping(office).round()

    async def counted() -> tuple[int, int, str]:
        [card] = (await client.get("/status/shop"))["connections"]
        await Gauges(office.metrics, office.daemon, Circuits()).count()
        names = ("orders_unaccounted", "orders_overdue")
        shown = [
            office.metrics.registry.get_sample_value(f"dropstreamd_{name}", {"connection": "shop"})
            for name in names
        ]
        assert shown == [card["audit"]["unaccounted"], card["audit"]["overdue"]]
        return card["audit"]["unaccounted"], card["audit"]["overdue"], card["audit"]["trouble"]

    assert await counted() == (1, 2, "")
    office.ship(package("P2", "SH2", ("A", 1)))
    await client.run("shipments.export")
    assert await counted() == (1, 1, "")
    await client.ask("POST", f"{SHOP}/order-mark-shipped/3", {"why": "it left", "confirmed": True})
    assert await counted() == (1, 0, "")
    changes.change("o1", order("1", placed_s=NEW_S, note="ring"))
    await client.run("sales_orders.import")
    assert await counted() == (0, 0, "")


async def test_an_audit_that_sees_nothing_does_not_clear_what_was_found(
    office: Office, client: Client
) -> None:
    await astray(office, client)
    await housekeeping(office).round()
    office.stores["shop"].changes.down = 1
    await housekeeping(office).round()
    found = await client.get(f"{SHOP}/audit/orders")
    assert (found["unaccounted"], found["looked_at"], bool(found["trouble"])) == (1, 0, True)
    assert 'dropstreamd_orders_unaccounted{connection="shop"} 1.0' in office.metrics.render().decode()


async def test_an_audit_that_sees_not_all_is_none_as_far_as_alerts_go(office: Office, client: Client) -> None:
    """The time that is told is that of the last one which saw all; without any, of the first attempt."""

    async def told() -> int:
        """The day that is told after a round."""
        await housekeeping(office).round()
        text = office.metrics.render().decode()
        [at_s] = re.findall(r'dropstreamd_orders_audited_timestamp_seconds\{connection="shop"\} (\S+)', text)
        return int((float(at_s) - START_S) // DAY_S)

    await client.enable()
    assert await told() == 0, "nothing was imported yet"
    office.clock.step(DAY_S)
    assert await told() == 0
    await client.run("sales_orders.import")
    office.clock.step(DAY_S)
    assert await told() == 2
    office.stores["shop"].changes.allowed = 0
    for _ in range(2):
        office.clock.step(DAY_S)
        assert await told() == 2
    office.stores["shop"].changes.allowed = None
    assert await told() == 4


async def test_what_is_kept_of_an_audit_is_bounded(office: Office) -> None:
    some = tuple(Found(key=f"o{at}", number=str(at), what="lost", since_s=at) for at in range(200))
    found = Audited(
        at_s=1.0, looked_at=9, unaccounted=Finds(count=900, some=some), overdue=Finds(count=1, some=some[:1])
    )
    kept = await office.state.write(lambda tx: order_audit.keep(tx, connection="c-shop", found=found))
    assert (kept.unaccounted.count, len(kept.unaccounted.some)) == (900, order_audit.KEPT)
    assert office.state.read(lambda tx: order_audit.last(tx, "c-shop")) == kept


async def test_a_channel_that_is_off_is_not_audited(office: Office, client: Client) -> None:
    await astray(office, client)
    await housekeeping(office).round()
    await client.ask("POST", f"{SHOP}/disable", {"channel": "sales_orders"})
    await housekeeping(office).round()
    assert "dropstreamd_orders_unaccounted{" not in office.metrics.render().decode()


async def test_an_audit_of_nothing(client: Client) -> None:
    assert (await client.refused("POST", "/connections/none/audit/orders"))[0] == 404


# ---- the drift audit


async def test_levels_that_the_store_shows_and_was_not_told(office: Office, client: Client) -> None:
    office.report({"A": 5, "B": 3, "C": 1, "D": 2})
    await client.enable()
    await client.run("inventory.full")
    path = f"{SHOP}/audit/inventory"
    told = await client.ask("POST", path)
    assert (told["looked_at"], told["levels"], told["trouble"]) == (4, [], "")
    office.stores["shop"].by_hand.update({"A": 9, "B": 2})
    pushed = len(office.stores["shop"].levels.effects)
    told = await client.ask("POST", path)
    assert (told["more"], told["fewer"], told["missing"]) == (1, 1, 0)
    assert told["levels"] == [
        {"sku": "A", "told": 5, "shows": 9, "location": ""},
        {"sku": "B", "told": 3, "shows": 2, "location": ""},
    ]
    await client.run("inventory.smart")
    assert len(office.stores["shop"].levels.effects) == pushed, "it reports, and changes nothing"
