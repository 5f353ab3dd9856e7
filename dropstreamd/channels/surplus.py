"""Units that left beyond what was ordered: a person's, the store is not told of them."""

from collections import Counter

from dropstreamd.channels.references import Allocation
from dropstreamd.model.orders import OutboundOrder
from dropstreamd.model.shipments import Package
from dropstreamd.store.records import Task


def task(
    order: OutboundOrder,
    package: Package,
    allocation: tuple[Allocation, ...],
    spare: Counter[str],
    now_s: float,
) -> tuple[str, Task]:
    """The task of a package of which no line of its order takes the `spare` units, with its key."""
    return (
        f"{package.key} over",
        Task(
            kind="over-shipped",
            number=order.number,
            title=f"{order.number}: more left the warehouse than was ordered",
            detail=_too_much(package, allocation, spare),
            since_s=now_s,
        ),
    )


def _too_much(package: Package, allocation: tuple[Allocation, ...], spare: Counter[str]) -> str:
    surplus = ", ".join(f"{units} × {sku}" for sku, units in sorted(spare.items()))
    told = "the rest was told to the store" if allocation else "the store was told nothing of it"
    tracking = ", ".join(package.tracking_numbers) or "none"
    return f"package {package.key}: {surplus} too many; {told}; tracking number {tracking}"
