"""Each platform's double and a warehouse on a real Tryton, the real daemon between them, from the two
documented files on; in the worker that has a Tryton for the other tests here."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.counterparts.tryton.warehouse import TrytonWarehouse
from tests.counterparts.workers import group_of
from tests.e2e.daemon import Daemon, new_daemon
from tests.e2e.houses import OnTryton
from tests.e2e.joining import Store, join, stores

pytestmark = [
    pytest.mark.counterpart,
    pytest.mark.timeout(120),
    pytest.mark.xdist_group(group_of("medusa", Path(__file__).parent)),
]


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    """Started with nothing to do, as it is after its installation. Each pair has one of its own: one that is
    taken out with an order open is told of when the next one comes to its warehouse."""
    with new_daemon() as one:
        one.start()
        yield one


@stores("woocommerce")
def test_two_files_join_a_platform_to_tryton(
    store: Store, daemon: Daemon, tryton_warehouse: TrytonWarehouse
) -> None:
    join(daemon, store, OnTryton(tryton_warehouse))
