"""A new channel on a running Vendure, with a seller and with every way to ship and to pay."""

import msgspec

from .graphql import Api
from .records import Identified
from .server import SUPERADMIN

SETUP = """
{ zones { items { id } } shippingMethods { items { id code } } paymentMethods { items { id code } } }
"""

SELLER = "mutation($name: String!) { createSeller(input: { name: $name }) { id } }"

CHANNEL = """
mutation($input: CreateChannelInput!) {
  createChannel(input: $input) { ... on Channel { id } ... on ErrorResult { message } }
}
"""

ASSIGN = """
mutation($channel: ID!, $shipping: [ID!]!, $payment: [ID!]!) {
  assignShippingMethodsToChannel(input: { channelId: $channel, shippingMethodIds: $shipping }) { id }
  assignPaymentMethodsToChannel(input: { channelId: $channel, paymentMethodIds: $payment }) { id }
}
"""


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """`token` is the value of the header `vendure-token`; shipping methods are ids by code."""

    id: str
    token: str
    shipping_methods: dict[str, str]


def owner(url: str, *, channel_token: str | None = None) -> Api:
    """An admin session of the superadmin, in one channel or in the default one."""
    api = Api(url, "admin", channel_token=channel_token)
    api.login(SUPERADMIN, SUPERADMIN)
    return api


def create_channel(url: str, code: str) -> Channel:
    """Create it; `code` must be new to this server."""
    api = owner(url)
    setup = api.ask(SETUP, dict[str, dict[str, list[dict[str, str]]]])
    zone = setup["zones"]["items"][0]["id"]
    token = f"token-{code}"
    description = {
        "code": code,
        "token": token,
        "defaultLanguageCode": "en",
        "pricesIncludeTax": False,
        "defaultCurrencyCode": "USD",
        "defaultTaxZoneId": zone,
        "defaultShippingZoneId": zone,
        "sellerId": api.ask(SELLER, dict[str, Identified], {"name": f"Seller {code}"})["createSeller"].id,
    }
    created = api.ask(CHANNEL, dict[str, Identified], {"input": description})["createChannel"].id
    shipping = {method["code"]: method["id"] for method in setup["shippingMethods"]["items"]}
    payment = [method["id"] for method in setup["paymentMethods"]["items"]]
    assigned = {"channel": created, "shipping": list(shipping.values()), "payment": payment}
    api.ask(ASSIGN, dict[str, object], assigned)
    api.close()
    return Channel(id=created, token=token, shipping_methods=shipping)
