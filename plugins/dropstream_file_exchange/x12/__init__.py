"""ANSI X12 004010: shipping orders to a warehouse, its advices, and acknowledgements both ways."""
