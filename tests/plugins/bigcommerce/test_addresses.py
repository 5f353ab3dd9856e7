"""What goes to each of an order's addresses is an order of its own, and stays it."""

from tests.fakes.bigcommerce_shop import BigCommerceShop

from .stores import Account


async def test_each_is_an_order_of_its_own(account: Account, shop: BigCommerceShop) -> None:
    made = shop.place({"A": 1}, addresses=3)
    ids = shop.addresses(made)
    made["consignments"]["shipping"][1]["first_name"] = "June"
    seen = (await account.listing()).orders
    number = made["id"]
    assert [(each.key, each.number) for each in seen.values()] == [
        (f"{number}", f"{number}"),
        (f"{number}-{ids[1]}", f"{number}-2"),
        (f"{number}-{ids[2]}", f"{number}-3"),
    ]
    assert seen[f"{number}-{ids[1]}"].ship_to.name == "June Doe"
    keys = [line.key for each in seen.values() for line in each.lines]
    assert len(set(keys)) == 3


async def test_one_that_is_gone_is_cancelled_alone(account: Account, shop: BigCommerceShop) -> None:
    made = shop.place({"A": 1}, addresses=2)
    ids = shop.addresses(made)
    first = await account.listing()
    made["consignments"]["shipping"].pop(1)
    shop.touch(made)
    second = await account.listing(first.cursor)
    number = made["id"]
    assert second.statuses == {f"{number}": "open", f"{number}-{ids[1]}": "cancelled"}
    assert second.orders[f"{number}-{ids[1]}"].number == f"{number}-2"
    assert (await account.listing(second.cursor)).statuses == {f"{number}": "open"}


async def test_the_others_keep_their_keys_when_the_first_goes(
    account: Account, shop: BigCommerceShop
) -> None:
    made = shop.place({"A": 1}, addresses=2)
    ids = shop.addresses(made)
    first = await account.listing()
    made["consignments"]["shipping"].pop(0)
    shop.touch(made)
    number = made["id"]
    second = await account.listing(first.cursor)
    assert second.statuses == {f"{number}": "cancelled", f"{number}-{ids[1]}": "open"}
    third = await account.listing(second.cursor)
    assert third.statuses[f"{number}-{ids[1]}"] == "open"
    assert third.statuses.get(f"{number}", "cancelled") == "cancelled"


async def test_an_address_made_anew_is_the_same_order(account: Account, shop: BigCommerceShop) -> None:
    """An edit must not let the goods go twice."""
    made = shop.place({"A": 1})
    first = await account.listing()
    made["consignments"]["shipping"] = [{**shop.address(made["id"], {"A": 1}), "city": "Dallas"}]
    shop.touch(made)
    second = await account.listing(first.cursor)
    assert second.statuses == {str(made["id"]): "open"}
    assert second.orders[str(made["id"])].ship_to.city == "Dallas"


async def test_an_order_that_nothing_is_sent_of_any_more_is_cancelled(
    account: Account, shop: BigCommerceShop
) -> None:
    made = shop.place({"A": 1})
    first = await account.listing()
    made["consignments"]["shipping"] = []
    shop.touch(made)
    assert (await account.listing(first.cursor)).statuses == {str(made["id"]): "cancelled"}


async def test_one_that_cannot_be_read_any_more_is_held_at_every_address(
    account: Account, shop: BigCommerceShop
) -> None:
    """What came may be its cancellation."""
    made = shop.place({"A": 1}, addresses=2)
    ids = shop.addresses(made)
    first = await account.listing()
    made["total_inc_tax"] = "NaN"
    shop.set_status(made, 5)
    second = await account.listing(first.cursor)
    assert second.bad.keys() == {str(made["id"]), f"{made['id']}-{ids[1]}"}
    made["total_inc_tax"] = "1.00"
    shop.touch(made)
    third = await account.listing(second.cursor)
    assert third.statuses == dict.fromkeys(second.bad, "cancelled")
