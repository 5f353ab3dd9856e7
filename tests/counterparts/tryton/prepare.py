"""Fills a new database; run by Tryton's own Python: `prepare.py CONFIGURATION DATABASE`."""

import sys
from decimal import Decimal
from typing import Any

from proteus import Model, Wizard, config

COUNTRIES = {"US": "United States", "GB": "United Kingdom", "DE": "Germany"}
SERVICES = {"UPS": ("Ground", "Next Day"), "DHL": ("Paket",)}


def main(configuration: str, database: str) -> None:
    config.set_trytond(f"sqlite:///{database}", user="admin", config_file=configuration)
    add_company()
    (admin,) = find("res.user", ("login", "=", "admin"))
    belong(admin)
    user = Model.get("res.user")(name="dropstreamd", login="dropstreamd")
    user.password = "correct horse battery"
    user.groups.extend(find("res.group", ("name", "in", ["Stock", "Product Administration"])))
    belong(user)
    for code, name in COUNTRIES.items():
        Model.get("country.country")(name=name, code=code).save()
    Model.get("stock.package.type")(name="Box").save()
    for carrier, services in SERVICES.items():
        for service in services:
            add_carrier(carrier, service)


def find(model: str, *clauses: tuple[str, str, object]) -> list[Any]:
    found: list[Any] = Model.get(model).find(list(clauses))
    return found


def add_company() -> None:
    currency = Model.get("currency.currency")(name="US Dollar", symbol="$", code="USD")
    currency.digits, currency.rounding = 2, Decimal("0.01")
    currency.save()
    party = Model.get("party.party")(name="Example Warehouse Co")
    party.save()
    wizard = Wizard("company.company.config")
    wizard.execute("company")
    wizard.form.party, wizard.form.currency = party, currency
    wizard.execute("add")


def belong(user: Any) -> None:
    (company,) = find("company.company")
    user.companies.append(company)
    user.company = company
    user.save()


def add_carrier(name: str, service: str) -> None:
    party = (find("party.party", ("name", "=", name)) or [None])[0]
    if party is None:
        party = Model.get("party.party")(name=name)
        party.save()
    (unit,) = find("product.uom", ("symbol", "=", "u"))
    template = Model.get("product.template")(name=service, type="service", default_uom=unit)
    template.save()
    Model.get("carrier")(party=party, carrier_product=template.products[0]).save()


if __name__ == "__main__":
    main(*sys.argv[1:])
