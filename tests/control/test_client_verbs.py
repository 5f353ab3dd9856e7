"""`dropstreamctl order VERB`: what is asked, what is shown before a person agrees, how it ends."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dropstreamd.control.messages.look import Done
from dropstreamd.control.messages.verbs import ByHand, Confirmed
from tests.control.fake_api import FakeApi, ctl, fake_api, refusal

AT = "/v1/connections/acme"
KNOWN = ("it is sent", "no package of it is known")


@pytest.fixture
def api(tmp_path: Path) -> Iterator[FakeApi]:
    with fake_api(tmp_path) as api:
        yield api


@pytest.mark.parametrize("name", ["hold", "release", "cancel"])
def test_a_verb_says_why(api: FakeApi, name: str) -> None:
    api.answer(f"POST {AT}/order-{name}/gid%3A%2F%2F1", Done(text="it was done"))
    told = ctl(api, "order", name, "acme", "gid://1", "--why", "asked for")
    assert (told.code, told.out) == (0, "it was done\n")
    assert api.asked[0].read(ByHand) == ByHand(why="asked for")


def test_a_verb_wants_a_reason(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    told = ctl(api, "order", "hold", "acme", "1")
    assert (told.code, api.asked) == (2, [])
    assert "required: --why" in capsys.readouterr().err


def test_a_verb_that_is_refused(api: FakeApi) -> None:
    api.answer(
        f"POST {AT}/order-hold/1",
        refusal("not possible", 409, "the warehouse has 1", remedy="order cancel"),
    )
    told = ctl(api, "order", "hold", "acme", "1", "--why", "x")
    assert told.code == 1
    assert told.err == "Refused: the warehouse has 1\nWhat to do: order cancel\n"


def unsure(api: FakeApi) -> None:
    path = f"POST {AT}/order-resend/1"
    api.answer(path, refusal("unconfirmed", 409, "the warehouse had 1 once: it is sent", known=KNOWN))
    api.answer(path, Done(text="it goes again"))


def test_resend_shows_what_is_known_and_asks(api: FakeApi) -> None:
    unsure(api)
    argv = ("order", "resend", "acme", "1", "--why", "lost")
    told = ctl(api, *argv, typed="y\n", is_terminal=True)
    assert (told.code, told.out) == (0, "it goes again\n")
    assert told.err == (
        "the warehouse had 1 once\n  - it is sent\n  - no package of it is known\nSend it again? [y/N] "
    )
    assert [asked.read(Confirmed) for asked in api.asked] == [
        Confirmed(why="lost"),
        Confirmed(why="lost", confirmed=True),
    ]


@pytest.mark.parametrize(("more", "code", "asked"), [((), 4, 1), (("--yes",), 0, 2), (("--json",), 4, 1)])
def test_resend_in_scripts(api: FakeApi, more: tuple[str, ...], code: int, asked: int) -> None:
    unsure(api)
    told = ctl(api, "order", "resend", "acme", "1", "--why", "lost", *more)
    assert (told.code, len(api.asked)) == (code, asked)


def test_a_connection_that_is_named_as_a_verb(api: FakeApi) -> None:
    api.answer("GET /v1/connections/hold/orders/1", refusal("not found", 404, "no such order"))
    assert ctl(api, "order", "show", "hold", "1").err == "Refused: no such order\n"
    assert ctl(api, "order", "hold", "1").code == 2
