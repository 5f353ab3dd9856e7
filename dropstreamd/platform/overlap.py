"""Reading a list that can only be paged by offset, while it changes.

The list is asked for in an order that no row ever changes its place in, such as that of its ids. A row
that leaves the list meanwhile moves the later ones up, and would make a page skip one. So each page
begins with the last row of the one before; where that row is not the first, the reading goes back until it
joins again.
"""

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Overlap:
    """One reading. Ask for rows from `skip` on, and give them to `fresh`, until `done`."""

    def __init__(self) -> None:
        self.skip = 0
        self.done = False
        self._seen: set[str] = set()

    def fresh(self, rows: Sequence[T], keys: Sequence[str], take: int) -> list[T]:
        """Those that were not seen yet, of the rows that came for `take` (two at least). `keys` are
        theirs, each row's own and always the same. There may be none; then `done` says whether more come."""
        if self.skip and not (keys and keys[0] in self._seen):
            self.skip = max(0, self.skip - take)
            return []
        found = [row for key, row in zip(keys, rows, strict=True) if key not in self._seen]
        self._seen.update(keys)
        self.done = len(rows) < take
        self.skip += take - 1
        return found
