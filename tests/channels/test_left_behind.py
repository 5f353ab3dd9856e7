"""What is said of a connection whose id was changed in its file."""

from functools import partial

from msgspec.structs import replace

from dropstreamd.channels.left_behind import LeftBehind, left_behind
from dropstreamd.config.schema import Config, Connection, DaemonSettings, Merchant
from dropstreamd.store import cursors, homes, switches
from dropstreamd.store.base import Writer
from dropstreamd.store.lmdb_store import InlineStore
from tests.channels.plant import ACCOUNT, Plant, connection, order, package


def config(*connections: Connection) -> Config:
    merchant = Merchant(name="acme", warehouses={"main": ACCOUNT})
    found = {each.id: each for each in connections}
    return Config(daemon=DaemonSettings(), merchants={"acme": merchant}, connections=found)


def found(plant: Plant, now: Config, *broken: str | None) -> list[LeftBehind]:
    return plant.state.read(partial(left_behind, config=now, broken=broken))


async def lived(state: InlineStore) -> Plant:
    """A connection that has run: an order is sent, one waits, one has shipped."""
    plant = Plant(state)
    plant.place(order("1", ("A", 1)), order("2", ("B", 1)), order("3", method="Odd"))
    await plant.import_orders()
    plant.ship(package("P1", "SH1", ("A", 1)))
    await plant.export()

    def write(tx: Writer) -> None:
        switches.turn(tx, "c-shop", "*", on=True, now_s=1.0, who="me")
        cursors.keep_store_account(tx, "c-shop", "fake:shop")
        homes.keep(tx, "c-shop", homes.Home(merchant="acme", warehouse="main", account="fake:acme"))

    await state.write(write)
    return plant


async def test_what_is_open_under_an_id_that_was_changed(state: InlineStore) -> None:
    plant = await lived(state)
    same = connection("shop", id="c-new")
    [one] = found(plant, config(same))
    assert (one.id, one.count, one.new.id) == ("c-shop", 2, "c-new")
    assert one.message == (
        "no file has the id c-shop any more, and 2 documents of it are open; shop has the same store account "
        "(fake:shop) under the new id c-new, under which nothing of that goes on"
    )
    assert 'write id = "c-shop" into its file again' in one.remedy
    assert found(plant, config(connection("shop"), same)) == []


async def test_another_store_of_the_same_warehouse(state: InlineStore) -> None:
    plant = await lived(state)
    other = connection("ebay")
    [one] = found(plant, config(other))
    assert "the same warehouse account (acme.main (fake:acme))" in one.message
    await state.write(partial(cursors.keep_store_account, connection="c-ebay", account="fake:ebay"))
    assert found(plant, config(other)) == [], "it has run before: it is not what the other one became"


async def test_nothing_is_said_of_what_may_still_be_there(state: InlineStore) -> None:
    plant = await lived(state)
    now = config(connection("shop", id="c-new"))
    assert found(plant, now, "c-shop") == found(plant, now, None) == []
    assert found(plant, config()) == [], "it was removed, and nothing has come in its place"


async def test_of_what_is_closed_nothing_is_left_behind(state: InlineStore) -> None:
    plant = await lived(state)
    plant.ship(package("P2", "SH2", ("B", 1)))
    await plant.export()
    plant.place(replace(order("3", method="Odd"), status="cancelled"))
    await plant.import_orders()
    assert found(plant, config(connection("shop", id="c-new"))) == []
