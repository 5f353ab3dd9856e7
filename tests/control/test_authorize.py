"""A person lets the daemon into an account: the consent, what is kept of it, and its one owner."""

import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import pytest
import trio

from dropstreamd.control.messages import consent
from tests.control.fake_api import Told, ctl
from tests.control.market import set_up
from tests.control.office import Client, Office, at_work, open_client, short_folder
from tests.fakes.authority import Authority, authority

CONSENT = "/connections/market/consent"
TEST = "/connections/market/test"


@asynccontextmanager
async def market(*, rotates: bool = False) -> AsyncIterator[tuple[Office, Client, Authority]]:
    with short_folder() as folder:
        async with authority(rotates=rotates) as server:
            office = Office(folder)
            set_up(office, server)
            async with at_work(office), open_client(office) as client:
                yield office, client, server


def kept(office: Office) -> Path:
    return office.folder / "state" / "secrets" / "market-token"


def landed(asked: dict[str, str], code: str) -> str:
    """The address that the browser ends on."""
    return (
        f"https://shop.example/back?state={quote(asked['state'])}&code={quote(code, safe='')}&expires_in=299"
    )


async def authorized(client: Client, server: Authority) -> None:
    asked = await client.ask("POST", CONSENT, {})
    answer = landed(asked, server.consent())
    await client.ask("PUT", CONSENT, {"state": asked["state"], "answer": answer})


async def test_from_consent_to_the_first_call() -> None:
    async with market() as (office, client, server):
        before = (await client.ask("POST", TEST, {"side": "store"}))["sides"][0]["failure"]
        assert (before["kind"], "dropstreamctl authorize" in before["remedy"]) == ("credentials", True)
        asked = await client.ask("POST", CONSENT, {})
        assert (asked["side"], asked["platform"], asked["account"]) == ("store", "market", "market:acme")
        assert parse_qs(urlsplit(asked["url"]).query)["state"] == [asked["state"]]
        code = server.consent()
        done = await client.ask("PUT", CONSENT, {"state": asked["state"], "answer": landed(asked, code)})
        assert done["text"] == "market may use market:acme"
        assert kept(office).read_text() in server.refresh
        assert stat.S_IMODE(kept(office).stat().st_mode) == 0o600
        assert (await client.ask("POST", TEST, {"side": "store"}))["ok"]
        assert server.tokens == ["authorization_code", "refresh_token"]
        log = str(await client.get("/connections/market/log"))
        assert "market may use market:acme" in log
        assert code not in log


@pytest.mark.parametrize(
    ("life_s", "said"),
    [
        (47_304_000, "market:acme until 2027-08-31 at the latest, then authorize again"),
        (1e12, "market:acme"),
        (-1, "market:acme"),
    ],
)
async def test_how_long_a_consent_holds_is_said(life_s: float, said: str) -> None:
    async with market() as (_office, client, server):
        server.refresh_life_s = life_s
        asked = await client.ask("POST", CONSENT, {})
        given = {"state": asked["state"], "answer": landed(asked, server.consent())}
        assert (await client.ask("PUT", CONSENT, given))["text"] == f"market may use {said}"


async def test_the_code_alone_will_do() -> None:
    async with market() as (office, client, server):
        asked = await client.ask("POST", CONSENT, {"side": "store"})
        answer = quote(server.consent(), safe="")
        await client.ask("PUT", CONSENT, {"state": asked["state"], "answer": f" {answer}\n"})
        assert kept(office).read_text() in server.refresh


async def test_two_that_want_a_token_at_once_make_one_call() -> None:
    async with market() as (_office, client, server):
        await authorized(client, server)
        server.gate = trio.Event()
        told = []

        async def one() -> None:
            told.append(await client.ask("POST", TEST, {"side": "store"}))

        async with trio.open_nursery() as nursery:
            for _ in range(4):
                nursery.start_soon(one)
            await trio.sleep(0.2)  # real time: all of them are waiting by then
            server.gate.set()
        assert [each["ok"] for each in told] == [True] * 4
        assert server.tokens == ["authorization_code", "refresh_token"]


async def test_a_token_that_is_refused_is_replaced_once() -> None:
    async with market() as (_office, client, server):
        await authorized(client, server)
        await client.ask("POST", TEST, {"side": "store"})
        server.access.clear()
        assert (await client.ask("POST", TEST, {"side": "store"}))["ok"]
        assert server.tokens == ["authorization_code", *["refresh_token"] * 2]


async def test_a_rotated_refresh_token_is_durable_before_the_access_token_is_used() -> None:
    async with market(rotates=True) as (office, client, server):
        await authorized(client, server)
        seen: list[bool] = []
        server.on_read = lambda: seen.append(kept(office).read_text() in server.refresh)
        for _ in range(3):
            assert (await client.ask("POST", TEST, {"side": "store"}))["ok"]
            server.access.clear()
        assert seen
        assert all(seen)


async def test_a_refused_refresh_is_seen_in_status_with_what_to_do() -> None:
    async with market() as (_office, client, server):
        await authorized(client, server)
        server.refresh.clear()
        await client.enable("market", "sales_orders")
        run = await client.run("sales_orders.import", "market")
        assert (run["result"], "the refresh token was refused" in run["error"]) == ("held", True)
        assert "dropstreamctl authorize" in run["remedy"]
        assert "dropstreamctl authorize" in str(await client.get("/status/market"))
        await authorized(client, server)
        assert (await client.run("sales_orders.import", "market"))["result"] == "done"


async def test_an_end_between_exchange_and_storing_leaves_what_was() -> None:
    with short_folder() as folder:
        async with authority() as server:
            office = Office(folder)
            set_up(office, server)
            async with at_work(office), open_client(office) as client:
                await authorized(client, server)
                before = kept(office).read_text()
                in_the_way = kept(office).with_name(".market-token.part")
                in_the_way.mkdir()  # the code is used up, and what came of it cannot be stored
                asked = await client.ask("POST", CONSENT, {})
                given = {"state": asked["state"], "answer": landed(asked, server.consent())}
                _status, kind, told = await client.refused("PUT", CONSENT, given)
                assert (kind, "cannot be written" in told["detail"]) == ("not possible", True)
                in_the_way.rmdir()
            async with at_work(office), open_client(office) as client:
                assert kept(office).read_text() == before
                assert (await client.ask("POST", TEST, {"side": "store"}))["ok"]
                assert (await client.refused("PUT", CONSENT, given))[1] == "not possible"
                await authorized(client, server)
                assert kept(office).read_text() != before


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        ("https://shop.example/back?state=another&code=CODE", "not possible", "its state is another"),
        ("https://shop.example/back?code=CODE", "not possible", "or missing"),
        ("https://shop.example/back?state=STATE&error=access_denied", "not possible", "was declined"),
        ("https://shop.example/back?state=STATE&error=invalid_scope", "not possible", "found an error"),
        ("https://shop.example/back?state=STATE", "not possible", "no code"),
        ("https://[/back?state=STATE", "bad request", "no address"),
        ("state=STATE&code=", "not possible", "no code"),
        ("two words", "bad request", "neither"),
        ("", "bad request", "neither"),
    ],
)
async def test_what_the_browser_may_also_come_back_with(answer: str, kind: str, said: str) -> None:
    async with market() as (office, client, server):
        asked = await client.ask("POST", CONSENT, {})
        code = quote(server.consent(), safe="")
        text = answer.replace("STATE", asked["state"]).replace("CODE", code)
        _status, found, told = await client.refused("PUT", CONSENT, {"state": asked["state"], "answer": text})
        assert (found, said in told["detail"]) == (kind, True), told
        assert code not in str(told)
        assert not kept(office).exists()
        assert server.tokens == []


async def test_a_code_that_is_over_leaves_the_token_that_was() -> None:
    async with market() as (office, client, server):
        await authorized(client, server)
        before = kept(office).read_text()
        asked = await client.ask("POST", CONSENT, {})
        code = server.consent()
        server.codes[code].until = trio.current_time() - 1
        _status, kind, told = await client.refused(
            "PUT", CONSENT, {"state": asked["state"], "answer": landed(asked, code)}
        )
        assert kind == "not possible"
        assert "expired" in told["detail"]
        assert "dropstreamctl authorize" in told["remedy"]
        assert kept(office).read_text() == before
        again = await client.refused("PUT", CONSENT, {"state": asked["state"], "answer": landed(asked, code)})
        assert "nobody was asked" in again[2]["detail"]
        assert (await client.ask("POST", TEST, {"side": "store"}))["ok"]


async def test_who_needs_no_consent_and_who_was_not_asked() -> None:
    async with market() as (_office, client, _server):
        _status, kind, _told = await client.refused("POST", "/connections/shop/consent", {})
        assert kind == "not supported"
        asked = await client.ask("POST", CONSENT, {})
        other = {"state": asked["state"], "answer": "x"}
        assert (await client.refused("PUT", "/connections/ebay/consent", other))[1] == "not possible"
        assert (await client.refused("PUT", CONSENT, {"state": "state-77", "answer": "x"}))[
            1
        ] == "not possible"


def test_nothing_of_it_is_in_a_repr() -> None:
    assert "x-1" not in repr(consent.GiveConsent(state="x-1", answer="x-1"))


async def shell(office: Office, *argv: str, typed: str = "") -> Told:
    return await trio.to_thread.run_sync(partial(ctl, office.socket, *argv, typed=typed))


async def test_the_client_shows_the_address_and_reads_the_answer_from_a_pipe() -> None:
    async with market() as (office, _client, server):
        address = f"https://shop.example/back?state=state-1&code={quote(server.consent(), safe='')}"
        told = await shell(office, "authorize", "market", typed=f"{address}\n")
        assert (told.code, told.out) == (0, "market may use market:acme.\n"), told
        assert f"{server.url}/authorize?state=state-1" in told.err
        assert address not in told.err + told.out
        assert kept(office).read_text() in server.refresh


async def test_a_code_on_the_command_line_is_refused_and_not_repeated() -> None:
    async with market() as (office, _client, server):
        for argv in (("c^1.1#7",), ("store", "c^1.1#7")):
            told = await shell(office, "authorize", "market", *argv)
            assert told.code == 2
            assert "c^1.1#7" not in told.err + told.out
        assert (await shell(office, "authorize", "market", typed="\n")).code == 2
        assert (await shell(office, "authorize", "shop", typed="x\n")).code == 2
        assert server.tokens == []
