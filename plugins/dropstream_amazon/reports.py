"""Reports that Amazon makes when it is asked to: asked for, waited for, and read.

To ask for one has no effect but that it is made ("Reports API v2021-06-30"): one whose id was lost is asked
for again.
"""

import codecs
import zlib
from datetime import datetime

import trio

from dropstream_amazon import wire_returns
from dropstream_amazon.client import Api
from dropstream_amazon.instants import text
from dropstream_amazon.operations import CREATE_REPORT, GET_REPORT, GET_REPORT_DOCUMENT
from dropstreamd.errors import NotYet, ProtocolMismatch
from dropstreamd.platform.http import Response, decode

FIRST_LOOK_S = 5.0
MOST_LOOK_S = 30.0

MOST_BYTES = 32 * 1024 * 1024
"""Of a document, unpacked."""

NO_DATA = ""
"""The document of a report that was cancelled: there was nothing to tell ("processingStatus"), or another was
made too shortly before ("Reports API FAQ"); Amazon does not say which."""

_GZIP = b"\x1f\x8b"

_UTF_8 = "utf-8-sig"
_UNICODE = ("utf-8", "utf-8-sig")

_SHIFT_JIS = "cp932"
_SHIFT_JIS_NAMES = ("windows-31j", "shift_jis", "shift-jis", "sjis", "x-sjis")
"""What files of amazon.co.jp are said to be in. It is Windows' form of it, which has more characters than the
standard's, and a name that Python does not know."""


class Reports:
    """Reports of one type."""

    def __init__(self, api: Api, kind: str) -> None:
        self._api = api
        self._kind = kind

    def hold_to_budget(self, patience_s: float) -> None:
        """Raise Unfinished where one may not be asked for so soon."""
        self._api.hold_to_budget(CREATE_REPORT, patience_s, "reports")

    async def ask(self, marketplace: str, after: datetime, before: datetime) -> str:
        """Have one made; its id."""
        wanted = {
            "reportType": self._kind,
            "marketplaceIds": [marketplace],
            "dataStartTime": text(after),
            "dataEndTime": text(before),
        }
        answer = await self._api.get(CREATE_REPORT, wire_returns.NewReport, json=wanted)
        return answer.report_id

    async def document(self, report: str, until_s: float) -> str | None:
        """The id of its document, NO_DATA where it has none; None where it is not made by `until_s` of
        trio's clock. Raises NotYet where Amazon gave up on it, ProtocolMismatch where it knows none."""
        wait_s = FIRST_LOOK_S
        while True:
            found = await self._api.get(GET_REPORT, wire_returns.Report, path={"report": report})
            match found.processing_status:
                case "CANCELLED":
                    return NO_DATA
                case "FATAL":
                    raise NotYet(
                        f"Amazon gave up on report {report} (FATAL)",
                        remedy="it is asked for again by the next run; if that goes on, Seller Central → "
                        "Reports says whether it has trouble",
                    )
                case "DONE":
                    if not found.report_document_id:
                        raise ProtocolMismatch(f"report {report} is done and has no document")
                    return found.report_document_id
            if trio.current_time() + wait_s > until_s:
                return None
            await trio.sleep(wait_s)
            wait_s = min(MOST_LOOK_S, wait_s * 1.5)

    async def content(self, document: str) -> str:
        """What stands in a document. Raises ProtocolMismatch for one that is larger than MOST_BYTES."""
        path, query = {"document": document}, {"enableContentEncodingUrlHeader": "true"}
        response = await self._api.call(GET_REPORT_DOCUMENT, path=path, query=query)
        if not response.ok:
            self._api.refuse(GET_REPORT_DOCUMENT, response)
        answer = decode(response, wire_returns.Document)
        stored = await self._api.elsewhere("GET", answer.url)
        if not stored.ok:
            raise ProtocolMismatch(f"{stored.call}: Amazon's storage answered {stored.status}")
        packed = answer.compression_algorithm == "GZIP" and stored.body.startswith(_GZIP)
        return _decoded(stored, _unpacked(stored) if packed else stored.body)


def _unpacked(stored: Response) -> bytes:
    """One that the answer did not say to be packed."""
    unpacker = zlib.decompressobj(wbits=31)
    try:
        body = unpacker.decompress(stored.body, MOST_BYTES + 1)
    except zlib.error as error:
        raise ProtocolMismatch(f"{stored.call}: the report is said to be packed, and is not") from error
    if len(body) > MOST_BYTES:
        raise ProtocolMismatch(f"{stored.call}: the report is larger than {MOST_BYTES} bytes")
    if not unpacker.eof:
        raise ProtocolMismatch(f"{stored.call}: the packed report is cut short")
    return body


def _decoded(stored: Response, body: bytes) -> str:
    """In the character set that the answer names; else UTF-8, or what Amazon's older files are in. Of a set
    that is not known plain characters are read, and the others are marked; so is a byte that is none."""
    kind = stored.headers.get("content-type", "").casefold()
    named = kind.partition("charset=")[2].partition(";")[0].strip(" \"'")
    name = _SHIFT_JIS if named in _SHIFT_JIS_NAMES else named or _UTF_8
    try:
        return body.decode(name)
    except LookupError:
        return body.decode("ascii", "replace")
    except UnicodeError:
        return body.decode("cp1252" if codecs.lookup(name).name in _UNICODE else name, "replace")
