"""Schedules: shown, tried, edited in the file, and in force at once."""

from tests.control.office import Client, Office

PATH = "/connections/shop/channels/sales_orders/jobs/import/schedule"


async def test_a_manual_job_has_no_fires(client: Client) -> None:
    shown = await client.get(PATH)
    assert (shown["rules"], shown["next"], shown["timezone"]) == ([], [], "America/New_York")


async def test_the_next_ten_fires_in_local_time_over_a_clock_change(client: Client) -> None:
    told = await client.ask("POST", f"{PATH}/preview", {"rules": ["daily at 01:00", "daily at 13:00 on sun"]})
    assert len(told["next"]) == 10
    assert told["next"][0] == "2026-03-03T01:00:00-05:00 EST"
    assert told["next"][5] == "2026-03-08T01:00:00-05:00 EST"
    assert told["next"][6] == "2026-03-08T13:00:00-04:00 EDT"
    assert told["problems"] == []


async def test_every_wrong_rule_is_reported(client: Client) -> None:
    told = await client.ask("POST", f"{PATH}/preview", {"rules": ["every 5 min", "hourly", "dayly at 1:00"]})
    assert told["next"] == []
    assert [problem["key"] for problem in told["problems"]] == ["rules[0]", "rules[2]"]
    assert told["problems"][0]["hint"] == "did you mean `every 5 minutes`?"
    told = await client.ask("POST", f"{PATH}/preview", {"rules": ["hourly"] * 51})
    assert told["problems"][0]["found"] == "51 rules"


async def test_an_edit_is_in_the_file_with_its_comments_and_in_force(office: Office, client: Client) -> None:
    digest = (await client.get(PATH))["digest"]
    shown = await client.ask("PUT", PATH, {"rules": ["hourly"], "digest": digest})
    assert shown["rules"] == ["hourly"]
    assert shown["digest"] != digest
    text = (office.conf / "connections.d" / "shop.toml").read_text()
    assert 'import = ["hourly"]  # by hand' in text
    assert office.reloads == 1
    [card] = (await client.get("/status/shop"))["connections"]
    assert card["channels"][0]["jobs"][0]["rules"] == ["hourly"]
    [line] = (await client.get("/connections/shop/log"))["lines"]
    assert (line["event"], line["text"]) == ("schedule changed", "sales_orders.import: hourly")


async def test_the_default_and_manual(client: Client) -> None:
    assert (await client.ask("PUT", PATH, {"rules": None}))["rules"] == ["every 15 minutes"]
    assert (await client.ask("PUT", PATH, {"rules": []}))["rules"] == []


async def test_a_wrong_rule_changes_nothing(office: Office, client: Client) -> None:
    before = (office.conf / "connections.d" / "shop.toml").read_text()
    status, kind, told = await client.refused("PUT", PATH, {"rules": ["evry 5 minutes"]})
    assert (status, kind) == (422, "config")
    assert told["problems"][0]["hint"] == "did you mean `every 5 minutes`?"
    assert (office.conf / "connections.d" / "shop.toml").read_text() == before
    assert office.reloads == 0


async def test_a_file_that_changed_meanwhile(client: Client) -> None:
    status, kind, _ = await client.refused("PUT", PATH, {"rules": ["hourly"], "digest": "old"})
    assert (status, kind) == (409, "changed")


async def test_a_file_that_is_managed_elsewhere(office: Office, client: Client) -> None:
    path = office.conf / "connections.d" / "shop.toml"
    path.rename(office.folder / "shop.toml")
    path.symlink_to(office.folder / "shop.toml")
    status, kind, _ = await client.refused("PUT", PATH, {"rules": ["hourly"]})
    assert (status, kind) == (409, "read-only")


async def test_other_files_with_problems_keep_the_old_rules_in_force(office: Office, client: Client) -> None:
    office.write("ebay", "id = 3")
    status, kind, told = await client.refused("PUT", PATH, {"rules": ["hourly"]})
    assert (status, kind) == (422, "config")
    assert told["detail"].startswith("the rules were saved, but are not in force")
    assert (await client.get(PATH))["rules"] == []
