"""What ShipHero answers, decoded strictly: fields that are asked for are there, though they may be null.

Amounts and instants are text.
"""

import re
from collections.abc import Iterator
from typing import Generic, TypeVar

import msgspec

from dropstreamd.platform.rows import UNREADABLE

T = TypeVar("T")

# ---- answers


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """One error. Its code stands beside the message ("Error Glossary"), and not in `extensions`."""

    message: str = ""
    code: int | str | None = None
    operation: str | None = None
    field: str | None = None
    path: tuple[str | int, ...] | None = None
    required_credits: int | None = None
    remaining_credits: int | None = None
    time_remaining: str | None = None

    @property
    def number(self) -> int | None:
        """The code, where there is one; one that is no number is as good as 0."""
        if self.code is None or isinstance(self.code, int):
            return self.code
        return int(self.code) if self.code.isdecimal() and len(self.code) < 9 else 0


class _Told(msgspec.Struct, frozen=True):
    complexity: int | None = None


_NULL_TEXT = b"null"
_NULL = msgspec.Raw(_NULL_TEXT)


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What comes back, its data not decoded yet."""

    raw: msgspec.Raw = msgspec.field(name="data", default=_NULL)
    errors: tuple[Failure, ...] | None = None

    @property
    def data(self) -> bytes | None:
        """None where there is none."""
        return None if bytes(self.raw) == _NULL_TEXT else bytes(self.raw)

    @property
    def complexity(self) -> int | None:
        """What the fields of the answer say that it asked for; None where none does."""
        if self.data is None:
            return None
        told = [each.complexity for each in _fields(self.data).values() if each is not None]
        return sum(each or 0 for each in told) if any(each is not None for each in told) else None

    def only_warns(self, error: Failure, scope: re.Pattern[str]) -> bool:
        """Whether it concerns a scope, and what was asked came all the same ("Scope warnings are not
        errors")."""
        root = error.operation or (str(error.path[0]) if error.path else "")
        return (
            self.data is not None
            and bool(scope.search(error.message))
            and root in _fields(self.data, there=True)
        )


_fields_decoder = msgspec.json.Decoder(dict[str, _Told | None])


def _fields(data: bytes, *, there: bool = False) -> dict[str, _Told | None]:
    try:
        found = _fields_decoder.decode(data)
    except UNREADABLE:
        return {}
    return {name: each for name, each in found.items() if each is not None or not there}


class Token(msgspec.Struct, frozen=True):
    access_token: str
    expires_in: float


class Quota(msgspec.Struct, frozen=True):
    credits_remaining: int
    max_available: int
    increment_rate: int


class QuotaData(msgspec.Struct, frozen=True):
    user_quota: Quota | None


# ---- rows


class PageInfo(
    msgspec.Struct, frozen=True, rename={"has_next_page": "hasNextPage", "end_cursor": "endCursor"}
):
    has_next_page: bool
    end_cursor: str | None = None


class Edge(msgspec.Struct, Generic[T], frozen=True):
    cursor: str
    node: T | None = None


class Connection(msgspec.Struct, Generic[T], frozen=True, rename={"page_info": "pageInfo"}):
    """A page of rows."""

    edges: tuple[Edge[T] | None, ...]
    page_info: PageInfo = PageInfo(has_next_page=False)

    def __iter__(self) -> Iterator[T]:
        return (edge.node for edge in self.edges if edge is not None and edge.node is not None)


class RawEdge(msgspec.Struct, frozen=True):
    cursor: str
    node: msgspec.Raw


class RawConnection(msgspec.Struct, frozen=True, rename={"page_info": "pageInfo"}):
    """A page of rows that are decoded one by one."""

    edges: tuple[RawEdge | None, ...]
    page_info: PageInfo

    @property
    def there(self) -> list[RawEdge]:
        """Those that have a row."""
        return [edge for edge in self.edges if edge is not None and bytes(edge.node) != _NULL_TEXT]


class RawListed(msgspec.Struct, frozen=True):
    """As `Listed`, of such a page."""

    data: RawConnection | None = None


class Listed(msgspec.Struct, Generic[T], frozen=True):
    """A root field that is a list."""

    data: Connection[T] | None = None


class Asked(msgspec.Struct, Generic[T], frozen=True):
    """A root field that is one record."""

    data: T | None = None


class Id(msgspec.Struct, frozen=True):
    id: str


class WithLines(msgspec.Struct, Generic[T], frozen=True):
    """One record of which lines were asked for alone."""

    line_items: Connection[T] | None = None


# ---- the account


class User(msgspec.Struct, frozen=True):
    email: str | None = None


class House(msgspec.Struct, frozen=True):
    id: str | None = None
    identifier: str | None = None


class Account(msgspec.Struct, frozen=True):
    id: str | None = None
    email: str | None = None
    warehouses: tuple[House | None, ...] | None = None


class AccountData(msgspec.Struct, frozen=True):
    me: Asked[User] | None = None
    account: Asked[Account] | None = None
    warehouse_products: Listed[Id] | None = None


# ---- orders and shipments


class OfOrder(msgspec.Struct, frozen=True, kw_only=True):
    """The order that a shipment or a return is of."""

    partner_order_id: str | None
    shop_name: str | None


class SoldLine(msgspec.Struct, frozen=True, kw_only=True):
    sku: str | None
    partner_line_item_id: str | None


class Label(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    status: str | None
    refunded: bool | None
    tracking_number: str | None
    tracking_url: str | None
    carrier: str | None
    shipping_name: str | None
    shipping_method: str | None
    created_date: str | None


class ShippedLine(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    quantity: int | None
    shipping_label_id: str | None
    line_item: SoldLine | None


class Shipment(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    created_date: str | None
    order: OfOrder | None
    shipping_labels: tuple[Label | None, ...] | None
    line_items: Connection[ShippedLine] | None


class Holds(msgspec.Struct, frozen=True, kw_only=True):
    fraud_hold: bool | None
    address_hold: bool | None
    shipping_method_hold: bool | None
    operator_hold: bool | None
    payment_hold: bool | None
    client_hold: bool | None

    @property
    def names(self) -> tuple[str, ...]:
        """Those that are set."""
        return tuple(
            name.removesuffix("_hold").replace("_", " ")
            for name, is_set in sorted(msgspec.structs.asdict(self).items())
            if is_set
        )


class OrderLine(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    sku: str | None
    quantity: int | None
    quantity_shipped: int | None
    partner_line_item_id: str | None

    @property
    def units(self) -> int:
        return self.quantity or 0


class OrderState(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    order_number: str | None
    partner_order_id: str | None
    shop_name: str | None
    fulfillment_status: str | None
    updated_at: str | None
    holds: Holds | None
    line_items: Connection[OrderLine] | None

    @property
    def status(self) -> str:
        return (self.fulfillment_status or "").strip().lower()

    @property
    def cancelled(self) -> bool:
        return self.status in ("canceled", "cancelled")


class ShippingLines(msgspec.Struct, frozen=True, kw_only=True):
    title: str | None
    carrier: str | None
    method: str | None


class Address(msgspec.Struct, frozen=True, kw_only=True):
    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    state: str | None = None
    zip: str | None = None
    country: str | None = None
    email: str | None = None
    phone: str | None = None


class Standing(OrderState, frozen=True, kw_only=True):
    """An order as it stands, with what may be changed of it."""

    gift_note: str | None
    packing_note: str | None
    required_ship_date: str | None
    shipping_lines: ShippingLines | None
    shipping_address: Address | None

    @property
    def shipped(self) -> bool:
        """Whether something of it has left."""
        return self.status == "fulfilled" or any(
            (line.quantity_shipped or 0) > 0 for line in self.line_items or ()
        )
