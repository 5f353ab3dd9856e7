"""An exception as data: what it was and where, never the values that it met."""

import re
import traceback
from collections import deque

FRAMES_LIMIT = 20
EXCEPTIONS_LIMIT = 10

_QUOTED = re.compile(r"""['"].*['"]""", re.DOTALL)
"""From the first quotation mark to the last: a value may hold some itself."""


def describe_exception(error: BaseException) -> dict[str, object]:
    """Its type, message and frames, then those it came from or consists of, nearest first.

    Frames are `file:line in function`; no source line and no local variable is read.
    """
    described = _one(error)
    related: list[dict[str, object]] = []
    seen = {id(error)}
    queue = deque(_next(error))
    while queue and len(related) < EXCEPTIONS_LIMIT:
        relation, other = queue.popleft()
        if id(other) in seen:
            continue
        seen.add(id(other))
        related.append({"relation": relation, **_one(other)})
        queue.extend(_next(other))
    if related:
        described["related"] = related
    return described


def _one(error: BaseException) -> dict[str, object]:
    summary = traceback.StackSummary.extract(
        traceback.walk_tb(error.__traceback__), limit=-FRAMES_LIMIT, lookup_lines=False
    )
    return {
        "type": f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins."),
        "message": _message(error),
        "frames": [f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in summary],
    }


def _message(error: BaseException) -> str:
    """What it says; of a value that could not be read or found, Python quotes the value itself: that is left
    out."""
    said = str(error)
    return _QUOTED.sub("[value]", said) if isinstance(error, ValueError | KeyError) else said


def _next(error: BaseException) -> list[tuple[str, BaseException]]:
    found: list[tuple[str, BaseException]] = []
    if isinstance(error, BaseExceptionGroup):
        found += [("member", member) for member in error.exceptions]
    if error.__cause__ is not None:
        found.append(("cause", error.__cause__))
    elif error.__context__ is not None and not error.__suppress_context__:
        found.append(("context", error.__context__))
    return found
