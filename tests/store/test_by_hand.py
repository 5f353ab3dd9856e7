"""What a person makes of a record: the steps that the flows' own tests do not reach."""

import itertools
from collections.abc import Callable, Mapping

import pytest
from msgspec.structs import replace

from dropstreamd.model.handover import Accepted, Rejected, Untouched
from dropstreamd.store import by_hand, transitions
from dropstreamd.store.records import Document, Standing, State
from dropstreamd.store.transitions import BY_HAND, Able
from tests.store.test_transitions import accepted, arrived, first, settled, stop_attempt

CANCELS = Able(cancels=True)


def test_sent_again_it_is_as_if_it_had_never_been_handed_over() -> None:
    before = replace(accepted(), word="received", short=True, remote="W", reference="SH1", sent=b"x")
    again = by_hand.resend(before, 9.0, "lost")
    assert (again.state, again.accepted, again.remote, again.word, again.short) == (
        State.PENDING,
        0,
        "",
        "",
        False,
    )
    assert (again.reference, again.sent, again.resent) == ("SH1", b"x", 1)
    assert settled(transitions.opened(again, "t2"), Accepted(key="o1")).accepted == 1


@pytest.mark.parametrize(("standing", "state"), [(Standing.HELD, State.HELD), (Standing.OVER, State.VOID)])
def test_sent_again_it_is_with_whoever_the_source_says(standing: Standing, state: State) -> None:
    assert by_hand.resend(replace(accepted(), standing=standing), 9.0, "lost").state is state


def test_a_withdrawal_is_owed_until_the_other_side_was_asked() -> None:
    doc = transitions.amend(by_hand.withdraw(accepted(), 9.0, "no"), CANCELS)
    assert (doc.state, doc.owes_stop) == (State.PENDING, True)
    opened = transitions.opened(doc, "t2")
    back = settled(opened, Untouched(key="o1"), attempt=stop_attempt(opened), able=CANCELS)
    assert back.state is State.PENDING
    refused = Rejected(key="o1", cause="x", reason="picked")
    asked = settled(opened, refused, attempt=stop_attempt(opened), able=CANCELS)
    assert (asked.state, asked.owes_stop, asked.stopping) == (State.ACCEPTED, False, "refused")
    done = settled(opened, Accepted(key="o1"), attempt=stop_attempt(opened), able=CANCELS)
    over = arrived(done, digest=b"x", standing=Standing.OVER)
    assert not over.changed_since_accepted, "the other side has stopped it already"


def test_what_was_sent_back_owes_nothing() -> None:
    returned = transitions.send_back(accepted(), "R003", "no", 5.0, "r")
    doc = transitions.amend(by_hand.withdraw(returned, 9.0, "no"), CANCELS)
    assert (doc.state, doc.owes_stop, doc.stopped) == (State.ACCEPTED, False, True)


def _arrivals(doc: Document) -> Document:
    return arrived(doc, digest=b"z")


STEPS: Mapping[str, Callable[[Document], Document]] = {
    "hold": lambda doc: by_hand.hold(doc, 9.0, "x") if not doc.accepted else doc,
    "withdraw": lambda doc: by_hand.withdraw(doc, 9.0, "x"),
    "shipped": lambda doc: by_hand.shipped(doc, 9.0, "x"),
    "unmarked": lambda doc: (
        by_hand.unmarked(doc, 9.0, "x") if doc.accepted and doc.stay == "shipped" else doc
    ),
    "resend": lambda doc: by_hand.resend(doc, 9.0, "x") if doc.accepted else doc,
    "release": lambda doc: transitions.release(doc, 9.0, "r", "x", CANCELS),
    "change": _arrivals,
    "wait": lambda doc: arrived(doc, standing=Standing.HELD, cause="waiting", reason="unpaid"),
    "over": lambda doc: arrived(doc, digest=b"y", standing=Standing.OVER),
}


@pytest.mark.parametrize("begin", ["new", "accepted", "sent back", "parked"])
def test_whatever_people_and_sources_do_it_has_one_owner_and_never_goes_unasked(begin: str) -> None:
    begins = {
        "new": first(),
        "accepted": accepted(),
        "sent back": transitions.send_back(accepted(), "R", "no", 5.0, "r"),
        "parked": transitions.park(first(), "address", "no street", by_sink=True),
    }
    for steps in itertools.product(STEPS, repeat=4):
        doc = begins[begin]
        for step in steps:
            doc = transitions.amend(STEPS[step](doc), CANCELS)
            assert (doc.accepted > 0) == bool(doc.accepted_digest), steps
            assert doc.accepted or doc.state is not State.ACCEPTED, steps
            assert not (doc.accepted and doc.state is State.VOID), steps
            if doc.state is State.PENDING and not doc.accepted:
                assert doc.standing is Standing.READY, steps
                assert not doc.stay, steps
            if doc.state is State.VOID and doc.cause:
                assert doc.cause == BY_HAND[doc.stay], steps
