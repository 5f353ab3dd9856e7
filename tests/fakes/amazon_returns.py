"""Returns that buyers ask a seller at Amazon for, and reports that tell them, for the strict double."""

import gzip
from datetime import timedelta
from typing import Any

from dropstreamd.clock import Clock, utc

from .amazon_orders import AmazonOrders, Invalid, Row, instant, text

RETURNS_REPORT = "GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE"

COLUMNS = (
    *("Order ID", "Order date", "Return request date", "Return request status", "Amazon RMA ID"),
    *("Merchant RMA ID", "Label type", "Label cost", "Currency code", "Return carrier", "Tracking ID"),
    *("Label to be paid by", "A-to-Z Claim", "Is prime", "ASIN", "Merchant SKU", "Item Name"),
    *("Return quantity", "Return Reason", "In policy", "Return type", "Resolution", "Invoice number"),
    *("Return delivery date", "Order Amount", "Order quantity", "SafeT Action reason", "SafeT claim id"),
    *("SafeT claim state", "SafeT claim creation time", "SafeT claim reimbursement amount"),
    *("Refunded Amount", "Order Item ID"),
)
"""The columns of "Returns reports attributes", and the last one, which files have beyond them."""

MOST = timedelta(days=60)


class AmazonReturns(AmazonOrders):
    """`returns` has a row for each item that is to come back. `report_s` is how long a report takes, `ends`
    what becomes of reports that have data; those of marketplaces in `fatal` are given up on. `charset` is
    what files are written in, which Amazon calls `charset_name`, or the same; `told` the columns that they
    have, `packed` whether they are."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.documents: dict[str, Row] = {}
        self.returns: list[Row] = []
        self.reports: dict[str, Row] = {}
        self.report_s = 30.0
        self.ends = "DONE"
        self.fatal: set[str] = set()
        self.charset = "UTF-8"
        self.charset_name = ""
        self.told: tuple[str, ...] = COLUMNS
        self.packed = True

    def new_document(self, kind: str) -> Row:
        key = f"amzn1.tortuga.4.na.{self._next()}"
        self.documents[key] = {"kind": kind, "content": None, "headers": {"content-encoding": "gzip"}}
        return self.documents[key] | {"id": key}

    # ---- as the buyer, the seller or Amazon would act

    def ask_back(self, order: Row, units: int = 1, *, item: int = 0, days: float = 0.0, **cells: str) -> Row:
        """The buyer asks to send units of an item back, so many days ago, and may. `cells` are as a file
        would have them, by the names of its columns with underscores."""
        sold = order["orderItems"][item]
        day = self.now() - timedelta(days=days)
        row = dict.fromkeys(COLUMNS, "") | {
            "Order ID": order["orderId"],
            "Order date": f"{instant(order['createdTime']):%d-%b-%Y}",
            "Return request date": f"{day:%d-%b-%Y}",
            "Return request status": "Approved",
            "Amazon RMA ID": f"D{self._next():07}RRMA",
            "Label type": "AmazonUnPaidLabel",
            "Label to be paid by": "Customer",
            "ASIN": sold["product"]["asin"],
            "Merchant SKU": sold["product"]["sellerSku"],
            "Item Name": sold["product"]["title"],
            "Return quantity": str(units),
            "Return Reason": "CR-NO_REASON_GIVEN",
            "Return type": "C-Returns",
            "Resolution": "StandardRefund",
            "Order quantity": str(sold["quantityOrdered"]),
            "Order Item ID": sold["orderItemId"],
        }
        row |= {name.replace("_", " "): cell for name, cell in cells.items()}
        self.returns.append({"at": day, "where": order["salesChannel"]["marketplaceId"], "cells": row})
        return row

    # ---- reports

    def new_report(self, body: Row) -> str:
        now = utc(self.clock.now_s())
        after, before = (
            instant(body.get("dataStartTime", text(now))),
            instant(body.get("dataEndTime", text(now))),
        )
        if body["reportType"] != RETURNS_REPORT or set(body["marketplaceIds"]) - set(self.marketplaces):
            raise Invalid("Invalid reportType or marketplaceIds")
        if not after <= before <= now or before - after > MOST:
            raise Invalid("dataStartTime and dataEndTime")
        key = str(7_000_000 + self._next())
        self.reports[key] = {
            "reportId": key,
            "reportType": body["reportType"],
            "marketplaceIds": body["marketplaceIds"],
            "dataStartTime": text(after),
            "dataEndTime": text(before),
            "createdTime": text(now),
            "processingStatus": "IN_QUEUE",
        }
        return key

    def report(self, key: str) -> Row:
        if key not in self.reports:
            raise Invalid("Invalid report id")
        return self.reports[key]

    def make_report(self, key: str) -> None:
        """Amazon works at a report, as it is fated. One that has nothing to tell is cancelled."""
        report = self.reports[key]
        first, last = instant(report["dataStartTime"]).date(), instant(report["dataEndTime"]).date()
        rows = [
            each["cells"]
            for each in self.returns
            if first <= each["at"].date() <= last and each["where"] in report["marketplaceIds"]
        ]
        end = "FATAL" if self.fatal & set(report["marketplaceIds"]) else self.ends
        if not rows or end != "DONE":
            report["processingStatus"] = end if rows else "CANCELLED"
            return
        lines = ["\t".join(self.told), *("\t".join(row[name] for name in self.told) for row in rows)]
        content = "\r\n".join(lines).encode(self.charset)
        made = self.new_document("")
        headers = {"content-type": f"text/plain; charset={self.charset_name or self.charset}"}
        if self.packed:
            content, headers = gzip.compress(content), {**headers, "content-encoding": "gzip"}
        self.documents[made["id"]] |= {"content": content, "headers": headers}
        report |= {"processingStatus": "DONE", "reportDocumentId": made["id"]}

    def report_document(self, key: str, asked: Row) -> dict[str, Any]:
        """All of it but its address."""
        if key not in self.documents or asked.get("enableContentEncodingUrlHeader") is not True:
            raise Invalid("Invalid document id, or a document that would not say that it is packed")
        return {"reportDocumentId": key} | ({"compressionAlgorithm": "GZIP"} if self.packed else {})
