"""Warehouses beside the daemon, each as its plugin's sample has it, with what its people do."""

import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Protocol

from tests.e2e import documented
from tests.e2e.sandbox import WAREHOUSE_PASSWORD, Sandbox
from tests.e2e.served import Served
from tests.fakes.shiphero import FakeShipHero
from tests.fakes.shiphero_house import WAREHOUSE


class House(Protocol):
    """`plugin` is whose sample it is; `secrets` are by the keys of its table. Orders go by reference."""

    @property
    def plugin(self) -> str: ...
    @property
    def secrets(self) -> Mapping[str, str]: ...

    def configured(self, sample: str) -> str:
        """The sample with this account's values."""
        ...

    def arrived(self) -> list[str]:
        """Every order that it was ever given, as often as it was."""
        ...

    def count(self, units: Mapping[str, int]) -> None:
        """This is its stock now."""
        ...

    def ship(self, reference: str, tracking: str) -> None:
        """All of an order of two TEE, in one package."""
        ...


class Files:
    """A warehouse that exchanges files: the sample's, behind the sandbox's SFTP."""

    plugin = "file_exchange"
    secrets: Mapping[str, str] = {"password": WAREHOUSE_PASSWORD}

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._began = datetime.now(UTC)
        self._files = 0

    def configured(self, sample: str) -> str:
        """As its comment says, a password in place of the key; and no ten seconds between two looks."""
        account = self._sandbox.sftp
        text = re.sub(r"(?m)^key .*# or: (.*)$", r"\1\nsettle_s = 0.05", sample)
        return documented.with_own(text, {"url": f'"{account.url}"', "host_key": f'"{account.host_key}"'})

    def arrived(self) -> list[str]:
        return list(self._sandbox.arrived().elements())

    def count(self, units: Mapping[str, int]) -> None:
        """Each file is a minute newer than the one before, and older than whatever comes."""
        self._files += 1
        rows = "".join(f"{sku},{count}\n" for sku, count in units.items())
        name = f"inv_{self._files}.csv"
        self._sandbox.leave(name, rows)
        at_s = (self._began + timedelta(minutes=self._files - 10)).timestamp()
        os.utime(self._sandbox.out / name, (at_s, at_s))

    def ship(self, reference: str, tracking: str) -> None:
        header = "order_number,sku,quantity,carrier,tracking_number,ship_date\n"
        today = datetime.now(UTC).isoformat(timespec="seconds")
        self._sandbox.leave(f"shp_{tracking}.csv", f"{header}{reference},TEE,2,UPS,{tracking},{today}\n")


class OnShipHero:
    """A warehouse on ShipHero."""

    plugin = "shiphero"

    def __init__(self, fake: Served[FakeShipHero]) -> None:
        self._fake = fake
        self.secrets: Mapping[str, str] = {"refresh_token": fake.double.refresh_token}

    def configured(self, sample: str) -> str:
        own = {
            "warehouse": f'"{WAREHOUSE}"',
            "url": f'"{self._fake.double.url}"',
            "allow_private_address": "true",
        }
        return documented.with_own(sample, own)

    def arrived(self) -> list[str]:
        return self._fake.act(lambda fake: [each["partner_order_id"] for each in fake.house.orders.values()])

    def count(self, units: Mapping[str, int]) -> None:
        self._fake.act(lambda fake: fake.house.count(units))

    def ship(self, reference: str, tracking: str) -> None:
        def pack(fake: FakeShipHero) -> None:
            orders = fake.house.orders.values()
            (order,) = [each for each in orders if each["partner_order_id"] == reference]
            fake.house.ship(order, None, tracking)

        self._fake.act(pack)
