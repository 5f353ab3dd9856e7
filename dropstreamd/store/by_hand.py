"""What a person makes of one act, whatever its source says: pure functions from record to record.

    resend     hand it over anew, though the other side has had it
    hold       let it wait until it is released
    withdraw   never hand it over; stop it where it was
    shipped    it left in another way: nothing more is to be done
    unmarked   it did not: it is with the other side as before
    left_after_all   it had ended, and left where it was handed over
    override   put something else in the place of a part of it

Whether it may be done is for the caller to know; what these return has an owner in any case, and
`transitions.release` takes back a hold, a withdrawal and what was marked as shipped before its hand-over.
"""

import msgspec

from dropstreamd.store.records import Document, State, Stay
from dropstreamd.store.transitions import Able, again, mixed, noted, sent_back, waiting


def resend(doc: Document, now_s: float, why: str) -> Document:
    """As if it had never been handed over: what the other side made of the earlier hand-over counts no
    more. Its reference stays, and so does the form in which it was sent, until there is a new one."""
    anew = msgspec.structs.replace(
        noted(doc, now_s, "", f"to be handed over again: {why}"),
        accepted=0,
        accepted_digest=b"",
        remote="",
        offered=b"",
        handed_s=0.0,
        proven=False,
        stopped=False,
        stopping="",
        word="",
        short=False,
        late=False,
        left_after_all=False,
        stay="",
        stay_why="",
        resent=doc.resent + 1,
    )
    return again(anew, Able())


def hold(doc: Document, now_s: float, why: str) -> Document:
    """Held until it is released; of what the source holds too, both must let it go."""
    kept = _stay(doc, "held", now_s, f"held by hand: {why}", why)
    return kept if doc.state is State.HELD else waiting(kept)


def withdraw(doc: Document, now_s: float, why: str) -> Document:
    """Not wanted any more. What the other side has is still to be stopped there (`Document.owes_stop`),
    unless it has sent it back."""
    stopped = doc.stopped or sent_back(doc)
    kept = _stay(doc, "withdrawn", now_s, f"cancelled by hand: {why}", why)
    return again(msgspec.structs.replace(kept, stopped=stopped), Able())


def shipped(doc: Document, now_s: float, why: str) -> Document:
    """It left in another way: nothing of it is to be handed over, or told to the other side."""
    return again(_stay(doc, "shipped", now_s, f"marked as shipped by hand: {why}", why), Able())


def unmarked(doc: Document, now_s: float, why: str) -> Document:
    """What was marked as shipped after its hand-over has not left in another way: it is with the other side,
    which is owed what has changed since."""
    return again(_stay(doc, "", now_s, f"not marked as shipped any more: {why}", ""), Able())


def left_after_all(doc: Document, now_s: float, why: str) -> Document:
    """It had ended by hand, and the other side has sent it all the same: what follows of it is told to its
    source. Nothing of it goes to the other side any more for that."""
    return msgspec.structs.replace(
        noted(doc, now_s, "", f"it has left after all, and the store is told: {why}"), left_after_all=True
    )


def override(
    doc: Document, form: bytes, part: bytes, source_digest: bytes, now_s: float, why: str
) -> Document:
    """With `form` in the place of a part that the source tells as `part`; empty: as the source tells it.
    `source_digest` is the document's as the source tells it. What the other side refused is tried again."""
    revision = doc.revision + 1
    changed = msgspec.structs.replace(
        noted(doc, now_s, "", f"changed by hand (revision {revision}): {why}"),
        override=form,
        overrode=part if form else b"",
        digest=mixed(source_digest, form),
        revision=revision,
        passed=(),
        changed_s=now_s,
    )
    parked = doc.state is State.PARKED and not doc.accepted
    return waiting(changed) if parked else changed


def _stay(doc: Document, stay: Stay, now_s: float, text: str, why: str) -> Document:
    noticed = noted(doc, now_s, "", text)
    return msgspec.structs.replace(noticed, stay=stay, stay_why=why, changed_s=now_s)
