"""What the daemon does once a day."""

import random

from dropstreamd.supervisor.housekeeping import Housekeeping
from tests.channels.plant import order, package
from tests.control.office import START_S, Client, Office

NEW_S = START_S + 60
SHOP = "/connections/shop"
DAY_S = 86400.0


async def test_closed_orders_lose_their_names(office: Office, client: Client) -> None:
    office.stores["shop"].changes.change("o1", order("1", ("A", 2), placed_s=NEW_S))
    await client.enable()
    await client.run("sales_orders.import")
    office.ship(package("P1", "SH1", ("A", 2)))
    await client.run("shipments.export")
    keeping = Housekeeping(office.daemon, random.Random(1))
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
