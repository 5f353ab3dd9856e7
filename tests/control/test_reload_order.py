"""Two who have the configuration read again at once: SIGHUP, and the API after a change of its own."""

import threading
from collections.abc import AsyncIterator, Sequence

import pytest
import trio
from msgspec.structs import replace

from dropstreamd.platform.contract import SettingProblem
from dropstreamd.platform.loader import PluginStatus
from dropstreamd.supervisor.notify import Notifier
from dropstreamd.supervisor.reload import Reloader
from tests.control.conf_files import CONNECTION
from tests.control.office import Office, open_office
from tests.control.platforms import ShopSettings, shop


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    async with open_office() as opened:
        yield opened


class Slow:
    """Looks at settings; the first look waits until it may end."""

    def __init__(self) -> None:
        self.began = threading.Event()
        self.may_end = threading.Event()

    def __call__(self, _settings: ShopSettings) -> Sequence[SettingProblem]:
        if not self.began.is_set():
            self.began.set()
            self.may_end.wait(5)
        return ()


async def test_what_was_read_last_is_in_force(office: Office) -> None:
    slow = Slow()
    plugin = replace(shop(office), check=slow)
    plugins = {**office.plugins, "shop": PluginStatus(name="shop", origin="a test", plugin=plugin)}
    reloader = Reloader(office.conf, plugins, office.daemon, Notifier(None), {}, office.secrets, grace_s=5.0)
    overtaken = trio.Event()

    async def by_the_api() -> None:
        """After it has written a file."""
        await reloader.reload()
        overtaken.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(reloader.reload)  # by SIGHUP: it has read the files
        await trio.to_thread.run_sync(slow.began.wait)
        changed = CONNECTION.format(name="ebay", letter="EB").replace('"GND"', '"EXPRESS"')
        office.write("ebay", changed)
        nursery.start_soon(by_the_api)
        with trio.move_on_after(0.5):  # it waits, or overtakes the first
            await overtaken.wait()
        slow.may_end.set()
    assert office.daemon.config.connections["c-ebay"].methods == {"Standard": "EXPRESS"}
