"""A file that leads to another store or warehouse than before: a person says that it is the same one."""

from functools import partial

from dropstreamd.store import cursors
from tests.channels.plant import order, package
from tests.control.office import START_S, Client, Office

SHOP = "/connections/shop"


async def test_a_shop_at_a_new_address_is_the_same_shop(office: Office, client: Client) -> None:
    path = f"{SHOP}/store"
    now = (await client.get(path))["configured"]
    assert (await client.get(path))["belongs_to"] is None
    old = partial(cursors.keep_store_account, connection="c-shop", account="shop:old")
    await office.state.write(old)
    await client.enable()
    assert (await client.run("inventory.full"))["result"] == "held"
    assert (await client.get(path))["belongs_to"] == "shop:old"
    assert (await client.refused("POST", path, {"account": "shop:third"}))[0] == 409
    await client.ask("POST", path, {"account": now})
    assert (await client.get(path))["belongs_to"] == now
    assert (await client.run("inventory.full"))["result"] == "done"
    lines = (await client.get(f"{SHOP}/log"))["lines"]
    assert "same_store" in [line["event"] for line in lines]


async def test_a_warehouse_with_a_new_name_is_the_same_warehouse(office: Office, client: Client) -> None:
    path = f"{SHOP}/warehouse"
    old = "acme.main (wms:acme)"
    assert await client.get(path) == {
        "connection": "shop",
        "belongs_to": None,
        "configured": old,
        "under_way": "",
    }
    await client.enable()
    office.stores["shop"].changes.change("o1", order("1", placed_s=START_S + 60))
    await client.run("sales_orders.import")
    assert (await client.get(path))["belongs_to"] == old
    assert "nothing was changed" in (await client.ask("POST", path, {"warehouse": old}))["text"]
    files = [office.conf / "connections.d" / f"{name}.toml" for name in ("shop", "ebay")]
    for file in files:
        file.write_text(file.read_text().replace('"main"', '"west"'))
    merchant = office.conf / "merchants.d" / "acme.toml"
    text = merchant.read_text()
    merchant.write_text(f"{text}\n{text.replace('.main]', '.west]')}")
    await office.reload()
    assert (await client.run("shipments.export"))["result"] == "held"
    shown = await client.get(path)
    assert (shown["belongs_to"], shown["configured"]) == (old, "acme.west (wms:acme)")
    assert shown["under_way"] == "; 1 order of it is under way there"
    same = {"warehouse": "acme.west (wms:acme)"}
    assert (await client.refused("POST", path, same))[1] == "not possible"
    merchant.write_text(text.replace(".main]", ".west]"))
    await office.reload()
    assert (await client.refused("POST", path, {"warehouse": old}))[1] == "changed"
    await client.ask("POST", path, same)
    office.ship(package("P1", "SH1", ("A", 1)))
    await client.run("shipments.export")  # what was held was tried by itself before
    assert set(office.stores["shop"].fulfilled.newest()) == {"P1"}
    lines = (await client.get(f"{SHOP}/log"))["lines"]
    assert "same_warehouse" in [line["event"] for line in lines]


async def test_what_leads_elsewhere_is_told_before_the_first_run(office: Office, client: Client) -> None:
    await client.enable()
    office.report({"A": 7})
    await client.run("inventory.full")
    assert (await client.ask("POST", "/reload"))["elsewhere"] == {}
    await rename(office)
    file = office.conf / "connections.d" / "shop.toml"
    file.write_text(file.read_text().replace('account  = "shop"', 'account  = "other"'))
    told = (await client.ask("POST", "/reload"))["elsewhere"]
    assert list(told) == ["c-shop"]
    store, house = told["c-shop"]
    assert store["error"].startswith("[store] of shop leads to shop:other, and what is known of this")
    assert house["error"].startswith("the warehouse of shop is acme.west (wms:acme) by now, and what")
    assert "dropstreamctl same-warehouse shop" in house["remedy"]
    cards = {card["name"]: card for card in (await client.get("/status"))["connections"]}
    assert cards["shop"]["elsewhere"] == [store, house]
    assert cards["ebay"]["elsewhere"] == []
    assert cards["shop"]["channels"][2]["jobs"][0]["trouble"] is None, "no run was needed for it"
    await client.ask("POST", f"{SHOP}/warehouse", {"warehouse": "acme.west (wms:acme)"})
    await client.ask("POST", f"{SHOP}/store", {"account": "shop:other"})
    [card] = (await client.get("/status/shop"))["connections"]
    assert card["elsewhere"] == []


async def test_until_then_figures_stand_under_the_former_name(office: Office, client: Client) -> None:
    office.report({"A": 7})
    await client.enable()
    await client.run("inventory.full")
    assert (await client.get(f"{SHOP}/skus/A"))["former"] == ""
    await rename(office)
    shown = await client.get(f"{SHOP}/skus/A")
    assert (shown["former"], shown["reported"]) == ("acme.main", None)
    assert shown["steps"][0] == (
        "what the warehouse told is known under its former name, acme.main, and does not count:"
        " see dropstreamctl same-warehouse shop"
    )
    assert not [step for step in shown["steps"] if "never reported" in step]
    await client.ask("POST", f"{SHOP}/warehouse", {"warehouse": "acme.west (wms:acme)"})
    shown = await client.get(f"{SHOP}/skus/A")
    assert (shown["former"], shown["reported"]) == ("", 7)


async def test_a_changed_id_leaves_behind_what_is_open(office: Office, client: Client) -> None:
    await client.enable()
    office.stores["shop"].changes.change("o1", order("1", placed_s=START_S + 60))
    await client.run("sales_orders.import")
    assert (await client.ask("POST", "/reload"))["left_behind"] == []
    file = office.conf / "connections.d" / "shop.toml"
    text = file.read_text()
    file.write_text(text.replace('"c-shop"', '"c-new"'))
    [told] = (await client.ask("POST", "/reload"))["left_behind"]
    assert told["error"].startswith("no file has the id c-shop any more, and 1 document of it is open; shop")
    file.write_text(text)
    told = await client.ask("POST", "/reload")
    assert (told["left_behind"], told["still_on"]) == ([], ["c-shop"])


async def rename(office: Office) -> None:
    """The warehouse `main` is `west` in all files."""
    for name in ("shop", "ebay"):
        file = office.conf / "connections.d" / f"{name}.toml"
        file.write_text(file.read_text().replace('"main"', '"west"'))
    merchant = office.conf / "merchants.d" / "acme.toml"
    merchant.write_text(merchant.read_text().replace(".main]", ".west]"))
    await office.reload()
