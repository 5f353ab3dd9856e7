"""What the Reports API (v2021-06-30) takes and answers, for the three operations that the plugin uses.

Written down from Amazon's model of it (models/reports-api-model/reports_2021-06-30.json of
github.com/amzn/selling-partner-api-models), in that model's own form, and for these operations alone: what is
not here is refused. Rates and bursts stand in the descriptions, as they do there. Where the model itself is
among the test data it is used instead.
"""

from typing import Any

_FAULTS = {
    str(status): {"schema": {"$ref": "#/definitions/Faults"}}
    for status in (400, 401, 403, 404, 415, 429, 500, 503)
}
_TEXT = {"type": "string"}
_INSTANT = {"type": "string", "format": "date-time"}
_MARKETPLACES = {"type": "array", "minItems": 1, "maxItems": 25, "items": _TEXT}


def _operation(name: str, plan: str, status: str, answer: str, *parameters: object) -> dict[str, Any]:
    schema = {"$ref": f"#/definitions/{answer}"}
    return {
        "operationId": name,
        "description": f"| {plan} |",
        "parameters": list(parameters),
        "responses": {status: {"schema": schema}, **_FAULTS},
    }


def _in_path(name: str) -> dict[str, object]:
    return {"name": name, "in": "path", "required": True, "type": "string"}


_BODY = {"name": "body", "in": "body", "required": True, "schema": {"$ref": "#/definitions/Wanted"}}
_PACKED = {"name": "enableContentEncodingUrlHeader", "in": "query", "type": "boolean"}

REPORTS_API: dict[str, Any] = {
    "paths": {
        "/reports/2021-06-30/reports": {
            "post": _operation("createReport", "0.0167 | 15", "202", "Created", _BODY),
        },
        "/reports/2021-06-30/reports/{reportId}": {
            "get": _operation("getReport", "2 | 15", "200", "Report", _in_path("reportId")),
        },
        "/reports/2021-06-30/documents/{reportDocumentId}": {
            "get": _operation(
                "getReportDocument", "0.0167 | 15", "200", "Document", _in_path("reportDocumentId"), _PACKED
            ),
        },
    },
    "definitions": {
        "Faults": {
            "type": "object",
            "required": ["errors"],
            "properties": {
                "errors": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["code", "message"],
                        "properties": {"code": _TEXT, "message": _TEXT, "details": _TEXT},
                    },
                }
            },
        },
        "Wanted": {
            "type": "object",
            "required": ["marketplaceIds", "reportType"],
            "properties": {
                "reportOptions": {"type": "object", "additionalProperties": _TEXT},
                "reportType": _TEXT,
                "dataStartTime": _INSTANT,
                "dataEndTime": _INSTANT,
                "marketplaceIds": _MARKETPLACES,
            },
        },
        "Created": {"type": "object", "required": ["reportId"], "properties": {"reportId": _TEXT}},
        "Report": {
            "type": "object",
            "required": ["processingStatus", "reportId", "reportType", "createdTime"],
            "properties": {
                "marketplaceIds": {"type": "array", "items": _TEXT},
                "reportId": _TEXT,
                "reportType": _TEXT,
                "dataStartTime": _INSTANT,
                "dataEndTime": _INSTANT,
                "reportScheduleId": _TEXT,
                "createdTime": _INSTANT,
                "processingStatus": {
                    "type": "string",
                    "enum": ["CANCELLED", "DONE", "FATAL", "IN_PROGRESS", "IN_QUEUE"],
                },
                "processingStartTime": _INSTANT,
                "processingEndTime": _INSTANT,
                "reportDocumentId": _TEXT,
            },
        },
        "Document": {
            "type": "object",
            "required": ["reportDocumentId", "url"],
            "properties": {
                "reportDocumentId": _TEXT,
                "url": _TEXT,
                "compressionAlgorithm": {"type": "string", "enum": ["GZIP"]},
            },
        },
    },
}
