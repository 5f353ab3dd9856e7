"""One merchant's shop: a sales channel of a running Medusa with a stock location of its own."""

from collections.abc import Mapping, Sequence

from msgspec import convert

from .checkout import Checkout
from .copies import Copies
from .entry import merchant
from .records import Change, Identified, Item, Order, Paid, Return, Units, Variant, fields
from .server import MedusaServer

ORDER = (
    "id,display_id,status,payment_status,updated_at",
    "items.id,items.variant_sku",
    *(f"items.detail.{each}" for each in Units.__struct_fields__),
    "fulfillments.*,fulfillments.items.*,fulfillments.labels.*",
)
RETURN = ("id,display_id,status,order_id,updated_at,metadata,items.*",)


class MedusaShop:
    """What a merchant does by hand in the admin pages, and buyers through the shop.

    SKUs are unique in a server: those of a shop are to hold its `code`.
    """

    def __init__(self, server: MedusaServer, *, code: str) -> None:
        self.server = server
        self.code = code
        self.admin = merchant(server.url, server.secret_key)
        self.channel_id = self._create("sales-channels", "sales_channel", {"name": f"Channel {code}"})
        self.location_id = self.add_location(f"Warehouse {code}")
        self.copies = Copies(server.database, channel=self.channel_id, location=self.location_id)
        self._checkout: Checkout | None = None

    def close(self) -> None:
        self.copies.forget()
        self.admin.close()
        if self._checkout is not None:
            self._checkout.close()

    def add_location(self, name: str) -> str:
        """Another stock location of this sales channel; its id."""
        location = self._create("stock-locations", "stock_location", {"name": name})
        self.admin.post(
            f"/admin/stock-locations/{location}/sales-channels", {"add": [self.channel_id]}, dict[str, object]
        )
        return location

    # What the merchant sells

    @property
    def checkout(self) -> Checkout:
        """How the shop sells, set up when it is first needed."""
        if self._checkout is None:
            self._checkout = Checkout(
                self.server, self.admin, code=self.code, channel=self.channel_id, location=self.location_id
            )
        return self._checkout

    def add_products(self, stock: Mapping[str, int], *, price: int = 20) -> None:
        """A published product with one variant for each SKU, with its units at the shop's location."""
        products = [
            {
                "title": f"Product {sku}",
                "handle": f"{self.code}-{number}-{sku}".lower(),
                "status": "published",
                "options": [{"title": "Size", "values": ["M"]}],
                "shipping_profile_id": self.checkout.profile,
                "sales_channels": [{"id": self.channel_id}],
                "variants": [
                    {
                        "title": "M",
                        "sku": sku,
                        "options": {"Size": "M"},
                        "prices": [{"currency_code": "usd", "amount": price}],
                    }
                ],
            }
            for number, sku in enumerate(stock)
        ]
        self.admin.post("/admin/products/batch", {"create": products}, dict[str, object])
        items = self.items(list(stock))
        levels = [
            {"inventory_item_id": items[sku].id, "location_id": self.location_id, "stocked_quantity": units}
            for sku, units in stock.items()
        ]
        self.set_levels({"create": levels})

    def add_kit(self, sku: str, parts: Mapping[str, int], *, price: int = 50) -> None:
        """A product that Medusa itself takes from the stock of others: units of each by SKU. It has no
        level of its own."""
        items = self.items(list(parts))
        variant = {
            "title": "M",
            "sku": sku,
            "options": {"Size": "M"},
            "prices": [{"currency_code": "usd", "amount": price}],
            "inventory_items": [
                {"inventory_item_id": items[part].id, "required_quantity": units}
                for part, units in parts.items()
            ],
        }
        product = {
            "title": f"Product {sku}",
            "handle": f"{self.code}-kit-{sku}".lower(),
            "status": "published",
            "options": [{"title": "Size", "values": ["M"]}],
            "shipping_profile_id": self.checkout.profile,
            "sales_channels": [{"id": self.channel_id}],
            "variants": [variant],
        }
        self._post("products", product)

    def remove_sku(self, sku: str) -> None:
        """A variant without a SKU, as merchants make them."""
        (variant,) = self.variants([sku])
        path = f"/admin/products/{variant.product.id}/variants/{variant.id}"
        self.admin.post(path, {"sku": None}, dict[str, object])

    def set_levels(self, changes: Mapping[str, Sequence[Mapping[str, object]]]) -> None:
        self.admin.post("/admin/inventory-items/location-levels/batch", changes, dict[str, object])

    def set_stocked(self, stock: Mapping[str, int]) -> None:
        """Set units by hand."""
        items = self.items(list(stock))
        updates = [
            {"inventory_item_id": items[sku].id, "location_id": self.location_id, "stocked_quantity": units}
            for sku, units in stock.items()
        ]
        self.set_levels({"update": updates})

    def items(self, skus: Sequence[str]) -> dict[str, Item]:
        """Inventory items by SKU."""
        params = fields("id,sku,metadata", "location_levels.*")
        answer = self.admin.get("/admin/inventory-items", dict[str, object], {**params, "sku[]": list(skus)})
        return {item.sku: item for item in convert(answer["inventory_items"], list[Item])}

    def reserve(self, line: str, units: int) -> None:
        """Change how many units are reserved for an order line."""
        params = {"fields": "id", "line_item_id": line}
        answer = self.admin.get("/admin/reservations", dict[str, object], params)
        (reservation,) = convert(answer["reservations"], list[Identified])
        self._post(f"reservations/{reservation.id}", {"quantity": units})

    def sellable(self, sku: str) -> int:
        """Units that the shop sells: stocked less reserved, at its own location."""
        levels = self.items([sku])[sku].location_levels
        return sum(
            level.stocked_quantity - level.reserved_quantity
            for level in levels
            if level.location_id == self.location_id
        )

    def variants(self, skus: Sequence[str] | None = None) -> list[Variant]:
        params = fields("id,sku,title,product.id,product.title,product.status")
        wanted = {} if skus is None else {"sku[]": list(skus)}
        answer = self.admin.get("/admin/product-variants", dict[str, object], {**params, **wanted})
        return convert(answer["variants"], list[Variant])

    def change_product(self, product: str, changes: Mapping[str, object]) -> None:
        self.admin.post(f"/admin/products/{product}", changes, dict[str, object])

    # What was sold

    def place_order(self, units: Mapping[str, int]) -> str:
        """One buyer: the order's id."""
        variants = {variant.sku: variant.id for variant in self.variants(list(units))}
        return self.checkout.buy({variants[sku]: count for sku, count in units.items()})

    def order(self, order: str) -> Order:
        answer = self.admin.get(f"/admin/orders/{order}", dict[str, Order], {"fields": ",".join(ORDER)})
        return answer["order"]

    def orders(self) -> list[Order]:
        params = {**fields(*ORDER), "sales_channel_id[]": self.channel_id, "order": "id"}
        answer = self.admin.get("/admin/orders", dict[str, object], params)
        return convert(answer["orders"], list[Order])

    def cancel(self, order: str) -> None:
        self._post(f"orders/{order}/cancel")

    def update_order(self, order: str, changes: Mapping[str, object]) -> None:
        self._post(f"orders/{order}", changes)

    def capture(self, order: str) -> None:
        """Take the money of an authorized payment."""
        params = {"fields": "payment_collections.payments.id"}
        answer = self.admin.get(f"/admin/orders/{order}", dict[str, Paid], params)
        (payment,) = answer["order"].payment_collections[0].payments
        self._post(f"payments/{payment.id}/capture")

    def edit(self, order: str, units: Mapping[str, int], *, confirm: bool = True) -> None:
        """Change quantities by order line; without `confirm` the edit stays open."""
        self._post("order-edits", {"order_id": order})
        for line, quantity in units.items():
            self._post(f"order-edits/{order}/items/item/{line}", {"quantity": quantity})
        if confirm:
            self._post(f"order-edits/{order}/confirm")

    def fulfill(self, order: str, units: Mapping[str, int], *, tracking: str | None = None) -> str:
        """Fulfill by hand; with a tracking number, ship it too. The fulfillment's id."""
        items = [{"id": line, "quantity": quantity} for line, quantity in units.items()]
        before = {each.id for each in self.order(order).fulfillments}
        self._post(f"orders/{order}/fulfillments", {"items": items, "location_id": self.location_id})
        (made,) = [each.id for each in self.order(order).fulfillments if each.id not in before]
        if tracking is not None:
            label = {"tracking_number": tracking, "tracking_url": "", "label_url": ""}
            self._post(f"orders/{order}/fulfillments/{made}/shipments", {"items": items, "labels": [label]})
        return made

    def cancel_fulfillment(self, order: str, fulfillment: str) -> None:
        self._post(f"orders/{order}/fulfillments/{fulfillment}/cancel")

    # What comes back

    def ask_return(self, order: str, units: Mapping[str, int]) -> str:
        """A return that a buyer asked for; its id."""
        body = {"order_id": order, "location_id": self.location_id}
        made = self.admin.post("/admin/returns", body, dict[str, object], {"fields": "id"})
        returned = convert(made["return"], Identified).id
        items = [{"id": line, "quantity": quantity} for line, quantity in units.items()]
        self._post(f"returns/{returned}/request-items", {"items": items})
        self._post(f"returns/{returned}/request")
        return returned

    def receive(self, returned: str, units: Mapping[str, int]) -> None:
        """Take in what came back, by order line, into the stock."""
        items = [{"id": line, "quantity": quantity} for line, quantity in units.items()]
        self._post(f"returns/{returned}/receive")
        self._post(f"returns/{returned}/receive-items", {"items": items})
        self._post(f"returns/{returned}/receive/confirm")

    def cancel_return(self, returned: str) -> None:
        self._post(f"returns/{returned}/cancel")

    def returns(self, order: str) -> list[Return]:
        params = {**fields(*RETURN), "order_id": order, "order": "id"}
        answer = self.admin.get("/admin/returns", dict[str, object], params)
        return convert(answer["returns"], list[Return])

    def changes(self, order: str) -> list[Change]:
        params = {"fields": "id,status,change_type,return_id,internal_note"}
        answer = self.admin.get(f"/admin/orders/{order}/changes", dict[str, list[Change]], params)
        return answer["order_changes"]

    def _create(self, path: str, name: str, body: Mapping[str, object]) -> str:
        return self.admin.post(f"/admin/{path}", body, dict[str, Identified])[name].id

    def _post(self, path: str, body: Mapping[str, object] | None = None) -> None:
        self.admin.post(f"/admin/{path}", body or {}, dict[str, object])
