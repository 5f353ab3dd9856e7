"""Products: the store's, our catalogue, the warehouse's item master; drafts of what the store lacks."""

from collections.abc import Sequence
from functools import partial

import pytest
from msgspec.structs import replace

from dropstreamd.channels import catalogs, products
from dropstreamd.channels.listings import Listings
from dropstreamd.clock import utc
from dropstreamd.model.handover import Bad
from dropstreamd.model.products import Product
from dropstreamd.platform.contract import Page, Part, Taken
from dropstreamd.store import documents, shelf
from dropstreamd.store.lmdb_store import InlineStore
from dropstreamd.store.records import State
from tests.channels.plant import START_S, Plant, connection, product

AMENDS = frozenset({Part.PRODUCTS})
UPDATE, EXPORT, SYNC = "products.update", "products.export", "catalogs.sync"


class Listing:
    """A source that knows no changes: it tells everything at once, or what it is given."""

    def __init__(self, *told: Product | Bad) -> None:
        self.told = told

    def session(self) -> "Listing":
        return self

    async def page(self, cursor: str | None, taken: Taken) -> Page[Product]:
        good = tuple(one for one in self.told if isinstance(one, Product))
        return Page(documents=good, bad=tuple(one for one in self.told if isinstance(one, Bad)))

    async def confirm(self, marks: Sequence[str]) -> None:
        assert not marks


def catalogue(plant: Plant, name: str = "shop") -> dict[str, str]:
    """Title by SKU, less what is gone."""
    kept = products.kept_of(plant.connections[name])
    rows = plant.state.read(lambda tx: list(shelf.rows(tx, kept)))
    found = [products.decode.decode(row.content) for _, row in rows if not row.gone]
    return {one.sku: one.title for one in found}


async def test_our_catalogue_follows_the_store(state: InlineStore) -> None:
    plant = Plant(state)
    plant.sell(*(product(sku) for sku in "ABCD"))
    await plant.run(UPDATE)
    plant.sell(product("B2", key="p-B", title="Renamed"))
    run = await plant.run(UPDATE)
    assert run.counts["staged"] == 1
    assert catalogue(plant) == {"A": "A A", "B2": "Renamed", "C": "A C", "D": "A D"}
    kept = products.kept_of(plant.connections["shop"])
    assert not state.read(lambda tx: products.of_sku(tx, kept, "B"))
    [(found, _)] = state.read(lambda tx: products.of_sku(tx, kept, "B2"))
    assert found.key == "p-B"


async def test_an_older_form_and_what_cannot_be_kept(plant: Plant) -> None:
    plant.sell(product("A", title="new", updated_at=utc(START_S)), product("S" * 101), product("K", key="\0"))
    plant.stores["shop"].products.change("p-Z", Bad(key="p-Z", place="product Z", reason="odd", raw=b"x"))
    run = await plant.run(UPDATE)
    assert run.counts["undecodable"] == 3
    plant.sell(product("A", title="old", updated_at=utc(START_S - 1)))
    await plant.run(UPDATE)
    assert catalogue(plant) == {"A": "new"}


async def test_what_a_whole_listing_lacks_is_gone(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:

    async def told(*listed: Product | Bad) -> dict[str, str]:
        monkeypatch.setattr(plant.stores["shop"], "products", Listing(*listed))
        await plant.run(UPDATE)
        return catalogue(plant)

    assert await told(product("A"), product("B")) == {"A": "A A", "B": "A B"}
    assert await told() == {"A": "A A", "B": "A B"}
    bad = Bad(key="p-B", place="product B", reason="odd", raw=b"x")
    assert await told(product("A"), bad) == {"A": "A A", "B": "A B"}
    assert await told(product("A")) == {"A": "A A"}
    assert await told(product("A"), product("B")) == {"A": "A A", "B": "A B"}


# ---- the item master


async def test_products_go_to_the_warehouse_and_again_when_they_change(state: InlineStore) -> None:
    plant = Plant(state, connection(listings={"A": "W-A"}), amends=AMENDS)
    plant.sell(product("A", gtin="0042"), product("B"), product("OFF", active=False))
    await plant.run(UPDATE)
    await plant.run(EXPORT)
    assert {sku: one.gtin for sku, one in plant.warehouse.master.newest().items()} == {"W-A": "0042", "B": ""}
    plant.sell(product("B", title="Better"), product("A", gtin="0042", updated_at=utc(START_S)))
    await plant.run(UPDATE)
    run = await plant.run(EXPORT)
    assert run.counts["staged"] == 1
    assert [(one.key, one.remote) for one in plant.warehouse.master.effects][2:] == [("B", "at-B")]
    plant.sell(product("B", active=False))
    await plant.run(UPDATE)
    await plant.run(EXPORT)
    assert not plant.warehouse.master.newest()["B"].active
    assert not plant.tasks()


async def test_a_change_is_a_task_where_the_warehouse_amends_none(plant: Plant) -> None:
    plant.sell(product("A"))
    await plant.run(UPDATE)
    await plant.run(EXPORT)
    plant.sell(product("A", title="Better", weight_g=10))
    await plant.run(UPDATE)
    await plant.run(EXPORT)
    assert plant.tasks()["products", "A"].detail == "title: A A became Better, weight g: None became 10"


async def test_one_product_describes_a_sku(state: InlineStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "SLICE", 2)
    plant = Plant(state, connection(listings={"A-OLD": "A", "A-BOX": "A"}, bundles={"A-3": {"A": 3}}))
    plant.sell(
        product("A-BOX"),
        product("A", key="1", title="off", active=False),
        product("A", key="2", title="on"),
        product("A", key="3", title="too"),
        product("A-OLD"),
        product("A-3"),
        product(""),
    )
    await plant.run(UPDATE)
    await plant.run(EXPORT)
    assert {sku: one.title for sku, one in plant.warehouse.master.newest().items()} == {"A": "on"}


async def test_one_that_is_not_sold_any_more_is_not_handed_over(plant: Plant) -> None:
    plant.warehouse.master.refuse["A"] = "sku:A"
    plant.sell(product("A"))
    await plant.run(UPDATE)
    await plant.run(EXPORT)
    assert plant.doc("A", products.CHANNEL).state is State.PARKED
    plant.sell(product("A", active=False))
    await plant.run(UPDATE)
    await plant.run(EXPORT)
    assert plant.doc("A", products.CHANNEL).state is State.VOID


# ---- drafts


async def test_what_the_store_lacks_becomes_drafts_once(state: InlineStore) -> None:
    plant = Plant(state, connection(listings={"SHOP-A": "A", "NEW-B": "B", "D": "W-D"}))
    plant.sell(product("SHOP-A"), product("C", active=False))
    plant.stock(*(product(sku) for sku in "ABCDE"), product("OFF", active=False), product("", key="nameless"))
    await plant.run(SYNC)
    drafts = plant.stores["shop"].drafts
    assert {sku: one.sku for sku, one in drafts.newest().items()} == {"B": "NEW-B", "E": "E"}
    plant.stock(product("E", title="Better"))
    run = await plant.run(SYNC)
    assert drafts.created() == {"B": 1, "E": 1}
    assert not run.counts["staged"]
    assert not plant.tasks()


async def test_one_that_appears_in_the_store_meanwhile_is_left_alone(state: InlineStore) -> None:
    plant = Plant(state)
    plant.stores["shop"].drafts.refuse["A"] = "exists"
    plant.stock(product("A"))
    await plant.run(SYNC)
    assert plant.doc("A", catalogs.CHANNEL).by_sink
    plant.sell(product("A"))
    await plant.run(UPDATE)
    book = catalogs.book(plant.scopes["c-shop"])
    await state.write(lambda tx: documents.release(tx, book, "A", now_s=1.0, run="", why="asked"))
    plant.stores["shop"].drafts.refuse.clear()
    await plant.run(SYNC)
    assert plant.doc("A", catalogs.CHANNEL).state is State.VOID
    assert not plant.stores["shop"].drafts.effects


async def test_a_list_makes_no_drafts(state: InlineStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogs, "SLICE", 2)
    plant = Plant(state, connection(catalogs="list"))
    plant.sell(product("a-1"), product("0042"), product("B"))
    plant.stock(product("A 1"), product("42"), product("B"), product("C"))
    run = await plant.run(SYNC)
    assert run.counts["items"] == 4
    assert not plant.stores["shop"].drafts.effects
    [shop] = plant.connections.values()
    found, rest = state.read(
        lambda tx: catalogs.lacking(tx, shop, plant.account, Listings(shop), after=None, limit=9)
    )
    near = {
        one.channel_sku: state.read(partial(catalogs.near_misses, connection=shop, sku=one.channel_sku))
        for one in found
    }
    assert near == {"A 1": ["a-1"], "42": ["0042"], "C": []}
    assert rest is None


async def test_items_are_read_once_for_all_stores(state: InlineStore) -> None:
    plant = Plant(state, connection(), connection("ebay"))
    plant.sell(product("A"))
    plant.stock(product("A"), product("B"))
    await plant.run(SYNC)
    pages = plant.warehouse.items.pages
    await plant.run(SYNC, "ebay")
    assert plant.warehouse.items.pages == pages + 1
    assert plant.stores["shop"].drafts.created() == {"B": 1}
    assert plant.stores["ebay"].drafts.created() == {"A": 1, "B": 1}


async def test_a_store_that_tells_no_products_says_itself_what_exists(state: InlineStore) -> None:
    plant = Plant(state, offers=frozenset({Part.CATALOGUE}))
    plant.sell(product("A"))
    plant.stock(product("A"), replace(product("B"), active=True))
    plant.stores["shop"].drafts.refuse["A"] = "exists"
    await plant.run(SYNC)
    assert plant.stores["shop"].drafts.created() == {"B": 1}
