"""dropstreamd joins eCommerce stores to third-party warehouses."""
