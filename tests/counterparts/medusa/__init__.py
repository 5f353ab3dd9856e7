"""A real Medusa on a PostgreSQL of its own, and a typed client that acts as its merchant and its buyers."""
