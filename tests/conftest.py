"""What every test may ask for."""

from collections import Counter

import pytest

from dropstreamd.testing.suite import STRUCK
from tests.counterparts.fixtures import (
    account,
    ftp_account,
    medusa,
    medusa_models,
    medusa_shop,
    new_shop,
    number,
    own_sshd,
    own_vendure,
    own_vsftpd,
    second_vendure,
    shop,
    sshd,
    tryton,
    tryton_warehouse,
    vendure,
    vsftpd,
    warehouse,
)
from tests.counterparts.workers import share_servers

__all__ = [
    "account",
    "ftp_account",
    "medusa",
    "medusa_models",
    "medusa_shop",
    "new_shop",
    "number",
    "own_sshd",
    "own_vendure",
    "own_vsftpd",
    "second_vendure",
    "shop",
    "sshd",
    "tryton",
    "tryton_warehouse",
    "vendure",
    "vsftpd",
    "warehouse",
]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    share_servers(items)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say of each plugin's contract how much the faults left in doubt."""
    pushes: Counter[str] = Counter()
    in_doubt: Counter[str] = Counter()
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            if name == STRUCK:
                suite = report.nodeid.partition("[")[0]
                pushes[suite] += value[0]
                in_doubt[suite] += value[1]
    for suite, count in sorted(pushes.items()):
        if count:
            terminalreporter.write_line(
                f"{suite}: {count} pushes struck by a fault, {in_doubt[suite]} in doubt"
            )
