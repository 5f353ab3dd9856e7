"""One merchant's shop: a channel of a running Vendure, with a seller, a stock location and its admin."""

from collections.abc import Mapping, Sequence

from . import documents
from .buyers import Buyers
from .catalogue import copy_variant
from .channel import create_channel, owner
from .graphql import succeeded
from .records import (
    Identified,
    MadeProduct,
    NewOrder,
    Order,
    Placed,
    SoldVariant,
    Variant,
    VariantStock,
)
from .server import VendureServer

COPIED_FROM = 20  # fewer products are made one by one
COPIES_AT_ONCE = 1000
SKUS_AT_ONCE = 1000
ORDERS_AT_ONCE = 100


class VendureShop:
    """What a merchant does by hand in the admin pages, and buyers through the shop.

    `channel.token` names the channel (header `vendure-token`); `location_id` is the stock location that
    holds the shop's goods, at first the only one of its channel.
    """

    def __init__(self, server: VendureServer, *, code: str) -> None:
        self.url = server.url
        self.code = code
        self._database = server.database
        self.channel = create_channel(server.url, code)
        self._admin = owner(server.url, channel_token=self.channel.token)
        self.location_id = self.add_stock_location(f"Warehouse {code}")
        self._variants: dict[str, str] = {}
        self.buyers = Buyers(
            server.url,
            self.channel.token,
            variant_ids=self.variant_id,
            shipping_methods=self.channel.shipping_methods,
        )

    def close(self) -> None:
        self._admin.close()

    # What the merchant sells

    def add_products(self, stock: Mapping[str, int], *, price: int = 1000) -> list[Variant]:
        """Create a product with one variant for each SKU, with its units on hand; `price` is in cents."""
        if len(stock) < COPIED_FROM:
            made = self._create_variants(self._create_products(list(stock)), stock, price)
        else:
            made = self._copy_products(stock, price)
        self._variants.update({variant.sku: variant.id for variant in made})
        return made

    def variant_id(self, sku: str) -> str:
        return self._variants[sku]

    def change_sku(self, sku: str, new: str) -> None:
        self.update_variants([{"id": self._variants[sku], "sku": new}])
        self._variants[new] = self._variants.pop(sku)

    def set_on_hand(self, levels: Mapping[str, int], *, location_id: str | None = None) -> None:
        """Set units on hand by SKU, as an edit by hand would."""
        location = location_id or self.location_id
        self.update_variants(
            [
                {"id": self._variants[sku], "stockLevels": [_level(location, units)]}
                for sku, units in levels.items()
            ]
        )

    def update_variants(self, changes: Sequence[Mapping[str, object]]) -> None:
        """Any other change of variants: inputs of the mutation `updateProductVariants`."""
        self._admin.ask(documents.UPDATE_VARIANTS, dict[str, object], {"changes": list(changes)})

    def sold(self, skus: Sequence[str]) -> list[SoldVariant]:
        """The variants of the channel that have these SKUs, enabled or not."""
        answer = self._admin.ask(
            documents.SOLD, dict[str, dict[str, list[SoldVariant]]], {"skus": list(skus)}
        )
        return answer["productVariants"]["items"]

    def made(self, name: str | None = None) -> list[MadeProduct]:
        """Every product of the channel, or those of this name."""
        wanted = {} if name is None else {"name": {"eq": name}}
        answer = self._admin.ask(documents.MADE, dict[str, dict[str, list[MadeProduct]]], {"filter": wanted})
        return answer["products"]["items"]

    def update_product(self, sku: str, changes: Mapping[str, object]) -> None:
        """Change the product of a SKU's variant: an input of the mutation `updateProduct`, without the id."""
        (variant,) = self.sold([sku])
        variables = {"input": {"id": variant.product.id, **changes}}
        self._admin.ask(documents.UPDATE_PRODUCT, dict[str, Identified], variables)

    def remove(self, sku: str) -> None:
        """Delete a variant."""
        (variant,) = self.sold([sku])
        self._admin.ask(documents.REMOVE_VARIANT, dict[str, object], {"id": variant.id})

    def stock(self, skus: Sequence[str] | None = None) -> dict[str, VariantStock]:
        """The levels of these SKUs, or of all that this object has created, at every location."""
        wanted = list(skus if skus is not None else self._variants)
        found: dict[str, VariantStock] = {}
        for start in range(0, len(wanted), SKUS_AT_ONCE):
            some = wanted[start : start + SKUS_AT_ONCE]
            answer = self._admin.ask(
                documents.STOCK, dict[str, dict[str, list[VariantStock]]], {"skus": some}
            )
            found |= {variant.sku: variant for variant in answer["productVariants"]["items"]}
        return found

    def on_hand(self, skus: Sequence[str] | None = None) -> dict[str, int]:
        """Units on hand at the shop's own location, by SKU."""
        return {
            sku: sum(
                level.stock_on_hand
                for level in variant.stock_levels
                if level.stock_location_id == self.location_id
            )
            for sku, variant in self.stock(skus).items()
        }

    def add_stock_location(self, name: str) -> str:
        """Another location of this channel; returns its id."""
        answer = self._admin.ask(documents.ADD_LOCATION, dict[str, Identified], {"name": name})
        return answer["createStockLocation"].id

    def add_administrator(self, email: str, password: str) -> None:
        """Another user who may do everything; `email` must be new to the server."""
        roles = self._admin.ask(documents.OWNER_ROLE, dict[str, dict[str, list[Identified]]])["roles"][
            "items"
        ]
        person = {"firstName": "An", "lastName": "Owner", "emailAddress": email, "password": password}
        owner_role = [role.id for role in roles]
        variables = {"input": {**person, "roleIds": owner_role}}
        self._admin.ask(documents.ADD_ADMINISTRATOR, dict[str, Identified], variables)

    # What was sold

    def place_orders(self, orders: Sequence[NewOrder], *, clients: int = 4) -> list[Placed]:
        """Several buyers at once; see `Buyers.place`."""
        return self.buyers.place(orders, clients=clients)

    def orders(self) -> dict[str, Order]:
        """Every placed order by its code, read page by page."""
        found: dict[str, Order] = {}
        while True:
            page = self._admin.ask(
                documents.ORDERS,
                dict[str, dict[str, list[Order]]],
                {"skip": len(found), "take": ORDERS_AT_ONCE},
            )["orders"]["items"]
            found |= {order.code: order for order in page}
            if len(page) < ORDERS_AT_ONCE:
                return found

    def order(self, order_id: str) -> Order:
        return self._admin.ask(documents.ORDER, dict[str, Order], {"id": order_id})["order"]

    def payments(self, order_id: str) -> list[str]:
        """The ids of an order's payments, which a refund has to name."""
        answer = self._admin.ask(documents.PAYMENTS, dict[str, dict[str, list[Identified]]], {"id": order_id})
        return [payment.id for payment in answer["order"]["payments"]]

    def cancel(self, order_id: str, units: Mapping[str, int] | None = None) -> None:
        """Cancel a whole order, or these units of it by order line."""
        change = {"cancelShipping": True} if units is None else {"lines": _lines(units)}
        self._mutate(
            documents.CANCEL,
            {"input": {"orderId": order_id, "reason": "test", **change}},
            expected="Order",
        )

    def modify(self, order_id: str, changes: Mapping[str, object]) -> None:
        """Edit a placed order and bring it back to its former state.

        `changes` is an input of the mutation `modifyOrder`, without the order's id.
        """
        former = self.order(order_id).state
        self.transition(order_id, "Modifying")
        self._mutate(
            documents.MODIFY,
            {"input": {"orderId": order_id, "dryRun": False, **changes}},
            expected="Order",
        )
        self.transition(order_id, former)

    def transition(self, order_id: str, state: str) -> None:
        self._mutate(documents.TRANSITION, {"id": order_id, "state": state}, expected="Order")

    def fulfill(self, order_id: str, units: Mapping[str, int], *, method: str, tracking: str) -> str:
        """Create a fulfillment by hand, of these units by order line; returns its id (state Pending)."""
        arguments = [{"name": "method", "value": method}, {"name": "trackingCode", "value": tracking}]
        handler = {"code": "manual-fulfillment", "arguments": arguments}
        return self._mutate(
            documents.FULFILL, {"input": {"lines": _lines(units), "handler": handler}}, expected="Fulfillment"
        )

    def move_fulfillment(self, fulfillment_id: str, state: str) -> None:
        """By hand: to `Shipped`, `Delivered` or `Cancelled`."""
        variables = {"id": fulfillment_id, "state": state}
        self._mutate(documents.MOVE_FULFILLMENT, variables, expected="Fulfillment")

    def _mutate(self, document: str, variables: Mapping[str, object], *, expected: str) -> str:
        """Run a mutation whose `result` is a union; return the id of what it made, where it has one."""
        result = self._admin.ask(document, dict[str, dict[str, object]], variables)["result"]
        succeeded(result, expected=expected)
        return str(result.get("id", ""))

    def _copy_products(self, stock: Mapping[str, int], price: int) -> list[Variant]:
        """The first one is made as any, the others are copies of it in the database."""
        skus = list(stock)
        made = self._create_variants(self._create_products(skus[:1]), {skus[0]: 1}, price)
        for start in range(1, len(skus), COPIES_AT_ONCE):
            some = skus[start : start + COPIES_AT_ONCE]
            made += copy_variant(self._database, made[0].id, {sku: stock[sku] for sku in some})
        self._variants[skus[0]] = made[0].id
        self.set_on_hand({skus[0]: stock[skus[0]]})
        return made

    def _create_products(self, skus: Sequence[str]) -> dict[str, str]:
        """New products' ids by the SKU that each is for."""
        inputs = {
            f"p{index}": {
                "enabled": True,
                "translations": [_translation(sku, slug=f"{self.code}-{sku}".lower())],
            }
            for index, sku in enumerate(skus)
        }
        answer = self._admin.ask(documents.create_products(list(inputs)), dict[str, Identified], inputs)
        return {sku: answer[name].id for sku, name in zip(skus, inputs, strict=True)}

    def _create_variants(
        self, products: Mapping[str, str], stock: Mapping[str, int], price: int
    ) -> list[Variant]:
        variants = [
            {
                "productId": product,
                "sku": sku,
                "price": price,
                "trackInventory": "TRUE",
                "translations": [{"languageCode": "en", "name": f"Product {sku}"}],
                "stockLevels": [_level(self.location_id, stock[sku])],
            }
            for sku, product in products.items()
        ]
        answer = self._admin.ask(documents.CREATE_VARIANTS, dict[str, list[Variant]], {"input": variants})
        return answer["createProductVariants"]


def _level(location_id: str, units: int) -> dict[str, object]:
    return {"stockLocationId": location_id, "stockOnHand": units}


def _lines(units: Mapping[str, int]) -> list[dict[str, object]]:
    return [{"orderLineId": line, "quantity": quantity} for line, quantity in units.items()]


def _translation(sku: str, *, slug: str) -> dict[str, str]:
    return {"languageCode": "en", "name": f"Product {sku}", "slug": slug, "description": ""}
