"""Stock out: which figure is told, each SKU once, and what it costs."""

import pytest
import trio
from trio.testing import MockClock

from dropstreamd.errors import Unreachable
from dropstreamd.model.stock import StockRow
from tests.fakes.pool import Bucket
from tests.fakes.shiphero import FakeShipHero
from tests.fakes.shiphero_house import WAREHOUSE, House

from .houses import Account

MANY = 10_000


@pytest.mark.parametrize(
    ("figure", "hold_back", "units"),
    [
        ("available", ("reserve",), 13),
        ("available", (), 15),
        ("available", ("reserve", "non_sellable"), 10),
        ("on_hand", (), 20),
        ("on_hand", ("non_sellable",), 17),
    ],
)
async def test_the_figure_that_is_set(
    house: House, account: Account, figure: str, hold_back: tuple[str, ...], units: int
) -> None:
    row = house.put(house.add_product("TEE"), 20)
    row |= {"allocated": 5, "available": 15, "reserve_inventory": 2, "non_sellable_quantity": 3}
    rows = await account.stock(figure=figure, hold_back=hold_back)
    assert rows == {"TEE": StockRow(sku="TEE", quantity=units, facility=WAREHOUSE)}


async def test_more_is_promised_than_there_is(house: House, account: Account) -> None:
    house.put(house.add_product("TEE"), 1)["available"] = -4
    assert (await account.stock())["TEE"].quantity == -4


async def test_other_warehouses_are_not_told(house: House, account: Account) -> None:
    house.put(house.add_product("TEE"), 1)
    house.put(house.add_product("MUG", on_hand=None), 7, warehouse="V2FyZWhvdXNlOjg=")
    assert (await account.stock()).keys() == {"TEE"}


async def test_a_clients_stock(fake: FakeShipHero, house: House, account: Account) -> None:
    fake.customers.add("QWNjb3VudDoy")
    house.add_product("TEE", on_hand=3, customer_account_id="QWNjb3VudDoy")
    house.add_product("MUG", on_hand=4)
    assert (await account.stock(customer_account="QWNjb3VudDoy")).keys() == {"TEE"}


async def test_an_empty_warehouse(account: Account) -> None:
    assert await account.stock() == {}


async def test_a_row_that_goes_while_it_is_read_hides_no_other(house: House, account: Account) -> None:
    house.count({f"SKU-{number}": 1 for number in range(250)})
    first_row = next(iter(house.stock))
    rows: list[str] = []
    async with account.open() as session:
        while True:
            page = await session.inventory.page(lambda _mark: False)
            assert page is not None
            rows += [row.sku for row in page.rows]
            house.stock.pop(first_row, None)
            if page.last:
                break
    assert sorted(rows) == sorted(f"SKU-{number}" for number in range(250))


async def test_a_list_that_changes_too_much_is_no_snapshot(house: House, account: Account) -> None:
    house.count({f"SKU-{number}": 1 for number in range(250)})
    async with account.open() as session:
        await session.inventory.page(lambda _mark: False)
        for gone in list(house.stock)[:20]:
            del house.stock[gone]
        with pytest.raises(Unreachable, match="changed while it was read"):
            await session.inventory.page(lambda _mark: False)


async def test_ten_thousand_skus_for_little_more_than_a_credit_each(
    fake: FakeShipHero, house: House, account: Account, patient_clock: MockClock
) -> None:
    fake.credits = Bucket(4004, 60.0)
    for number in range(MANY):
        house.add_product(f"SKU-{number}", on_hand=number % 7)
    began_s = trio.current_time()
    rows = await account.stock()
    assert len(rows) == MANY
    assert fake.throttled == 0
    assert fake.credits.spent <= MANY * 1.04
    at_best_s = (fake.credits.spent - 4004) / 60
    assert trio.current_time() - began_s <= at_best_s * 1.05 + 2
