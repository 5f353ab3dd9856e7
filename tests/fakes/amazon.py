"""A strict Amazon: an HTTP server that holds every request, and every answer of its own, against the models.

It gives tokens, keeps each operation to its usage plan, pages, stores documents at addresses of their own,
works at feeds for a while, and can be told to misbehave: faults are queued by the name of the operation that
they hit (`token`, `upload` and `download` for what is none).
"""

import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Literal
from urllib.parse import parse_qs, parse_qsl

import msgspec
import trio

from dropstreamd.clock import Clock

from .amazon_schema import Operation, Refused, check_answer, check_request, require_models
from .amazon_seller import CANADA, HERE, SELLER, AmazonSeller, Invalid, Row
from .pool import Pool
from .web import JSON, Asked, Double, Reply, json, misbehaved, serving

TOKEN_PATH = "/auth/o2/token"
ROLES = frozenset({"orders", "listings"})
STORED = re.compile(
    r"/stored/(?P<key>[\w.]+)/(?P<what>up|down)\?X-Amz-Expires=300&X-Amz-Signature=a%2Fb%2Bc%3D"
)

Fault = Literal[
    "expired", "403", "429", "500", "503", "html", "before", "after", "lost", "truncated", "slow", "400"
]
"""`expired`: the token. `before`, `after`: the connection ends before or after it was applied, with no
answer; `truncated`: within the answer. `lost`: applied, and never answered. `slow`: in small bits."""


class FakeAmazon(Double[Fault]):
    """The server's half. `seller` has the state; `asked` are the operations that came, in order,
    `asked_s` when each came."""

    def __init__(self, seller: AmazonSeller, *, lax: bool) -> None:
        super().__init__()
        self.seller = seller
        self.lax = lax
        self.client = ("amzn1.application-oa2-client.1", "client secret", "Atzr|refresh")
        self.tokens: set[str] = set()
        self.roles = set(ROLES)
        self.asked_s: dict[str, list[float]] = {}
        self.throttled: list[str] = []
        self.plans: dict[str, Pool] = {}
        self.nursery: trio.Nursery | None = None
        self._given = 0

    def plan(self, name: str, rate_per_s: float, burst: float) -> None:
        """Another usage plan for an operation."""
        self.plans[name] = Pool(rate_per_s, burst)

    async def answer(self, asked: Asked) -> Reply | None:
        stored = STORED.fullmatch(asked.target)
        if asked.target == TOKEN_PATH:
            return await self._faulty("token", partial(self._token, asked.body))
        if stored:
            name = "upload" if stored["what"] == "up" else "download"
            return await self._faulty(name, partial(self._stored, stored["key"], asked))
        operation, path = self.seller.models.operation(asked.method, asked.path)
        return await self._faulty(operation.name, partial(self._call, operation, path, asked))

    async def _faulty(self, name: str, given: Callable[[], Reply]) -> Reply | None:
        self.asked_s.setdefault(name, []).append(trio.current_time())
        fault = self.called(name)
        if fault == "before":
            return None
        if fault == "expired":
            self.tokens.clear()
        if fault == "html":
            return Reply(kind="text/html", body=b"<html><title>Sorry</title></html>")
        if fault is not None and fault.isdecimal():
            body = {"errors": [{"code": f"Code{fault}", "message": "It went wrong."}]}
            return json(body, int(fault))
        return await misbehaved(given(), fault)

    def _token(self, body: bytes) -> Reply:
        given = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        wanted = dict(zip(("client_id", "client_secret", "refresh_token"), self.client, strict=True))
        if given.get("grant_type") != "refresh_token":
            return Reply(status=400, body=b'{"error":"unsupported_grant_type"}')
        if any(given.get(name) != wanted[name] for name in ("client_id", "client_secret")):
            return Reply(status=401, body=b'{"error":"invalid_client","error_description":"No"}')
        if given.get("refresh_token") != wanted["refresh_token"]:
            return Reply(status=400, body=b'{"error":"invalid_grant","error_description":"No"}')
        self._given += 1
        token = f"Atza|{self._given}"
        self.tokens.add(token)
        told = {
            "access_token": token,
            "refresh_token": self.client[2],
            "token_type": "bearer",
            "expires_in": 3600,
        }
        return json(told)

    def _stored(self, key: str, asked: Asked) -> Reply:
        document, headers = self.seller.documents[key], asked.headers
        if "x-amz-access-token" in headers or "authorization" in headers:
            raise Refused("credentials were sent to Amazon's storage")
        if asked.method == "PUT":
            if headers.get("content-type") != document["kind"]:
                raise Refused(f"the document is {document['kind']}, and {headers.get('content-type')} came")
            document["content"] = asked.body
            return Reply()
        headers = {"content-type": "binary/octet-stream", **document["headers"]}
        return Reply(headers=headers, body=document["content"], kind=headers["content-type"])

    def _call(self, operation: Operation, path: Mapping[str, str], request: Asked) -> Reply:
        headers, query = request.headers, request.question
        if headers.get("x-amz-access-token") not in self.tokens or not self._may(operation.name):
            return self._failed(operation, 403, "Unauthorized", "Access to requested resource is denied.")
        if request.body and headers.get("content-type", "").partition(";")[0] != JSON:
            raise Refused(f"{operation.name}: a body without its type")
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
        if len({name for name, _ in pairs}) < len(pairs):
            raise Refused(f"{operation.name}: a parameter came twice")
        sent = msgspec.json.decode(request.body) if request.body else None
        asked = check_request(operation, dict(pairs), sent)
        bucket = self.pool(operation.name)
        if not self.lax and not bucket.take():
            self.throttled.append(operation.name)
            return self._failed(operation, 429, "QuotaExceeded", "You exceeded your quota.")
        if path.get("sellerId", SELLER) != SELLER:
            return self._failed(
                operation, 400, "InvalidInput", "Invalid 'sellerId' and 'marketplaceId' combination"
            )
        try:
            status, told = self._done(operation.name, path, asked, sent, headers)
        except Invalid as error:
            return self._failed(operation, 400, "InvalidInput", str(error))
        if status == 404:
            return self._failed(operation, 404, "NOT_FOUND", "not found")
        check_answer(operation, status, told)
        plan = {"x-amzn-RateLimit-Limit": str(bucket.rate_per_s), "x-amzn-RequestId": "1"}
        body = b"" if told is None else self.spoil.spoilt(operation.name, msgspec.json.encode(told))
        return Reply(status=status, headers=plan, body=body)

    def _done(
        self, name: str, path: Mapping[str, str], asked: Row, sent: Any, headers: Mapping[str, str]
    ) -> tuple[int, Any]:
        """Status and body of a call that is as described."""
        seller = self.seller
        match name:
            case "searchOrders":
                return 200, seller.search(asked)
            case "getOrder":
                found = seller.order(path["orderId"], asked)
                return (404, None) if found is None else (200, found)
            case "confirmShipment":
                seller.confirm(path["orderId"], sent)
                return 204, None
        if name.endswith(("ListingsItem", "ListingsItems")):
            return self._listed(name, path, asked, sent)
        if "Report" in name:
            return self._reported(name, path, asked, sent, headers)
        return self._fed(name, path, asked, sent, headers)

    def _listed(self, name: str, path: Mapping[str, str], asked: Row, sent: Any) -> tuple[int, Any]:
        seller = self.seller
        if name == "searchListingsItems":
            return 200, seller.find(asked)
        if name == "getListingsItem":
            found = seller.listing(path["sku"], asked)
            return (404, None) if found is None else (200, found)
        if name != "patchListingsItem":
            raise Refused(f"nothing here answers {name}")
        issues = seller.patch(path["sku"], sent, asked)
        told = {"sku": path["sku"], "submissionId": "1", "issues": issues}
        return 200, told | {"status": "INVALID" if issues else "ACCEPTED"}

    def _reported(
        self, name: str, path: Mapping[str, str], asked: Row, sent: Any, headers: Mapping[str, str]
    ) -> tuple[int, Any]:
        seller = self.seller
        match name:
            case "createReport":
                key = seller.new_report(sent)
                if self.nursery is not None:
                    self.nursery.start_soon(self._report, key)
                return 202, {"reportId": key}
            case "getReport":
                return 200, seller.report(path["reportId"])
            case "getReportDocument":
                key = path["reportDocumentId"]
                told = seller.report_document(key, asked)
                return 200, told | {"url": _address(headers, key, "down")}
        raise Refused(f"nothing here answers {name}")

    async def _report(self, key: str) -> None:
        await trio.sleep(self.seller.report_s / 2)
        self.seller.reports[key]["processingStatus"] = "IN_PROGRESS"
        await trio.sleep(self.seller.report_s / 2)
        self.seller.make_report(key)

    def _fed(
        self, name: str, path: Mapping[str, str], asked: Row, sent: Any, headers: Mapping[str, str]
    ) -> tuple[int, Any]:
        seller = self.seller
        feed = seller.feeds.get(path.get("feedId", ""))
        match name:
            case "createFeedDocument":
                made = seller.new_document(sent["contentType"])
                return 201, {"feedDocumentId": made["id"], "url": _address(headers, made["id"], "up")}
            case "createFeed":
                key = seller.new_feed(sent)
                if self.nursery is not None:
                    self.nursery.start_soon(self._work_at, key)
                return 202, {"feedId": key}
            case "getFeed" if feed is not None:
                return 200, {each: value for each, value in feed.items() if each != "document"}
            case "cancelFeed" if feed is not None:
                if feed["processingStatus"] != "IN_QUEUE":
                    raise Invalid("only a feed that is in the queue can be cancelled")
                feed["processingStatus"] = "CANCELLED"
                return 200, {}
            case "getFeedDocument" if path["feedDocumentId"] in seller.documents:
                if asked.get("enableContentEncodingUrlHeader") is not True:
                    raise Refused("the report would not say that it is packed")
                told = {"feedDocumentId": path["feedDocumentId"], "compressionAlgorithm": "GZIP"}
                return 200, told | {"url": _address(headers, path["feedDocumentId"], "down")}
        raise Refused(f"nothing here answers {name}")

    async def _work_at(self, key: str) -> None:
        await trio.sleep(self.seller.feed_s / 2)
        feed = self.seller.feeds[key]
        if feed["processingStatus"] == "IN_QUEUE":
            feed["processingStatus"] = "IN_PROGRESS"
        await trio.sleep(self.seller.feed_s / 2)
        self.seller.process(key)

    def _may(self, name: str) -> bool:
        orders = name in ("searchOrders", "getOrder", "confirmShipment") or "Report" in name
        return ("orders" if orders else "listings") in self.roles

    def pool(self, name: str) -> Pool:
        """The calls of an operation."""
        if name not in self.plans:
            told = self.seller.models.plans[name]
            # Of feeds of this type there may be five in five minutes.
            rate_per_s, burst = (5 / 300, 5.0) if name == "createFeed" else told
            self.plans[name] = Pool(rate_per_s, burst)
        return self.plans[name]

    def _failed(self, operation: Operation, status: int, code: str, message: str) -> Reply:
        body = {"errors": [{"code": code, "message": message, "details": ""}]}
        check_answer(operation, status, body)
        return json(body, status)


def _address(headers: Mapping[str, str], key: str, what: str) -> str:
    """Where a document is: at the host that was called, so that a proxy before it stays before it."""
    return f"http://{headers['host']}/stored/{key}/{what}?X-Amz-Expires=300&X-Amz-Signature=a%2Fb%2Bc%3D"


@asynccontextmanager
async def fake_amazon(clock: Clock, *, lax: bool = False) -> AsyncIterator[FakeAmazon]:
    """A server, up and listening; skips the test where Amazon's models are not here. `lax`: it does not hold
    operations to their usage plans."""
    fake = FakeAmazon(AmazonSeller(require_models(), clock), lax=lax)
    async with serving(fake), trio.open_nursery() as nursery:
        fake.nursery = nursery
        yield fake
        nursery.cancel_scope.cancel()


__all__ = ["CANADA", "HERE", "SELLER", "FakeAmazon", "Fault", "fake_amazon"]
