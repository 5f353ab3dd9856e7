"""The configuration of the office, file by file."""

DAEMON = 'state_dir = "{state}"\n'
MERCHANT = """
[warehouses.main]
platform = "wms"
account  = "acme"
timezone = "America/Chicago"
quantity = "available"
token    = { secret = "wms-token" }
"""
CONNECTION = """
id        = "c-{name}"
merchant  = "acme"
warehouse = "main"
timezone  = "America/New_York"
reference = "{letter}{{number}}"

[store]
platform = "shop"
account  = "{name}"

[channels.sales_orders]
import = []  # by hand
[channels.shipments]
export = []
[channels.inventory]
smart = []

[shipping]
methods = {{ "Standard" = "GND" }}
"""
