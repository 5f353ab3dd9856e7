"""What a person changes of an order by hand: another one in its place, its address."""

from functools import partial

import msgspec
from msgspec.structs import replace

from dropstreamd.channels import corrections, references, replacing, told_orders
from dropstreamd.channels.references import Link
from dropstreamd.control import taken_back
from dropstreamd.control.by_hand import (
    Spot,
    done_by_hand,
    refuse_never_handed,
    refuse_under_way,
    refuse_unseen,
    refuse_what_is_over,
    verb,
)
from dropstreamd.control.desk import Desk
from dropstreamd.control.messages.look import Done
from dropstreamd.control.messages.verbs import EditAddress, Replace
from dropstreamd.control.order_known import known
from dropstreamd.control.order_shown import packages
from dropstreamd.control.refused import refuse
from dropstreamd.control.route import Call, Empty
from dropstreamd.model.orders import Address, Order
from dropstreamd.store import by_hand, documents, transitions
from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.records import Document, Standing, State
from dropstreamd.store.transitions import BY_HAND

_order = msgspec.msgpack.Decoder(Order)


def _refuse_ended(doc: Document) -> None:
    if doc.stay in ("withdrawn", "shipped"):
        refuse("not possible", f"{doc.number} does not go: it was {BY_HAND[doc.stay].replace('-', ' ')}")
    if doc.stopped:
        refuse("not possible", f"{doc.number} was stopped at the warehouse")


# ---- another one in its place


def _replace(tx: Writer, spot: Spot, asked: Replace) -> str:
    doc = spot.doc(tx)
    refuse_under_way(spot, doc)
    if not taken_back.is_told(tx, spot, doc):
        refuse_never_handed(spot, doc)
    taken_back.refuse_what_is_yet_to_be_told(tx, spot, doc)
    root_key = doc.replaces or spot.key
    root = documents.get(tx, spot.book.flow, root_key)
    if root is None:
        raise AssertionError(f"{root_key} was replaced, and is gone")
    if _order.decode(root.content).status == "cancelled":
        refuse("not possible", f"{root.number} is cancelled in the store", remedy="open it there first")
    number, reference = _free_place(tx, spot, root_key, root)
    try:
        content = replacing.content(doc, root_key, number, asked.lines)
    except ValueError as error:
        refuse("bad request", str(error), remedy="name SKUs of the order, and as many units as were ordered")
    if not content.lines:
        refuse("not possible", f"nothing is ordered any more of {doc.number}")
    said = known(tx, spot.scope, doc, packages(tx, spot.connection, spot.scope.account, doc.reference))
    units = ", ".join(f"{line.quantity} × {line.sku}" for line in content.lines)
    there = "the warehouse has" if doc.accepted else "has left"
    refuse_unseen(asked, f"{units} would be sent beside what {there} of {doc.number}", said)
    _put(tx, spot, content, reference, root_key)
    note = partial(transitions.noted, at_s=spot.now_s, run="", text=f"replaced by {reference}: {spot.said}")
    documents.save(tx, spot.book, spot.key, note(doc), doc)
    return f"{content.number} goes with the next run, under the reference {reference}"


def _free_place(tx: Reader, spot: Spot, root_key: str, root: Document) -> tuple[int, str]:
    """The number and the reference of the next replacement."""
    account = spot.scope.account
    for number in range(1, replacing.MOST + 1):
        key, reference = replacing.key_of(root_key, number), f"{root.reference}-R{number}"
        if not documents.may_be_key(key):
            refuse("not possible", f"the store's id of {root.number} is too long for a replacement's")
        earlier = documents.get(tx, spot.book.flow, key)
        if earlier is not None:
            _refuse_beside(spot, earlier)
            continue
        if len(reference) > account.reference_max_length:
            refuse(
                "not possible",
                f"its reference {reference} would have {len(reference)} characters, the warehouse takes"
                f" {account.reference_max_length}",
                remedy="order it anew in the store",
            )
        if references.find(tx, account, reference) is not None:
            refuse(
                "not possible",
                f"its reference {reference} is that of another order",
                remedy="order it anew in the store",
            )
        return number, reference
    return refuse("not possible", f"{root.number} was replaced {replacing.MOST} times")


def _refuse_beside(spot: Spot, earlier: Document) -> None:
    """Whoever asks for a replacement knows of those that went: of one that has yet to go he may not. Two who
    ask at once, or one whose answer was lost and who asks again, want one."""
    if earlier.state in (State.ACCEPTED, State.VOID):
        return
    refuse(
        "not possible",
        f"{earlier.number} is to be sent in its place already; it is {earlier.state}",
        remedy=f"wait until it has gone, or {spot.command('cancel', earlier)}",
    )


def _put(tx: Writer, spot: Spot, content: Order, reference: str, root_key: str) -> None:
    incoming = told_orders.incoming(content, 0.0)
    doc = transitions.arrive(None, incoming, spot.now_s, "")
    if doc is None:
        raise AssertionError(f"{content.key} is over before it began")
    doc = transitions.noted(doc, spot.now_s, "", f"made to replace {root_key}: {spot.said}")
    doc = replace(doc, reference=reference, replaces=root_key)
    documents.save(tx, spot.book, content.key, doc, None)
    references.keep(tx, spot.scope.account, reference, Link(spot.connection.id, content.key))


# ---- its address


def _edit_address(tx: Writer, spot: Spot, asked: EditAddress) -> str:
    doc = spot.doc(tx)
    refuse_under_way(spot, doc)
    if doc.standing is Standing.OVER:
        refuse_what_is_over(doc)
    _refuse_ended(doc)
    order = _order.decode(doc.content)
    address = corrections.wanted(doc).ship_to
    if asked.reset:
        address = order.ship_to
    changed = _given(asked, address)
    form = corrections.form(changed) if changed != order.ship_to else b""
    if form == doc.override:
        refuse("bad request", f"that is the address of {doc.number} already")
    told = told_orders.incoming(order, 0.0)
    returned = transitions.sent_back(doc)
    now = spot.change(
        tx, lambda doc: by_hand.override(doc, form, told.part, told.digest, spot.now_s, spot.said)
    )
    if returned:
        return f"{doc.number} has the address; it goes with {spot.command('resend', doc)}"
    if not doc.accepted:
        return f"{doc.number} goes to that address"
    if now.state is State.PENDING:
        return f"the warehouse is told of the address of {doc.number} with the next run"
    return f"the warehouse takes no changes: tell it the address of {doc.number} by hand (see the tasks)"


def _given(asked: EditAddress, address: Address) -> Address:
    fields = {name: getattr(asked, name) for name in Address.__struct_fields__}
    given = {name: " ".join(text.split()) for name, text in fields.items() if text is not None}
    if asked.reset and given:
        refuse("bad request", "either reset, or parts of an address")
    if not asked.reset and not given:
        refuse("bad request", "no part of an address is given", remedy="name at least one, such as --line1")
    unprintable = [name for name, text in given.items() if not text.isprintable()]
    if unprintable:
        refuse("bad request", f"{unprintable[0]} has characters that cannot be printed")
    country = given.get("country", "US")
    if not (len(country) == 2 and country.isascii() and country.isalpha() and country.isupper()):
        refuse("bad request", f"country is two capitals, as US (ISO 3166-1), not {country[:10]!r}")
    return replace(address, **given)


async def replace_order(desk: Desk, call: Call[Empty, Replace]) -> Done:
    """Send an order, or some of its lines, once more beside the first one."""
    return await done_by_hand(desk, call, "replaced", _replace)


async def edit_address(desk: Desk, call: Call[Empty, EditAddress]) -> Done:
    """Put another address in the place of the store's."""
    return await done_by_hand(desk, call, "address edited", _edit_address)


ROUTES = (
    verb("replace", "Send an order, or some of it, once more beside the first one", replace_order, Replace),
    verb("edit-address", "Put another address in the place of the store's", edit_address, EditAddress),
)
