"""Many products and orders at once: copies of one that was made through the API, row by row in the database.

Through the API an order takes a second and more; a hundred copies take a moment, and Medusa cannot tell.
A copy's ids are made of its own tag and the model's ids, so that rows that refer to each other still do.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..postgres import Postgres
from .server import DATABASE

_OF_ORDER = "order_id = '{model}'"
_ITEMS = "(SELECT item_id FROM order_item WHERE order_id = '{model}')"
_COLLECTIONS = "(SELECT payment_collection_id FROM order_payment_collection WHERE order_id = '{model}')"
_NOW = ("'created_at', now()", "'updated_at', now()")


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows of a model: which, their columns that hold ids of other copied rows, and what differs."""

    name: str
    where: str
    ids: Sequence[str] = ("id",)
    changes: Sequence[str] = ()

    def copy(self, model: str) -> str:
        pairs = [f"'{each}', copied_id(copy.tag, row.\"{each}\")" for each in self.ids]
        rows = f'(SELECT * FROM "{self.name}" WHERE {self.where.format(model=model)}) AS row'  # noqa: S608
        changed = f"jsonb_build_object({', '.join([*pairs, *self.changes])})"
        return (  # the names and ids are the tests' own
            f'INSERT INTO "{self.name}" SELECT new.* FROM {rows}, copy,'  # noqa: S608
            f' LATERAL jsonb_populate_record(NULL::"{self.name}", to_jsonb(row) || {changed}) AS new;'
        )


WRITTEN = (
    "order",
    "order_item",
    "order_change",
    "fulfillment",
    "fulfillment_label",
    "inventory_item",
    "inventory_level",
    "reservation_item",
    "product",
    "product_variant",
    "return",
    "return_item",
)

_BEGIN = """
CREATE OR REPLACE FUNCTION copied_id(tag text, id text) RETURNS text IMMUTABLE LANGUAGE sql
  AS $$ SELECT split_part(id, '_', 1) || '_' || upper(left(md5(tag || id), 26)) $$;
"""

_PRODUCT = (
    Table(
        name="product",
        where="id = (SELECT product_id FROM product_variant WHERE id = '{model}')",
        changes=("'title', 'Product ' || copy.sku", "'handle', 'copy-' || left(md5(copy.sku), 16)"),
    ),
    Table(
        name="product_variant",
        where="id = '{model}'",
        ids=("id", "product_id"),
        changes=("'sku', copy.sku",),
    ),
    Table(
        name="product_sales_channel",
        where="product_id = (SELECT product_id FROM product_variant WHERE id = '{model}')",
        ids=("id", "product_id"),
        changes=("'sales_channel_id', copy.channel",),
    ),
    Table(
        name="product_shipping_profile",
        where="product_id = (SELECT product_id FROM product_variant WHERE id = '{model}')",
        ids=("id", "product_id"),
    ),
    Table(
        name="inventory_item",
        where="id = (SELECT inventory_item_id FROM product_variant_inventory_item"
        " WHERE variant_id = '{model}')",
        changes=("'sku', copy.sku",),
    ),
    Table(
        name="product_variant_inventory_item",
        where="variant_id = '{model}'",
        ids=("id", "variant_id", "inventory_item_id"),
    ),
    Table(
        name="inventory_level",
        where="inventory_item_id = (SELECT inventory_item_id FROM product_variant_inventory_item"
        " WHERE variant_id = '{model}')",
        ids=("id", "inventory_item_id"),
        changes=(
            "'location_id', copy.location",
            "'stocked_quantity', copy.units",
            "'raw_stocked_quantity', jsonb_build_object('value', copy.units::text, 'precision', 20)",
            "'reserved_quantity', 0",
            """'raw_reserved_quantity', '{"value": "0", "precision": 20}'::jsonb""",
        ),
    ),
)

SOUND_PRICE = "jsonb_build_object('value', unit_price::text, 'precision', 20)"

_ORDER = (
    Table(
        name="order",
        where="id = '{model}'",
        changes=("'display_id', copy.number", "'sales_channel_id', copy.channel", *_NOW),
    ),
    Table(
        name="order_line_item",
        where=f"id IN {_ITEMS}",
        changes=("'variant_sku', copy.sku", "'variant_id', copy.variant", "'product_id', copy.product"),
    ),
    Table(name="order_item", where=_OF_ORDER, ids=("id", "order_id", "item_id")),
    Table(name="order_summary", where=_OF_ORDER, ids=("id", "order_id")),
    Table(name="order_shipping", where=_OF_ORDER, ids=("id", "order_id")),
    Table(name="payment_collection", where=f"id IN {_COLLECTIONS}"),
    Table(
        name="payment_session",
        where=f"payment_collection_id IN {_COLLECTIONS}",
        ids=("id", "payment_collection_id"),
    ),
    Table(
        name="payment",
        where=f"payment_collection_id IN {_COLLECTIONS}",
        ids=("id", "payment_collection_id", "payment_session_id"),
    ),
    Table(
        name="order_payment_collection",
        where=_OF_ORDER,
        ids=("id", "order_id", "payment_collection_id"),
    ),
    Table(
        name="reservation_item",
        where=f"line_item_id IN {_ITEMS} AND deleted_at IS NULL",
        ids=("id", "line_item_id"),
        changes=("'location_id', copy.location", "'inventory_item_id', copy.item"),
    ),
    Table(
        name="return",
        where=_OF_ORDER,
        ids=("id", "order_id"),
        changes=("'display_id', copy.return_number", "'location_id', copy.location", *_NOW),
    ),
    Table(
        name="return_item",
        where="return_id IN (SELECT id FROM \"return\" WHERE order_id = '{model}')",
        ids=("id", "return_id", "item_id"),
    ),
)

_PRODUCTS = """
CREATE TEMP TABLE copy AS SELECT md5('{location}' || key) AS tag, key AS sku, value::int AS units,
  '{channel}' AS channel, '{location}' AS location FROM json_each_text('{given}');
"""

_ORDERS = """
CREATE TEMP TABLE copy AS SELECT md5(random()::text) AS tag, variant.sku, variant.id AS variant,
    variant.product_id AS product, link.inventory_item_id AS item, '{channel}' AS channel,
    '{location}' AS location, nextval('order_display_id_seq') AS number,
    nextval('return_display_id_seq') AS return_number
  FROM generate_series(1, {count}), product_variant AS variant
  JOIN product_variant_inventory_item AS link ON link.variant_id = variant.id WHERE variant.sku = '{sku}';
"""

_RESERVED = """
UPDATE inventory_level SET reserved_quantity = sums.units,
    raw_reserved_quantity = jsonb_build_object('value', sums.units::text, 'precision', 20)
  FROM (SELECT inventory_item_id AS item, location_id AS location, sum(quantity) AS units
        FROM reservation_item WHERE deleted_at IS NULL GROUP BY 1, 2) AS sums
  WHERE inventory_item_id = sums.item AND location_id = sums.location AND location_id = '{location}';
"""

_FORGET = """
UPDATE "return" SET deleted_at = now() WHERE location_id = '{location}';
CREATE TEMP TABLE gone AS SELECT product_id AS id FROM product_sales_channel
  WHERE sales_channel_id = '{channel}';
UPDATE product_variant SET deleted_at = now() WHERE product_id IN (SELECT id FROM gone);
UPDATE product SET deleted_at = now() WHERE id IN (SELECT id FROM gone);
"""


class Copies:
    """Copies into one shop: its sales channel and its stock location."""

    def __init__(self, database: Postgres, *, channel: str, location: str) -> None:
        self._database = database
        self._place = {"channel": channel, "location": location}

    def products(self, variant: str, stock: Mapping[str, int]) -> None:
        """A product for each SKU, with its units. They have no price, and so cannot be bought."""
        given = json.dumps(dict(stock)).replace("'", "''")
        self._run(_PRODUCTS.format(given=given, **self._place), *(table.copy(variant) for table in _PRODUCT))

    def orders(self, order: str, sku: str, count: int) -> list[str]:
        """So many orders of this SKU, placed in one instant; their ids, by ascending number."""
        answer = self._run(
            _ORDERS.format(sku=sku.replace("'", "''"), count=count, **self._place),
            *(table.copy(order) for table in _ORDER),
            _RESERVED.format(**self._place),
            f"SELECT copied_id(tag, '{order}') FROM copy ORDER BY number;",  # noqa: S608
        )
        return answer.split()

    def without_sku(self, order: str) -> None:
        """An order whose line has no SKU, as that of a variant that had none."""
        items = _ITEMS.format(model=order)
        self._run(f"UPDATE order_line_item SET variant_sku = NULL WHERE id IN {items};")  # noqa: S608

    def price(self, order: str, amount: str) -> None:
        """What an order's lines cost, as an expression of PostgreSQL's. Over a document that is no amount, as
        `{}`, Medusa fails whenever it is to sum the order up."""
        items = _ITEMS.format(model=order)
        self._run(f"UPDATE order_line_item SET raw_unit_price = {amount} WHERE id IN {items};")  # noqa: S608

    def forget(self) -> None:
        """Remove the shop's products and returns, which the lists of all shops would hold for ever."""
        self._run(_FORGET.format(**self._place))

    def everything(self) -> str:
        """A digest of all that the server holds which a plugin may write."""
        sums = (
            f"(SELECT md5(coalesce(string_agg(a::text, '|' ORDER BY id), '')) FROM \"{name}\" AS a)"  # noqa: S608
            for name in WRITTEN
        )
        return self._run(f"SELECT {', '.join(sums)};")

    def _run(self, *statements: str) -> str:
        return self._database.sql("\n".join([_BEGIN, *statements]), database=DATABASE)
