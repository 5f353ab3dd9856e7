"""The counterparts as pytest fixtures: servers run once a session; each test has its own account and shop.

A test that uses one carries the marker `counterpart`; where the server is not installed it is skipped,
with the reason.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count

import pytest

from .installed import medusa_missing, sshd_missing, tryton_missing, vendure_missing, vsftpd_missing
from .medusa.models import Models
from .medusa.server import MEDUSA, MedusaServer
from .medusa.shop import MedusaShop
from .sshd import Account, Sshd, running_sshd
from .tryton.server import TrytonServer, running_tryton
from .tryton.warehouse import TrytonWarehouse
from .vendure.server import VENDURE, VendureServer
from .vendure.shop import VendureShop
from .vsftpd import FtpAccount, Vsftpd, running_vsftpd
from .wms import Consumer, running_consumer

NUMBERS = pytest.StashKey["count[int]"]()


@pytest.fixture(scope="session")
def sshd() -> Iterator[Sshd]:
    """The session's SFTP server; a test that stops it or changes its key uses `own_sshd`."""
    _skip_if(sshd_missing())
    with running_sshd() as server:
        yield server


@pytest.fixture
def own_sshd() -> Iterator[Sshd]:
    """A server for one test."""
    _skip_if(sshd_missing())
    with running_sshd() as server:
        yield server


@pytest.fixture
def account(sshd: Sshd, number: int) -> Account:
    """An empty account with the folders `in` and `out`."""
    return sshd.account(f"account{number}")


@pytest.fixture
def warehouse(account: Account, sshd: Sshd) -> Iterator[Consumer]:
    """An eager warehouse that takes every `*.csv` out of the account's folder `in`."""
    with running_consumer(account.inbox, sshd.base / f"taken-{account.root.name}") as consumer:
        yield consumer


@pytest.fixture(scope="session")
def vsftpd() -> Iterator[Vsftpd]:
    """The session's FTPS server, which wants TLS everywhere and its sessions resumed."""
    _skip_if(vsftpd_missing())
    with running_vsftpd() as server:
        yield server


@pytest.fixture
def own_vsftpd() -> Iterator[Callable[..., Vsftpd]]:
    """Starts servers for one test, each as `running_vsftpd` is asked for."""
    _skip_if(vsftpd_missing())
    with ExitStack() as stack:

        def start(*, tls: bool = True, reuse: bool = True, more: tuple[str, ...] = ()) -> Vsftpd:
            return stack.enter_context(running_vsftpd(tls=tls, reuse=reuse, more=more))

        yield start


@pytest.fixture
def ftp_account(vsftpd: Vsftpd, number: int) -> FtpAccount:
    """An empty account with the folders `in` and `out`."""
    return vsftpd.account(f"account{number}")


@pytest.fixture(scope="session")
def vendure() -> Iterator[VendureServer]:
    """The session's Vendure."""
    _skip_if(vendure_missing())
    with VENDURE.running() as server:
        yield server


@pytest.fixture(scope="session")
def second_vendure() -> Iterator[VendureServer]:
    """Another Vendure with a database of its own: both may have an order of the same number."""
    _skip_if(vendure_missing())
    with VENDURE.running() as server:
        yield server


@pytest.fixture
def own_vendure() -> Iterator[VendureServer]:
    """A server for one test, which may stop it."""
    _skip_if(vendure_missing())
    with VENDURE.running() as server:
        yield server


@pytest.fixture
def new_shop(number: int) -> Iterator[Callable[[VendureServer], VendureShop]]:
    """Opens a shop (a channel of its own) on a server; called twice, two shops."""
    opened: list[VendureShop] = []

    def open_shop(server: VendureServer) -> VendureShop:
        shop = VendureShop(server, code=f"shop{number}-{len(opened)}")
        opened.append(shop)
        return shop

    yield open_shop
    for shop in opened:
        shop.close()


@pytest.fixture
def shop(vendure: VendureServer, new_shop: Callable[[VendureServer], VendureShop]) -> VendureShop:
    """A shop with nothing in it yet."""
    return new_shop(vendure)


@pytest.fixture(scope="session")
def tryton() -> Iterator[TrytonServer]:
    """The session's Tryton."""
    _skip_if(tryton_missing())
    with running_tryton() as server:
        yield server


@pytest.fixture
def tryton_warehouse(tryton: TrytonServer, number: int) -> Iterator[TrytonWarehouse]:
    """A warehouse with nothing in it yet, of a merchant who has no goods."""
    warehouse = TrytonWarehouse(tryton, code=f"WH{number}")
    yield warehouse
    warehouse.close()


@pytest.fixture(scope="session")
def medusa() -> Iterator[MedusaServer]:
    """The session's Medusa."""
    _skip_if(medusa_missing())
    with MEDUSA.running() as server:
        yield server


@pytest.fixture(scope="session")
def medusa_models(medusa: MedusaServer) -> Iterator[Models]:
    """A product and orders on it, of which `MedusaShop.copies` makes others at once."""
    models = Models(medusa)
    yield models
    models.close()


@pytest.fixture
def medusa_shop(medusa: MedusaServer, number: int) -> Iterator[MedusaShop]:
    """A shop with nothing in it yet."""
    shop = MedusaShop(medusa, code=f"shop{number}")
    yield shop
    shop.close()


@pytest.fixture
def number(request: pytest.FixtureRequest) -> int:
    """A number that no other test of the session has, for names on the shared servers."""
    numbers = request.config.stash.setdefault(NUMBERS, count(1))
    return next(numbers)


def _skip_if(missing: str | None) -> None:
    if missing:
        pytest.skip(missing)
