"""Every GraphQL document that is sent. They ask for fields of Vendure's core alone: custom fields and
further types of a merchant's server do not matter."""

LOGIN = """
mutation Login($username: String!, $password: String!) {
  login(username: $username, password: $password) {
    __typename
    ... on CurrentUser { channels { token permissions } }
    ... on ErrorResult { errorCode }
  }
}
"""

SHOP = """
query Shop {
  activeChannel { id code token defaultLanguageCode defaultCurrencyCode }
  globalSettings {
    trackInventory
    outOfStockThreshold
    serverConfig { moneyStrategyPrecision orderProcess { name } }
  }
}
"""

READABLE = """
query Readable {
  activeChannel { code }
  orders(options: { take: 1, filter: { active: { eq: false } } }) { totalItems }
  productVariants(options: { take: 1 }) { totalItems }
  stockLocations(options: { take: 1 }) { totalItems }
}
"""

_ORDER = """
fragment Everything on Order {
  id code state updatedAt orderPlacedAt currencyCode totalWithTax
  customer { firstName lastName emailAddress phoneNumber }
  shippingAddress {
    fullName company streetLine1 streetLine2 city province postalCode countryCode phoneNumber
  }
  billingAddress {
    fullName company streetLine1 streetLine2 city province postalCode countryCode phoneNumber
  }
  shippingLines { shippingMethod { code name } }
  lines { id quantity unitPrice productVariant { sku name } }
  fulfillments { id state lines { orderLineId quantity } }
}
"""

ORDERS = f"""
query Orders($skip: Int!, $take: Int!, $filter: OrderFilterParameter!) {{
  orders(options: {{ skip: $skip, take: $take, sort: {{ id: ASC }}, filter: $filter }}) {{
    items {{ ...Everything }}
  }}
}}
{_ORDER}"""

ORDER_IDS = """
query OrderIds($skip: Int!, $take: Int!, $filter: OrderFilterParameter!) {
  orders(options: { skip: $skip, take: $take, sort: { id: ASC }, filter: $filter }) {
    items { id }
  }
}
"""

ORDER_COUNT = """
query OrderCount($filter: OrderFilterParameter!) {
  orders(options: { take: 1, filter: $filter }) { totalItems }
}
"""

FULFILLMENTS = """
query Fulfillments($order: ID!) {
  order(id: $order) {
    state
    lines { id quantity }
    fulfillments { id state method trackingCode lines { orderLineId quantity } }
  }
  fulfillmentHandlers { code args { name } }
}
"""

FULFILL = """
mutation Fulfill($input: FulfillOrderInput!) {
  addFulfillmentToOrder(input: $input) {
    __typename
    ... on Fulfillment { id state }
    ... on ErrorResult { errorCode }
    ... on InsufficientStockOnHandError { stockOnHand }
  }
}
"""


def _move(operation: str, state: str) -> str:
    return f"""
mutation {operation}($id: ID!) {{
  transitionFulfillmentToState(id: $id, state: "{state}") {{
    __typename
    ... on Fulfillment {{ id state }}
    ... on ErrorResult {{ errorCode }}
    ... on FulfillmentStateTransitionError {{ fromState }}
  }}
}}
"""


SHIP = _move("Ship", "Shipped")
CANCEL = _move("Cancel", "Cancelled")

LOCATIONS = """
query Locations {
  stockLocations(options: { take: 100, sort: { id: ASC } }) { totalItems items { id name } }
}
"""

VARIANTS = """
query Variants($skip: Int!, $take: Int!, $skus: [String!]!) {
  productVariants(options: { skip: $skip, take: $take, sort: { id: ASC }, filter: { sku: { in: $skus } } }) {
    totalItems
    items { id sku trackInventory stockLevels { stockLocationId stockAllocated } }
  }
}
"""

READ_LEVELS = """
query ReadLevels($skip: Int!, $take: Int!, $skus: [String!]!) {
  productVariants(options: { skip: $skip, take: $take, sort: { id: ASC }, filter: { sku: { in: $skus } } }) {
    totalItems
    items { id sku trackInventory stockLevels { stockLocationId stockAllocated stockOnHand } }
  }
}
"""

SET_LEVELS = """
mutation SetLevels($changes: [UpdateProductVariantInput!]!) {
  updateProductVariants(input: $changes) { id stockLevels { stockLocationId stockAllocated } }
}
"""

SKUS = """
query Skus($skip: Int!, $take: Int!) {
  productVariants(options: { skip: $skip, take: $take, sort: { id: ASC } }) {
    totalItems
    items { id sku }
  }
}
"""

PRODUCTS = """
query Products($skip: Int!, $take: Int!, $filter: ProductVariantFilterParameter!) {
  productVariants(options: { skip: $skip, take: $take, sort: { id: ASC }, filter: $filter }) {
    items {
      id sku name enabled price currencyCode
      product { name enabled }
    }
  }
}
"""

DRAFTED = """
query Drafted($skus: [String!]!, $slugs: [String!]!, $take: Int!) {
  productVariants(options: { take: $take, sort: { id: ASC }, filter: { sku: { in: $skus } } }) {
    totalItems
    items { id sku }
  }
  products(options: { take: $take, sort: { id: ASC }, filter: { slug: { in: $slugs } } }) {
    totalItems
    items { id slug variants { id } }
  }
}
"""

CREATE_PRODUCT = """
mutation CreateProduct($input: CreateProductInput!) {
  createProduct(input: $input) { id }
}
"""

CREATE_VARIANTS = """
mutation CreateVariants($variants: [CreateProductVariantInput!]!) {
  createProductVariants(input: $variants) { id sku }
}
"""

SHIP_METHODS = """
query ShipMethods($skip: Int!, $take: Int!) {
  shippingMethods(options: { skip: $skip, take: $take, sort: { id: ASC } }) {
    totalItems
    items { code name }
  }
}
"""
