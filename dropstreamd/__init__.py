"""dropstreamd joins eCommerce stores to third-party warehouses."""

__version__ = "0.1.0"
