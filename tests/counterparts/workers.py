"""Which tests run in one worker where several work (pytest-xdist): those that share a slow server.

Every worker is a session of its own, with servers of its own. sshd and vsftpd start at once, so their
tests go wherever there is time. Vendure and its like take seconds and memory: the tests in one folder that
use one go to the same worker, one after the other, unless a file names a group of its own.
"""

from collections.abc import Sequence
from pathlib import Path

import pytest

SLOW = ("medusa", "vendure", "tryton")
"""Fixtures of servers that start slowly; the first that a test uses decides."""


def share_servers(items: Sequence[pytest.Item]) -> None:
    """Mark the tests that are to share a server with the group they form."""
    for item in items:
        if item.get_closest_marker("xdist_group") is not None:
            continue
        used = set(getattr(item, "fixturenames", ()))
        server = next((name for name in SLOW if name in used), None)
        if server is not None:
            item.add_marker(pytest.mark.xdist_group(group_of(server, item.path.parent)))


def group_of(server: str, folder: Path) -> str:
    """The name of the group of a folder's tests that use a server."""
    return f"{server} in {folder.name}"
