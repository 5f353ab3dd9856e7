"""Logs: one JSON object a line, an event name and fields, fit for journald.

`configure_logging` is called once, by the composition root. Modules take `get_logger(__name__)`,
write `log.info("file_archived", name=…, rows=…)`, and leave connection, channel, job and run to
`log_context`, which holds for all that is called or spawned inside it.
"""

import json
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Literal, TextIO, cast

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

from dropstreamd.telemetry.redaction import redact_fields
from dropstreamd.telemetry.tracebacks import describe_exception

Level = Literal["debug", "info", "warning", "error"]
Logger = FilteringBoundLogger

# They log addresses with their queries, headers or file names below WARNING, whatever our level is.
_TALKATIVE = ("asyncssh", "httpx", "httpcore", "h11", "hypercorn.access")


def configure_logging(level: Level, stream: TextIO, *, now_s: Callable[[], float]) -> None:
    """Write every event of `level` and above to `stream`; other libraries' from WARNING on.

    `now_s` is the wall clock's. May be called again, to change the level. Writing to a stream that
    does not drain holds the caller: a journal or a file drains.
    """
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            _Finish(now_s),
            _as_json,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_Lines(stream),
        cache_logger_on_first_use=False,
    )
    _route_libraries()


def get_logger(name: str) -> Logger:
    """The logger of a module; usable before `configure_logging`, which it follows."""
    return cast(Logger, structlog.get_logger(name, module=name))


@contextmanager
def log_context(
    *,
    connection: str | None = None,
    channel: str | None = None,
    job: str | None = None,
    run: str | None = None,
) -> Iterator[None]:
    """Add these to every event logged inside, also by tasks that are spawned inside."""
    given = {"connection": connection, "channel": channel, "job": job, "run": run}
    with structlog.contextvars.bound_contextvars(**{k: v for k, v in given.items() if v is not None}):
        yield


class _Finish:
    """Puts the time first, turns exceptions into data, and redacts."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        raised = event.pop("exc_info", None)
        error = _exception_of(raised)
        if error is not None:
            event["error"] = describe_exception(error)
        at = datetime.fromtimestamp(self._now_s(), UTC).isoformat(timespec="milliseconds")
        head: dict[str, object] = {
            "timestamp": at,
            "level": event.pop("level", None),
            "event": event.pop("event", None),
        }
        return {**redact_fields({**head, **event})}


def _exception_of(raised: object) -> BaseException | None:
    """What `exc_info` means in logging: an exception, its triple, or True for the one in hand."""
    if isinstance(raised, BaseException):
        return raised
    if isinstance(raised, tuple):
        return next((part for part in raised if isinstance(part, BaseException)), None)
    return sys.exception() if raised else None


def _as_json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    return json.dumps(event, separators=(",", ":"))


class _Lines:
    """Writes lines to the stream, from any thread.

    A line that cannot be written (disk full, reader gone) must not end a run: it is counted, and
    the next one that gets through carries the count.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._lost = 0

    def __call__(self, *_names: object) -> "_Lines":
        return self

    def write(self, line: str) -> None:
        with self._lock:
            if self._lost:
                line = f'{line[:-1]},"lines_lost":{self._lost}}}'
            try:
                self._stream.write(line + "\n")
                self._stream.flush()
            except OSError:
                self._lost += 1
            else:
                self._lost = 0

    debug = info = warning = error = critical = write


class _Forward(logging.Handler):
    """Hands the records of libraries to our log, as event `library_message`."""

    def emit(self, record: logging.LogRecord) -> None:
        log = get_logger(record.name)
        level = logging.ERROR if record.levelno >= logging.ERROR else logging.WARNING
        log.log(level, "library_message", message=record.getMessage(), exc_info=record.exc_info)


def _route_libraries() -> None:
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, _Forward)]:
        root.removeHandler(handler)
    root.addHandler(_Forward(logging.WARNING))
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
