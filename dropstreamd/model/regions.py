"""States and provinces by their codes, as carriers and EDI write them where a platform tells the name.

The codes are those of ISO 3166-2 without the country; for the military post of the United States those of the
USPS ("Publication 28, Postal Addressing Standards").
"""

from collections.abc import Mapping

from msgspec.structs import replace

from dropstreamd.model.orders import Address

_UNITED_STATES = """
AL Alabama, AK Alaska, AZ Arizona, AR Arkansas, CA California, CO Colorado, CT Connecticut, DE Delaware,
DC District of Columbia, FL Florida, GA Georgia, HI Hawaii, ID Idaho, IL Illinois, IN Indiana, IA Iowa,
KS Kansas, KY Kentucky, LA Louisiana, ME Maine, MD Maryland, MA Massachusetts, MI Michigan, MN Minnesota,
MS Mississippi, MO Missouri, MT Montana, NE Nebraska, NV Nevada, NH New Hampshire, NJ New Jersey,
NM New Mexico, NY New York, NC North Carolina, ND North Dakota, OH Ohio, OK Oklahoma, OR Oregon,
PA Pennsylvania, RI Rhode Island, SC South Carolina, SD South Dakota, TN Tennessee, TX Texas, UT Utah,
VT Vermont, VA Virginia, WA Washington, WV West Virginia, WI Wisconsin, WY Wyoming, AS American Samoa,
GU Guam, MP Northern Mariana Islands, PR Puerto Rico, VI Virgin Islands, AA Armed Forces Americas,
AE Armed Forces Europe, AP Armed Forces Pacific
"""
_CANADA = """
AB Alberta, BC British Columbia, MB Manitoba, NB New Brunswick, NL Newfoundland and Labrador, NS Nova Scotia,
NT Northwest Territories, NU Nunavut, ON Ontario, PE Prince Edward Island, QC Quebec, QC Québec,
SK Saskatchewan, YT Yukon
"""
_AUSTRALIA = """
ACT Australian Capital Territory, NSW New South Wales, NT Northern Territory, QLD Queensland,
SA South Australia, TAS Tasmania, VIC Victoria, WA Western Australia
"""


def _read(table: str) -> Mapping[str, str]:
    pairs = (each.strip().partition(" ") for each in table.split(","))
    return {name.replace("\n", " ").casefold(): code for code, _, name in pairs}


_CODES = {"US": _read(_UNITED_STATES), "CA": _read(_CANADA), "AU": _read(_AUSTRALIA)}


def coded(address: Address) -> Address:
    """The address with its state's or province's code, where the country has one for what stands there;
    anything else stays as it is."""
    code = _CODES.get(address.country, {}).get(" ".join(address.region.split()).casefold())
    return address if code is None else replace(address, region=code)
