"""How results, counts and figures are said."""

from dropstreamd.control.cli.terminal import Style
from dropstreamd.control.messages.status import Counted

_RESULTS = {
    "done": Style.GOOD,
    "unfinished": Style.WARN,
    "failed": Style.BAD,
    "held": Style.BAD,
    "crashed": Style.BAD,
    "stopped": Style.WARN,
}


def result_part(result: str) -> tuple[str, Style]:
    """A run's result, coloured by what it means."""
    return (result, _RESULTS.get(result, Style.PLAIN))


def how_many(counted: Counted) -> str:
    """A count, with `+` where counting stopped."""
    return f"{counted.count}{'+' if counted.more else ''}"


def plural(count: int, one: str, more: str = "") -> str:
    """`1 order`, `2 orders`."""
    return f"{count} {one if count == 1 else more or one + 's'}"


def figure(number: int | None) -> str:
    """A number that may be unknown."""
    return "unknown" if number is None else str(number)


def sku_at(sku: str, location: str) -> str:
    """A SKU, and where in its store."""
    return f"{sku} at {location}" if location else sku


def size(count_bytes: int) -> str:
    """`12 MiB` or `3.5 GiB`, never less than one MiB."""
    gib = count_bytes / 1024**3
    return f"{gib:.3g} GiB" if gib >= 1 else f"{max(1, count_bytes // 1024**2)} MiB"
