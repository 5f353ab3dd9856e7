"""What is parked, and its release."""

import pytest

from dropstreamd.control.messages.look import (
    Parked,
    ParkedExample,
    ParkedGroup,
    Release,
    Released,
)
from tests.control.fake_api import FakeApi, ctl, golden
from tests.control.shown import NO_BACKLOG, NOW_S, OLDER

AT = "/v1/connections/acme-vendure"


def group(**fields: object) -> ParkedGroup:
    example = ParkedExample(key="gid://1", number="1001", reason="SKU X has no listing", since_s=NOW_S)
    whole = {"channel": "sales_orders", "kind": "parked", "cause": "sku:X", "count": 14, "more": False}
    return ParkedGroup(**{**whole, "examples": (example,), **fields})  # type: ignore[arg-type]


def test_parked(api: FakeApi) -> None:
    groups = (
        group(),
        group(kind="held", cause="waiting", count=1),
        group(kind="held", cause="before-restore", count=2),
        group(channel="inventory", cause="it's refused", count=500, more=True, examples=()),
        group(channel="shipments", kind="unmatched", cause="", count=2, account="acme/main"),
        group(kind="undecodable", cause="bad", count=1),
    )
    api.answer(f"GET {AT}/parked", Parked(groups=groups, backlog=OLDER))
    golden("parked", ctl(api, "parked", "acme-vendure").out)


def test_nothing_parked(api: FakeApi) -> None:
    api.answer(f"GET {AT}/parked", Parked(groups=(), backlog=NO_BACKLOG))
    assert ctl(api, "parked", "acme-vendure").out == "Nothing is parked.\n"


@pytest.mark.parametrize(
    ("argv", "body"),
    [
        (("--cause", "sku:X"), Release(channel="sales_orders", cause="sku:X")),
        (("gid://1",), Release(channel="sales_orders", key="gid://1")),
    ],
)
def test_release(api: FakeApi, argv: tuple[str, ...], body: Release) -> None:
    api.answer(f"POST {AT}/release", Released(released=14, more=True))
    told = ctl(api, "release", "acme-vendure", "sales_orders", *argv)
    assert told.out == (
        "14 documents released: tried again with the next run.\n"
        "More of this cause are left: repeat the command.\n"
    )
    assert api.asked[0].read(Release) == body


@pytest.mark.parametrize(("argv", "code"), [(("--cause", "sku:X"), 0), (("gid://1",), 1)])
def test_a_release_of_nothing(api: FakeApi, argv: tuple[str, ...], code: int) -> None:
    api.answer(f"POST {AT}/release", Released(released=0))
    assert ctl(api, "release", "acme-vendure", "sales_orders", *argv).code == code


@pytest.mark.parametrize("argv", [(), ("gid://1", "--cause", "sku:X")])
def test_release_wants_a_key_or_a_cause(api: FakeApi, argv: tuple[str, ...]) -> None:
    told = ctl(api, "release", "acme-vendure", "sales_orders", *argv)
    assert (told.code, api.asked) == (2, [])
    assert "either a KEY or --cause CAUSE" in told.err
