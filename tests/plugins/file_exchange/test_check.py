"""Settings that cannot be right, each with its key."""

import msgspec
import pytest

from dropstream_file_exchange import PLUGIN
from dropstream_file_exchange.check_login import PLAIN_FTP
from dropstream_file_exchange.settings import ftp_address, sftp_address
from dropstreamd.platform.secrets import SecretRef

from .files import BASE, settings


def test_the_least_settings_are_enough() -> None:
    assert not PLUGIN.check(settings())


def test_what_shipment_files_never_tell() -> None:
    """Columns that are named are all that is read; without any, the documented ones are looked for."""
    columns = {"reference": "Order", "sku": "Item", "quantity": 3}
    found = PLUGIN.untold(settings(shipments={"columns": columns}))
    assert found.keys() == {
        "carrier",
        "tracking_numbers",
        "service",
        "tracking_url",
        "shipped_at",
        "facility",
    }
    assert found["carrier"] == "name the column of carrier in shipments.columns"
    named = settings(shipments={"columns": {**columns, "carrier": "Carrier", "tracking": 5}})
    assert not PLUGIN.untold(named).keys() & {"carrier", "tracking_numbers"}
    assert not PLUGIN.untold(settings())
    assert not PLUGIN.untold(settings(format="x12", shipments={"columns": columns}))


def test_several_host_keys() -> None:
    both = settings(host_key=[BASE["host_key"], "ecdsa-sha2-nistp256 AAAA"])
    assert not PLUGIN.check(both)
    assert len(both.host_keys) == 2


def test_the_address() -> None:
    at = sftp_address(settings(url="sftp://ac%40me@[::1]/a%20b"))
    assert (at.user, at.host, at.port, at.folder) == ("ac@me", "::1", 22, "/a b")
    assert PLUGIN.account_key(settings()) == "sftp://acme@wms.example.com:2222/acme"
    assert PLUGIN.account_key(settings(url="sftp://a@h/")) == PLUGIN.account_key(
        settings(url="sftp://a@h:22")
    )


@pytest.mark.parametrize(
    ("key", "changes"),
    [
        ("url", {"url": "http://acme@wms.example.com/"}),
        ("url", {"url": "ftps://acme@wms.example.com/"}),
        ("url", {"url": "sftp://wms.example.com/"}),
        ("url", {"url": "sftp://acme:secret@wms.example.com/"}),
        ("url", {"url": "sftp://acme@wms.example.com:0/"}),
        ("url", {"url": "sftp://acme@wms.example.com:99999/"}),
        ("url", {"url": "sftp://acme@/x"}),
        ("key", {"password": None}),
        ("key", {"key": {"secret": "k"}}),
        ("key_passphrase", {"key_passphrase": {"secret": "k"}}),
        ("host_key", {"host_key": "SHA256:abc"}),
        ("host_key", {"host_key": []}),
        ("ca_file", {"ca_file": "ca.pem"}),
        ("plain_ftp", {"plain_ftp": PLAIN_FTP}),
        ("one_step_rename", {"one_step_rename": True}),
        ("timezone", {"timezone": "Chicago"}),
        ("timezone", {"timezone": "../etc"}),
        ("part", {"part": {"prefix": ""}}),
        ("part", {"part": {"suffix": ".csv"}}),
        ("part", {"part": {"prefix": "tmp/"}}),
        ("marker", {"marker": ""}),
        ("archive", {"archive": "a/b"}),
        ("quarantine", {"quarantine": "archive"}),
        ("done_marker", {"done_marker": "{name}"}),
        ("done_marker", {"done_marker": "{nam}.done"}),
        ("done_marker", {"done_marker": "done"}),
        ("settle_s", {"settle_s": -1}),
        ("limit_mib", {"limit_mib": 0}),
        ("orders.positions", {"orders": {"version": 2, "positions": {"email": 25}}}),
        ("orders.positions", {"orders": {"version": 2, "positions": {"email": 25, "notes": 25}}}),
        ("orders.positions.email", {"orders": {"version": 2, "positions": {"email": 24, "notes": 25}}}),
        ("orders.positions.email", {"orders": {"positions": {"email": 25}}}),
        (
            "orders.facility",
            {"orders": {"version": 3, "positions": {"email": 25, "notes": 26, "facility": 27}}},
        ),
        ("orders.per_file", {"orders": {"per_file": 0}}),
        ("orders.encoding", {"orders": {"encoding": "utf8000"}}),
        ("orders.encoding", {"orders": {"encoding": "base64"}}),
        ("shipments.encoding", {"shipments": {"encoding": "rot13"}}),
        ("shipments.delimiter", {"shipments": {"delimiter": ""}}),
        ("shipments.quote", {"shipments": {"quote": ","}}),
        ("inventory.thousands", {"inventory": {"decimal": ",", "thousands": ","}}),
        ("inventory.dates", {"inventory": {"dates": []}}),
        ("inventory.columns", {"inventory": {"header": False}}),
        ("inventory.columns.sku", {"inventory": {"header": False, "columns": {"sku": "a", "quantity": 2}}}),
        ("inventory.columns.sku", {"inventory": {"columns": {"sku": 0, "quantity": 2}}}),
        ("inventory.columns.as_of", {"inventory": {"as_of": "column"}}),
        ("inventory.as_of_name", {"inventory": {"as_of": "name", "as_of_name": "inv_*.csv"}}),
    ],
)
def test_a_wrong_setting_is_named(key: str, changes: dict[str, object]) -> None:
    problems = PLUGIN.check(settings(**changes))
    assert key in [problem.key for problem in problems]
    assert "secret@" not in str(problems)


PLAIN_KEY = "ftp://acme@wms.example.com:21/acme"
FTPES = {"url": "ftpes://acme@wms.example.com/acme", "host_key": []}
FTP = {**FTPES, "url": "ftp://acme@wms.example.com:2121/acme"}


@pytest.mark.parametrize(
    "changes",
    [FTPES, {**FTPES, "ca_file": "/ca.pem", "one_step_rename": True}, {**FTP, "plain_ftp": PLAIN_FTP}],
)
def test_ftp_with_its_settings(changes: dict[str, object]) -> None:
    assert not PLUGIN.check(settings(**changes))


def test_an_ftp_account_is_one_encrypted_or_not() -> None:
    at = ftp_address(settings(**FTPES))
    assert (at.user, at.host, at.port, at.folder) == ("acme", "wms.example.com", 21, "/acme")
    plain = settings(**{**FTP, "url": "ftp://acme@wms.example.com:21/acme/"})
    assert PLUGIN.account_key(settings(**FTPES)) == PLAIN_KEY == PLUGIN.account_key(plain)


@pytest.mark.parametrize(
    ("key", "changes"),
    [
        ("plain_ftp", FTP),
        ("plain_ftp", {**FTP, "plain_ftp": "yes"}),
        ("plain_ftp", {**FTPES, "plain_ftp": PLAIN_FTP}),
        ("ca_file", {**FTP, "plain_ftp": PLAIN_FTP, "ca_file": "/ca.pem"}),
        ("host_key", {"url": FTPES["url"]}),
        ("password", {**FTPES, "password": None}),
        ("key", {**FTPES, "key": {"secret": "k"}}),
        ("key_passphrase", {**FTPES, "key_passphrase": {"secret": "k"}}),
        ("url", {**FTPES, "url": "ftpes://acme:secret@wms.example.com/"}),
    ],
)
def test_a_wrong_setting_of_ftp_is_the_only_problem(key: str, changes: dict[str, object]) -> None:
    (problem,) = PLUGIN.check(settings(**changes))
    assert problem.key == key
    assert "secret@" not in str(problem)


def test_plain_ftp_is_refused_with_the_words_that_would_allow_it() -> None:
    (problem,) = PLUGIN.check(settings(**FTP))
    assert f'plain_ftp = "{PLAIN_FTP}"' in problem.allowed
    assert problem.found == "nothing, beside ftp://"


def test_implicit_tls_is_told_from_explicit() -> None:
    (problem,) = PLUGIN.check(settings(url="ftps://acme@wms.example.com/"))
    assert "implicit TLS" in problem.allowed


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "edi"},
        {"folder": "in"},
        {"folders": {"inn": "x"}},
        {"orders": {"version": 4}},
        {"shipments": {"columns": {"sku": 1}}},
    ],
)
def test_what_does_not_decode(changes: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        settings(**changes)


def test_defaults() -> None:
    plain = settings(key={"file": "/k"}, password=None)
    assert plain.key == SecretRef(file="/k")
    assert (plain.folders.inward, plain.folders.out) == ("in", "out")
    assert settings(folders={"in": "to", "out": "from"}).folders.inward == "to"
