"""What the tests of the WooCommerce plugin share: accounts, the plugin's own settings, and packages."""

from collections.abc import Mapping

import msgspec

from dropstream_woocommerce.settings import Settings, pace
from dropstream_woocommerce.store import WooCommerceStore, open_store
from dropstreamd.clock import Clock, utc
from dropstreamd.errors import OutcomeUnknown
from dropstreamd.model.handover import Item, Outcome, Prepared
from dropstreamd.model.shipments import Fulfillment
from dropstreamd.platform.limiter import Budget, Pace
from tests.fakes.woocommerce import KEY
from tests.fakes.woocommerce_rows import Row
from tests.plugins import things
from tests.plugins.host import Steps, StoreAccount, TestHost
from tests.plugins.things import prepared, push


def settings(url: str, **values: object) -> Settings:
    """As decoded from a `[store]` table."""
    table = {
        "url": url,
        "consumer_key": KEY,
        "consumer_secret": {"secret": "secret"},
        "allow_private_address": True,
        **values,
    }
    return msgspec.convert(table, Settings)


class Account(StoreAccount[Settings, WooCommerceStore], frozen=True):
    """A store whose every package is a run's only one."""

    async def push(self, item: Item[Fulfillment], **changes: object) -> Outcome:
        async with self.open(**changes) as store:
            return await push(store, item)

    async def push_or_recover(self, item: Item[Fulfillment], **changes: object) -> Outcome:
        """As the daemon does after an answer that was lost."""
        steps = Steps()
        async with self.open(**changes) as store:
            one = prepared(store, item)
            try:
                (outcome,) = await store.shipments.push(one, steps)
            except OutcomeUnknown:
                return await self.recover(one, steps, **changes)
            return outcome

    async def recover(self, one: Prepared, steps: Steps, **changes: object) -> Outcome:
        async with self.open(**changes) as store:
            (outcome,) = await store.shipments.recover(one, (steps.taken or [""])[-1], Steps())
            return outcome


FAST = pace(settings("http://127.0.0.1", calls_per_s=100.0))


def account_at(clock: Clock, secrets: Mapping[str, str], chosen: Settings, allows: Pace = FAST) -> Account:
    return Account(TestHost("woocommerce:test", clock, secrets, Budget(allows)), chosen, open_store)


def package(
    key: str, made: Row, units: int, *tracking: str, line: int = 0, remote: str | None = None, url: str = ""
) -> Item[Fulfillment]:
    """Units of a line of an order."""
    sold = str(made["line_items"][line]["id"])
    item = things.package(
        key,
        str(made["id"]),
        {sold: units},
        *tracking,
        order_number=made["number"],
        service="",
        tracking_url=url,
        shipped_at=utc(1_795_200_000),
    )
    return msgspec.structs.replace(item, remote=remote)
