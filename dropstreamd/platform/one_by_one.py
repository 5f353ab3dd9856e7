"""Single documents, and a platform that fails over one of them."""

from dropstreamd.errors import ProtocolMismatch, Unreachable

OF_ONE = (Unreachable, ProtocolMismatch)
"""Trouble that may be of a single document."""


class Failing:
    """What a platform failed over while several documents were read. Once, it may be the document; twice, it
    is the platform."""

    def __init__(self) -> None:
        self._first: Unreachable | ProtocolMismatch | None = None

    def over(self, error: Unreachable | ProtocolMismatch) -> str:
        """Why the document is bad. Raises the second error."""
        if self._first is not None:
            raise error
        self._first = error
        return f"the store fails to tell it: {error.message}"

    def unless(self, answered: bool) -> None:
        """Raises the error, if there was one and nothing else was answered."""
        if self._first is not None and not answered:
            raise self._first
