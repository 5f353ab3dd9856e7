"""Each platform's double and a warehouse, the real daemon between them, from the two documented files on."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from dropstreamd.clock import SystemClock
from tests.counterparts.sshd import Account
from tests.e2e.daemon import Daemon, new_daemon
from tests.e2e.houses import Files, OnShipHero, OnX12
from tests.e2e.joining import EVERY_STORE, Store, join, stores
from tests.e2e.sandbox import Sandbox
from tests.e2e.served import served
from tests.fakes.shiphero import fake_shiphero

pytestmark = [pytest.mark.timeout(120), pytest.mark.xdist_group("platforms")]


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    """Started with nothing to do, as it is after its installation. Each pair has one of its own: to the same
    daemon the doubles of a platform would be one store, of which another connection has sent the orders."""
    with new_daemon() as one:
        one.start()
        yield one


@stores(*EVERY_STORE)
def test_two_files_join_a_platform_to_files(store: Store, daemon: Daemon, sandbox: Sandbox) -> None:
    join(daemon, store, Files(sandbox))


@stores("woocommerce")
def test_two_files_join_a_platform_to_shiphero(store: Store, daemon: Daemon) -> None:
    with served(partial(fake_shiphero, SystemClock().now_s())) as house:
        join(daemon, store, OnShipHero(house))


@pytest.mark.counterpart
@stores("shopify", "woocommerce")
def test_two_files_join_a_platform_to_an_edi_partner(
    store: Store, daemon: Daemon, account: Account, tmp_path: Path
) -> None:
    join(daemon, store, OnX12(account, tmp_path / "taken"))
