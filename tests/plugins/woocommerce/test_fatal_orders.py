"""A shop that fails over single orders, wherever it is asked for them: the others pass."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest
import trio
from trio.testing import MockClock

from dropstreamd.errors import AuthFailed, DropstreamError, ProtocolMismatch, Unreachable
from dropstreamd.platform.contract import Store, Warehouse
from dropstreamd.platform.limiter import Priority
from dropstreamd.store.lmdb_store import InlineStore
from dropstreamd.store.records import State
from tests.channels.plant import Plant, connection
from tests.fakes.woocommerce import FakeWooCommerce, Fault
from tests.fakes.woocommerce_rows import FATAL, Row
from tests.fakes.woocommerce_shop import WooShop
from tests.plugins.runs import Listing

from .stores import Account
from .test_orders import LIST, again, keys, place

ONE = "GET wc/v3/orders/*"
DOWN: tuple[Fault, ...] = ("html",) * 40
REASON = "the store fails to tell it: "

ANSWERS = pytest.mark.parametrize("answers", [500, 200], ids=["500", "unreadable"])
"""What PHP ends with: its status, or a page in the place of JSON."""


def fatal(row: Row, answers: int = 200) -> Row:
    row[FATAL] = answers
    return row


async def reread(account: Account, *rows: Row) -> dict[str, str]:
    async with account.open() as store:
        told = await store.orders_again.read([str(row["id"]) for row in rows])
    assert all(bad.reason.startswith(REASON) for bad in told.bad)
    return {order.key: order.status for order in told.documents} | {bad.key: "bad" for bad in told.bad}


@ANSWERS
async def test_its_neighbours_pass(
    fake: FakeWooCommerce, account: Account, shop: WooShop, quick_clock: MockClock, answers: int
) -> None:
    """In the first run as in later ones; from when it can be read on, all that becomes of it is told."""
    shop.add_product("TEE")
    made = place(shop, 229)
    shop.tick(3600)
    made += place(shop, 1)
    broken = fatal(made[120], answers)
    first = await account.listing()
    assert first.orders.keys() == keys(made) - keys([broken])
    assert len(first.told) == 229
    assert list(first.bad) == [str(broken["id"])]
    assert first.bad[str(broken["id"])].startswith(REASON)
    assert fake.calls(LIST) < 60

    shop.tick(7 * 3600)
    fatal(place(shop, 1)[0], answers)
    new = place(shop, 2)
    second = await again(account, first)
    assert second.orders.keys() == keys([*made[-1:], *new]), "the last of before, and those that are new"
    assert len(second.bad) == 1
    del broken[FATAL]
    assert await reread(account, broken) == {str(broken["id"]): "open"}
    shop.set_status(broken, "cancelled")
    assert (await again(account, second)).statuses[str(broken["id"])] == "cancelled"


@ANSWERS
async def test_alone_in_what_changed(
    fake: FakeWooCommerce, account: Account, shop: WooShop, quick_clock: MockClock, answers: int
) -> None:
    """What a quiet shop lists is that order alone: an older one shows that it tells orders."""
    shop.add_product("TEE")
    old = place(shop, 1)
    first = await account.listing()
    shop.tick(7 * 3600)
    broken = fatal(place(shop, 1)[0], answers)
    fake.asked.clear()
    second = await again(account, first)
    assert second.orders.keys() == keys(old)
    assert second.bad.keys() == keys([broken])
    assert len(fake.asked) < 30
    assert await reread(account, broken) == {str(broken["id"]): "bad"}
    assert await reread(account, broken, *old) == {str(broken["id"]): "bad", str(old[0]["id"]): "open"}
    shop.tick(3600)
    new = place(shop, 1)
    third = await again(account, second)
    assert third.orders.keys() == keys(new)
    assert third.bad.keys() == keys([broken])
    fourth = await again(account, third)
    assert fourth.orders.keys() == keys(new)
    assert not fourth.bad


async def test_what_is_to_be_the_proof_may_be_broken_too(
    account: Account, shop: WooShop, quick_clock: MockClock
) -> None:
    """Each of these calls is tried four times: so many failures in a row would open the account's circuit."""
    shop.add_product("TEE")
    old = place(shop, 2)
    shop.tick(7 * 3600)
    made = place(shop, 1)
    first = await account.listing()
    shop.tick(7 * 3600)
    made += place(shop, 1)
    for row in (*old, made[0]):
        fatal(row, 500)
    second = await again(account, first)
    assert second.orders.keys() == keys(made[1:])
    assert second.bad.keys() == keys(made[:1])


async def test_several_of_a_page_and_more_than_a_page_of_one_second(account: Account, shop: WooShop) -> None:
    shop.add_product("TEE")
    made = place(shop, 350, per_second=350)
    broken = [fatal(made[number]) for number in (0, 1, 94, 99, 100, 250, 349)]
    found = await account.listing()
    assert found.orders.keys() == keys(made) - keys(broken)
    assert found.bad.keys() == keys(broken)
    assert await reread(account, *broken, made[2]) == dict.fromkeys(keys(broken), "bad") | {
        str(made[2]["id"]): "open"
    }


async def test_what_becomes_of_one_is_neither_made_up_nor_lost(
    fake: FakeWooCommerce, account: Account, shop: WooShop
) -> None:
    """What is over and was never told is nobody's; what was told is bad until it can be read again."""
    shop.add_product("TEE")
    told, trashed, nameless, other = place(shop, 4)
    first = await account.listing()
    shop.tick(7 * 3600)
    for row, status in ((told, "cancelled"), (trashed, "trash"), (nameless, "checkout-draft")):
        shop.set_status(fatal(row), status)
    shop.set_status(fatal(place(shop, 1)[0]), "completed")
    shop.set_status(fatal(place(shop, 1)[0]), "trash")
    second = await again(account, first)
    assert second.statuses == {str(other["id"]): "open"}
    assert second.bad.keys() == keys([told, trashed, nameless])
    shop.tick(7 * 3600)
    shop.touch(other)
    third = await again(account, await again(account, second))
    assert third.statuses == {str(other["id"]): "open"}
    assert third.bad.keys() == keys([trashed, nameless]), "no list has them, so that they are asked for"
    fake.fail(ONE, "html")
    fake.before[ONE] = lambda: fake.fail(LIST, *DOWN)
    with pytest.raises(ProtocolMismatch):
        await again(account, third)
    fake.faults.clear()
    del told[FATAL], trashed[FATAL], nameless[FATAL]
    assert await reread(account, told, trashed) == dict.fromkeys(keys([told, trashed]), "cancelled")
    assert (await again(account, third)).statuses[str(trashed["id"])] == "cancelled"


async def test_what_belongs_to_one_order(fake: FakeWooCommerce, account: Account, shop: WooShop) -> None:
    shop.add_product("TEE")
    made = place(shop, 3)
    shop.refund(made[1], 0, 1)
    fake.fail(f"{ONE}/refunds", "html")
    found = await account.listing()
    assert found.orders.keys() == keys([made[0], made[2]])
    assert found.bad.keys() == keys([made[1]])
    assert await reread(account, made[1]) == {str(made[1]["id"]): "open"}


async def test_what_belongs_to_the_only_order_that_changed(
    fake: FakeWooCommerce, account: Account, shop: WooShop
) -> None:
    """A quiet shop lists that order alone, run after run: what waits here already must go on meanwhile."""
    shop.add_product("TEE")
    first = await account.listing()
    made = place(shop, 1)
    shop.refund(made[0], 0, 1)
    fake.fail(f"{ONE}/refunds", "html")
    second = await again(account, first)
    assert second.bad.keys() == keys(made)
    assert await reread(account, made[0]) == {str(made[0]["id"]): "open"}

    fake.fail(f"{ONE}/refunds", "html")
    fake.before[f"{ONE}/refunds"] = lambda: fake.fail(LIST, *DOWN)
    with pytest.raises(ProtocolMismatch):
        await account.listing()


async def test_one_that_changes_while_its_page_is_taken_apart(
    fake: FakeWooCommerce, account: Account, shop: WooShop
) -> None:
    shop.add_product("TEE")
    made = place(shop, 30)
    broken, cancelled, trashed, deleted = made[3], made[7], made[11], made[12]
    fatal(broken)

    def later() -> None:
        shop.set_status(cancelled, "cancelled")
        shop.set_status(trashed, "trash")
        shop.delete(deleted)

    after(fake, 3, later)
    found = await account.listing()
    assert found.orders.keys() >= keys(made) - keys([broken, cancelled, trashed, deleted])
    assert found.bad.keys() == keys([broken, deleted])
    assert await reread(account, cancelled, trashed) == dict.fromkeys(keys([cancelled, trashed]), "cancelled")


@pytest.mark.parametrize(
    ("faults", "error"),
    [
        (["500"] * 40, Unreachable),
        (DOWN, ProtocolMismatch),
        (["before"] * 40, Unreachable),
        (["401"], AuthFailed),
        (["html", "401"], AuthFailed),
        (["html", "500", "500", "500", "500"], Unreachable),
    ],
)
async def test_an_outage_makes_no_order_bad(
    fake: FakeWooCommerce,
    account: Account,
    shop: WooShop,
    quick_clock: MockClock,
    faults: Sequence[Fault],
    error: type[DropstreamError],
) -> None:
    shop.add_product("TEE")
    made = place(shop, 30)
    fake.fail(LIST, *faults)
    with pytest.raises(error):
        await account.listing()
    assert len(fake.asked) < 10
    fake.faults.clear()
    await trio.sleep(60)
    assert (await account.listing()).orders.keys() == keys(made)


async def test_a_page_that_fails_once_makes_no_order_bad(
    fake: FakeWooCommerce, account: Account, shop: WooShop
) -> None:
    shop.add_product("TEE")
    made = place(shop, 30)
    fake.fail(LIST, "html")
    found = await account.listing()
    assert found.orders.keys() == keys(made)
    assert not found.bad
    assert fake.calls(LIST) == 3


async def test_a_shop_that_fails_over_all_makes_no_order_bad(
    fake: FakeWooCommerce, account: Account, shop: WooShop
) -> None:
    shop.add_product("TEE")
    for row in place(shop, 250):
        fatal(row)
    with pytest.raises(ProtocolMismatch):
        await account.listing()
    assert fake.calls(LIST) <= 24


async def test_a_shop_that_goes_down_meanwhile(
    fake: FakeWooCommerce, account: Account, shop: WooShop
) -> None:
    """Whichever call it is: nothing is bad but the one, and the next run brings the others."""
    shop.add_product("TEE")
    made = place(shop, 30)
    broken = fatal(made[20])
    await account.listing()
    calls = fake.calls(LIST)
    assert calls > 15
    for whole in range(0, calls - 1, 2):
        found = Listing()
        after(fake, whole, lambda: fake.fail(LIST, *DOWN))
        with pytest.raises(ProtocolMismatch):
            async with account.open() as store:
                await found.read(store.orders)
        assert found.orders.keys() in (set(), keys(made) - keys([broken]))
        assert found.bad.keys() <= keys([broken])
        fake.faults.clear()
        rest = await account.listing(found.cursor)
        assert found.orders.keys() | rest.orders.keys() == keys(made) - keys([broken])
        assert found.bad.keys() | rest.bad.keys() == keys([broken])


def after(fake: FakeWooCommerce, calls: int, then: Callable[[], object]) -> None:
    """Do it once so many more lists were asked for."""

    def count() -> None:
        fake.before.pop(LIST, None)
        if calls == 0:
            then()
        else:
            after(fake, calls - 1, then)

    fake.before[LIST] = count


class Joined(Plant):
    """A plant whose store is the shop; `meanwhile` happens once its orders are listed, before they go."""

    def __init__(self, state: InlineStore, account: Account) -> None:
        super().__init__(state, connection(methods={"Flat rate": "GND"}))
        self._account = account
        self.meanwhile: Callable[[], object] = lambda: None

    @asynccontextmanager
    async def _open_store(self, _name: str, _priority: Priority) -> AsyncIterator[Store]:
        async with self._account.open() as store:
            yield store

    @asynccontextmanager
    async def _open_warehouse(self) -> AsyncIterator[Warehouse]:
        async with super()._open_warehouse() as opened:
            self.meanwhile()
            yield opened


async def test_its_neighbours_are_handed_over(account: Account, shop: WooShop, state: InlineStore) -> None:
    shop.add_product("TEE")
    first, broken, cancelled, last = place(shop, 4)
    fatal(broken)

    def meanwhile() -> None:
        shop.set_status(fatal(cancelled), "cancelled")

    plant = Joined(state, account)
    plant.meanwhile = meanwhile
    await plant.import_orders()
    sent = {str(row["id"]): 1 for row in (first, last)}
    assert plant.warehouse.taken.created() == sent
    assert "fails to tell it" in plant.doc(str(cancelled["id"])).reason

    del broken[FATAL], cancelled[FATAL]
    plant.meanwhile = lambda: None
    plant.later(minutes=15)
    await plant.import_orders()
    assert plant.warehouse.taken.created() == {**sent, str(broken["id"]): 1}
    assert plant.doc(str(cancelled["id"])).state is State.VOID
