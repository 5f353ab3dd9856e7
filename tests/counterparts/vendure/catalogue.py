"""Many products at once: copies of one that was made through the Admin API, row by row in the database.

Through the API a product takes 30 ms and more; hundreds of copies take a moment, and Vendure cannot tell.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from ..postgres import Postgres
from .records import Variant
from .server import DATABASE


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows that belong to a product or a variant (`owner`): the column that says so, and what differs."""

    name: str
    column: str
    owner: str
    changes: tuple[str, ...] = ()
    numbered: bool = False

    def copy(self) -> str:
        """The statement that gives every copy the model's rows of this table."""
        pairs = [f"'{self.column}', copy.{self.owner}", *self.changes]
        if self.numbered:
            pairs.append(f"'id', nextval(pg_get_serial_sequence('{self.name}', 'id'))")
        return (
            f"INSERT INTO {self.name} SELECT new.* FROM {self.name} AS row, model, copy,"  # noqa: S608
            f" LATERAL jsonb_populate_record(row, jsonb_build_object({', '.join(pairs)})) AS new"
            f' WHERE row."{self.column}" = model.{self.owner};'
        )


NEW_IDS = """
CREATE TEMP TABLE copy AS
  SELECT nextval(pg_get_serial_sequence('product', 'id')) AS product,
         nextval(pg_get_serial_sequence('product_variant', 'id')) AS variant,
         key AS sku, value::int AS units
  FROM json_each_text('{given}');
"""

MODEL = """
CREATE TEMP TABLE model AS
  SELECT id AS variant, "productId" AS product FROM product_variant WHERE id = {id};
"""

NAME = "'name', 'Product ' || copy.sku"

TABLES = (
    Table(name="product", column="id", owner="product"),
    Table(
        name="product_translation",
        column="baseId",
        owner="product",
        changes=(NAME, "'slug', 'copy-' || copy.product"),
        numbered=True,
    ),
    Table(name="product_channels_channel", column="productId", owner="product"),
    Table(
        name="product_variant",
        column="id",
        owner="variant",
        changes=("'productId', copy.product", "'sku', copy.sku"),
    ),
    Table(
        name="product_variant_translation", column="baseId", owner="variant", changes=(NAME,), numbered=True
    ),
    Table(name="product_variant_price", column="variantId", owner="variant", numbered=True),
    Table(name="product_variant_channels_channel", column="productVariantId", owner="variant"),
    Table(
        name="stock_level",
        column="productVariantId",
        owner="variant",
        # The model is new: it has units at the shop's own location alone.
        changes=("'stockOnHand', CASE WHEN row.\"stockOnHand\" > 0 THEN copy.units ELSE 0 END",),
        numbered=True,
    ),
)


def copy_variant(database: Postgres, model_id: str, stock: Mapping[str, int]) -> list[Variant]:
    """Copy a variant, which must have units on hand, with its product; `stock` is units by new SKU."""
    given = json.dumps(dict(stock)).replace("'", "''")
    statements = [
        NEW_IDS.format(given=given),
        MODEL.format(id=int(model_id)),
        *(table.copy() for table in TABLES),
        "SELECT json_agg(json_build_object('id', variant::text, 'sku', sku)) FROM copy;",
    ]
    return msgspec.json.decode(database.sql("\n".join(statements), database=DATABASE), type=list[Variant])
