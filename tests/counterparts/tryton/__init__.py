"""A real Tryton as a warehouse: its server, and its staff."""
