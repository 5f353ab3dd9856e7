"""The documents of the Admin API that a merchant's work by hand needs."""

from collections.abc import Sequence

CREATE_VARIANTS = """
mutation($input: [CreateProductVariantInput!]!) { createProductVariants(input: $input) { id sku } }
"""

UPDATE_VARIANTS = """
mutation($changes: [UpdateProductVariantInput!]!) { updateProductVariants(input: $changes) { id } }
"""

STOCK = """
query($skus: [String!]!) {
  productVariants(options: { take: 1000, filter: { sku: { in: $skus } } }) {
    items { id sku stockLevels { stockLocationId stockOnHand stockAllocated } }
  }
}
"""

SOLD = """
query($skus: [String!]!) {
  productVariants(options: { take: 1000, filter: { sku: { in: $skus } } }) {
    items { id sku name enabled price trackInventory product { id name slug enabled } }
  }
}
"""

MADE = """
query($filter: ProductFilterParameter!) {
  products(options: { take: 1000, sort: { id: ASC }, filter: $filter }) {
    items { id name slug enabled variants { id sku enabled } }
  }
}
"""

UPDATE_PRODUCT = "mutation($input: UpdateProductInput!) { updateProduct(input: $input) { id } }"

REMOVE_VARIANT = "mutation($id: ID!) { deleteProductVariant(id: $id) { result } }"

ADD_LOCATION = "mutation($name: String!) { createStockLocation(input: { name: $name }) { id } }"

FIELDS = """
  id code state updatedAt orderPlacedAt
  lines { id quantity orderPlacedQuantity productVariant { id sku } }
  fulfillments { id state method trackingCode lines { orderLineId quantity } }
"""

ORDERS = f"""
query($skip: Int!, $take: Int!) {{
  orders(
    options: {{ skip: $skip, take: $take, sort: {{ id: ASC }}, filter: {{ active: {{ eq: false }} }} }}
  ) {{
    items {{ {FIELDS} }}
  }}
}}
"""

ORDER = f"query($id: ID!) {{ order(id: $id) {{ {FIELDS} }} }}"

PAYMENTS = "query($id: ID!) { order(id: $id) { payments { id } } }"

CANCEL = """
mutation($input: CancelOrderInput!) {
  result: cancelOrder(input: $input) { __typename ... on ErrorResult { message } }
}
"""

MODIFY = """
mutation($input: ModifyOrderInput!) {
  result: modifyOrder(input: $input) { __typename ... on ErrorResult { message } }
}
"""

TRANSITION = """
mutation($id: ID!, $state: String!) {
  result: transitionOrderToState(id: $id, state: $state) {
    __typename ... on OrderStateTransitionError { message transitionError }
  }
}
"""

FULFILL = """
mutation($input: FulfillOrderInput!) {
  result: addFulfillmentToOrder(input: $input) {
    __typename ... on Fulfillment { id } ... on ErrorResult { message }
  }
}
"""

MOVE_FULFILLMENT = """
mutation($id: ID!, $state: String!) {
  result: transitionFulfillmentToState(id: $id, state: $state) {
    __typename ... on Fulfillment { id } ... on ErrorResult { message }
  }
}
"""


def create_products(names: Sequence[str]) -> str:
    """One document that creates a product for each of these variables."""
    parameters = ", ".join(f"${name}: CreateProductInput!" for name in names)
    fields = " ".join(f"{name}: createProduct(input: ${name}) {{ id }}" for name in names)
    return f"mutation({parameters}) {{ {fields} }}"


OWNER_ROLE = '{ roles(options: { filter: { code: { eq: "__super_admin_role__" } } }) { items { id } } }'

ADD_ADMINISTRATOR = """
mutation($input: CreateAdministratorInput!) { createAdministrator(input: $input) { id } }
"""
