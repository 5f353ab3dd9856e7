"""The documents about goods: shipments, levels, products and returns. More of `documents`."""

from dropstream_shopify.documents import Document

# ---- shipments

_FULFILLMENT = """
fragment Fulfilled on Fulfillment {
  id status
  trackingInfo { number company url }
  fulfillmentLineItems(first: 250) { nodes { quantity lineItem { id } } }
}
"""

FULFILLABLE = Document(
    name="Fulfillable",
    cost=250,
    text="""
query Fulfillable($id: ID!) {
  fulfillmentOrder(id: $id) {
    id status
    order { name cancelledAt }
    lineItems(first: 250) { nodes { id totalQuantity remainingQuantity lineItem { id } } }
    fulfillments(first: 100, reverse: true) { nodes { ...Fulfilled } }
  }
}
"""
    + _FULFILLMENT,
)

FULFILLMENT = Document(
    name="OneFulfillment",
    cost=25,
    text="""
query OneFulfillment($id: ID!) {
  fulfillment(id: $id) { ...Fulfilled }
}
"""
    + _FULFILLMENT,
)

FULFILL = Document(
    name="Fulfill",
    cost=11,
    text="""
mutation Fulfill($fulfillment: FulfillmentInput!) {
  fulfillmentCreate(fulfillment: $fulfillment) {
    fulfillment { id status }
    userErrors { field message }
  }
}
""",
)

RETRACK = Document(
    name="Retrack",
    cost=11,
    text="""
mutation Retrack($id: ID!, $tracking: FulfillmentTrackingInput!, $notify: Boolean!) {
  fulfillmentTrackingInfoUpdate(
    fulfillmentId: $id, trackingInfoInput: $tracking, notifyCustomer: $notify
  ) {
    fulfillment { id status }
    userErrors { field message }
  }
}
""",
)

# ---- inventory

ITEMS = Document(
    name="Items",
    cost=30,
    text="""
query Items($after: String, $query: String!) {
  productVariants(first: 250, after: $after, query: $query) {
    pageInfo { hasNextPage endCursor }
    nodes { id sku inventoryItem { id tracked } }
  }
}
""",
)

COUNTED_ITEMS = Document(
    name="CountedItems",
    cost=45,
    text="""
query CountedItems($after: String, $query: String!, $location: ID!) {
  productVariants(first: 250, after: $after, query: $query) {
    pageInfo { hasNextPage endCursor }
    nodes {
      id sku
      inventoryItem {
        id tracked
        inventoryLevel(locationId: $location) { quantities(names: ["available"]) { quantity } }
      }
    }
  }
}
""",
)

SET_LEVELS = Document(
    name="SetLevels",
    cost=13,
    text="""
mutation SetLevels($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup { id }
    userErrors { code field message }
  }
}
""",
)

STOCK_ITEM = Document(
    name="StockItem",
    cost=11,
    text="""
mutation StockItem($item: ID!, $location: ID!, $available: Int!, $key: String!) {
  inventoryActivate(inventoryItemId: $item, locationId: $location, available: $available)
    @idempotent(key: $key) {
    inventoryLevel { id }
    userErrors { field message }
  }
}
""",
)

# ---- products

PRODUCTS = Document(
    name="Products",
    cost=90,
    text="""
query Products($after: String) {
  productVariants(first: 250, after: $after, sortKey: ID) {
    pageInfo { hasNextPage endCursor }
    nodes {
      id sku barcode price title updatedAt
      product { title vendor status }
      inventoryItem {
        harmonizedSystemCode countryCodeOfOrigin requiresShipping
        measurement { weight { value unit } }
      }
    }
  }
}
""",
)

DRAFTED = Document(
    name="Drafted",
    cost=20,
    text="""
query Drafted($handle: String!, $query: String!) {
  productByIdentifier(identifier: { handle: $handle }) { id }
  productVariants(first: 10, query: $query) { nodes { sku product { id } } }
}
""",
)

DRAFT = Document(
    name="Draft",
    cost=12,
    text="""
mutation Draft($input: ProductSetInput!) {
  productSet(input: $input, synchronous: true) {
    product { id status }
    userErrors { code field message }
  }
}
""",
)

# ---- returns

_RETURN = """
fragment Asked on Return {
  id name status createdAt requestApprovedAt closedAt
  order {
    id name
    fulfillmentOrders(first: 10) {
      nodes {
        id
        assignedLocation { location { id } }
        lineItems(first: 25) { nodes { lineItem { id } } }
      }
    }
  }
  returnLineItems(first: 50) {
    pageInfo { hasNextPage }
    nodes {
      __typename id quantity returnReasonNote customerNote
      returnReasonDefinition { name }
      ... on ReturnLineItem { fulfillmentLineItem { lineItem { id sku } } }
    }
  }
  reverseFulfillmentOrders(first: 2) {
    nodes {
      reverseDeliveries(first: 2) {
        nodes {
          deliverable { ... on ReverseDeliveryShippingDeliverable { tracking { number carrierName } } }
        }
      }
    }
  }
}
"""

OPEN_RETURNS = Document(
    name="OpenReturns",
    cost=60,
    text="""
query OpenReturns($after: String, $query: String!) {
  orders(first: 100, after: $after, sortKey: ID, query: $query) {
    pageInfo { hasNextPage endCursor }
    nodes { id returns(first: 10) { pageInfo { hasNextPage } nodes { id status } } }
  }
}
""",
)

RETURNS_BY_ID = Document(
    name="ReturnsById",
    cost=450,
    text="""
query ReturnsById($ids: [ID!]!) {
  nodes(ids: $ids) { __typename ...Asked }
}
"""
    + _RETURN,
)

DISPOSABLE = Document(
    name="Disposable",
    cost=150,
    text="""
query Disposable($id: ID!) {
  return(id: $id) {
    id name status
    reverseFulfillmentOrders(first: 10) {
      nodes {
        id status
        lineItems(first: 50) {
          nodes {
            id totalQuantity
            fulfillmentLineItem { lineItem { id } }
            dispositions { type quantity }
          }
        }
      }
    }
  }
}
""",
)

DISPOSE = Document(
    name="Dispose",
    cost=12,
    text="""
mutation Dispose($inputs: [ReverseFulfillmentOrderDisposeInput!]!) {
  reverseFulfillmentOrderDispose(dispositionInputs: $inputs) {
    reverseFulfillmentOrderLineItems { id }
    userErrors { code field message }
  }
}
""",
)
