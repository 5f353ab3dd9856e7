"""A warehouse of its own on a Tryton, with one merchant's goods, and the people who work in it."""

from .receiving import Receiving
from .shipping import Shipping


class TrytonWarehouse(Shipping, Receiving):
    """The whole staff, on the same premises: who ships and who receives know nothing of each other."""
