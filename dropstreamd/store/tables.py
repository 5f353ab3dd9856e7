"""The tables of the state, and whose rows each holds.

A table's keys begin with its owner: a connection's id, or a merchant and a warehouse of his. What
moves or is removed with an owner is what stands under its prefix, in every table.
"""

import enum

from dropstreamd.store.keys import Key


class Owner(enum.Enum):
    """Whose rows a table holds: the value is the number of parts that name the owner."""

    STORE = 0
    CONNECTION = 1
    WAREHOUSE = 2


class Table(enum.Enum):
    """One ordered table. The value is its name on disk: adding or renaming one needs a migration."""

    DOCUMENTS = "documents"
    PENDING = "pending"
    ATTEMPTS = "attempts"
    PARKED = "parked"
    TASKS = "tasks"
    CURSORS = "cursors"
    RUNS = "runs"
    ACTIVITY = "activity"
    SWITCHES = "switches"
    SCHEDULE = "schedule"
    CATALOGUE = "catalogue"
    PLANS = "plans"

    STOCK = "stock"
    FACILITY_STOCK = "facility_stock"
    GENERATIONS = "generations"
    FILES = "files"
    LINKS = "links"
    PROMISES = "promises"
    CONTROL_NUMBERS = "control_numbers"
    UNMATCHED = "unmatched"

    META = "meta"

    @property
    def owner(self) -> Owner:
        """Whose rows this table holds."""
        if self is Table.META:
            return Owner.STORE
        return Owner.WAREHOUSE if self in _OF_A_WAREHOUSE else Owner.CONNECTION


_OF_A_WAREHOUSE = frozenset(
    {
        Table.STOCK,
        Table.FACILITY_STOCK,
        Table.GENERATIONS,
        Table.FILES,
        Table.LINKS,
        Table.PROMISES,
        Table.CONTROL_NUMBERS,
        Table.UNMATCHED,
    }
)


def check_owned(table: Table, key: Key) -> None:
    """ValueError, a bug of the caller, unless `key` (or prefix) names its owner in full."""
    named = key[: table.owner.value]
    if not key or len(named) < table.owner.value or not all(named):
        raise ValueError(f"{table.value}: {key!r} does not name its {table.owner.name.lower()}")
