"""The channels and their jobs, as data: what each needs of both sides, and what one run does."""

from collections.abc import Awaitable, Callable

import msgspec

from dropstreamd.channels import inventory, orders, shipments
from dropstreamd.channels.run import Run
from dropstreamd.platform.contract import Part
from dropstreamd.platform.limiter import Priority

Execute = Callable[[Run, float], Awaitable[None]]
"""Does one run; the second argument is when the channel was first enabled, seconds since the epoch."""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One job of a channel. It exists for a connection where its store and its warehouse provide
    `part`. A pending run of a job takes in one of those it `absorbs`."""

    channel: str
    name: str
    part: Part
    title: str
    priority: Priority
    execute: Execute
    absorbs: str = ""

    @property
    def key(self) -> tuple[str, str]:
        return (self.channel, self.name)


async def _export_shipments(run: Run, _start_s: float) -> None:
    await shipments.export_shipments(run)


async def _smart(run: Run, _start_s: float) -> None:
    await inventory.smart(run)


async def _full(run: Run, _start_s: float) -> None:
    await inventory.full(run)


JOBS: tuple[Job, ...] = (
    Job(
        channel=orders.CHANNEL,
        name="import",
        part=Part.ORDERS,
        title="Import sales orders",
        priority=Priority.ORDERS,
        execute=orders.import_orders,
    ),
    Job(
        channel=shipments.CHANNEL,
        name="export",
        part=Part.SHIPMENTS,
        title="Export shipments",
        priority=Priority.ORDERS,
        execute=_export_shipments,
    ),
    Job(
        channel=inventory.CHANNEL,
        name="full",
        part=Part.INVENTORY,
        title="Full Sync",
        priority=Priority.FULL,
        execute=_full,
        absorbs="smart",
    ),
    Job(
        channel=inventory.CHANNEL,
        name="smart",
        part=Part.INVENTORY,
        title="Smart Sync",
        priority=Priority.SMART,
        execute=_smart,
    ),
)
"""In the order in which those of one channel go when several are due."""

CHANNELS: tuple[str, ...] = tuple(dict.fromkeys(job.channel for job in JOBS))


def of_channel(channel: str) -> tuple[Job, ...]:
    """The jobs of a channel, in their order."""
    return tuple(job for job in JOBS if job.channel == channel)
