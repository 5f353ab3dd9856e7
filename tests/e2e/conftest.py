"""Fixtures of the end-to-end tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.daemon import Daemon, new_daemon
from tests.e2e.sandbox import Sandbox, serve_sandbox


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    """A daemon with an empty configuration, not yet started."""
    with new_daemon() as one:
        yield one


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """A shop that sells TEE, CAP and MUG, and a warehouse behind SFTP: neither is configured yet."""
    with serve_sandbox(tmp_path / "warehouse", {"TEE": 1000, "CAP": 1000, "MUG": 1000}) as one:
        yield one


@pytest.fixture
def running(daemon: Daemon, sandbox: Sandbox) -> Daemon:
    """A daemon with one connection, `shop`, switched on; it has looked at older orders."""
    sandbox.add_warehouse(daemon)
    sandbox.add_store(daemon)
    daemon.start()
    daemon.enable("shop", "sales_orders", "shipments", "inventory")
    daemon.run("shop", "sales_orders.import")
    return daemon
