"""Reports as the Reports API tells them (v2021-06-30); their rows are `return_rows.py`'s."""

from typing import Literal

from dropstream_amazon.wire import Wire


class NewReport(Wire, frozen=True, kw_only=True):
    report_id: str


class Report(Wire, frozen=True, kw_only=True):
    """`CANCELLED` is one without data, too: it has no document."""

    report_id: str
    processing_status: Literal["IN_QUEUE", "IN_PROGRESS", "DONE", "CANCELLED", "FATAL"]
    report_document_id: str = ""


class Document(Wire, frozen=True, kw_only=True):
    """Where a report's document is; the address holds for five minutes."""

    url: str
    compression_algorithm: str = ""
