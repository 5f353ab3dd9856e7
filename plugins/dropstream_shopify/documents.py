"""Every GraphQL document that is sent, for Admin API 2026-07.

`cost` is what Shopify will ask for before it runs one ("requestedQueryCost"), estimated from recorded
answers: an object costs 1, a mutation 10, a connection 2 and its node's cost some times over (4 times for a
page of 10, 8 for 100). It only has to be near: what an answer says of itself is used from then on.
"""

import msgspec


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """One operation. `name` is the operation's own."""

    name: str
    text: str
    cost: float


# ---- the shop

READABLE = Document(
    name="Readable",
    cost=6,
    text="""
query Readable {
  shop { name myshopifyDomain currencyCode }
  currentAppInstallation { accessScopes { handle } }
}
""",
)

LOCATIONS = Document(
    name="Locations",
    cost=10,
    text="""
query Locations($after: String) {
  locations(first: 100, after: $after, includeInactive: true, includeLegacy: true) {
    pageInfo { hasNextPage endCursor }
    nodes { id name isActive fulfillsOnlineOrders isFulfillmentService }
  }
}
""",
)

SKUS = Document(
    name="Skus",
    cost=30,
    text="""
query Skus($after: String) {
  productVariants(first: 250, after: $after, sortKey: ID) {
    pageInfo { hasNextPage endCursor }
    nodes { sku inventoryItem { tracked requiresShipping } }
  }
}
""",
)

SHIP_METHODS = Document(
    name="ShipMethods",
    cost=25,
    text="""
query ShipMethods {
  orders(first: 250, sortKey: CREATED_AT, reverse: true) { nodes { shippingLine { title code } } }
}
""",
)

# ---- orders

_FULFILLMENT_ORDER = """
fragment Everything on FulfillmentOrder {
  id status requestStatus createdAt updatedAt fulfillBy
  assignedLocation { location { id } }
  deliveryMethod {
    methodType presentedName serviceCode maxDeliveryDateTime
    additionalInformation { instructions }
  }
  destination {
    firstName lastName company address1 address2 city province zip countryCode phone email
  }
  internationalDuties { incoterm }
  order {
    id name processedAt updatedAt cancelledAt test note poNumber email phone
    displayFinancialStatus
    customAttributes { key value }
    totalPriceSet { shopMoney { amount currencyCode } }
    shippingLine { title code }
    shippingAddress { province provinceCode countryCodeV2 }
    billingAddress {
      firstName lastName company address1 address2 city province provinceCode zip countryCodeV2 phone
    }
    localizedFields(first: 5) { nodes { key value } }
    fulfillments(first: 50) { status createdAt }
    fulfillmentOrders(first: 20) { nodes { id assignedLocation { location { id } } } }
  }
  lineItems(first: 25) { pageInfo { hasNextPage endCursor } nodes { ...Line } }
}
"""

_LINE = """
fragment Line on FulfillmentOrderLineItem {
  id totalQuantity remainingQuantity requiresShipping sku productTitle variantTitle
  weight { value unit }
  shippingLine { title code }
  lineItem {
    id currentQuantity
    originalUnitPriceSet { shopMoney { amount currencyCode } }
    lineItemGroup { id }
    variant { barcode inventoryItem { harmonizedSystemCode countryCodeOfOrigin } }
  }
}
"""

OPEN_ORDERS = Document(
    name="OpenOrders",
    cost=640,
    text="""
query OpenOrders($first: Int!, $after: String, $query: String, $closed: Boolean!) {
  fulfillmentOrders(
    first: $first, after: $after, sortKey: UPDATED_AT, query: $query, includeClosed: $closed
  ) {
    pageInfo { hasNextPage endCursor }
    nodes { ...Everything }
  }
}
"""
    + _FULFILLMENT_ORDER
    + _LINE,
)

CHANGED_ORDERS = Document(
    name="ChangedOrders",
    cost=80,
    text="""
query ChangedOrders($after: String, $query: String!) {
  orders(first: 100, after: $after, sortKey: UPDATED_AT, query: $query) {
    pageInfo { hasNextPage endCursor }
    nodes { id updatedAt fulfillmentOrders(first: 20) { nodes { id } } }
  }
}
""",
)

ORDERS_BY_ID = Document(
    name="OrdersById",
    cost=640,
    text="""
query OrdersById($ids: [ID!]!) {
  nodes(ids: $ids) { __typename ...Everything }
}
"""
    + _FULFILLMENT_ORDER
    + _LINE,
)

MORE_LINES = Document(
    name="MoreLines",
    cost=80,
    text="""
query MoreLines($id: ID!, $after: String) {
  fulfillmentOrder(id: $id) {
    lineItems(first: 250, after: $after) { pageInfo { hasNextPage endCursor } nodes { ...Line } }
  }
}
"""
    + _LINE,
)
