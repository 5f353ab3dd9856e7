"""How one act moves between its owners: pure functions from record to record.

    arrive     the source told of it (again)
    opened     an attempt took it
    settle     the attempt's outcome is known
    release    a person, or a cause that went, lets it try again

An act has its effect once per key: after `accepted` is set, a change of its hand-over fields can
only amend what was accepted, or become a task; it never starts a second hand-over.
"""

import hashlib
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from dropstreamd.model.handover import Accepted, InDoubt, Outcome, Rejected, Untouched
from dropstreamd.store.keys import as_part
from dropstreamd.store.records import HISTORY, AttemptKey, Document, Event, Standing, State, Stay


class Incoming(msgspec.Struct, frozen=True, kw_only=True):
    """An act as the source tells it now.

    `digest` covers the hand-over fields only. `older` names why one that is not known yet is held
    until a person asks for it: somebody else may have handed it over. `part` names the form of the part
    that a person may put something else in the place of; empty where there is none.
    """

    key: str
    number: str
    digest: bytes
    content: bytes
    standing: Standing = Standing.READY
    cause: str = ""
    reason: str = ""
    older: str = ""
    part: bytes = b""


WAITING = "waiting"
"""The cause of what the source itself holds back."""

BEFORE_START = "before-start"
BEFORE_RESTORE = "before-restore"
OLDER = {
    BEFORE_START: "placed before this channel was first enabled",
    BEFORE_RESTORE: "as far as is known placed before the state was restored from a backup: "
    "it may have been handed over",
}
RULE = "rule:"
"""Begins the cause of what a rule stops; the rule's name follows. Such a cause stays with a document that
is void, so that a person can bring it back."""

SENT_BY = "sent-by:"
"""Begins the cause of what another connection of the same store has handed over; its id follows."""

SPLIT_OFF = "split-off:"
"""Begins the cause of what the other side has under another document of the same order; its key follows."""

SENT_BACK = "sent-back"
"""Begins the cause of what the other side had taken and sent back; its own word for it follows."""

BY_HAND: Mapping[Stay, str] = {
    "held": "held-by-hand",
    "withdrawn": "cancelled-by-hand",
    "shipped": "shipped-by-hand",
}
"""The causes of what a person has stopped. As with a rule's, the cause stays with a document that is void."""

UNDECODABLE = "undecodable"
RESTORED = "restored"
"""The cause of a doubt that no attempt has: a backup knew the document before its hand-over."""


class Able(NamedTuple):
    """What a sink can still do to a document after its hand-over: take its change, stop it."""

    amends: bool = False
    cancels: bool = False


def noted(doc: Document, at_s: float, run: str, text: str) -> Document:
    """The same document with one more event in its history, which stays bounded."""
    history = (*doc.history, Event(at_s, run, text))
    if len(history) > HISTORY:
        history = (history[0], *history[len(history) - HISTORY + 1 :])
    return msgspec.structs.replace(doc, history=history)


def arrive(old: Document | None, new: Incoming, now_s: float, run: str) -> Document | None:
    """The document after the source told `new`; None where there is nothing to keep."""
    if old is None:
        return _first(new, now_s, run)
    kept = _kept_override(old, new)
    digest = mixed(new.digest, kept)
    alike = old.digest == digest and old.standing == new.standing
    same = alike and (old.content == new.content or old.purged)
    if same and old.cause != UNDECODABLE:
        return old
    changed = old.digest != digest
    doc = msgspec.structs.replace(
        old,
        content=new.content,
        digest=digest,
        standing=new.standing,
        revision=old.revision + changed,
        changed_s=now_s,
        override=kept,
        purged=False,
    )
    if old.override and not kept:
        doc = noted(doc, now_s, run, "what was put in by hand gave way to a change in the source")
    if changed:
        doc = noted(doc, now_s, run, f"changed in the source (revision {doc.revision})")
        doc = msgspec.structs.replace(doc, passed=())
    if old.state in (State.OPEN, State.DOUBT):
        return doc
    if doc.accepted:
        if sent_back(old):
            return doc
        doc = _ended_already(doc)
        return free(doc, State.ACCEPTED) if changed or old.cause == UNDECODABLE else doc
    return _owned(doc, old, new, changed=changed)


def _ended_already(doc: Document) -> Document:
    """What a person ended before the source did is no news to the other side."""
    ended = doc.stay == "shipped" or (doc.stay == "withdrawn" and doc.stopped)
    if not (ended and doc.standing is Standing.OVER):
        return doc
    return msgspec.structs.replace(doc, accepted=doc.revision, accepted_digest=doc.digest)


def _kept_override(old: Document, new: Incoming) -> bytes:
    """What a person put in counts until the source itself tells that part anew."""
    return old.override if old.override and old.overrode == new.part else b""


def mixed(digest: bytes, override: bytes) -> bytes:
    """The digest of a document of which a part was put in by hand."""
    return hashlib.blake2b(digest + override, digest_size=16).digest() if override else digest


def _first(new: Incoming, now_s: float, run: str) -> Document | None:
    if new.standing is Standing.OVER:
        return None
    doc = Document(
        state=State.PENDING,
        standing=new.standing,
        revision=1,
        digest=new.digest,
        content=new.content,
        number=new.number,
        first_s=now_s,
        changed_s=now_s,
    )
    doc = noted(doc, now_s, run, "first seen")
    if new.older:
        return held(doc, new.older, OLDER[new.older])
    if new.standing is Standing.HELD:
        return held(doc, new.cause, new.reason)
    return doc


def _owned(doc: Document, old: Document, new: Incoming, *, changed: bool) -> Document:
    """Who owns a document that was never handed over, after the source told of it again."""
    if new.standing is Standing.OVER:
        return free(doc, State.VOID)
    if doc.stay in ("withdrawn", "shipped"):
        return waiting(doc)
    if old.state is State.HELD and old.cause in OLDER:
        return doc
    if old.state is State.VOID and new.older:
        return held(doc, new.older, OLDER[new.older])
    if new.standing is Standing.HELD:
        return held(doc, new.cause, new.reason)
    return doc if old.state is State.PARKED and not changed else waiting(doc)


def waiting(doc: Document) -> Document:
    """A document that nobody else stops: pending, unless a person has said that it is not to go."""
    if not doc.stay:
        return free(doc, State.PENDING)
    state = State.HELD if doc.stay == "held" else State.VOID
    return msgspec.structs.replace(free(doc, state), cause=BY_HAND[doc.stay], reason=doc.stay_why)


def free(doc: Document, state: State) -> Document:
    """The document in `state`, without cause or attempt."""
    return msgspec.structs.replace(doc, state=state, cause="", reason="", by_sink=False, attempt="")


def held(doc: Document, cause: str, reason: str) -> Document:
    return msgspec.structs.replace(free(doc, State.HELD), cause=cause, reason=reason)


def park(doc: Document, cause: str, reason: str, *, by_sink: bool) -> Document:
    """Parked with its cause. `by_sink`: the other side refused it, so that only a person, or a
    change of the document, lets it try again. A cause may repeat what came from outside, and stands in a key
    of the state: a sign that no key holds is replaced."""
    return msgspec.structs.replace(
        free(doc, State.PARKED), cause=as_part(cause), reason=reason, by_sink=by_sink
    )


def opened(doc: Document, attempt: str) -> Document:
    return msgspec.structs.replace(free(doc, State.OPEN), attempt=attempt)


def settle(
    doc: Document, tried: AttemptKey, outcome: Outcome, now_s: float, run: str, *, able: Able
) -> Document:
    """The document after its attempt; `tried` is the revision that the attempt named."""
    match outcome:
        case Accepted() if tried.cancel:
            return _stopped(doc, tried, now_s, run, final=outcome.final)
        case Accepted():
            return accept(doc, tried, outcome.remote, now_s, run, able=able)
        case Rejected():
            return _refused(noted(doc, now_s, run, f"refused: {outcome.reason}"), tried, outcome, able)
        case InDoubt():
            doc = noted(doc, now_s, run, f"in doubt: {outcome.why}")
            return msgspec.structs.replace(doc, state=State.DOUBT, cause="in-doubt", reason=outcome.why)
        case Untouched():
            return again(doc, able)


def _refused(doc: Document, tried: AttemptKey, outcome: Rejected, able: Able) -> Document:
    if tried.cancel:
        doc = msgspec.structs.replace(doc, stopping="refused")
    if doc.digest != tried.digest:
        return again(doc, able)
    if doc.accepted:
        return free(doc, State.ACCEPTED)
    if doc.standing is not Standing.READY:
        return again(doc, able)
    return park(doc, outcome.cause, outcome.reason, by_sink=not outcome.is_passing)


def _stopped(doc: Document, tried: AttemptKey, now_s: float, run: str, *, final: bool) -> Document:
    """The other side was told to stop it. What the source says of it later is for a person."""
    doc = noted(
        doc, now_s, run, "stopped by the other side" if final else "the other side was asked to stop it"
    )
    return msgspec.structs.replace(
        free(doc, State.ACCEPTED),
        accepted=tried.revision,
        accepted_digest=tried.digest,
        stopped=True,
        stopping="done" if final or doc.stopping == "done" else "sent",
    )


def stopped_by_itself(doc: Document) -> Document:
    """The other side says that it stopped it, whether it was asked to or not: then a cancellation of ours
    that waits for its turn is not sent any more."""
    done = msgspec.structs.replace(doc, stopping="done", stopped=True)
    if doc.state is not State.PENDING or not (doc.standing is Standing.OVER or doc.owes_stop):
        return done
    return msgspec.structs.replace(
        free(done, State.ACCEPTED), accepted=doc.revision, accepted_digest=doc.digest
    )


def accept(doc: Document, tried: AttemptKey, remote: str, now_s: float, run: str, *, able: Able) -> Document:
    """The other side has the revision `tried`. A newer one amends it, where the sink can."""
    doc = msgspec.structs.replace(
        free(noted(doc, now_s, run, "accepted"), State.ACCEPTED),
        accepted=tried.revision,
        accepted_digest=tried.digest,
        remote=remote or doc.remote,
        sent=doc.offered or doc.sent,
        offered=b"",
        handed_s=doc.handed_s or now_s,
    )
    return amend(doc, able)


def amend(doc: Document, able: Able) -> Document:
    """An accepted document that has changed since is pending again, where its sink can amend it, or
    stop what the source took back. What the source holds is not: a person has to say so; nor is what
    was stopped at the other side."""
    owed = doc.changed_since_accepted or doc.owes_stop
    if doc.state is State.ACCEPTED and owed and may_follow(doc, able):
        return free(doc, State.PENDING)
    if doc.state is State.PENDING and doc.accepted and not owed:
        return free(doc, State.ACCEPTED)
    return doc


def may_follow(doc: Document, able: Able) -> bool:
    """Whether what an accepted document has become may go to the other side after it."""
    can = {Standing.READY: able.amends, Standing.OVER: able.cancels, Standing.HELD: False}[doc.standing]
    if doc.stay in ("withdrawn", "shipped"):
        can = able.cancels and doc.owes_stop
    return can and not doc.stopped


def hide(doc: Document, reason: str) -> Document:
    """A newer form of the document came that cannot be read: it may be a cancellation, so that the
    older one is not handed over meanwhile. That the other side is to stop it goes out all the same."""
    to_be_stopped = doc.accepted > 0 and (doc.standing is Standing.OVER or doc.owes_stop)
    if doc.state not in (State.PENDING, State.PARKED) or sent_back(doc) or to_be_stopped:
        return doc
    return held(doc, UNDECODABLE, f"its newest form cannot be read: {reason}")


def again(doc: Document, able: Able) -> Document:
    """Nothing was handed over: the document is with whoever owns it then."""
    if doc.accepted:
        return amend(free(doc, State.ACCEPTED), able)
    if doc.standing is Standing.OVER:
        return free(doc, State.VOID)
    if doc.standing is Standing.HELD and doc.stay not in ("withdrawn", "shipped"):
        return held(doc, WAITING, "not ready in the store")
    return waiting(doc)


def send_back(doc: Document, cause: str, reason: str, now_s: float, run: str) -> Document:
    """The other side had taken it, and says now that it will not do it as it is: a person decides."""
    return park(noted(doc, now_s, run, reason), f"{SENT_BACK}:{cause}"[:80], reason, by_sink=True)


def sent_back(doc: Document) -> bool:
    """Whether the other side sent it back after its hand-over."""
    return doc.state is State.PARKED and doc.accepted > 0 and doc.cause.startswith(f"{SENT_BACK}:")


def release(doc: Document, now_s: float, run: str, why: str, able: Able) -> Document:
    """Let a parked or held document try again; any other is returned as it is, and so is one that
    the store itself holds back. What the store holds or took back meanwhile is not pending. What was
    handed over and sent back does not go again: the other side has it after all.

    A rule that stopped it is passed, as long as the document stays as it is, and so is what another
    connection has sent, or another document has of it; one that a rule or a person made void comes back.
    What was taken out of it with the data of people does not: then it cannot go."""
    by_rule = doc.cause.startswith(RULE)
    if (doc.state not in (State.PARKED, State.HELD) and not may_come_back(doc)) or doc.purged:
        return doc
    if doc.cause == WAITING:
        return doc
    if by_rule:
        doc = msgspec.structs.replace(doc, passed=(*doc.passed, doc.cause.removeprefix(RULE)))
    elif doc.cause.startswith((SENT_BY, SPLIT_OFF)):
        doc = msgspec.structs.replace(doc, passed=(*doc.passed, doc.cause))
    if doc.stay and doc.cause == BY_HAND[doc.stay]:
        doc = msgspec.structs.replace(doc, stay="", stay_why="")
    return again(noted(doc, now_s, run, f"released: {why}"), Able() if sent_back(doc) else able)


def may_come_back(doc: Document) -> bool:
    """Whether nothing but a rule, or a person, keeps it from being handed over."""
    stopped = doc.cause.startswith(RULE) or (doc.stay != "" and doc.cause == BY_HAND[doc.stay])
    return doc.state is State.VOID and stopped and doc.standing is Standing.READY
