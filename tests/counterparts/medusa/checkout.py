"""What a shop needs to sell through the Store API, and a buyer who does all that one has to do."""

from collections.abc import Mapping

import msgspec

from .entry import Key
from .records import Identified
from .rest import Api
from .server import MedusaServer

ADDRESS = {
    "first_name": "Ada",
    "last_name": "Example",
    "company": "Example Ltd",
    "address_1": "1 Test Street",
    "address_2": "Floor 2",
    "city": "Springfield",
    "province": "IL",
    "postal_code": "62701",
    "country_code": "us",
    "phone": "+1 555 0100",
}
METHOD = "Standard Shipping"
PAYMENT = "pp_system_default"  # authorizes whatever it is asked


class _Zones(msgspec.Struct):
    service_zones: list[Identified]


class _Location(msgspec.Struct):
    fulfillment_sets: list[Identified]


class Checkout:
    """A shop's region, shipping option and publishable key."""

    def __init__(self, server: MedusaServer, admin: Api, *, code: str, channel: str, location: str) -> None:
        self._admin = admin
        self.region = self._region()
        self.profile = self._profile()
        self.option = self._shipping_option(code, location)
        key = admin.post("/admin/api-keys", {"title": code, "type": "publishable"}, dict[str, Key])["api_key"]
        self._post(f"api-keys/{key.id}/sales-channels", {"add": [channel]})
        self._store = Api(server.url, {"x-publishable-api-key": key.token})

    def close(self) -> None:
        self._store.close()

    def buy(self, units: Mapping[str, int]) -> str:
        """Fill a cart with these units by variant, and pay; the order's id."""
        cart = self._buying(
            "carts",
            "cart",
            {
                "region_id": self.region,
                "email": "buyer@example.com",
                "items": [{"variant_id": variant, "quantity": count} for variant, count in units.items()],
                "shipping_address": ADDRESS,
                "billing_address": ADDRESS,
            },
        )
        self._buying(f"carts/{cart}/shipping-methods", "cart", {"option_id": self.option})
        collection = self._buying("payment-collections", "payment_collection", {"cart_id": cart})
        session = {"provider_id": PAYMENT}
        self._buying(f"payment-collections/{collection}/payment-sessions", "payment_collection", session)
        answer = self._store.post(f"/store/carts/{cart}/complete", {}, dict[str, object])
        return msgspec.convert(answer["order"], Identified).id

    def _region(self) -> str:
        """The server's one region, made by whoever comes first."""
        there = self._admin.get("/admin/regions", dict[str, object])["regions"]
        regions = msgspec.convert(there, list[Identified])
        if regions:
            return regions[0].id
        region = {
            "name": "United States",
            "currency_code": "usd",
            "countries": ["us"],
            "payment_providers": [PAYMENT],
        }
        return self._admin.post("/admin/regions", region, dict[str, Identified])["region"].id

    def _profile(self) -> str:
        there = self._admin.get("/admin/shipping-profiles", dict[str, object])["shipping_profiles"]
        profiles = msgspec.convert(there, list[Identified])
        if profiles:
            return profiles[0].id
        made = {"name": "Default", "type": "default"}
        answer = self._admin.post("/admin/shipping-profiles", made, dict[str, Identified])
        return answer["shipping_profile"].id

    def _shipping_option(self, code: str, location: str) -> str:
        path = f"stock-locations/{location}"
        self._post(f"{path}/fulfillment-providers", {"add": ["manual_manual"]})
        made = self._admin.post(
            f"/admin/{path}/fulfillment-sets",
            {"name": f"Shipping {code}", "type": "shipping"},
            dict[str, _Location],
            {"fields": "fulfillment_sets.id"},
        )
        fulfillment_set = made["stock_location"].fulfillment_sets[0].id
        zone = {"name": f"Zone {code}", "geo_zones": [{"type": "country", "country_code": "us"}]}
        zones = self._admin.post(
            f"/admin/fulfillment-sets/{fulfillment_set}/service-zones", zone, dict[str, _Zones]
        )
        option = {
            "name": METHOD,
            "service_zone_id": zones["fulfillment_set"].service_zones[0].id,
            "shipping_profile_id": self.profile,
            "provider_id": "manual_manual",
            "price_type": "flat",
            "type": {"label": "Standard", "description": "Some days", "code": "standard"},
            "prices": [{"currency_code": "usd", "amount": 5}],
            "rules": [],
        }
        return self._admin.post("/admin/shipping-options", option, dict[str, Identified])[
            "shipping_option"
        ].id

    def _buying(self, path: str, name: str, body: Mapping[str, object]) -> str:
        answer = self._store.post(f"/store/{path}", body, dict[str, object])
        return msgspec.convert(answer[name], Identified).id

    def _post(self, path: str, body: Mapping[str, object]) -> None:
        self._admin.post(f"/admin/{path}", body, dict[str, object])
