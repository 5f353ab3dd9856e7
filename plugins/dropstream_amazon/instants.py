"""Instants, as Amazon wants them written."""

from datetime import UTC, datetime


def text(at: datetime) -> str:
    """To the second, in UTC."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
