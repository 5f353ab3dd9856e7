"""Test Connection, preflight and sample files: both sides asked, and every way in which that fails."""

import base64

import pytest

from dropstreamd.control import sampling, side_tests
from dropstreamd.control.messages.setup import FailureKind
from dropstreamd.control.side_tests import failure_of
from dropstreamd.errors import (
    AuthFailed,
    DropstreamError,
    Misconfigured,
    OutcomeUnknown,
    ProtocolMismatch,
    RateLimited,
    Unreachable,
)
from dropstreamd.model.shipments import Package, PackageLine
from dropstreamd.model.stock import StockRow
from dropstreamd.platform.contract import Finding, Sample, Survey
from tests.channels.plant import order
from tests.control.office import START_S, Client, Office, bad

TEST = "/connections/shop/test"


async def test_both_sides_are_well(office: Office, client: Client) -> None:
    told = await client.ask("POST", TEST, {})
    assert told["ok"]
    assert [(side["side"], side["platform"], side["ok"]) for side in told["sides"]] == [
        ("store", "shop", True),
        ("warehouse", "wms", True),
    ]
    assert office.store_answers.writes == [False]


async def test_one_side_with_writing(office: Office, client: Client) -> None:
    told = await client.ask("POST", TEST, {"side": "warehouse", "write": True})
    assert [side["side"] for side in told["sides"]] == ["warehouse"]
    assert (office.warehouse_answers.writes, office.store_answers.writes) == ([True], [])


async def test_what_is_wrong_is_named_with_its_remedy(office: Office, client: Client) -> None:
    office.store_answers.test = AuthFailed("GET shop: answered 401", remedy="are the credentials right?")
    office.warehouse_answers.test = [Finding(name="folder out", ok=False, detail="not there")]
    told = await client.ask("POST", TEST, {})
    store, warehouse = told["sides"]
    assert not told["ok"]
    assert store["failure"] == {
        "kind": "credentials",
        "message": "GET shop: answered 401",
        "remedy": "are the credentials right?",
    }
    assert (warehouse["ok"], warehouse["failure"]) == (False, None)
    [line] = (await client.get("/connections/shop/log"))["lines"]
    assert line["text"] == "store: credentials, warehouse: folder out"


async def test_an_error_in_a_group_of_a_library(office: Office, client: Client) -> None:
    office.store_answers.test = ExceptionGroup("x", [ExceptionGroup("y", [Unreachable("no connection")])])
    told = await client.ask("POST", TEST, {"side": "store"})
    assert told["sides"][0]["failure"]["kind"] == "network"


async def test_a_side_that_never_answers(
    office: Office, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(side_tests, "DEADLINE_S", 0.05)
    office.store_answers.hangs = True
    told = await client.ask("POST", TEST, {"side": "store"})
    assert told["sides"][0]["failure"]["kind"] == "deadline"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (AuthFailed("the server refused the credentials"), "credentials"),
        (AuthFailed("GET x: answered 403"), "permission"),
        (AuthFailed("the user lacks the permission UpdateOrder"), "permission"),
        (Misconfigured("x: the server offered the host key SHA256:ab, expected cd"), "host key"),
        (Misconfigured("GET x: its TLS certificate is not accepted: self-signed"), "TLS"),
        (Misconfigured("x: the server offers no encryption (AUTH TLS): 500 What?"), "TLS"),
        (Misconfigured("the certificates of ca_file /ca.pem: No such file or directory"), "TLS"),
        (Misconfigured("x: writing /in: permission denied"), "permission"),
        (Misconfigured("the secret acme cannot be read: no such file"), "credentials"),
        (Misconfigured("GET x: answered 404"), "address"),
        (Misconfigured("x: listing /out: there is no such file or folder"), "address"),
        (Misconfigured("10.0.0.1 is a private address, to which connections are refused"), "address"),
        (Misconfigured("listing /out: more than 9 files"), "settings"),
        (Unreachable("GET x: no connection: name or service not known"), "address"),
        (Unreachable("GET x: no connection: connection refused"), "network"),
        (Unreachable("GET x: answered 503"), "outage"),
        (OutcomeUnknown("POST x: answered 502; it may have been applied"), "outage"),
        (RateLimited("GET x: answered 429", retry_after_s=3.0), "rate limit"),
        (ProtocolMismatch("GET x: answered 200, with a web page"), "protocol"),
    ],
)
def test_kinds_of_failure(error: DropstreamError, kind: FailureKind) -> None:
    assert failure_of(error).kind == kind


# ---- preflight


async def test_preflight_of_what_both_sides_tell(office: Office, client: Client) -> None:
    office.store_answers.survey = Survey(
        findings=(Finding(name="scopes", ok=True, detail="all"),),
        skus=frozenset({"A", "B", "GONE"}),
        duplicate_skus=frozenset({"B"}),
        ship_methods=frozenset({"Standard", "Express"}),
    )
    office.warehouse_answers.survey = Survey(skus=frozenset({"A", "B", "EXTRA"}), carriers=frozenset({"UPS"}))
    office.stores["shop"].changes.change("o1", order("1", method="Express", placed_s=START_S + 60))
    office.stores["shop"].changes.change("o2", order("2", placed_s=START_S - 60))
    office.report({"A": 5, "B": 3})
    await client.enable()
    await client.run("sales_orders.import")
    await client.run("inventory.smart")
    office.report({"A": 5, "B": 2})
    told = await client.ask("POST", "/connections/shop/preflight")
    assert [side["ok"] for side in told["sides"]] == [True, True]
    assert told["store_skus_unmatched"]["names"] == ["GONE"]
    assert told["warehouse_skus_unmatched"]["names"] == ["EXTRA"]
    assert told["store_skus_twice"]["names"] == ["B"]
    assert told["methods_unmapped"]["names"] == ["Express"]
    assert told["carriers_unmapped"]["names"] == ["UPS"]
    assert told["overlaps"] == ["ebay sells from the same stock, and its orders go to the same warehouse"]
    assert (told["backlog"]["count"], told["backlog"]["numbers"]) == (1, ["2"])
    assert told["sample_order"]["number"] == "2"
    assert told["sample_order"]["name"].startswith("out-PREFLIGHT")
    assert office.warehouse.taken.created() == {}


async def test_preflight_of_skus_that_seem_to_fit(office: Office, client: Client) -> None:
    path = office.conf / "connections.d" / "shop.toml"
    listings = '[listings]\n"RED" = "100"\n"typo" = "tee-3"\n"200" = "200"\n"BLUE" = "200"\n'
    path.write_text(path.read_text() + listings)
    await client.ask("POST", "/reload")
    ours = frozenset({"RED", "100", "200", "BLUE", "typo", "tee-1", "0042", "NONE", "OK"})
    office.store_answers.survey = Survey(skus=ours)
    theirs = frozenset({"100", "200", "TEE-3", "TEE-1", "Tee-1 ", "42", "OK", "300"})
    office.warehouse_answers.survey = Survey(skus=theirs)
    told = await client.ask("POST", "/connections/shop/preflight")
    assert told["skus_hidden"]["names"] == ["100"]
    assert told["skus_near"]["names"] == ["0042", "tee-1", "typo"]
    assert told["near_examples"] == [
        {"sku": "0042", "meant": ["42"]},
        {"sku": "tee-1", "meant": ["TEE-1", "Tee-1 "]},
        {"sku": "typo", "meant": ["TEE-3"]},
    ]
    assert told["store_skus_unmatched"]["names"] == ["0042", "NONE", "tee-1", "typo"]
    office.store_answers.survey = Survey()
    told = await client.ask("POST", "/connections/shop/preflight")
    assert not told["skus_hidden"]["known"]
    assert not told["skus_near"]["known"]


async def test_a_method_that_may_pass_as_it_is_needs_no_mapping(office: Office, client: Client) -> None:
    office.store_answers.survey = Survey(ship_methods=frozenset({"Standard", "Express"}))
    told = await client.ask("POST", "/connections/shop/preflight")
    assert told["methods_unmapped"]["names"] == ["Express"]
    path = office.conf / "connections.d" / "shop.toml"
    path.write_text(path.read_text() + 'unmapped = "pass"\n')
    await client.ask("POST", "/reload")
    told = await client.ask("POST", "/connections/shop/preflight")
    assert told["methods_unmapped"] == {"count": 0, "names": [], "known": True, "why": ""}


async def test_preflight_knows_what_bundles_are_made_of(office: Office, client: Client) -> None:
    path = office.conf / "merchants.d" / "acme.toml"
    path.write_text(path.read_text() + "[bundles]\nGIFT = { TEE = 2, MUG = 1 }\nPAIR = { SOCK = 2 }\n")
    await client.ask("POST", "/reload")
    office.store_answers.survey = Survey(skus=frozenset({"GIFT", "PAIR", "TEE"}))
    office.warehouse_answers.survey = Survey(skus=frozenset({"TEE", "MUG", "CAP"}))
    told = await client.ask("POST", "/connections/shop/preflight")
    assert told["store_skus_unmatched"]["names"] == ["PAIR"]
    assert told["warehouse_skus_unmatched"]["names"] == ["CAP"]


async def test_preflight_of_a_store_that_does_not_answer(office: Office, client: Client) -> None:
    office.store_answers.survey = Unreachable("GET x: answered 503")
    office.warehouse_answers.survey = Survey(skus=frozenset({"A"}))
    told = await client.ask("POST", "/connections/shop/preflight")
    assert told["sides"][0]["failure"]["kind"] == "outage"
    assert told["store_skus_unmatched"] == {
        "count": 0,
        "names": [],
        "known": False,
        "why": "the store: GET x: answered 503",
    }
    for unseen in ("warehouse_skus_unmatched", "store_skus_twice", "methods_unmapped"):
        assert told[unseen] == told["store_skus_unmatched"]
    assert told["warehouse_skus_twice"]["known"]
    assert (told["carriers_unmapped"]["known"], told["carriers_unmapped"]["why"]) == (False, "")
    assert (told["sample_order"], told["sample_unseen"]) == (None, sampling.NO_ORDERS)
    assert not told["levels_changed"]["known"]
    assert told["levels_changed"]["why"] == "no stock of the warehouse has been read yet"


async def test_preflight_of_a_warehouse_that_does_not_answer(office: Office, client: Client) -> None:
    office.store_answers.survey = Survey(skus=frozenset({"A", "B"}))
    office.warehouse_answers.survey = Unreachable("no connection: connection refused")
    why = "the warehouse: no connection: connection refused"
    told = await client.ask("POST", "/connections/shop/preflight")
    assert (told["store_skus_unmatched"]["known"], told["store_skus_unmatched"]["why"]) == (False, why)
    assert (told["carriers_unmapped"]["known"], told["carriers_unmapped"]["why"]) == (False, why)
    assert (told["sample_order"], told["sample_unseen"]) == (None, why)
    office.warehouse_answers.survey = Survey()
    told = await client.ask("POST", "/connections/shop/preflight")
    assert told["store_skus_unmatched"]["why"] == "no stock of the warehouse has been read yet"
    office.warehouse_answers.survey = Unreachable("no connection: connection refused")
    office.report({"A": 5})
    await client.enable()
    await client.run("inventory.smart")
    told = await client.ask("POST", "/connections/shop/preflight")
    assert told["store_skus_unmatched"]["names"] == ["B"], "by the stock that was read before"


async def test_preflight_shows_levels_that_a_full_sync_would_change(office: Office, client: Client) -> None:
    office.report({"A": 5, "B": 3})
    await client.enable("ebay")
    await client.run("inventory.smart", "ebay")
    told = await client.ask("POST", "/connections/shop/preflight")
    assert told["levels_changed"] == {"count": 2, "names": ["A", "B"], "known": True, "why": ""}
    assert told["level_examples"][0] == {"sku": "A", "before": None, "after": 5, "location": ""}
    assert (await client.ask("POST", "/connections/ebay/preflight"))["levels_changed"]["count"] == 0


async def test_preflight_of_a_new_connection_shows_an_order_of_the_store(
    office: Office, client: Client
) -> None:
    for number in ("4", "5", "6", "7"):  # more than a page
        gone = order(number, status="cancelled", placed_s=START_S - 90)
        office.stores["shop"].changes.change(f"o{number}", gone)
    office.stores["shop"].changes.change("o2", order("2", method="Express", placed_s=START_S - 60))
    told = await client.ask("POST", "/connections/shop/preflight")
    assert (
        told["sample_order"]["problem"]
        == "ship method 'Express' is not mapped: add it to [shipping] methods, then reload"
    )
    office.stores["shop"].changes.change("o3", order("3", placed_s=START_S - 60))
    told = await client.ask("POST", "/connections/shop/preflight")
    assert (told["sample_order"]["number"], told["sample_order"]["imported"]) == ("3", False)
    assert told["sample_order"]["name"].startswith("out-PREFLIGHT")
    assert (office.warehouse.taken.created(), told["backlog"]["count"]) == ({}, 0)
    await client.enable()
    assert (await client.run("sales_orders.import"))["counts"] == {"staged": 2}


async def test_preflight_of_a_new_connection_claims_nothing_of_the_stores_orders(
    office: Office, client: Client
) -> None:
    """It may have others than those that it tells of first."""
    office.stores["shop"].changes.change("o1", order("1", status="cancelled", placed_s=START_S + 60))
    told = await client.ask("POST", "/connections/shop/preflight")
    assert (told["sample_order"], told["sample_unseen"]) == (None, sampling.NONE_OPEN)
    office.store_answers.orders = AuthFailed("POST x: answered 403")
    told = await client.ask("POST", "/connections/shop/preflight")
    assert told["sides"][0]["ok"]
    why = "the store's orders: POST x: answered 403"
    assert (told["sample_order"], told["sample_unseen"]) == (None, why)
    office.store_answers.orders = None
    await client.enable()
    await client.run("sales_orders.import")
    told = await client.ask("POST", "/connections/shop/preflight")
    assert (told["sample_order"], told["sample_unseen"]) == (None, "")


async def test_preflight_says_what_every_shipment_would_be_refused_for(
    office: Office, client: Client
) -> None:
    office.needs, office.untold = frozenset({"carrier"}), {"carrier": "name its column"}
    told = await client.ask("POST", "/connections/shop/preflight")
    said = "Shop takes no shipment without its carrier, and warehouse acme.main tells none: name its column"
    assert told["shipments_refused"] == [said]
    office.untold = {}
    assert (await client.ask("POST", "/connections/shop/preflight"))["shipments_refused"] == []


async def test_preflight_says_why_no_sample_can_be_written(office: Office, client: Client) -> None:
    office.stores["shop"].changes.change("o1", order("1", method="Express", placed_s=START_S + 60))
    await client.enable()
    await client.run("sales_orders.import")
    told = await client.ask("POST", "/connections/shop/preflight")
    assert (
        told["sample_order"]["problem"]
        == "ship method 'Express' is not mapped: add it to [shipping] methods, then reload"
    )


# ---- sample files


def sample_of(content: bytes, warehouse: str = "main") -> dict[str, object]:
    encoded = base64.b64encode(content).decode()
    return {"merchant": "acme", "warehouse": warehouse, "name": "x.csv", "content": encoded}


async def test_a_sample_file_as_rows(office: Office, client: Client) -> None:
    office.warehouse_answers.sample = Sample(
        kind="inventory",
        packages=(Package(key="P", reference="SH1", lines=(PackageLine(sku="A", quantity=1),)),),
        stock=tuple(StockRow(sku=f"S{number}", quantity=1) for number in range(300)),
        bad=(bad("line 7", "no quantity"),),
        findings=(Finding(name="zone", ok=True, detail="America/Chicago"),),
    )
    told = await client.ask("POST", "/try-file", sample_of(b"a,b\n"))
    assert (told["kind"], told["stock_count"], len(told["stock"])) == ("inventory", 300, 200)
    assert told["packages"][0]["reference"] == "SH1"
    assert told["bad"] == [{"place": "order line 7", "reason": "no quantity", "text": "{"}]


async def test_a_sample_for_an_unknown_warehouse(client: Client) -> None:
    status, _, told = await client.refused("POST", "/try-file", sample_of(b"", "man"))
    assert (status, told["remedy"]) == (404, 'did you mean "main"?')
    request = {**sample_of(b""), "merchant": "acne"}
    assert (await client.refused("POST", "/try-file", request))[2]["remedy"] == 'did you mean "acme"?'


async def test_a_sample_that_is_too_large_or_no_base64(client: Client) -> None:
    assert (await client.refused("POST", "/try-file", sample_of(b"x" * (10 * 1024 * 1024 + 1))))[0] == 413
    request = {**sample_of(b""), "content": "?"}
    assert (await client.refused("POST", "/try-file", request))[0] == 400


async def test_a_sample_that_a_plugin_refuses_whole(office: Office, client: Client) -> None:
    office.warehouse_answers.sample = ProtocolMismatch("it is no CSV", remedy="ask the warehouse")
    status, kind, told = await client.refused("POST", "/try-file", sample_of(b"x"))
    assert (status, kind, told["remedy"]) == (409, "not possible", "ask the warehouse")
