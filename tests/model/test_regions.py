"""States and provinces by their codes."""

import pytest

from dropstreamd.model.orders import Address
from dropstreamd.model.regions import coded


@pytest.mark.parametrize(
    ("country", "region", "code"),
    [
        ("US", "Texas", "TX"),
        ("US", " new  york ", "NY"),
        ("US", "District of Columbia", "DC"),
        ("US", "Armed Forces Pacific", "AP"),
        ("CA", "Québec", "QC"),
        ("CA", "Newfoundland and Labrador", "NL"),
        ("AU", "New South Wales", "NSW"),
        ("US", "TX", "TX"),
        ("US", "Tejas", "Tejas"),
        ("US", "Ontario", "Ontario"),
        ("DE", "Bayern", "Bayern"),
        ("US", "", ""),
    ],
)
def test_a_region_by_its_code(country: str, region: str, code: str) -> None:
    address = Address(name="A. Buyer", city="Springfield", region=region, country=country)
    assert coded(address) == Address(name="A. Buyer", city="Springfield", region=code, country=country)
