"""What the daemon tells the outside of itself: logs, metrics, and whether its loop moves."""

from dropstreamd.telemetry.logs import Level, Logger, configure_logging, get_logger, log_context
from dropstreamd.telemetry.loop_watch import LoopWatch
from dropstreamd.telemetry.metrics import CONTENT_TYPE, CallResult, DocumentEvent, Metrics, RunResult

__all__ = [
    "CONTENT_TYPE",
    "CallResult",
    "DocumentEvent",
    "Level",
    "Logger",
    "LoopWatch",
    "Metrics",
    "RunResult",
    "configure_logging",
    "get_logger",
    "log_context",
]
