"""Settings that cannot be right, each with its key."""

import msgspec
import pytest

from dropstream_file_exchange import PLUGIN
from dropstream_file_exchange.settings import address
from dropstreamd.platform.secrets import SecretRef

from .files import BASE, settings


def test_the_least_settings_are_enough() -> None:
    assert not PLUGIN.check(settings())


def test_several_host_keys() -> None:
    both = settings(host_key=[BASE["host_key"], "ecdsa-sha2-nistp256 AAAA"])
    assert not PLUGIN.check(both)
    assert len(both.host_keys) == 2


def test_the_address() -> None:
    at = address(settings(url="sftp://ac%40me@[::1]/a%20b"))
    assert (at.user, at.host, at.port, at.folder) == ("ac@me", "::1", 22, "/a b")
    assert PLUGIN.account_key(settings()) == "sftp://acme@wms.example.com:2222/acme"
    assert PLUGIN.account_key(settings(url="sftp://a@h/")) == PLUGIN.account_key(
        settings(url="sftp://a@h:22")
    )


@pytest.mark.parametrize(
    ("key", "changes"),
    [
        ("url", {"url": "ftp://acme@wms.example.com/"}),
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
