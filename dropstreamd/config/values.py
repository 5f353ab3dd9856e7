"""Readers of single values: each tells what it allows, and reports what it found instead."""

import re
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path, PurePosixPath
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from dropstreamd.config.place import Parser, Place, mapping, meant, shown
from dropstreamd.config.schema import WHOLE_PPM, Listen

T = TypeVar("T")

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
NAME_ALLOWED = "lower-case letters, digits, - and _, at most 63, starting with a letter or digit"
_DURATION = re.compile(r"(\d{1,9})\s*(seconds?|s|minutes?|min|m|hours?|h|days?|d)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_SIZE = re.compile(r"(\d{1,9})\s*([KMGT]i?B|B)")
_BYTES = {"B": 0, "K": 1, "M": 2, "G": 3, "T": 4}
_PERCENT = re.compile(r"(\d{1,4}(?:\.\d{1,4})?)\s*%")
_ZONE = re.compile(r"[A-Z][A-Za-z0-9_+/-]{0,60}")  # not localtime, posix/…, right/…
_MODE = re.compile(r"0?[0-7]{3}")
_LISTEN = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):(?P<port>\d{1,5})")


def text(allowed: str = "text", *, most: int = 200, pattern: re.Pattern[str] | None = None) -> Parser[str]:
    """Text of 1 to `most` characters that matches all of `pattern`."""

    def parse(value: object, place: Place) -> str | None:
        if not isinstance(value, str):
            place.wrong(found=shown(value), allowed=allowed)
        elif not value or len(value) > most:
            found = f"{len(value)} characters" if value else "empty text"
            place.wrong(found=found, allowed=f"{allowed} (1 to {most} characters)")
        elif "\0" in value or (pattern is not None and not pattern.fullmatch(value)):
            place.wrong(found=shown(value), allowed=allowed)
        else:
            return value
        return None

    return parse


def whole(least: int, most: int) -> Parser[int]:
    """A whole number from `least` to `most`."""

    def parse(value: object, place: Place) -> int | None:
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        place.wrong(found=shown(value), allowed=f"a whole number from {least} to {most}")
        return None

    return parse


def flag(value: object, place: Place) -> bool | None:
    """true or false."""
    if isinstance(value, bool):
        return value
    place.wrong(found=shown(value), allowed="true or false")
    return None


def choice(options: Mapping[str, T]) -> Parser[T]:
    """One of some words, and what each stands for."""

    def parse(value: object, place: Place) -> T | None:
        if isinstance(value, str):
            if value in options:
                return options[value]
            hint = meant(value, options)
        else:
            hint = ""
        place.wrong(found=shown(value), allowed=f"one of {', '.join(options)}", hint=hint)
        return None

    return parse


def duration(least: timedelta, most: timedelta) -> Parser[float]:
    """A length of time in seconds, written with its unit: "90s", "15 min", "36h", "7 days"."""
    allowed = f'a duration such as "90s", "15min", "36h" or "7d", from {least} to {most}'

    def parse(value: object, place: Place) -> float | None:
        match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
        if match is not None:
            seconds = float(int(match[1]) * _SECONDS[match[2][0]])
            if least.total_seconds() <= seconds <= most.total_seconds():
                return seconds
        place.wrong(found=shown(value), allowed=allowed)
        return None

    return parse


def size(least: int, most: int) -> Parser[int]:
    """A number of bytes, written with its unit: "64GiB" (1024³), "500 MB" (1000²)."""
    allowed = f'a size such as "500MB" or "64GiB", from {least} to {most} bytes'

    def parse(value: object, place: Place) -> int | None:
        match = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
        if match is not None:
            base = 1024 if "i" in match[2] else 1000
            count: int = int(match[1]) * base ** _BYTES[match[2][0]]
            if least <= count <= most:
                return count
        place.wrong(found=shown(value), allowed=allowed)
        return None

    return parse


def share(most: float = 1.0) -> Parser[float]:
    """A fraction, as a number (0.2) or per cent in quotes ("20%")."""

    def parse(value: object, place: Place) -> float | None:
        match = _PERCENT.fullmatch(value.strip()) if isinstance(value, str) else None
        number = float(match[1]) / 100 if match is not None else value
        if isinstance(number, int | float) and not isinstance(number, bool) and 0 <= number <= most:
            return float(number)
        place.wrong(
            found=shown(value), allowed=f'a share from 0 to {most:g}, such as 0.2, or per cent: "20%"'
        )
        return None

    return parse


def parts_per_million(value: object, place: Place) -> int | None:
    """A share from 0 to 1, as `share` reads it, counted in millionths so that shares add up exactly."""
    match = _PERCENT.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is not None:
        count = int(Decimal(match[1]) * 10_000)
        if count <= WHOLE_PPM:
            return count
    elif isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1:
        return round(value * WHOLE_PPM)
    place.wrong(found=shown(value), allowed='a share from 0 to 1, such as 0.2, or per cent: "20%"')
    return None


def zone(value: object, place: Place) -> ZoneInfo | None:
    """An IANA timezone."""
    if isinstance(value, str) and _ZONE.fullmatch(value):
        try:
            return ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):  # not there, no zone, a folder of zones
            hint = meant(value, available_timezones())
    else:
        hint = ""
    place.wrong(found=shown(value), allowed='an IANA timezone such as "America/Chicago" or "UTC"', hint=hint)
    return None


def mode(value: object, place: Place) -> int | None:
    """File permissions in octal, in quotes: "0660"."""
    if isinstance(value, str) and _MODE.fullmatch(value):
        return int(value, 8)
    place.wrong(found=shown(value), allowed='permissions in octal and quotes, such as "0660"')
    return None


def listen(value: object, place: Place) -> Listen | None:
    """host:port; an IPv6 host in brackets."""
    match = _LISTEN.fullmatch(value) if isinstance(value, str) else None
    if match is not None and 1 <= int(match["port"]) <= 65535:
        return Listen(host=match["host"].strip("[]"), port=int(match["port"]))
    place.wrong(found=shown(value), allowed='an address such as "127.0.0.1:9465" or "[::1]:9465"')
    return None


def path(base: Path) -> Parser[Path]:
    """A path; a relative one counts from `base`."""
    read = text("a path", most=1000)

    def parse(value: object, place: Place) -> Path | None:
        found = read(value, place)
        return None if found is None else base / found

    return parse


def file_below(value: object, place: Place) -> str | None:
    """The path of a file below the configuration's folder, from there."""
    allowed = "the path of a file, from the configuration's folder and inside it"
    found = text(allowed, most=1000)(value, place)
    if found is None:
        return None
    pure = PurePosixPath(found)
    if pure.is_absolute() or ".." in pure.parts:
        place.wrong(found=shown(found), allowed=allowed)
        return None
    return str(pure)


def many(parse: Parser[T], *, most: int) -> Parser[tuple[T, ...]]:
    """A list of at most `most`; every wrong item is reported."""

    def parse_all(value: object, place: Place) -> tuple[T, ...] | None:
        if not isinstance(value, list) or len(value) > most:
            place.wrong(found=shown(value), allowed=f"a list of at most {most}, in brackets")
            return None
        items = [parse(item, place.item(index)) for index, item in enumerate(value)]
        kept = tuple(item for item in items if item is not None)
        return kept if len(kept) == len(items) else None

    return parse_all


def entries(parse: Parser[T], *, most: int, instead: str = "") -> Parser[dict[str, T]]:
    """A table from any text to values; every wrong value is reported. `instead`: what to do with more."""

    def parse_all(value: object, place: Place) -> dict[str, T] | None:
        table = mapping(value, place)
        if table is None:
            return None
        if len(table) > most:
            place.wrong(found=f"{len(table)} entries", allowed=f"at most {most}", hint=instead)
            return None
        items = {name: parse(item, place.at(name)) for name, item in table.items()}
        if "" in items:
            place.at("").wrong(found="an empty key", allowed="text")
            return None
        kept = {name: item for name, item in items.items() if item is not None}
        return kept if len(kept) == len(items) else None

    return parse_all
