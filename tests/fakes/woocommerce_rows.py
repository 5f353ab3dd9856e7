"""Rows of a WooCommerce shop: their times, custom fields and pages, as its controllers make them."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

Row = dict[str, Any]

ZONE = ZoneInfo("Europe/Berlin")
"""The shop's own zone: a time that is taken for the other kind is hours off."""

BROKEN = "broken"
"""Marks a row that WooCommerce counts and fails to load: it leaves it out of its page without a word
(WC_REST_CRUD_Controller::get_objects)."""

FATAL = "fatal"
"""Marks an order over whose lines the shop fails, as where a plugin's filter is: the status that it answers
instead of a list with that order's lines. Without them it tells the order
(WC_REST_Orders_V2_Controller::get_formatted_item_data)."""

ADDRESS = {
    "first_name": "Ann",
    "last_name": "Lee",
    "company": "",
    "address_1": "1 High St",
    "address_2": "Flat 2",
    "city": "York",
    "state": "",
    "postcode": "YO1 1AA",
    "country": "GB",
}


class Refused(Exception):
    """An answer of 4xx."""

    def __init__(self, code: str | int, status: int = 400) -> None:
        super().__init__(f"{status} {code}")
        self.code = code
        self.status = status


def gmt(at: datetime) -> str:
    """As WordPress tells times: without a zone."""
    return at.replace(tzinfo=None).isoformat(timespec="seconds")


def units_of(fulfillment: Row) -> dict[int, int]:
    units: Counter[int] = Counter()
    for meta in fulfillment["meta_data"]:
        if meta["key"] == "_items":
            for item in meta["value"]:
                units[item["item_id"]] += item["qty"]
    return dict(units)


def field(row: Row, key: str) -> Any:
    return next((meta["value"] for meta in row["meta_data"] if meta["key"] == key), None)


def bound(text: str) -> str:
    """WP_Date_Query brings a time to the shop's own zone, and takes one without for one of that: what the
    shop's clocks skip becomes an hour later."""
    at = datetime.fromisoformat(text)
    local = at if at.tzinfo else at.replace(tzinfo=ZONE)
    return gmt(local.astimezone(UTC).astimezone(ZONE))


def has_status(status: str, wanted: list[str]) -> bool:
    if "any" in wanted:
        return status not in ("trash", "checkout-draft")
    return status in wanted


def shown(row: Row, query: Mapping[str, Any]) -> Row:
    if FATAL in row and "line_items" in query.get("_fields", ("line_items",)):
        raise Refused("internal_server_error", row[FATAL])
    if "_fields" not in query:
        return row
    return {key: value for key, value in row.items() if key in query["_fields"]}


def entry_error(number: int, code: str) -> Row:
    return {"id": number, "error": {"code": code, "message": "No.", "data": {"status": 400}}}


def paged(rows: list[Row], query: Mapping[str, Any]) -> tuple[int, Any, dict[str, str]]:
    by = query.get("orderby", "date")
    column = {"modified": "date_modified_gmt", "date": "date_created_gmt"}.get(by, "id")
    down = query.get("order", "desc") == "desc"
    rows = sorted(rows, key=lambda row: (row.get(column, ""), row["id"]), reverse=down)
    size = query.get("per_page", 10)
    start = query["offset"] if query.get("offset") else (query.get("page", 1) - 1) * size
    headers = {"x-wp-total": str(len(rows)), "x-wp-totalpages": str(-(-len(rows) // size))}
    there = [row for row in rows[start : start + size] if not row.get(BROKEN)]
    return 200, [shown(row, query) for row in there], headers
