"""A mistake in a file's TOML, told by its line and column, with the line where that can be shown.

A value may be a secret that somebody wrote in plain text, or a part of one. So a line is shown only where it
begins with a key or is a table's head, and its value only where nothing of the line looks like a secret.
"""

import re
import tomllib

from dropstreamd.config.place import Place, redacted

_PLACE = re.compile(
    r"(?P<what>.*) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)", re.DOTALL
)
_HEAD = re.compile(r"\[{1,2} *[A-Za-z0-9_-]+( *\. *[A-Za-z0-9_-]+)*[ \]]*")
_KEY = re.compile(r"(?P<key>[a-z][a-z0-9_]{0,39}( *\. *[a-z][a-z0-9_]{0,39}){0,3}) *= *(?P<value>.*)")
_NAMES_A_SECRET = re.compile(
    r"pass|pwd|secret|token|key|credential|auth|private|login|signature|cert|pin\b", re.IGNORECASE
)
_RANDOM = re.compile(r"(?=[^\s\"']*[0-9])(?=[^\s\"']*[A-Za-z])[A-Za-z0-9+/_=-]{20,}")
_FENCE = re.compile(r"\"\"\"|'''")
_SHOWN_LENGTH = 80
_CUT = "…"


def report(error: tomllib.TOMLDecodeError, text: str, place: Place) -> None:
    """Report what the parser says of `text`, as `line 3, column 8`."""
    found = _PLACE.fullmatch(str(error))
    lines = text.splitlines() or [""]
    at_end = found is None or found["line"] is None
    line = len(lines) if found is None or at_end else int(found["line"])
    column = len(lines[-1]) + 1 if found is None or at_end else int(found["column"])
    Place(place.file, place.problems, f"line {line}, column {column}").wrong(
        found=(str(error) if found is None else found["what"])
        + (" (at the end of the file)" if at_end else ""),
        allowed="TOML",
        hint=_hint(lines, line),
    )


def _hint(lines: list[str], line: int) -> str:
    before = "\n".join(lines[: line - 1])
    fences = list(_FENCE.finditer(before))
    if len(fences) % 2:
        began = before.count("\n", 0, fences[-1].start()) + 1
        return f"the line stands in a text that began on line {began}, and is not shown"
    shown = quoted(lines[line - 1]) if line <= len(lines) else ""
    return f"the line is: {shown}" if shown else "the line is not shown, since it may hold a secret"


def quoted(line: str) -> str:
    """As much of a line as may be shown; empty where nothing may."""
    line = line.strip()
    head = _HEAD.fullmatch(line)
    if head is not None:
        return line[:_SHOWN_LENGTH]
    setting = _KEY.fullmatch(line)
    if setting is None:
        return ""
    if _NAMES_A_SECRET.search(line) or _RANDOM.search(line) or _FENCE.search(line):
        return f"{setting['key']} = {_CUT}"
    shown = redacted(line)
    return shown if len(shown) <= _SHOWN_LENGTH else shown[:_SHOWN_LENGTH] + _CUT
