"""Medusa's variants, each a product: the whole list in every run.

A variant's time of change does not move with its product's title or status, so that it cannot be
followed; what comes again unchanged is nothing new to the daemon.
"""

from collections.abc import Sequence

import trio

from dropstream_medusa import translate
from dropstream_medusa.client import Api, Params
from dropstream_medusa.listing import Listing
from dropstream_medusa.places import Places
from dropstreamd.model.handover import Bad
from dropstreamd.model.products import Product
from dropstreamd.platform.contract import Page, Taken

PAGE = 100
FIELDS = ",".join(
    (
        "id,sku,title,ean,upc,barcode,weight,hs_code,origin_country,manage_inventory,updated_at",
        "product.title,product.status,product.updated_at,product.sales_channels.id",
    )
)


class Products:
    """A `Source[Product]`; `Product.key` is the variant's id."""

    def __init__(self, api: Api, places: Places) -> None:
        self._api = api
        self._places = places
        self._listing: Listing | None = None

    async def page(self, cursor: str | None, taken: Taken) -> Page[Product]:  # noqa: ARG002 - no cursor, no marks
        """The next 100 variants; those of other sales channels are left out."""
        channel = await self._places.channel()
        listing = self._listing
        if listing is None:
            params: Params = {"fields": FIELDS}
            listing = self._listing = Listing(
                self._api, "product-variants", params, rows="variants", page=PAGE
            )
        rows = await listing.next()
        read = [translate.read_product(row, channel.id if channel else "") for row in rows]
        if listing.done:
            self._listing = None
        return Page(
            documents=tuple(each for each in read if isinstance(each, Product)),
            bad=tuple(each for each in read if isinstance(each, Bad)),
            more=not listing.done,
        )

    async def confirm(self, marks: Sequence[str]) -> None:  # noqa: ARG002
        """Nothing to do: pages bear no marks."""
        await trio.lowlevel.checkpoint()
