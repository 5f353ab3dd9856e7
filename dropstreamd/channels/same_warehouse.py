"""Which warehouse account a connection's state is about: what it was told is known under its name.

References, packages, figures, promises and control numbers are kept by merchant and warehouse. Under another
name nothing of them would be found: shipments would be of nobody's order, and numbers given twice. So a
connection whose warehouse has another name stops until a person says that it is the same one. Where only its
address is another it stops if something is under way there, or figures of its stock are believed.
"""

from functools import partial
from itertools import islice

import msgspec
import trio

from dropstreamd.channels import orders, promises, returns, stock_notices
from dropstreamd.channels.run import Scope
from dropstreamd.errors import Misconfigured
from dropstreamd.store import documents, handover, homes, runs, stock
from dropstreamd.store.base import Reader, Store, Writer
from dropstreamd.store.homes import Home
from dropstreamd.store.keys import Key
from dropstreamd.store.records import Flow, Promise, State
from dropstreamd.store.runs import Line
from dropstreamd.store.tables import Table

COUNTED = 1_000
"""What is under way is counted this far."""

MOVED_AT_ONCE = 2_000
"""Rows moved in one transaction."""

STOPPING_S = 7 * 24 * 3600.0
"""How long ago an order of such a state may have been cancelled and still leave, in seconds."""

_TOLD = (orders.CHANNEL, returns.CHANNEL, stock_notices.FLOW)
"""Flows whose documents the warehouse is told of."""

_promise = msgspec.msgpack.Decoder(Promise)


def home_of(scope: Scope) -> Home:
    """The warehouse that the connection's file names now."""
    account = scope.account
    return Home(merchant=account.merchant, warehouse=account.name, account=account.account_key)


def before(tx: Reader, scope: Scope) -> Home | None:
    """The warehouse that the state is about; None where nothing is known of any. One that has not run yet
    waits with the others of its warehouse if that had another name for all of them, or if what is kept under
    its name is of another address."""
    own, now = homes.get(tx, scope.connection.id), home_of(scope)
    if own is not None:
        return own
    known = [home for each in scope.siblings if (home := homes.get(tx, each.id)) is not None]
    if now in known:
        return None
    renamed = next((home for home in known if home.path != now.path), None)
    if renamed is not None:
        return renamed
    figures = homes.get(tx, homes.owner(now.path))
    return None if figures == now else figures


def is_of_others(tx: Reader, scope: Scope) -> bool:
    """Whether the warehouse that the file names is another one for certain: it is that of other connections
    already, at another address."""
    kept, now = before(tx, scope), home_of(scope)
    if kept is None or kept.path == now.path or kept.account == now.account:
        return False
    return any(homes.get(tx, each.id) == now for each in scope.siblings)


def carried_to(tx: Reader, scope: Scope) -> stock.Path | None:
    """The name under which what is known of the warehouse was being put when that was cut off."""
    return next((path for each in scope.siblings if (path := homes.moving(tx, each.id)) is not None), None)


async def hold_to_one_warehouse(scope: Scope) -> None:
    """Remember the account of the first run; raises Misconfigured where it has another name since, or another
    address while something is under way."""
    state, now = scope.state, home_of(scope)
    another = state.read(partial(_another, scope=scope))
    if another is not None:
        raise another
    kept = state.read(partial(before, scope=scope))
    if kept == now:
        return
    if kept is not None and _is_rewritten(scope, kept):
        await state.write(partial(_rename, scope=scope, now=now))
        return
    if kept is None:
        await _look_at_orders(scope)
    await state.write(partial(_adopt, scope=scope, now=now, kept=kept))


def another_warehouse(tx: Reader, scope: Scope) -> Misconfigured | None:
    """Why its runs are held, where its files lead to another warehouse than before, as far as it has run
    itself."""
    own = homes.get(tx, scope.connection.id)
    if own in (None, home_of(scope)) and homes.moving(tx, scope.connection.id) is None:
        return None
    return _another(tx, scope)


def _another(tx: Reader, scope: Scope) -> Misconfigured | None:
    now, name = home_of(scope), scope.connection.name
    if carried_to(tx, scope) is not None:
        return Misconfigured(
            f"what is known of the warehouse of {name} stands under two names: putting it under the new one "
            "was cut off",
            remedy=f"put all of it under {now} by saying again: dropstreamctl same-warehouse {name}",
        )
    kept = before(tx, scope)
    if kept is None or kept == now or _is_rewritten(scope, kept):
        return None
    figures = "" if stock.latest(tx, kept.path) is None else "; its stock figures are from there"
    why = under_way(tx, scope.connection.id, kept) or figures
    if kept.path == now.path and not why:
        return None
    return Misconfigured(
        f"the warehouse of {name} is {now} by now, and what is known of it is of {kept}{why}",
        remedy=f"if it is the same warehouse, say so: dropstreamctl same-warehouse {name}; if it is "
        "another, put the old one back until its orders have shipped, then write a warehouse with a name "
        "of its own and a connection with an id of its own",
    )


def _is_rewritten(scope: Scope, kept: Home) -> bool:
    """Whether it is the same address, written in another way."""
    return kept.path == home_of(scope).path and kept.account in scope.account.former_keys


async def _look_at_orders(scope: Scope) -> None:
    """A state from before warehouses were remembered promises less than is to leave: nothing of what stores
    have added since the hand-over, nor of what a warehouse has not said it stops. Of those it was asked to
    stop more than `STOPPING_S` ago it may be taken that nothing leaves any more."""
    after: Key | None = None
    while True:
        after = await scope.state.write(partial(_promise_rest, scope=scope, after=after, limit=MOVED_AT_ONCE))
        if after is None:
            return


def _promise_rest(tx: Writer, *, scope: Scope, after: Key | None, limit: int) -> Key | None:
    flow = Flow(scope.connection.id, orders.CHANNEL)
    paths = [path for path, _ in tx.scan(Table.DOCUMENTS, tuple(flow), after=after, limit=limit)]
    keep = promises.keeper(scope)
    for path in paths:
        doc = documents.get(tx, flow, path[-1])
        if doc is None or not doc.accepted:
            continue
        stopping = doc.stopping == "sent" and scope.clock.now_s() - doc.changed_s < STOPPING_S
        if doc.changed_since_accepted or stopping:
            keep(tx, path[-1], doc)
    return paths[-1] if len(paths) == limit else None


def _rename(tx: Writer, *, scope: Scope, now: Home) -> None:
    """Its address is only written in another way."""
    homes.keep(tx, scope.connection.id, now)
    homes.keep(tx, homes.owner(now.path), now)


def _adopt(tx: Writer, *, scope: Scope, now: Home, kept: Home | None) -> None:
    _rename(tx, scope=scope, now=now)
    if kept is not None:
        text = f"nothing was under way at {kept}: its warehouse is {now} from now on"
        runs.log(tx, scope.connection.id, Line(at_s=scope.clock.now_s(), event="warehouse", text=text))


def under_way(tx: Reader, connection: str, home: Home) -> str:
    """What the warehouse has of the connection and has not shipped, and what nobody knows whether it has; as
    the end of a sentence, "" for nothing."""
    promised = (_promise.decode(raw) for _, raw in tx.scan(Table.PROMISES, (*home.path, connection)))
    shipping = sum(1 for _ in islice((one for one in promised if one.handed_s and one.units), COUNTED))
    unsettled = 0
    for channel in _TOLD:
        flow = Flow(connection, channel)
        unsettled += sum(1 for _ in islice(documents.owned(tx, flow, State.DOUBT), COUNTED))
        unsettled += sum(attempt.step != handover.IN_DOUBT for _, attempt in handover.attempts(tx, flow))
    found = ""
    if shipping:
        found += f"; {shipping} order{' of it is' if shipping == 1 else 's of it are'} under way there"
    if unsettled:
        found += f"; {unsettled} hand-over{' to it is' if unsettled == 1 else 's to it are'} not settled"
    return found


async def carry(scope: Scope, *, limit: int = MOVED_AT_ONCE) -> Home:
    """A person's word that it is the same warehouse: what is known of it goes with it, and all its
    connections go on. Cut off, it is to be said again."""
    state, now = scope.state, home_of(scope)
    kept = state.read(partial(before, scope=scope))
    half = state.read(partial(carried_to, scope=scope))
    paths = {path for path in (half, None if kept is None else kept.path) if path not in (None, now.path)}
    if paths:
        await state.write(partial(_begin, scope=scope, kept=kept, now=now))
    for path in sorted(paths):
        while await state.write(partial(homes.move, old=path, new=now.path, limit=limit)):
            await trio.lowlevel.checkpoint()
    if paths:
        await _look_at_promises(state, scope, now, limit)
    await state.write(partial(_all_at, scope=scope, kept=kept, now=now))
    return now


def _begin(tx: Writer, *, scope: Scope, kept: Home | None, now: Home) -> None:
    for each in scope.siblings:
        if homes.get(tx, each.id) == kept:
            homes.keep_moving(tx, each.id, now.path)


def _all_at(tx: Writer, *, scope: Scope, kept: Home | None, now: Home) -> None:
    for each in scope.siblings:
        homes.moved(tx, each.id)
        if homes.get(tx, each.id) == kept:
            homes.keep(tx, each.id, now)
    homes.keep(tx, homes.owner(now.path), now)


async def _look_at_promises(state: Store, scope: Scope, now: Home, limit: int) -> None:
    """An order may have changed, by a person's hand, after its promise was left behind."""
    after: Key | None = None
    while True:
        after = await state.write(partial(_promise_anew, scope=scope, now=now, after=after, limit=limit))
        if after is None:
            return


def _promise_anew(tx: Writer, *, scope: Scope, now: Home, after: Key | None, limit: int) -> Key | None:
    sellers = {each.id: each for each in scope.siblings}
    rows = list(tx.scan(Table.PROMISES, now.path, after=after, limit=limit))
    for path, _ in rows:
        seller, key = sellers.get(path[2]), path[3]
        doc = None if seller is None else documents.get(tx, Flow(seller.id, orders.CHANNEL), key)
        if seller is not None and doc is not None:
            promises.keeper(scope, seller)(tx, key, doc)
    return rows[-1][0] if len(rows) == limit else None
