"""The documents that are asked of ShipHero about orders, shipments and credits, and what they ask for.

`cost` is what ShipHero's formula gives: 1, and for each row of a page 1 and what is asked beside it
("Throttling & Quotas"). What a document turns out to ask for is learned.
"""

import msgspec

SHIPMENTS_AT_ONCE = 40
LINES_AT_ONCE = 10
ORDERS_AT_ONCE = 50
LINES_OF_ONE = 100
SAME_REFERENCE = 5


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """One named operation. One that is not `counted` is asked whatever credits there are known to be."""

    name: str
    text: str
    cost: float
    counted: bool = True


def paged(at_once: int, inner: float = 0.0) -> float:
    """What a page of so many rows asks for."""
    return 1.0 + at_once * (1.0 + inner)


QUOTA = Document(
    name="Quota",
    cost=1.0,
    counted=False,
    text="query Quota { user_quota { credits_remaining max_available increment_rate } }",
)

ACCOUNT = Document(
    name="Account",
    cost=20.0,
    counted=False,
    text="""query Account($warehouse: String, $customer: String) {
  me { complexity data { email } }
  account { complexity data { id email warehouses { id identifier } } }
  warehouse_products(warehouse_id: $warehouse, customer_account_id: $customer) {
    complexity
    data(first: 1) { edges { cursor node { id } } }
  }
}""",
)

_PAGE = "pageInfo { hasNextPage endCursor }"

_SHIPPED = """
      id quantity shipping_label_id line_item { sku partner_line_item_id }"""

SHIPMENTS = Document(
    name="Shipments",
    cost=paged(SHIPMENTS_AT_ONCE, 2 * LINES_AT_ONCE + 2),
    text=f"""query Shipments(
  $date_from: ISODateTime, $date_to: ISODateTime, $voided: Boolean, $customer_account_id: String,
  $first: Int, $after: String
) {{
  shipments(
    date_from: $date_from, date_to: $date_to, voided: $voided, customer_account_id: $customer_account_id
  ) {{
    complexity
    data(first: $first, after: $after) {{
      {_PAGE}
      edges {{ cursor node {{
        id created_date
        order {{ partner_order_id shop_name }}
        shipping_labels {{
          id status refunded tracking_number tracking_url carrier shipping_name shipping_method created_date
        }}
        line_items(first: {LINES_AT_ONCE}) {{ {_PAGE} edges {{ cursor node {{ {_SHIPPED} }} }} }}
      }} }}
    }}
  }}
}}""",
)

SHIPMENT_LINES = Document(
    name="ShipmentLines",
    cost=paged(LINES_OF_ONE, 1),
    text=f"""query ShipmentLines($id: String, $after: String) {{
  shipment(id: $id) {{
    complexity
    data {{ line_items(first: {LINES_OF_ONE}, after: $after) {{
      {_PAGE} edges {{ cursor node {{ {_SHIPPED} }} }}
    }} }}
  }}
}}""",
)

_ORDERED = """
      id sku quantity quantity_shipped partner_line_item_id"""

_ADDRESS = "first_name last_name company address1 address2 city state zip country email phone"

_STATE = """id order_number partner_order_id shop_name fulfillment_status updated_at
        holds { fraud_hold address_hold shipping_method_hold operator_hold payment_hold client_hold }"""

ORDERS = Document(
    name="Orders",
    cost=paged(ORDERS_AT_ONCE, LINES_AT_ONCE + 1),
    text=f"""query Orders(
  $shop_name: String, $updated_from: ISODateTime, $updated_to: ISODateTime, $customer_account_id: String,
  $first: Int, $after: String
) {{
  orders(
    shop_name: $shop_name, updated_from: $updated_from, updated_to: $updated_to,
    customer_account_id: $customer_account_id
  ) {{
    complexity
    data(first: $first, after: $after) {{
      {_PAGE}
      edges {{ cursor node {{
        {_STATE}
        line_items(first: {LINES_AT_ONCE}) {{ {_PAGE} edges {{ cursor node {{ {_ORDERED} }} }} }}
      }} }}
    }}
  }}
}}""",
)

STANDING = Document(
    name="Standing",
    cost=paged(SAME_REFERENCE, LINES_AT_ONCE + 3),
    text=f"""query Standing($partner_order_id: String, $customer_account_id: String, $after: String) {{
  orders(partner_order_id: $partner_order_id, customer_account_id: $customer_account_id) {{
    complexity
    data(first: {SAME_REFERENCE}, after: $after) {{
      {_PAGE}
      edges {{ cursor node {{
        {_STATE}
        gift_note packing_note required_ship_date
        shipping_lines {{ title carrier method }}
        shipping_address {{ {_ADDRESS} }}
        line_items(first: {LINES_AT_ONCE}) {{ {_PAGE} edges {{ cursor node {{ {_ORDERED} }} }} }}
      }} }}
    }}
  }}
}}""",
)

ORDER_LINES = Document(
    name="OrderLines",
    cost=paged(LINES_OF_ONE),
    text=f"""query OrderLines($id: String!, $after: String) {{
  order(id: $id) {{
    complexity
    data {{ line_items(first: {LINES_OF_ONE}, after: $after) {{
      {_PAGE} edges {{ cursor node {{ {_ORDERED} }} }}
    }} }}
  }}
}}""",
)


def _order_mutation(name: str, field: str, takes: str) -> Document:
    return Document(
        name=name,
        cost=12.0,
        text=f"""mutation {name}($data: {takes}!) {{
  {field}(data: $data) {{ complexity order {{ id fulfillment_status }} }}
}}""",
    )


CREATE_ORDER = _order_mutation("CreateOrder", "order_create", "CreateOrderInput")
CANCEL_ORDER = _order_mutation("CancelOrder", "order_cancel", "CancelOrderInput")
UPDATE_ORDER = _order_mutation("UpdateOrder", "order_update", "UpdateOrderInput")
ADD_LINES = _order_mutation("AddLines", "order_add_line_items", "AddLineItemsInput")
UPDATE_LINES = _order_mutation("UpdateLines", "order_update_line_items", "UpdateLineItemsInput")
REMOVE_LINES = _order_mutation("RemoveLines", "order_remove_line_items", "RemoveLineItemsInput")
