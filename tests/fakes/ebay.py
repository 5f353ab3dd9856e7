"""A strict eBay: its token endpoint and two of its Sell APIs, requests checked against eBay's description.

It keeps state, sizes of pages, the lives of access tokens, revisions a day and quantities as eBay does,
answers errors in eBay's form, and can be told to misbehave: faults are queued by the operation that they hit.
"""

import re
from base64 import b64decode
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, Literal
from urllib.parse import parse_qs

import msgspec
import trio

from .ebay_schema import Descriptions, Operation, require_descriptions
from .ebay_shop import REVISIONS_A_DAY, EbayShop, Row, written
from .pool import Pool
from .web import Asked, Double, Reply, json, misbehaved, serving

TOKEN_PATH = "/identity/v1/oauth2/token"
LIFE_S = 7200
CLIENT = ("Acme-drop-PRD-0123456789-abcdef01", "PRD-0123456789ab")
RU_NAME = "Acme-Acmedrop-PRD-abcde"
SCOPES = ("sell.fulfillment", "sell.inventory")
MOST_IDS = 50
CARRIERS = ("UPS", "USPS", "FedEx", "DHL", "Other")

Fault = Literal[
    "401", "403", "429", "503", "500", "system", "day", "html", "before", "after", "lost", "truncated", "slow"
]
"""`429` is what an empty `pool` answers, too. `system`: an error 25001 or 30500. `day`: the day's calls are
used up. `before`, `after`: the connection ends before or after it was applied, with no answer; `truncated`:
within the answer. `lost`: applied, and never answered. `slow`: in small bits."""

NAMES = {
    "GET /order": "orders",
    "GET /order/{orderId}": "order",
    "GET /order/{orderId}/shipping_fulfillment": "fulfillments",
    "POST /order/{orderId}/shipping_fulfillment": "ship",
    "GET /inventory_item": "items",
    "POST /bulk_get_inventory_item": "items_of",
    "GET /offer": "offers",
    "POST /bulk_update_price_quantity": "set",
}


def error(number: int, message: str, status: int = 400, *, domain: str = "API") -> Reply:
    told = {
        "errorId": number,
        "domain": domain,
        "category": "REQUEST",
        "message": message,
        "longMessage": message,
    }
    return json({"errors": [told]}, status)


class FakeEbay(Double[Fault]):
    """`shop` has the state; `asked` are the operations that came, in order. `unknown_ids` is what becomes of
    them where orders are asked for by ids; `never_orders` are refused whenever they are."""

    def __init__(self, descriptions: Descriptions, now: datetime) -> None:
        super().__init__()
        self.descriptions = descriptions
        self.shop = EbayShop(now)
        self.refresh_tokens = {"v^1.1#refresh"}
        self.codes: dict[str, bool] = {}
        self.access: dict[str, float] = {}
        self.scopes = set(SCOPES)
        self.whole_refusal: set[str] = set()
        self.never_skus: set[str] = set()
        self.stumbles: set[str] = set()
        self.newest_first = False
        self.unknown_ids: Literal["left out", "refused"] = "left out"
        self.never_orders: set[str] = set()
        self.pool: Pool | None = None

    # ---- HTTP

    async def answer(self, asked: Asked) -> Reply | None:
        if asked.target == TOKEN_PATH:
            return await self._misbehaving("token", lambda: self._token(asked))
        operation = self.descriptions.find(asked.method, asked.path)
        body = self.descriptions.check_request(operation, asked.query, asked.headers, asked.body)
        name = NAMES[f"{asked.method} {operation.path}"]
        return await self._misbehaving(name, lambda: self._described(operation, name, asked, body))

    async def _misbehaving(self, name: str, reply: Callable[[], Reply]) -> Reply | None:
        fault = self.called(name)
        if fault is None and self.pool is not None and not self.pool.take():
            fault = "429"
        canned = self._canned(fault, name)
        if canned is not None or fault == "before":
            return canned
        told = reply()
        spoilt = msgspec.structs.replace(told, body=self.spoil.spoilt(name, told.body))
        return await misbehaved(spoilt, fault)

    def _canned(self, fault: Fault | None, name: str) -> Reply | None:
        """What some faults are answered with, without a look at the request."""
        if fault == "401":
            self.access.clear()
        system = 25001 if name in ("items", "items_of", "offers", "set") else 30500
        throttled = error(2001, "Too many requests.", 429)
        canned: dict[Fault | None, Reply] = {
            "401": error(1001, "Invalid access token", 401, domain="OAuth"),
            "403": error(1100, "Access denied", 403, domain="ACCESS"),
            "429": msgspec.structs.replace(throttled, headers={"retry-after": "3"}),
            "500": json({}, 500),
            "503": json({}, 503),
            "system": error(system, "A system error has occurred.", 500),
            "day": error(2001, "The request limit has been reached for the resource.", 400),
            "html": Reply(kind="text/html", body=b"<html><title>Pardon our interruption</title></html>"),
        }
        return canned.get(fault)

    def _token(self, asked: Asked) -> Reply:
        scheme, _, pair = asked.headers.get("authorization", "").partition(" ")
        form = {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
        if (scheme, *b64decode(pair).decode().split(":")) != ("Basic", *CLIENT):
            return json({"error": "invalid_client", "error_description": "client authentication failed"}, 401)
        refused = json({"error": "invalid_grant", "error_description": "it is invalid"}, 400)
        more: dict[str, object] = {}
        if form["grant_type"] == "authorization_code":
            if self.codes.pop(form["code"], False) is False or form["redirect_uri"] != RU_NAME:
                return refused
            token = f"v^1.1#refresh-{self.shop.number()}"
            self.refresh_tokens.add(token)
            more = {"refresh_token": token, "refresh_token_expires_in": 47_304_000}
        elif form.get("refresh_token") not in self.refresh_tokens:
            return refused
        access = f"v^1.1#access-{self.shop.number()}"
        self.access[access] = trio.current_time() + LIFE_S
        return json({"access_token": access, "expires_in": LIFE_S, "token_type": "User Access Token", **more})

    def _described(self, operation: Operation, name: str, asked: Asked, body: Any) -> Reply:
        token = asked.headers.get("authorization", "").removeprefix("Bearer ")
        if self.access.get(token, -1.0) < trio.current_time():
            return error(1001, "Invalid access token", 401, domain="OAuth")
        if f"sell.{operation.base.split('/')[2]}" not in self.scopes:
            return error(1100, "Access denied", 403, domain="ACCESS")
        reply: Reply = getattr(self, f"_{name}")(operation.named, asked.query, body)
        content = msgspec.json.decode(reply.body) if reply.body else None
        self.descriptions.check_answer(operation, reply.status, content if reply.status < 300 else None)
        date = format_datetime(self.shop.now.astimezone(UTC), usegmt=True)
        return msgspec.structs.replace(reply, headers={**reply.headers, "date": date})

    # ---- Fulfillment API

    def _orders(self, _named: Mapping[str, str], query: Mapping[str, str], _body: Any) -> Reply:
        if "orderIds" in query:  # whatever else is asked is ignored
            return self._orders_by_id(query["orderIds"].split(","))
        limit, offset = int(query.get("limit", "50")), int(query.get("offset", "0"))
        if not 1 <= limit <= 200:
            return error(31100, "Invalid limit")
        found = self._filtered(query.get("filter", ""))
        if isinstance(found, Reply):
            return found
        page = [without_requests(self._kept(row)) for row in found[offset : offset + limit]]
        told: dict[str, object] = {
            "href": "https://api.ebay.com/sell/fulfillment/v1/order",
            "total": len(found),
            "limit": limit,
            "offset": offset,
            "orders": page,
        }
        if offset + limit < len(found):
            told["next"] = f"https://api.ebay.com/sell/fulfillment/v1/order?offset={offset + limit}"
        return json(told)

    def _orders_by_id(self, ids: list[str]) -> Reply:
        """In the order of their creation, as every list that is not asked for otherwise."""
        if len(ids) > MOST_IDS:
            return error(30900, f"Exceeded maximum number of order IDs (the current limit is {MOST_IDS})")
        oldest = written(self.shop.now - timedelta(days=730))
        known = {key for key, row in self.shop.orders.items() if row["creationDate"] >= oldest}
        if self.never_orders & set(ids) or (self.unknown_ids == "refused" and set(ids) - known):
            return error(32100, "Invalid order ID")
        rows = [row for row in self.shop.orders.values() if row["orderId"] in known & set(ids)]
        rows.sort(key=lambda row: row["creationDate"])
        told = {
            "href": "https://api.ebay.com/sell/fulfillment/v1/order",
            "total": len(rows),
            "limit": 50,
            "offset": 0,
            "orders": [without_requests(self._kept(row)) for row in rows],
        }
        return json(told)

    def _kept(self, order: Row) -> Row:
        """What eBay still tells of it: after 90 days neither name nor street, mail or phone."""
        if order["creationDate"] >= written(self.shop.now - timedelta(days=90)):
            return order
        kept = deepcopy(order)
        for each in kept["fulfillmentStartInstructions"]:
            to = each["shippingStep"]["shipTo"]
            for name in ("fullName", "email", "primaryPhone"):
                to.pop(name, None)
            to["contactAddress"].pop("addressLine1", None)
            to["contactAddress"].pop("addressLine2", None)
        return kept

    def _filtered(self, text: str) -> list[Row] | Reply:
        rows = list(self.shop.orders.values())
        by = "creationDate"
        for name, value in re.findall(r"(\w+):([\[{][^\]}]*[\]}])", text):
            if name == "orderfulfillmentstatus":
                states = value.strip("{}").split("|")
                if states not in (["NOT_STARTED", "IN_PROGRESS"], ["FULFILLED", "IN_PROGRESS"]):
                    return error(30800, "Invalid filter value")
                rows = [row for row in rows if row["orderFulfillmentStatus"] in states]
            elif name in ("creationdate", "lastmodifieddate"):
                by = "creationDate" if name == "creationdate" else "lastModifiedDate"
                start, _, end = value.strip("[]").partition("..")
                wrong = self._date_fault(start, end)
                if wrong is not None:
                    return wrong
                rows = [row for row in rows if start <= row[by] and (not end or row[by] <= end)]
            else:
                return error(30700, f"Invalid filter name: {name}")
        return sorted(rows, key=lambda row: row[by], reverse=self.newest_first)

    def _date_fault(self, start: str, end: str) -> Reply | None:
        if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", start):
            return error(30810, "Invalid date format")
        if max(start, end) > written(self.shop.now):
            return error(30850, "Start and end dates can't be in the future")
        if start < written(self.shop.now - timedelta(days=730)):
            return error(30830, "Time range must be within 2 years")
        return None

    def _order(self, named: Mapping[str, str], _query: Mapping[str, str], _body: Any) -> Reply:
        if named["orderId"] in self.never_orders:
            return error(30000, "It is refused")
        order = self.shop.orders.get(named["orderId"])
        return error(32100, "Invalid order ID", 404) if order is None else json(self._kept(order))

    def _fulfillments(self, named: Mapping[str, str], _query: Mapping[str, str], _body: Any) -> Reply:
        made = self.shop.fulfillments.get(named["orderId"])
        if made is None:
            return error(32100, "Invalid order ID")
        return json({"fulfillments": made, "total": len(made)})

    def _ship(self, named: Mapping[str, str], _query: Mapping[str, str], body: Any) -> Reply:
        order = self.shop.orders.get(named["orderId"])
        if order is None:
            return error(32100, "Invalid Order Id")
        wrong = self._ship_fault(order, body)
        if wrong:
            return error(wrong, "It is refused")
        key = self.shop.ship(order, body)
        place = (
            f"https://api.ebay.com/sell/fulfillment/v1/order/{order['orderId']}/shipping_fulfillment/{key}"
        )
        return Reply(status=201, body=b"", headers={"location": place})

    def _ship_fault(self, order: Row, body: Any) -> int:
        """eBay's number of what is wrong with it; 0 for nothing."""
        lines = {line["lineItemId"]: line["quantity"] for line in order["lineItems"]}
        ids = [each["lineItemId"] for each in body["lineItems"]]
        tracking, carrier = body.get("trackingNumber", ""), body.get("shippingCarrierCode", "")
        when = body.get("shippedDate", written(self.shop.now))
        made = self.shop.fulfillments[order["orderId"]]
        units = {each["lineItemId"]: each.get("quantity", 1) for each in body["lineItems"]}
        for each in (one for row in made for one in row["lineItems"]):
            units[each["lineItemId"]] = units.get(each["lineItemId"], 0) + each["quantity"]
        faults = {
            32200: bool(set(ids) - set(lines)),
            32210: len(set(ids)) < len(ids),
            32300: bool(tracking) != bool(carrier)
            or carrier not in ("", *CARRIERS)
            or bool(re.search(r"[^0-9A-Za-z]", tracking)),
            32500: not order["creationDate"] <= when <= written(self.shop.now + timedelta(minutes=5)),
            32600: any(units[line] > lines.get(line, units[line]) for line in units),
            34500: bool(tracking) and any(row["fulfillmentId"] == tracking for row in made),
        }
        return next((number for number, wrong in faults.items() if wrong), 0)

    # ---- Inventory API

    def _items(self, _named: Mapping[str, str], query: Mapping[str, str], _body: Any) -> Reply:
        limit, page = int(query.get("limit", "25")), int(query.get("offset", "0"))
        if not 1 <= limit <= 200:
            return error(25706, "You have provided invalid pagination values")
        rows = [self.shop.items[sku] for sku in sorted(self.shop.items)]
        told: dict[str, object] = {
            "href": f"/sell/inventory/v1/inventory_item?limit={limit}&offset={page}",
            "limit": limit,
            "size": -(-len(rows) // limit),
            "total": len(rows),
            "inventoryItems": rows[page * limit : (page + 1) * limit],
        }
        if (page + 1) * limit < len(rows):
            told["next"] = f"/sell/inventory/v1/inventory_item?limit={limit}&offset={page + 1}"
        return json(told)

    def _items_of(self, _named: Mapping[str, str], _query: Mapping[str, str], body: Any) -> Reply:
        skus = [each["sku"] for each in body["requests"]]
        if len(skus) > 25:
            return error(25727, "The number of InventoryItems in the request cannot exceed 25.")
        if len(set(skus)) < len(skus):
            return error(25734, "SKU should be unique in the request.")
        if set(skus) & self.never_skus:
            return error(25708, "Invalid SKU.")
        responses = [self._item_of(sku) for sku in skus]
        whole = all(each["statusCode"] == 200 for each in responses)
        # What is not all well is answered 207, of which the description says nothing but that it exists.
        return json({"responses": responses}, 200 if whole else 207)

    def _item_of(self, sku: str) -> Row:
        item = self.shop.items.get(sku)
        if sku in self.stumbles:
            return {"statusCode": 500, "sku": sku, "errors": [listed(25001, "A system error has occurred.")]}
        if item is not None:
            return {"statusCode": 200, "sku": sku, "inventoryItem": item}
        return {"statusCode": 404, "sku": sku, "errors": [listed(25702, f"{sku} is not available")]}

    def _offers(self, _named: Mapping[str, str], query: Mapping[str, str], _body: Any) -> Reply:
        sku = query.get("sku", "")
        if not 0 < len(sku) <= 50:
            return error(25707, "This is an invalid value for a SKU.")
        found = self.shop.offers_of(sku)
        if not found:
            return error(25713, "This Offer is not available", 404)
        return json({"total": len(found), "size": len(found), "limit": 100, "offers": found})

    def _set(self, _named: Mapping[str, str], _query: Mapping[str, str], body: Any) -> Reply:
        requests = body["requests"]
        if len(requests) > 25:
            return error(25709, "Invalid value for requests.")
        if any(each.get("sku") in self.whole_refusal for each in requests) and len(requests) > 1:
            return error(25709, "Invalid value for sku.")
        responses = [part for each in requests for part in self._set_one(each)]
        whole = all(each["statusCode"] == 200 for each in responses)
        return json({"responses": responses}, 200 if whole else 207)

    def _set_one(self, asked: Row) -> list[Row]:
        sku = asked["sku"]
        units = asked["shipToLocationAvailability"]["quantity"]
        if sku not in self.shop.items:
            return [{"statusCode": 404, "sku": sku, "errors": [listed(25702, f"{sku} could not be found")]}]
        offers = [(each["offerId"], each["availableQuantity"]) for each in asked.get("offers", [])]
        faults = {key: self._offer_fault(sku, key, count, units) for key, count in offers}
        refused = [
            {"statusCode": 400, "sku": sku, "offerId": key, "errors": [wrong]}
            for key, wrong in faults.items()
            if wrong is not None
        ]
        if refused and len(refused) == len(offers):
            return refused
        self.shop.items[sku]["availability"]["shipToLocationAvailability"]["quantity"] = units
        offers = [(key, count) for key, count in offers if faults[key] is None]
        for key, count in offers:
            self.shop.offers[key]["availableQuantity"] = count
            listing = self.shop.offers[key]["listing"]["listingId"]
            self.shop.revised[listing] = self.shop.revised.get(listing, 0) + 1
        if not offers:
            return [{"statusCode": 200, "sku": sku}]
        return [*refused, *({"statusCode": 200, "sku": sku, "offerId": key} for key, _ in offers)]

    def _offer_fault(self, sku: str, key: str, count: int, units: int) -> Row | None:
        offer = self.shop.offers.get(key)
        if offer is None or offer["sku"] != sku:
            return listed(25713, "This Offer is not available")
        if offer["status"] != "PUBLISHED" or offer["format"] != "FIXED_PRICE":
            return listed(25002, "Any User error. The offer is not published.")
        if count > units or count < 0:
            return listed(25004, "Invalid quantity")
        if count == 0 and not self.shop.zero_allowed:
            return listed(25004, "The quantity must be a valid number greater than 0.")
        if self.shop.revised.get(offer["listing"]["listingId"], 0) >= REVISIONS_A_DAY:
            return listed(25002, "You have exceeded the number of times this listing can be revised today.")
        return None


def listed(number: int, message: str) -> Row:
    return {"errorId": number, "domain": "API_INVENTORY", "category": "REQUEST", "message": message}


def without_requests(order: Row) -> Row:
    """As a list of orders tells it: who asked for a cancellation is told of single ones only."""
    return {**order, "cancelStatus": {**order["cancelStatus"], "cancelRequests": []}}


@asynccontextmanager
async def fake_ebay(*, now: datetime | None = None) -> AsyncIterator[FakeEbay]:
    """A server, up and listening; skips the test where eBay's descriptions are not here."""
    fake = FakeEbay(require_descriptions(), now or datetime(2026, 11, 22, tzinfo=UTC))
    async with serving(fake):
        yield fake
