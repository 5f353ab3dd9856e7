"""Settings that decode and cannot be right."""

import pytest

from dropstream_medusa.settings import account_key, check

from .stores import settings


def test_good_ones_pass() -> None:
    assert not check(settings(url="https://shop.example/medusa/"))


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("url", {"url": "shop.example"}),
        ("url", {"url": "https://shop.example:70000"}),
        ("url", {"url": "https://shop.example/admin"}),
        ("open_payments", {"open_payments": []}),
        ("open_payments", {"open_payments": ["paid"]}),
        ("lookback_days", {"lookback_days": 0}),
        ("lookback_days", {"lookback_days": 9999}),
    ],
)
def test_what_is_wrong_is_named(key: str, values: dict[str, object]) -> None:
    (problem,) = check(settings(**{"url": "https://shop.example", **values}))
    assert problem.key == key


def test_an_account_is_a_server_and_a_channel() -> None:
    one = settings(url="https://shop.example:9000/", sales_channel="EU")
    assert account_key(one) == "shop.example:9000/EU"
    assert account_key(settings(url="https://shop.example")) == "shop.example/"
