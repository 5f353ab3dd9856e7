"""What an author tells the suite about a plugin's counterpart: a `Rig`, with a bench for each part.

A rig stands for one counterpart, real or a double, that nobody else uses meanwhile. The suite reaches
it through a proxy of its own, so that a rig says where it listens, and how settings look that lead to
a given port of 127.0.0.1.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Generic, Literal, Protocol, TypeVar

import msgspec

from dropstreamd.model.handover import Item
from dropstreamd.model.stock import Level
from dropstreamd.platform.contract import Part

T = TypeVar("T")
D_contra = TypeVar("D_contra", contravariant=True)

Effect = Literal["whole", "half"]
"""What a document came to in the counterpart: all of it, or something that is not finished."""


class SourceBench(Protocol[D_contra]):
    """Documents that a plugin reads: a store's orders, returns or products, a warehouse's packages,
    receipts, items, purchase orders or acknowledgements.

    A *name* is what the author calls a document, such as an order's number; the plugin's key may be
    another. `many` is more documents than the plugin brings in one page.
    """

    @property
    def many(self) -> int: ...

    async def add(self, count: int) -> Sequence[str]:
        """Make so many new documents appear, in one instant as far as the platform lets it; their
        names."""
        ...

    async def change(self, name: str) -> None:
        """Change one so that its document differs, as a person or the platform would."""
        ...

    async def spoil(self) -> None:
        """Make one appear, beside the others, that the plugin cannot decode."""
        ...

    def name(self, document: D_contra) -> str:
        """What the author called it."""
        ...

    def changed(self, document: D_contra) -> bool:
        """Whether it shows the change."""
        ...


class OrderBench(SourceBench[D_contra], Protocol[D_contra]):
    """A store's orders, or its returns: they can be cancelled too."""

    async def cancel(self, name: str) -> None:
        """Cancel it whole."""
        ...


class FragileBench(OrderBench[D_contra], Protocol[D_contra]):
    """A store's orders, where the counterpart can be made to fail over one of them."""

    async def fail_over(self, name: str) -> None:
        """From now on it fails whenever it is to tell this one whole, alone or with others."""
        ...

    async def mend(self, name: str) -> None:
        """It tells this one again."""
        ...


class StockBench(Protocol):
    """A warehouse's snapshots. `many` is more rows than the plugin brings in one page; 0 where all of them
    come in one, however many they are."""

    @property
    def many(self) -> int: ...

    async def snapshot(self, units: Mapping[str, int]) -> None:
        """A new snapshot, later than those before: units by SKU."""
        ...

    async def spoiled(self, units: Mapping[str, int]) -> None:
        """A new snapshot of these, with one row more that the plugin cannot decode."""
        ...


class SinkBench(Protocol[T]):
    """Where a plugin writes documents to."""

    async def items(self, count: int) -> Sequence[Item[T]]:
        """So many new documents that the counterpart will take, none of them written before."""
        ...

    async def refused(self) -> Item[T]:
        """One that the plugin or the counterpart has to refuse."""
        ...

    async def effects(self, item: Item[T]) -> Sequence[Effect]:
        """Each effect that it has had, looked up behind the plugin's back. For a level: one whole
        effect where the counterpart shows it, else none."""
        ...


class LocatedBench(SinkBench[Level], Protocol):
    """Where a store's plugin writes levels by location. `nowhere` is written as a location's name, and no
    location of the store."""

    @property
    def nowhere(self) -> str: ...

    async def locations(self) -> tuple[str, str]:
        """Two locations of the store, as `[locations]` may name them; made where there is one alone. What
        `items` makes afterwards can be stocked at both."""
        ...

    async def shows(self, location: str, sku: str) -> int | None:
        """The units that it sells of a SKU there, looked up behind the plugin's back; None where it is not
        stocked."""
        ...


class AmendBench(SinkBench[T], Protocol[T]):
    """Where a plugin amends too. What stands for a document in the counterpart is a `whole` effect of
    the revision that it shows, and a `half` one of any other."""

    def amended(self, item: Item[T], remote: str) -> Item[T]:
        """The same document, changed since it was accepted as `remote`, as a source would change it."""
        ...


class Rig(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """One counterpart.

    `table` gives the plugin's settings as a person writes them, for a counterpart at this port of
    127.0.0.1, where `port` is its own. `secrets` are those that the table names; `wrong_secrets`
    are well formed, and refused. `trace` is everything that the counterpart holds: equal to itself
    as long as nobody writes. `now_s` is the wall clock's start, by default the machine's time. A real
    server, where each call takes long, is not `quick`: some rules are tried on it only when asked for.
    """

    port: int
    table: Callable[[int], Mapping[str, object]]
    secrets: Mapping[str, str]
    wrong_secrets: Mapping[str, str]
    trace: Callable[[], Awaitable[object]]
    benches: Mapping[Part, T]
    now_s: float | None = None
    quick: bool = True
