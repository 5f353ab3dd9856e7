"""An order that another connection of the same store account has handed over: it went from one to the other,
as with the location that it is assigned to, or its connection has another id now. It waits until it is
certain that it does not leave twice."""

from itertools import chain

from dropstreamd.channels.run import Scope
from dropstreamd.store import cursors, documents
from dropstreamd.store.base import Reader
from dropstreamd.store.handover import Park
from dropstreamd.store.records import Document, Flow, State
from dropstreamd.store.transitions import SENT_BY, sent_back

ORDERS = "sales_orders"


def stopped(tx: Reader, scope: Scope, key: str, doc: Document) -> Park | None:
    """Why an order does not go from here; None where it does: no other connection has sent it, its warehouse
    has stopped it there, or a person lets it go all the same."""
    if doc.accepted or doc.replaces:
        return None
    store = scope.connection.store
    accounts = (store.account_key, *store.former_keys)
    for other in chain.from_iterable(cursors.connections_of(tx, account) for account in accounts):
        cause = f"{SENT_BY}{other}"[:80]
        if other == scope.connection.id or cause in doc.passed:
            continue
        theirs = documents.get(tx, Flow(other, ORDERS), key)
        why = "" if theirs is None else _may_leave(theirs)
        if why:
            named = next((each.name for each in scope.siblings if each.id == other), other)
            return Park(cause=cause, reason=f"{named} {why}; if it is to go from here as well, release it")
    return None


def _may_leave(theirs: Document) -> str:
    """What the other connection has done with it, where it has left or may; else "". A warehouse that was
    asked to stop it may say that it does not, or say nothing."""
    if theirs.stay == "shipped":
        return "has it marked as shipped by hand"
    if theirs.late:
        return "was to stop it, and its warehouse has shipped it all the same"
    stopped = theirs.stopping == "done" or (theirs.stopped and not theirs.stopping)
    handed = theirs.accepted > 0 and not (stopped or sent_back(theirs))
    # What a person let go once more may be there from the first time.
    if handed or theirs.state in (State.OPEN, State.DOUBT) or (theirs.resent and not theirs.accepted):
        return "has handed it over to its warehouse: it goes once that has stopped it"
    return ""
