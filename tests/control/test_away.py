"""A connection whose file was taken out: what waits for it is shown with its siblings, and goes on once it is
back."""

from dropstreamd.model.acknowledgements import Acknowledgement
from dropstreamd.platform.contract import Part
from tests.channels.plant import order
from tests.control.office import PARTS, START_S, open_client, open_office

NEW_S = START_S + 60


async def test_what_waits_for_a_connection_that_is_away_is_shown() -> None:
    async with open_office(PARTS | {Part.ACKNOWLEDGEMENTS}) as office, open_client(office) as client:
        changes = office.stores["ebay"].changes
        changes.change("o1", order("1", placed_s=NEW_S))
        changes.change("o2", order("2", ("A", 3), placed_s=NEW_S, method="Express"))
        await client.enable("ebay")
        await client.enable("shop")
        await client.run("sales_orders.import", "ebay")
        file = office.conf / "connections.d" / "ebay.toml"
        was = file.read_text()
        file.unlink()
        await client.ask("POST", "/reload")
        office.warehouse.words.put("ack", Acknowledgement(key="W1", reference="EB1", verdict="rejected"))
        assert (await client.run("sales_orders.import"))["counts"] == {"unmatched": 1}
        [group] = (await client.get("/connections/shop/parked"))["groups"]
        assert (group["account"], group["channel"], group["kind"]) == (
            "acme/main",
            "acknowledgements",
            "unmatched",
        )
        assert group["cause"] == "connection c-ebay is away"
        assert [(each["key"], each["number"]) for each in group["examples"]] == [("W1", "EB1")]
        [account] = (await client.get("/status"))["accounts"]
        assert account["unmatched"]["count"] == 1
        office.report({"A": 10})
        await client.run("inventory.smart")
        assert office.stores["shop"].shows() == {"A": 7}
        shown = await client.get("/connections/shop/skus/A")
        taken = [each for each in shown["promises"] if each["deducted"]]
        assert [(each["connection"], each["number"], each["units"]) for each in taken] == [("c-ebay", "2", 3)]
        file.write_text(was)
        await client.ask("POST", "/reload")
        await client.run("sales_orders.import", "ebay")
        assert (await client.get("/connections/ebay/orders/1"))["state"] == "parked"
        assert (await client.get("/connections/shop/parked"))["groups"] == []
