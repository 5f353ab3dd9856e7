"""A verb: one order, what stands in the way of changing it by hand, and the transaction that does it."""

import shlex
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

import msgspec

from dropstreamd.channels import orders
from dropstreamd.channels.run import Scope
from dropstreamd.config.schema import Connection
from dropstreamd.control.desk import Desk
from dropstreamd.control.messages.look import Done
from dropstreamd.control.messages.verbs import ByHand, Confirmed
from dropstreamd.control.order_shown import find, refuse_unknown
from dropstreamd.control.refused import name_of, refuse
from dropstreamd.control.route import Call, Empty, Route
from dropstreamd.model.orders import Order
from dropstreamd.store import documents, runs
from dropstreamd.store.base import Writer
from dropstreamd.store.documents import Book
from dropstreamd.store.keys import is_part
from dropstreamd.store.records import Document, Flow, Standing, State
from dropstreamd.store.runs import Line

WHY_LIMIT = 200
"""Characters of a reason."""

B = TypeVar("B", bound=ByHand)

_order = msgspec.msgpack.Decoder(Order)


class Spot(msgspec.Struct, frozen=True, kw_only=True):
    """Where a person works: one order, why and who. `said` is why and who in one."""

    scope: Scope
    book: Book
    key: str
    why: str
    who: str
    now_s: float

    @property
    def connection(self) -> Connection:
        return self.scope.connection

    @property
    def said(self) -> str:
        """As the order's history has it."""
        return f"{self.why} (by {self.who})"

    def command(self, verb: str, doc: Document) -> str:
        """What a person types to do that to the order: a shell takes `#` for a comment."""
        name, _, options = verb.partition(" ")
        number = shlex.quote(doc.number)
        words = ["dropstreamctl order", name, self.connection.name, number, options, "--why …"]
        return " ".join(word for word in words if word)

    def doc(self, tx: Writer) -> Document:
        """The order as it is now."""
        doc = documents.get(tx, self.book.flow, self.key)
        if doc is None:
            raise AssertionError(f"{self.book.flow}: {self.key} was found, and is gone")
        return doc

    def change(self, tx: Writer, change: documents.Change) -> Document:
        return documents.by_hand(tx, self.book, self.key, change, now_s=self.now_s)


async def done_by_hand(
    desk: Desk, call: Call[Empty, B], event: str, write: Callable[[Writer, Spot, B], str]
) -> Done:
    """Do what a verb does to the order that the path names, and log it, in one transaction."""
    connection = desk.connection(call.path["c"])
    why = reason_of(call.body.why)
    key = await key_of(desk, connection, call.path["order"])
    spot = Spot(
        scope=desk.scope(connection),
        book=desk.book(connection, orders.CHANNEL),
        key=key,
        why=why,
        who=call.who,
        now_s=desk.now_s(),
    )

    def whole(tx: Writer) -> str:
        text = write(tx, spot, call.body)
        line = Line(at_s=spot.now_s, event=event, text=f"{text}: {why}", channel=orders.CHANNEL, who=call.who)
        runs.log(tx, connection.id, line)
        return text

    text = await desk.daemon.state.write(whole)
    desk.tell(event, call.who, connection=connection.name, order=key)
    return Done(text=text)


async def key_of(desk: Desk, connection: Connection, named: str) -> str:
    """The key of the order that is named so. Refused where there is none."""
    account, flow = desk.account_of(connection), Flow(connection.id, orders.CHANNEL)
    key = None
    if named and is_part(named):
        look = partial(find, connection=connection, account=account, flow=flow, named=named)
        key = await desk.scan(look)
    if key is None:
        refuse_unknown(connection, named)
    return key


def reason_of(text: str) -> str:
    """Why a person does something, once it was found to say so."""
    why = " ".join(text.split())
    if not why or len(why) > WHY_LIMIT or not why.isprintable():
        refuse(
            "bad request",
            f"a reason of 1 to {WHY_LIMIT} printable characters is wanted",
            remedy="say why: --why TEXT",
        )
    return why


def verb(
    name: str, summary: str, handle: Callable[[Desk, Call[Empty, B]], Awaitable[Done]], body: type[B]
) -> Route[Empty, B]:
    """The route of a verb."""
    return Route(
        method="POST",
        path=f"/v1/connections/{{c}}/order-{name}/{{order:path}}",
        name=f"order_{name.replace('-', '_')}",
        summary=summary,
        handle=handle,
        query=Empty,
        body=body,
        answer=Done,
    )


# ---- what stands in the way of every verb


def refuse_under_way(spot: Spot, doc: Document) -> None:
    """Nobody decides about an order that is being handed over, or may have been."""
    if doc.state is State.OPEN:
        refuse("not possible", f"{doc.number} is being handed over", remedy="ask again when it is settled")
    if doc.state is State.DOUBT:
        refuse(
            "not possible",
            f"{doc.number} is in doubt: nobody knows whether the warehouse has it",
            remedy=f"dropstreamctl resolve {spot.connection.name} {orders.CHANNEL} {shlex.quote(spot.key)}"
            " with --sent or --not-sent",
        )
    if doc.purged:
        refuse(
            "not possible",
            f"{doc.number} was closed long ago, and its address is not kept any more",
            remedy="order it anew in the store",
        )


def refuse_what_is_over(doc: Document) -> None:
    """Nothing is sent that the store does not want to be sent."""
    if doc.standing is Standing.OVER:
        status = _order.decode(doc.content).status
        refuse("not possible", f"{doc.number} is {status} in the store", remedy="open it there first")
    if doc.standing is Standing.HELD:
        refuse("not possible", f"{doc.number} is held by the store", remedy="let it go in the store")


def refuse_never_handed(spot: Spot, doc: Document) -> None:
    """Of what the warehouse never had there is nothing to send again."""
    if not doc.accepted:
        why = f": {doc.reason}" if doc.reason else ""
        refuse(
            "not possible",
            f"{doc.number} was never handed over; it is {doc.state}{why}",
            remedy=spot.command("release", doc),
        )


def refuse_unseen(asked: Confirmed, what: str, said: tuple[str, ...]) -> None:
    """Refuse until a person has seen what is known, as it is now."""
    shown = name_of((what, *said))
    if asked.confirmed or asked.shown == shown:
        return
    since = "; this has changed since it was shown" if asked.shown else ""
    detail = f"{what}{since}: {'; '.join(said)}"
    refuse("unconfirmed", detail, remedy="look, then confirm it", known=said, shown=shown)
