"""Lists of orders that lack some of them, and that are read once more."""

import pytest

from tests.fakes.woocommerce import FakeWooCommerce
from tests.fakes.woocommerce_shop import WooShop

from .stores import Account
from .test_orders import LIST, again, keys, place


@pytest.mark.parametrize("per_second", [1, 600], ids=["seconds", "one second"])
@pytest.mark.parametrize("broken", [(3,), (99,), (94, 95, 96, 97, 98, 99), tuple(range(100, 230))])
async def test_a_page_that_lacks_some_is_not_the_last(
    account: Account, shop: WooShop, broken: tuple[int, ...], per_second: int
) -> None:
    """What WooCommerce fails to load is left out of a page without a word."""
    shop.add_product("TEE")
    made = place(shop, 600, per_second=per_second)
    for number in broken:
        made[number]["broken"] = True
    found = await account.listing()
    assert found.orders.keys() == keys([row for row in made if "broken" not in row])


async def test_one_that_cannot_be_loaded_any_more_is_not_cancelled(account: Account, shop: WooShop) -> None:
    """WooCommerce answers then as if it were deleted, and counts it for all that."""
    shop.add_product("TEE")
    made, deleted = place(shop, 2)
    first = await account.listing()
    made["broken"] = True
    del shop.orders[deleted["id"]]
    shop.tick(3600)
    second = await again(account, first)
    assert second.statuses == {str(deleted["id"]): "cancelled"}
    del made["broken"]
    shop.set_status(made, "cancelled")
    assert (await again(account, second)).statuses == {str(made["id"]): "cancelled"}


async def test_a_status_that_is_shipped_from_now_on_brings_what_stands_in_it(
    fake: FakeWooCommerce, account: Account, shop: WooShop
) -> None:
    shop.add_product("TEE")
    waiting = shop.place({"TEE": 1}, status="packing")
    shop.tick(86_400)
    made = shop.place({"TEE": 1})
    first = await account.listing()
    assert first.orders.keys() == keys([made])
    both: dict[str, object] = {"ship_statuses": ("processing", "packing")}
    second = await account.listing(first.cursor, **both)
    assert second.statuses[str(waiting["id"])] == "open"
    fake.asked.clear()
    await account.listing(second.cursor, **both)
    assert fake.calls(LIST) == 3, "what changed, the trash, and whether the other one is still there"
