"""A reload that is given up half way, by whoever asked for it."""

import trio
from trio.testing import wait_all_tasks_blocked

from tests.channels.plant import order
from tests.control.conf_files import CONNECTION
from tests.control.office import START_S, open_client, open_office


async def test_a_reload_that_is_given_up_leaves_no_connection_behind() -> None:
    async with open_office() as office:
        office.gate = trio.Event()
        office.stores["shop"].changes.change("o1", order("1", placed_s=START_S + 60))
        async with open_client(office) as client:
            await client.enable()
            await client.ask("POST", "/connections/shop/channels/sales_orders/jobs/import/run", {})
        await wait_all_tasks_blocked(0.05)
        moved = CONNECTION.format(name="shop", letter="SH").replace('account  = "shop"', 'account  = "ebay"')
        other = CONNECTION.format(name="ebay", letter="EB").replace('account  = "ebay"', 'account  = "shop"')
        office.write("shop", moved)
        office.write("ebay", other)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(office.reload)
            await wait_all_tasks_blocked(0.05)
            nursery.cancel_scope.cancel()
            office.gate.set()
        assert office.daemon.connections.keys() == office.daemon.config.connections.keys()
        settings = office.daemon.config.connections["c-shop"].store.settings
        assert office.daemon.connections["c-shop"].scope.connection.store.settings is settings
        assert not (await office.reload()).restarted
