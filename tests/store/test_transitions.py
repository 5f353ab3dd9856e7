"""One act's record, from owner to owner: what the flows' own tests do not reach."""

import msgspec
import pytest
from msgspec.structs import replace

from dropstreamd.model.handover import Accepted, InDoubt, Outcome, Rejected, Untouched
from dropstreamd.store import transitions
from dropstreamd.store.records import HISTORY, AttemptKey, Document, Standing, State
from dropstreamd.store.transitions import BEFORE_START, UNDECODABLE, WAITING, Able, Incoming

NOTHING = Able()
NEW = Incoming(key="o1", number="1", digest=b"a", content=b"1")
REFUSED = Rejected(key="o1", cause="address", reason="no street")


def first(**changed: object) -> Document:
    doc = transitions.arrive(None, replace(NEW, **changed), 1.0, "r")
    assert doc is not None
    return doc


def arrived(doc: Document, **changed: object) -> Document:
    found = transitions.arrive(doc, replace(NEW, **changed), 2.0, "r")
    assert found is not None
    return found


def tried(doc: Document) -> AttemptKey:
    return AttemptKey("o1", doc.revision, doc.digest)


def settled(
    doc: Document, outcome: Outcome, *, attempt: AttemptKey | None = None, able: Able = NOTHING
) -> Document:
    return transitions.settle(doc, attempt or tried(doc), outcome, 3.0, "r", able=able)


def accepted(**changed: object) -> Document:
    return settled(transitions.opened(first(**changed), "t1"), Accepted(key="o1"))


def test_the_history_is_bounded_and_keeps_its_beginning() -> None:
    doc = first()
    for number in range(3 * HISTORY):
        doc = transitions.noted(doc, float(number), "r", f"event {number}")
    assert len(doc.history) == HISTORY
    assert doc.history[0].text == "first seen"
    assert doc.history[-1].text == f"event {3 * HISTORY - 1}"


def test_a_document_survives_its_encoding() -> None:
    doc = accepted()
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(doc), type=Document) == doc


def test_told_the_same_again_it_is_the_same_object() -> None:
    doc = first()
    assert arrived(doc) is doc


@pytest.mark.parametrize("state", [State.OPEN, State.DOUBT])
@pytest.mark.parametrize("standing", Standing)
def test_what_is_on_its_way_keeps_its_owner(state: State, standing: Standing) -> None:
    doc = replace(transitions.opened(first(), "t1"), state=state)
    after = arrived(doc, digest=b"b", standing=standing)
    assert (after.state, after.attempt, after.revision, after.standing) == (state, "t1", 2, standing)


@pytest.mark.parametrize(
    ("standing", "state"),
    [(Standing.READY, State.PENDING), (Standing.HELD, State.HELD), (Standing.OVER, State.VOID)],
)
def test_untouched_goes_back_to_what_the_source_says(standing: Standing, state: State) -> None:
    doc = arrived(transitions.opened(first(), "t1"), standing=standing)
    assert settled(doc, Untouched(key="o1")).state is state
    again = settled(doc, REFUSED)
    assert again.state is (State.PARKED if standing is Standing.READY else state)


def test_refused_after_a_change_is_tried_again() -> None:
    doc = transitions.opened(first(), "t1")
    after = settled(arrived(doc, digest=b"b"), REFUSED, attempt=tried(doc))
    assert after.state is State.PENDING
    assert settled(arrived(doc, content=b"2"), REFUSED, attempt=tried(doc)).state is State.PARKED


def test_changed_there_and_back_while_it_was_open_owes_nothing() -> None:
    doc = transitions.opened(first(), "t1")
    back = arrived(arrived(doc, digest=b"b"), digest=b"a")
    after = settled(back, Accepted(key="o1", remote="W"), attempt=tried(doc), able=Able(amends=True))
    assert (after.state, after.revision, after.accepted) == (State.ACCEPTED, 3, 1)


@pytest.mark.parametrize("amends", [False, True])
def test_changed_while_it_was_open_is_amended_or_left_to_a_person(*, amends: bool) -> None:
    doc = transitions.opened(first(), "t1")
    after = settled(
        arrived(doc, digest=b"b"), Accepted(key="o1"), attempt=tried(doc), able=Able(amends=amends)
    )
    assert after.state is (State.PENDING if amends else State.ACCEPTED)
    assert after.changed_since_accepted
    if amends:
        assert transitions.amend(replace(after, digest=b"a"), Able(amends=True)).state is State.ACCEPTED


def test_the_first_hand_over_is_the_one_that_counts() -> None:
    doc = accepted()
    changed = replace(transitions.opened(arrived(doc, digest=b"b"), "t2"), remote="W")
    again = transitions.settle(changed, tried(changed), Accepted(key="o1"), 9.0, "r", able=Able(amends=True))
    assert (again.handed_s, again.accepted, again.remote) == (3.0, 2, "W")


def test_what_is_in_doubt_stays_with_its_attempt() -> None:
    doc = settled(transitions.opened(first(), "t1"), InDoubt(key="o1", why="cut off"))
    assert (doc.state, doc.attempt, doc.cause, doc.reason) == (State.DOUBT, "t1", "in-doubt", "cut off")


def test_a_release_lets_go_what_waits_for_a_person_alone() -> None:
    parked = transitions.park(first(), "address", "no street", by_sink=True)
    assert transitions.release(parked, 4.0, "r", "asked for", Able()).state is State.PENDING
    old = first(older=BEFORE_START)
    assert old.cause == BEFORE_START
    assert transitions.release(old, 4.0, "r", "asked for", Able()).state is State.PENDING
    hidden = transitions.hide(first(), "torn")
    assert hidden.cause == UNDECODABLE
    assert transitions.release(hidden, 4.0, "r", "asked for", Able()).state is State.PENDING
    for kept in (first(standing=Standing.HELD, cause=WAITING), first(), accepted()):
        assert transitions.release(kept, 4.0, "r", "asked for", Able()) is kept


def test_hidden_and_readable_again_it_goes_on() -> None:
    hidden = transitions.hide(first(), "torn")
    assert arrived(hidden).state is State.PENDING
    assert arrived(hidden, standing=Standing.HELD, cause=WAITING, reason="unpaid").cause == WAITING
    assert arrived(hidden, standing=Standing.OVER).state is State.VOID
    for untouched in (accepted(), transitions.opened(first(), "t1"), first(older=BEFORE_START)):
        assert transitions.hide(untouched, "torn") is untouched


CANCEL = Able(cancels=True)


def taken_back(**changed: object) -> Document:
    """Handed over, cancelled in the source since, and given to an attempt that is to stop it."""
    doc = transitions.amend(arrived(accepted(**changed), digest=b"x", standing=Standing.OVER), CANCEL)
    assert doc.state is State.PENDING
    return transitions.opened(doc, "t2")


def stop_attempt(doc: Document) -> AttemptKey:
    return AttemptKey("o1", doc.revision, doc.digest, cancel=True)


@pytest.mark.parametrize(("final", "stopping"), [(True, "done"), (False, "sent")])
def test_a_cancellation_after_hand_over(*, final: bool, stopping: str) -> None:
    doc = taken_back()
    after = settled(doc, Accepted(key="o1", final=final), attempt=stop_attempt(doc), able=CANCEL)
    assert (after.state, after.stopping, after.stopped) == (State.ACCEPTED, stopping, True)
    assert not after.changed_since_accepted
    back = transitions.amend(arrived(after), Able(amends=True, cancels=True))
    assert back.state is State.ACCEPTED
    assert back.changed_since_accepted


def test_a_refused_cancellation_is_not_tried_again() -> None:
    doc = taken_back()
    after = settled(doc, REFUSED, attempt=stop_attempt(doc), able=CANCEL)
    assert (after.state, after.stopping, after.stopped) == (State.ACCEPTED, "refused", False)
    assert after.changed_since_accepted


def test_a_cancellation_that_did_not_leave_is_tried_again() -> None:
    doc = taken_back()
    assert settled(doc, Untouched(key="o1"), attempt=stop_attempt(doc), able=CANCEL).state is State.PENDING
    assert settled(doc, Untouched(key="o1"), attempt=stop_attempt(doc)).state is State.ACCEPTED


def test_what_the_other_side_sent_back_waits_for_a_person() -> None:
    doc = transitions.send_back(accepted(), "R003", "segment N3 is missing", 5.0, "r")
    assert (doc.state, doc.cause, doc.by_sink) == (State.PARKED, "sent-back:R003", True)
    assert arrived(doc, digest=b"b").state is State.PARKED
    released = transitions.release(doc, 6.0, "r", "they have it", Able(amends=True))
    assert released.state is State.ACCEPTED
