"""What moves between a store and a warehouse: frozen data, no I/O."""
