"""Settings: what is right, what is wrong, and the sample."""

import tomllib
from pathlib import Path

import msgspec
import pytest

import dropstream_ebay
from dropstream_ebay.settings import Settings, account_key, check

from .stores import settings


def test_those_of_the_double_are_right() -> None:
    assert check(settings()) == []
    assert account_key(settings(seller="Acme")) == "acme"
    assert account_key(settings(seller="Acme", environment="sandbox")) == "sandbox:acme"


@pytest.mark.parametrize(
    ("changes", "key", "words"),
    [
        ({"seller": ""}, "seller", "user name"),
        ({"client_id": "a b"}, "client_id", "App ID"),
        ({"redirect_name": "https://shop.example/back"}, "redirect_name", "RuName"),
        ({"refresh_token": {"file": "/etc/token"}}, "refresh_token", "authorize"),
        ({"marketplaces": ["US"]}, "marketplaces", "EBAY_US"),
        ({"environment": "sandbox"}, "client_id", "one of sandbox"),
        ({"client_id": "Acme-drop-SBX-0123"}, "client_id", "one of production"),
        ({"url": "ftp://x"}, "url", "https://"),
        ({"url": "https://[x"}, "url", "https://"),
    ],
)
def test_what_cannot_be_right_is_named(changes: dict[str, object], key: str, words: str) -> None:
    (problem,) = check(settings(**changes))
    assert problem.key == key
    assert words in problem.allowed


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        settings(shop="x")


def test_where_things_are() -> None:
    sandbox = settings(environment="sandbox", client_id="Acme-drop-SBX-0123")
    assert sandbox.api == "https://api.sandbox.ebay.com"
    assert sandbox.consent_page == "https://auth.sandbox.ebay.com/oauth2/authorize"
    assert settings().api == "https://api.ebay.com"


def test_the_sample_is_right() -> None:
    text = (Path(dropstream_ebay.__file__).parent / "sample.toml").read_text()
    table = tomllib.loads(text)["store"]
    assert table.pop("platform") == "ebay"
    assert check(msgspec.convert(table, Settings)) == []
    with_all = "\n".join(line.removeprefix("# ") for line in text.splitlines())
    every = tomllib.loads(with_all)["store"]
    every.pop("platform")
    assert set(every) == {field.encode_name for field in msgspec.structs.fields(Settings)}
