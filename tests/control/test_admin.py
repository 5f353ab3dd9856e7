"""Secrets, reload and backup."""

from pathlib import Path

import pytest
import trio

from dropstreamd.actors.trouble import Trouble
from dropstreamd.platform.secrets import SecretRef
from dropstreamd.store.backup import verify_backup
from tests.control.conf_files import CONNECTION
from tests.control.office import Client, Office

VALUE = "hunter2-hunter2"


async def test_a_secret_is_written_named_and_never_shown(
    office: Office, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    told = await client.call("PUT", "/secrets/wms-token", {"value": VALUE})
    assert told.json() == {"text": "secret wms-token was set"}
    assert office.secrets.read(SecretRef(secret="wms-token")).reveal() == VALUE
    listed = await client.call("GET", "/secrets")
    assert listed.json() == {"names": ["wms-token"]}
    log = await client.call("GET", "/connections/shop/log")
    assert log.json()["lines"][0]["text"] == "secret wms-token was set"
    output = capsys.readouterr()
    for text in (told.text, listed.text, log.text, output.out, output.err):
        assert VALUE not in text


async def test_a_secret_is_deleted(client: Client) -> None:
    await client.ask("PUT", "/secrets/spare", {"value": VALUE})
    await client.ask("DELETE", "/secrets/spare")
    assert (await client.get("/secrets"))["names"] == []
    assert (await client.get("/connections/shop/log"))["lines"] == []
    assert (await client.refused("DELETE", "/secrets/spare"))[:2] == (404, "not found")


async def test_a_secret_that_is_used_is_deleted_only_once_its_users_were_seen(
    office: Office, client: Client
) -> None:
    path = office.conf / "connections.d" / "shop.toml"
    path.write_text(path.read_text().replace("[store]", '[store]\npassword = { secret = "shop-key" }'))
    await client.ask("POST", "/reload")
    for name in ("shop-key", "wms-token"):
        await client.ask("PUT", f"/secrets/{name}", {"value": VALUE})
    status, kind, told = await client.refused("DELETE", "/secrets/shop-key")
    assert (status, kind, told["known"]) == (409, "unconfirmed", ["connection shop (store.password)"])
    assert told["detail"].startswith("secret shop-key is in use, and runs that need it would be held: conn")
    warehouse = (await client.refused("DELETE", "/secrets/wms-token"))[2]
    assert warehouse["known"] == ["warehouse acme.main (token), of ebay, shop"]
    for query in (f"shown={warehouse['shown']}", "shown=x", "confirmed=false"):
        assert (await client.refused("DELETE", f"/secrets/shop-key?{query}"))[1] == "unconfirmed"
    assert (await client.get("/secrets"))["names"] == ["shop-key", "wms-token"]
    await client.ask("DELETE", f"/secrets/shop-key?shown={told['shown']}")
    await client.ask("DELETE", "/secrets/wms-token?confirmed=true")
    assert (await client.get("/secrets"))["names"] == []
    assert (await client.refused("DELETE", "/secrets/shop-key"))[:2] == (404, "not found")


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [
        ("..%2Fetc", {"value": "x"}, 404),
        (".hidden", {"value": "x"}, 422),
        ("empty", {"value": ""}, 422),
        ("none", {}, 400),
        ("number", {"value": 3}, 400),
    ],
)
async def test_secrets_that_are_none(client: Client, name: str, body: dict[str, object], status: int) -> None:
    assert (await client.refused("PUT", f"/secrets/{name}", body))[0] == status


async def test_a_reload_says_what_changed(office: Office, client: Client) -> None:
    office.write("third", CONNECTION.format(name="third", letter="TH").replace("c-third", "c-3"))
    shop = office.conf / "connections.d" / "shop.toml"
    shop.write_text(shop.read_text().replace('"GND"', '"UPS"'))
    told = await client.ask("POST", "/reload")
    assert told["changes"]["added"] == ["c-3"]
    assert told["changes"]["hot"] == ["c-shop"]
    assert told["changes"]["unchanged"] == ["c-ebay"]
    assert told["names"]["c-3"] == "third"
    [line] = (await client.get("/connections/shop/log"))["lines"]
    assert line["event"] == "reloaded"


async def test_a_connection_that_comes_back_is_as_it_was(office: Office, client: Client) -> None:
    await client.enable()
    file = office.conf / "connections.d" / "shop.toml"
    text = file.read_text()
    file.unlink()
    told = await client.ask("POST", "/reload")
    assert (told["changes"]["removed"], told["names"]["c-shop"]) == (["c-shop"], "shop")
    file.write_text(text)
    told = await client.ask("POST", "/reload")
    assert (told["changes"]["added"], told["still_on"]) == (["c-shop"], ["c-shop"])


async def test_a_reload_with_problems_lists_every_one(office: Office, client: Client) -> None:
    for name in ("shop", "ebay"):
        path = office.conf / "connections.d" / f"{name}.toml"
        path.write_text(path.read_text().replace("New_York", "Old_York"))
    status, kind, told = await client.refused("POST", "/reload")
    assert (status, kind, told["detail"]) == (422, "config", "2 problems")
    assert {Path(problem["file"]).name for problem in told["problems"]} == {"shop.toml", "ebay.toml"}
    assert len((await client.get("/status"))["connections"]) == 2


async def test_what_waits_for_a_secret_or_a_file_is_tried_again_once_it_is_there(
    office: Office, client: Client
) -> None:
    await client.enable()
    actor = office.daemon.connections["c-shop"].actors["sales_orders"]
    path = office.conf / "connections.d" / "shop.toml"

    async def is_tried(method: str, to: str, body: dict[str, object] | None = None) -> bool:
        actor.troubles.now["import"] = Trouble(
            failures=3,
            retry_s=office.clock.now_s() + 3600,
            retry_at_s=trio.current_time() + 3600,
            error="no secret",
            remedy="",
            held=True,
        )
        await client.ask(method, to, body)
        now = actor.trouble.get("import")  # none, once it went well
        return now is None or now.retry_s <= office.clock.now_s()

    assert not await is_tried("PUT", "/secrets/another", {"value": VALUE})
    assert await is_tried("PUT", "/secrets/wms-token", {"value": VALUE})
    assert not await is_tried("POST", "/reload")
    path.write_text(path.read_text() + '[listings]\nA = "B"\n')
    assert await is_tried("POST", "/reload")
    account = (await client.get("/connections/shop/store"))["configured"]
    assert await is_tried("POST", "/connections/shop/store", {"account": account})


async def test_a_reload_names_the_connection_whose_secret_is_not_there(
    office: Office, client: Client
) -> None:
    office.secrets.put("wms-token", VALUE)
    path = office.conf / "connections.d" / "shop.toml"
    path.write_text(path.read_text().replace("[store]", '[store]\npassword = { secret = "none" }'))
    told = await client.ask("POST", "/reload")
    assert told["changes"]["restarted"] == ["c-shop"]
    [lacking] = told["unreadable"]
    assert (lacking["connection"], [each["key"] for each in lacking["problems"]]) == (
        "shop",
        ["store.password"],
    )
    assert lacking["problems"][0]["hint"] == "run `dropstreamctl secret set none`"
    cards = {card["name"]: card["unreadable"] for card in (await client.get("/status"))["connections"]}
    assert cards == {"ebay": [], "shop": lacking["problems"]}
    await client.enable("ebay")
    assert (await client.run("sales_orders.import", "ebay"))["result"] == "done"
    office.secrets.put("none", VALUE)
    assert (await client.ask("POST", "/reload"))["unreadable"] == []
    [card] = (await client.get("/status/shop"))["connections"]
    assert card["unreadable"] == []


async def test_a_secret_of_the_warehouse_is_every_connections(client: Client) -> None:
    [card] = (await client.get("/status/ebay"))["connections"]
    assert [each["key"] for each in card["unreadable"]] == ["warehouses.main.token"]
    told = await client.ask("POST", "/reload")
    assert [each["connection"] for each in told["unreadable"]] == ["ebay", "shop"]


async def test_a_backup_is_whole(office: Office, client: Client) -> None:
    await client.enable()
    target = office.folder / "backup"
    told = await client.ask("POST", "/backup", {"target": str(target)})
    assert verify_backup(target).rows == told["rows"]
    assert told["rows"]["switches"] == 4
    status, kind, _ = await client.refused("POST", "/backup", {"target": str(target)})
    assert (status, kind) == (409, "not possible")


@pytest.mark.parametrize("target", ["backup", "", "/a\0b"])
async def test_a_backup_goes_to_an_absolute_path(client: Client, target: str) -> None:
    assert (await client.refused("POST", "/backup", {"target": target}))[0] == 400
