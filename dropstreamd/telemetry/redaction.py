"""The last defence of the logs: whatever a caller passes by mistake, no secret is written.

Two rules do most of the work. A value is written only if it is plain data (text, a number, an
instant, a list or map of these); anything else, a `Secret`, a document or a request, is written as
the name of its type. And a value whose key is a word for a secret, or for a person's data, is
replaced whole. Text is then searched for what leaks most often: addresses with a user or a query,
authorization headers, `password=…`, private keys, e-mail addresses. Everything is bounded.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from math import isfinite
from pathlib import PurePath
from typing import Any

REDACTED = "[redacted]"
TEXT_LIMIT = 4_000
ITEMS_LIMIT = 50
DEPTH_LIMIT = 5

Plain = str | int | float | bool | None | list["Plain"] | dict[str, "Plain"]

_WORDS_FOR_CREDENTIALS = (
    r"tokens?|secrets?|passwords?|passwd|passphrase|pwd|authorization|auth|cookies?|credentials?"
    r"|bearer|hmac|signature|otp|session_id|(?:api|private|access|client|host|shared)_?keys?"
)
_WORDS_FOR_PEOPLE = (
    r"customer|recipient|e_?mail|phone|street|address\d?|ship_to|bill_to|postal_code|postcode|zip"
    r"|(?:first|last|full|family|given|company)_name"
)
_PUBLIC_KEYS = frozenset({"host_key"})  # a server's public key: people compare it
_SENSITIVE_KEY = re.compile(rf"(?:^|_)(?:{_WORDS_FOR_CREDENTIALS}|{_WORDS_FOR_PEOPLE})(?:$|_)")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

_IN_TEXT: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.S),
        REDACTED,
    ),
    # up to the last @ of the word: a password may itself hold an @ or a slash
    (re.compile(r"(?<=://)[^\s\"'<>]*@"), f"{REDACTED}@"),
    (re.compile(r"((?<=://)[^\s\"'<>?#]*)[?#][^\s\"'<>]*"), rf"\1?{REDACTED}"),
    # eBay's tokens and codes, before what follows would take them for several words; and its Cert IDs
    (re.compile(r"\bv(?:\^|%5E)\d\.\d(?:#|%23)[^\s\"'<>,&]*", re.I), REDACTED),
    (re.compile(r"(?<![\w-])(?:PRD|SBX)-[0-9a-f]{12}(?:-[0-9a-f]{4})*"), REDACTED),
    (re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]+", re.I), rf"\1 {REDACTED}"),
    (
        re.compile(
            r"(token|secret|password|passwd|passphrase|authorization|cookie|signature|api[_-]?key|access[_-]?key)"
            r"([\"']?\s*[=:]\s*)(?!\[redacted\])(?:\"[^\"]*\"?|'[^']*'?|[^\s,;&\"']+)",
            re.I,
        ),
        rf"\1\2{REDACTED}",
    ),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"), REDACTED),  # a JSON web token
    (re.compile(r"\bshp[a-z]{2}_\w+"), REDACTED),  # Shopify's access tokens and secrets
    (re.compile(r"\b(?:Atz[a-z]\||amzn1\.oa2-cs\.)[\w.|/+=-]+"), REDACTED),  # Amazon's
    (re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+\.[\w.-]+"), REDACTED),  # an e-mail address
)


def scrub(text: str) -> str:
    """The text without what looks like a secret or an e-mail address, bounded."""
    if len(text) > TEXT_LIMIT:
        # end between words, so that no pattern misses a secret for having been cut in two
        kept = text[:TEXT_LIMIT]
        text = kept[: max(kept.rfind(" "), kept.rfind("\n")) + 1] + "[cut]"
    for pattern, replacement in _IN_TEXT:
        text = pattern.sub(replacement, text)
    return text


def is_sensitive(key: str) -> bool:
    """Whether a field of this name is never written."""
    name = _CAMEL.sub("_", key).lower().replace("-", "_").replace(".", "_")
    return name not in _PUBLIC_KEYS and _SENSITIVE_KEY.search(name) is not None


def redact(value: object, depth: int = 0) -> Plain:
    """The value as plain data that may be shown."""
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, float) and not isfinite(value):
        return str(value)  # JSON has no infinity
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str | datetime | date | timedelta | Decimal | PurePath):
        return scrub(value.isoformat() if isinstance(value, date) else str(value))
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        return _redact_many(value, depth) if depth < DEPTH_LIMIT else "[deeper]"
    return f"<{type(value).__name__}>"


def redact_fields(fields: Mapping[Any, object], depth: int = 0) -> dict[str, Plain]:
    """The fields, those with a sensitive name replaced."""
    plain: dict[str, Plain] = {}
    for key, value in list(fields.items())[:ITEMS_LIMIT]:
        name = scrub(str(key)) if isinstance(key, str | int) else f"<{type(key).__name__}>"
        shown = value is None or isinstance(value, bool) or not is_sensitive(name)
        plain[name] = redact(value, depth) if shown else REDACTED
    if len(fields) > ITEMS_LIMIT:
        plain["[cut]"] = len(fields) - ITEMS_LIMIT
    return plain


def _redact_many(
    value: Mapping[object, object] | list[object] | tuple[object, ...] | set[object] | frozenset[object],
    depth: int,
) -> Plain:
    if isinstance(value, Mapping):
        return redact_fields(value, depth + 1)
    items: list[Plain] = [redact(item, depth + 1) for item in list(value)[:ITEMS_LIMIT]]
    if len(value) > ITEMS_LIMIT:
        items.append(f"[{len(value) - ITEMS_LIMIT} more]")
    return items
