"""Buyers of one channel: guests who fill a cart, give an address and pay through the Shop API."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import count

import msgspec

from ..process import CounterpartError
from .graphql import Api
from .records import NewOrder, Placed

# One document does the whole checkout; its mutations run in this order.
CHECKOUT = """
mutation($lines: [AddItemInput!]!, $customer: CreateCustomerInput!, $address: CreateAddressInput!,
         $shipping: [ID!]!, $payment: PaymentInput!) {
  addItemsToOrder(inputs: $lines) { errorResults { ... on ErrorResult { message } } }
  setCustomerForOrder(input: $customer) { __typename ... on ErrorResult { message } }
  setOrderShippingAddress(input: $address) { __typename ... on ErrorResult { message } }
  setOrderShippingMethod(shippingMethodId: $shipping) { __typename ... on ErrorResult { message } }
  transitionOrderToState(state: "ArrangingPayment") {
    __typename ... on OrderStateTransitionError { transitionError }
  }
  addPaymentToOrder(input: $payment) {
    __typename ... on Order { id code state } ... on ErrorResult { message }
  }
}
"""

ADDRESS = {
    "fullName": "Ada Example",
    "company": "Example Ltd",
    "streetLine1": "1 Test Street",
    "streetLine2": "Floor 2",
    "city": "Springfield",
    "province": "IL",
    "postalCode": "62701",
    "countryCode": "US",
    "phoneNumber": "+1 555 0100",
}


class Buyers:
    """Places orders, several at once; `clients` is how many buyers are in the shop together."""

    def __init__(
        self,
        url: str,
        channel_token: str,
        *,
        variant_ids: Callable[[str], str],
        shipping_methods: dict[str, str],
    ) -> None:
        self._url = url
        self._token = channel_token
        self._variant_id = variant_ids
        self._shipping_methods = shipping_methods
        self._numbers = count(1)

    def place(self, orders: Sequence[NewOrder], *, clients: int = 4) -> list[Placed]:
        """Place all of them; the answers come in the same order. A refusal raises and says why."""
        numbered = [(next(self._numbers), order) for order in orders]
        shares = [numbered[start::clients] for start in range(min(clients, len(numbered)))]
        with ThreadPoolExecutor(max_workers=clients) as pool:
            placed = dict(pair for share in pool.map(self._buy_share, shares) for pair in share)
        return [placed[number] for number, _ in numbered]

    def _buy_share(self, share: list[tuple[int, NewOrder]]) -> list[tuple[int, Placed]]:
        return list(self._buy_each(share))

    def _buy_each(self, share: list[tuple[int, NewOrder]]) -> Iterator[tuple[int, Placed]]:
        with closing(Api(self._url, "shop", channel_token=self._token)) as api:
            api.ask("{ activeOrder { id } }", dict[str, object])  # brings the session
            for number, order in share:
                yield number, self._buy(api, number, order)

    def _buy(self, api: Api, number: int, order: NewOrder) -> Placed:
        variables = {
            "lines": [
                {"productVariantId": self._variant_id(sku), "quantity": units}
                for sku, units in order.units.items()
            ],
            "customer": {
                "firstName": "Ada",
                "lastName": "Example",
                "emailAddress": f"buyer-{number}@{self._token}.example.com",
                "phoneNumber": "+1 555 0100",
            },
            "address": ADDRESS,
            "shipping": [self._shipping_methods[order.shipping_method]],
            "payment": {"method": order.payment, "metadata": {}},
        }
        chosen = {"x-order-code": order.code} if order.code else {}
        answer = api.ask(CHECKOUT, dict[str, dict[str, object]], variables, headers=chosen)
        if answer["addItemsToOrder"]["errorResults"] or answer["addPaymentToOrder"]["__typename"] != "Order":
            raise CounterpartError(f"the order was not placed: {answer}")
        return msgspec.convert(answer["addPaymentToOrder"], Placed)
