"""What a person put right in an order: its address. The store's own later change of it wins."""

import hashlib

import msgspec

from dropstreamd.model.orders import Address, Order
from dropstreamd.store.records import Document

_order = msgspec.msgpack.Decoder(Order)
_address = msgspec.msgpack.Decoder(Address)
_encode = msgspec.msgpack.Encoder().encode


def wanted(doc: Document) -> Order:
    """The order as the store tells it, with what a person put right."""
    order = _order.decode(doc.content)
    if not doc.override:
        return order
    return msgspec.structs.replace(order, ship_to=_address.decode(doc.override))


def form(address: Address) -> bytes:
    """An address as the document keeps it."""
    return _encode(address)


def part_of(order: Order) -> bytes:
    """Names the address as the store tells it."""
    return hashlib.blake2b(_encode(order.ship_to), digest_size=16).digest()
