"""Warehouses beside the daemon, each as its plugin's sample has it, with what its people do."""

import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from tests.counterparts import edi_partner
from tests.counterparts.edi_partner import EdiPartner
from tests.counterparts.sshd import Account
from tests.counterparts.tryton import server as tryton
from tests.counterparts.tryton.warehouse import TrytonWarehouse
from tests.e2e import documented
from tests.e2e.sandbox import WAREHOUSE_PASSWORD, Sandbox
from tests.e2e.served import Served
from tests.fakes.shiphero import FakeShipHero
from tests.fakes.shiphero_house import WAREHOUSE


class House(Protocol):
    """`sample` is the folder of the sample that it is made of, `account` what that calls it; `secrets` are
    by the keys of its table. `method` is a ship method there, `carrier` what UPS is called. Orders go by
    reference."""

    @property
    def name(self) -> str: ...
    @property
    def sample(self) -> str: ...
    @property
    def account(self) -> str: ...
    @property
    def secrets(self) -> Mapping[str, str]: ...
    @property
    def method(self) -> str: ...
    @property
    def carrier(self) -> str: ...

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


class Dates:
    """Those of files of figures: each a minute newer than the one before, and older than whatever comes."""

    def __init__(self) -> None:
        self._began = datetime.now(UTC)
        self.given = 0

    def date(self, file: Path) -> None:
        self.given += 1
        at_s = (self._began + timedelta(minutes=self.given - 10)).timestamp()
        os.utime(file, (at_s, at_s))


class Files:
    """A warehouse that exchanges files: the sample's, behind the sandbox's SFTP."""

    name, sample, account = "csv", "file_exchange", "main"
    method, carrier = "UPS_GND", "UPS"
    secrets: Mapping[str, str] = {"password": WAREHOUSE_PASSWORD}

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._dates = Dates()

    def configured(self, sample: str) -> str:
        """As its comment says, a password in place of the key; and no ten seconds between two looks."""
        account = self._sandbox.sftp
        text = re.sub(r"(?m)^key .*# or: (.*)$", r"\1\nsettle_s = 0.05", sample)
        return documented.with_own(text, {"url": f'"{account.url}"', "host_key": f'"{account.host_key}"'})

    def arrived(self) -> list[str]:
        return list(self._sandbox.arrived().elements())

    def count(self, units: Mapping[str, int]) -> None:
        name = f"inv_{self._dates.given}.csv"
        self._sandbox.leave(name, "".join(f"{sku},{count}\n" for sku, count in units.items()))
        self._dates.date(self._sandbox.out / name)

    def ship(self, reference: str, tracking: str) -> None:
        header = "order_number,sku,quantity,carrier,tracking_number,ship_date\n"
        today = datetime.now(UTC).isoformat(timespec="seconds")
        self._sandbox.leave(f"shp_{tracking}.csv", f"{header}{reference},TEE,2,UPS,{tracking},{today}\n")


class OnX12:
    """A warehouse that is an EDI partner: the sample's, on an SFTP server that wants a key."""

    name, sample, account = "x12", "file_exchange/x12", "edi"
    method, carrier = "UPS_GND", "UPSN"

    def __init__(self, account: Account, kept: Path) -> None:
        self._account = account
        self._partner = EdiPartner(account, kept)
        self._dates = Dates()
        self.secrets: Mapping[str, str] = {"key": account.key.read_text()}

    def configured(self, sample: str) -> str:
        """A key in place of the password; and no ten seconds between two looks."""
        text = re.sub(r"(?m)^password = (.*)$", r"key = \1\nsettle_s = 0.05", sample, count=1)
        own = {"url": self._account.url, "host_key": self._account.host_key}
        agreed = {"sender": edi_partner.THEM, "receiver": edi_partner.US, "usage": "P"}
        return documented.with_own(text, {key: f'"{value}"' for key, value in {**own, **agreed}.items()})

    def arrived(self) -> list[str]:
        """Each is acknowledged as it is taken."""
        for file in self._partner.take():
            self._partner.acknowledge(file)
        return [file.reference for file in self._partner.taken("940")]

    def count(self, units: Mapping[str, int]) -> None:
        control = self._partner.report({sku: (count, count) for sku, count in units.items()})
        self._dates.date(self._account.outbox / f"846_{control}.edi")

    def ship(self, reference: str, tracking: str) -> None:
        self._partner.advise(reference, f"S{tracking}", {"TEE": 2}, tracking=tracking)


class OnTryton:
    """A warehouse on a Tryton."""

    name, sample, account = "tryton", "tryton", "main"
    method, carrier = "UPS Ground", "UPS"
    secrets: Mapping[str, str] = {"password": tryton.PASSWORD}

    def __init__(self, house: TrytonWarehouse) -> None:
        self._house = house
        self._new = True

    def configured(self, sample: str) -> str:
        own = {
            "url": self._house.server.url,
            "database": tryton.DATABASE,
            "username": tryton.USER,
            "customer": self._house.code,
            "warehouse": self._house.code,
            "category": self._house.code,
        }
        quoted = {key: f'"{value}"' for key, value in own.items()}
        return documented.with_own(sample, {**quoted, "allow_private_address": "true"})

    def arrived(self) -> list[str]:
        return [each["reference"] for each in self._house.shipments()]

    def count(self, units: Mapping[str, int]) -> None:
        (self._house.add_products if self._new else self._house.count)(units)
        self._new = False

    def ship(self, reference: str, tracking: str) -> None:
        (shipment,) = self._house.shipments(reference)
        self._house.fulfil([shipment["id"]], tracking=tracking)


class OnShipHero:
    """A warehouse on ShipHero."""

    name, sample, account = "shiphero", "shiphero", "main"
    method, carrier = "UPS_GND", "ups"

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
