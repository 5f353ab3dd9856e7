"""Reads `dropstreamd.toml`."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Literal

from dropstreamd.config.place import Place, Table
from dropstreamd.config.schema import DaemonSettings, Listen
from dropstreamd.config.values import choice, duration, listen, many, mode, path, size, text, whole

LogLevel = Literal["debug", "info", "warning", "error"]

_LEVELS: Mapping[str, LogLevel] = {
    "debug": "debug",
    "info": "info",
    "warning": "warning",
    "error": "error",
}
_MIB, _TIB = 1024**2, 1024**4


def read_daemon(data: Mapping[str, object], folder: Path, place: Place) -> DaemonSettings:
    """The settings, with a default at each place that was reported. Relative paths start at `folder`."""
    table, default = Table(data, place), DaemonSettings()
    settings = DaemonSettings(
        state_dir=table.get("state_dir", path(folder), default.state_dir),
        state_limit_bytes=table.get("state_limit", size(64 * _MIB, 64 * _TIB), default.state_limit_bytes),
        socket=table.get("socket", path(folder), default.socket),
        socket_mode=table.get("socket_mode", mode, default.socket_mode),
        socket_group=table.maybe("socket_group", text("the name of a group", most=32)),
        metrics=_metrics(table, default.metrics),
        log_level=table.get("log_level", choice(_LEVELS), default.log_level),
        max_runs=table.get("max_runs", whole(1, 1000), default.max_runs),
        grace_s=table.get("grace", duration(timedelta(0), timedelta(hours=1)), default.grace_s),
        plugin_path=table.get("plugin_path", many(path(folder), most=50), default.plugin_path),
        keep_personal_data_s=table.get(
            "keep_personal_data",
            duration(timedelta(days=1), timedelta(days=3650)),
            default.keep_personal_data_s,
        ),
    )
    table.close()
    return settings


def _metrics(table: Table, default: Listen | None) -> Listen | None:
    """An address, or false for none."""

    def parse(value: object, place: Place) -> tuple[Listen | None] | None:
        if value is False:
            return (None,)
        found = listen(value, place)
        return None if found is None else (found,)

    found = table.maybe("metrics", parse)
    return default if found is None else found[0]
