"""The documents that are asked of ShipHero about stock, products, purchase orders and returns."""

from dropstream_shiphero.documents import LINES_AT_ONCE, LINES_OF_ONE, Document, paged

STOCK_AT_ONCE = 100
PRODUCTS_AT_ONCE = 100
PURCHASES_AT_ONCE = 25
RETURNS_AT_ONCE = 50
PURCHASE_LINES_AT_ONCE = 25
SAME_SKU = 2

_PAGE = "pageInfo { hasNextPage endCursor }"

STOCK = Document(
    name="Stock",
    cost=paged(STOCK_AT_ONCE),
    text=f"""query Stock($warehouse_id: String, $customer_account_id: String, $first: Int, $after: String) {{
  warehouse_products(warehouse_id: $warehouse_id, customer_account_id: $customer_account_id) {{
    complexity
    data(first: $first, after: $after) {{
      {_PAGE}
      edges {{ cursor node {{
        id sku warehouse_id on_hand available reserve_inventory non_sellable_quantity
      }} }}
    }}
  }}
}}""",
)

_PRODUCT = """id sku name barcode country_of_manufacture tariff_code active created_at updated_at
        dimensions { weight }"""

PRODUCTS = Document(
    name="Products",
    cost=paged(PRODUCTS_AT_ONCE, 1),
    text=f"""query Products(
  $updated_from: ISODateTime, $updated_to: ISODateTime, $customer_account_id: String,
  $first: Int, $after: String
) {{
  products(updated_from: $updated_from, updated_to: $updated_to, customer_account_id: $customer_account_id) {{
    complexity
    data(first: $first, after: $after) {{
      {_PAGE}
      edges {{ cursor node {{ {_PRODUCT} }} }}
    }}
  }}
}}""",
)

PRODUCT = Document(
    name="ProductBySku",
    cost=paged(SAME_SKU, 2),
    text=f"""query ProductBySku($sku: String, $customer_account_id: String) {{
  products(sku: $sku, customer_account_id: $customer_account_id) {{
    complexity
    data(first: {SAME_SKU}) {{
      edges {{ cursor node {{ {_PRODUCT} warehouse_products {{ warehouse_id }} }} }}
    }}
  }}
}}""",
)

CREATE_PRODUCT = Document(
    name="CreateProduct",
    cost=12.0,
    text="""mutation CreateProduct($data: CreateProductInput!) {
  product_create(data: $data) { complexity product { id } }
}""",
)

UPDATE_PRODUCT = Document(
    name="UpdateProduct",
    cost=12.0,
    text="""mutation UpdateProduct($data: UpdateProductInput!) {
  product_update(data: $data) { complexity product { id } }
}""",
)

ADD_TO_WAREHOUSE = Document(
    name="AddToWarehouse",
    cost=12.0,
    text="""mutation AddToWarehouse($data: AddProductToWarehouseInput!) {
  product_add_to_warehouse(data: $data) { complexity warehouse_product { id } }
}""",
)

_PO_LINE = "id sku quantity quantity_received quantity_rejected updated_at"

PURCHASES = Document(
    name="Purchases",
    cost=paged(PURCHASES_AT_ONCE, PURCHASE_LINES_AT_ONCE + 1),
    text=f"""query Purchases(
  $warehouse_id: String, $created_from: ISODateTime, $customer_account_id: String, $first: Int, $after: String
) {{
  purchase_orders(
    warehouse_id: $warehouse_id, created_from: $created_from, customer_account_id: $customer_account_id
  ) {{
    complexity
    data(first: $first, after: $after) {{
      {_PAGE}
      edges {{ cursor node {{
        id po_number created_at po_date fulfillment_status po_note
        vendor {{ name }}
        line_items(first: {PURCHASE_LINES_AT_ONCE}) {{ {_PAGE} edges {{ cursor node {{ {_PO_LINE} }} }} }}
      }} }}
    }}
  }}
}}""",
)

PURCHASE_LINES = Document(
    name="PurchaseLines",
    cost=paged(LINES_OF_ONE),
    text=f"""query PurchaseLines($id: String, $after: String) {{
  purchase_order(id: $id) {{
    complexity
    data {{ line_items(first: {LINES_OF_ONE}, after: $after) {{
      {_PAGE} edges {{ cursor node {{ {_PO_LINE} }} }}
    }} }}
  }}
}}""",
)

_RETURN = """id partner_id
        order { partner_order_id shop_name }
        labels { tracking_number }
        line_items {
          id quantity_received restock condition line_item { sku partner_line_item_id }
        }"""

RETURNS = Document(
    name="Returns",
    cost=paged(RETURNS_AT_ONCE, LINES_AT_ONCE),
    text=f"""query Returns(
  $warehouse_id: String, $date_from: ISODateTime, $customer_account_id: String, $first: Int, $after: String
) {{
  returns(warehouse_id: $warehouse_id, date_from: $date_from, customer_account_id: $customer_account_id) {{
    complexity
    data(first: $first, after: $after) {{
      {_PAGE}
      edges {{ cursor node {{ {_RETURN} }} }}
    }}
  }}
}}""",
)

RETURNS_OF_ORDER = Document(
    name="ReturnsOfOrder",
    cost=paged(LINES_AT_ONCE, 5),
    text=f"""query ReturnsOfOrder($order_id: String, $customer_account_id: String) {{
  returns(order_id: $order_id, customer_account_id: $customer_account_id) {{
    complexity
    data(first: {LINES_AT_ONCE}) {{ {_PAGE} edges {{ cursor node {{ {_RETURN} }} }} }}
  }}
}}""",
)

CREATE_RETURN = Document(
    name="CreateReturn",
    cost=12.0,
    text="""mutation CreateReturn($data: CreateReturnInput!) {
  return_create(data: $data) { complexity return { id } }
}""",
)
