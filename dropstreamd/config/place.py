"""Where in the configuration something stands, and what is wrong there."""

import difflib
import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TypeVar

from dropstreamd.errors import Problem

T = TypeVar("T")

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_USER_INFO = re.compile(r"(://[^\s/:@]*):\S*@")
_SHOWN_LENGTH = 60


class Place:
    """A key of a file. What is wrong there goes to a list that all places of one reading share."""

    def __init__(self, file: str, problems: list[Problem], key: str = "") -> None:
        self.file = file
        self.key = key
        self.problems = problems

    def at(self, name: str) -> "Place":
        """The key `name` of the table that stands here."""
        part = name if _BARE_KEY.fullmatch(name) else json.dumps(name[:_SHOWN_LENGTH], ensure_ascii=False)
        return Place(self.file, self.problems, f"{self.key}.{part}" if self.key else part)

    def item(self, index: int) -> "Place":
        """The item of the list that stands here; counts from 0."""
        return Place(self.file, self.problems, f"{self.key}[{index}]")

    def wrong(self, *, found: str, allowed: str, hint: str = "") -> None:
        """Report a problem. `found` is shown to people: never a value that may be a secret."""
        problem = Problem(file=self.file, key=self.key, found=found, allowed=allowed, hint=hint)
        if problem not in self.problems:
            self.problems.append(problem)


Parser = Callable[[object, Place], T | None]
"""Reads a value as TOML gives it; None after it has reported what is wrong with it."""


class Table:
    """A table, read key by key. `close` reports the keys that nobody asked for."""

    def __init__(self, data: Mapping[str, object], place: Place) -> None:
        self.place = place
        self._data = data
        self._known: set[str] = set()

    def need(self, name: str, parse: Parser[T], allowed: str) -> T | None:
        """A key that must be there; None after a problem. `allowed` says what it wants if it is not."""
        self._known.add(name)
        if name not in self._data:
            self.place.at(name).wrong(found="nothing", allowed=allowed, hint=self._misspelt(name))
            return None
        return parse(self._data[name], self.place.at(name))

    def get(self, name: str, parse: Parser[T], default: T) -> T:
        """A key that may be absent: then, and after a problem, the default."""
        value = self.maybe(name, parse)
        return default if value is None else value

    def maybe(self, name: str, parse: Parser[T]) -> T | None:
        """A key that may be absent; None then, and after a problem."""
        self._known.add(name)
        return parse(self._data[name], self.place.at(name)) if name in self._data else None

    def table(self, name: str) -> "Table":
        """A table below this one; an empty one where it is absent or no table."""
        found = self.maybe(name, mapping)
        return Table({} if found is None else found, self.place.at(name))

    def holds(self, name: str) -> bool:
        return name in self._data

    def close(self, unoffered: Collection[str] = ()) -> None:
        """`unoffered` are keys that are known, and of no use in this table as it is."""
        for name in self._data:
            if name not in self._known:
                unknown(name, self._known.difference(unoffered), self.place)

    def _misspelt(self, name: str) -> str:
        strangers = [each for each in self._data if each not in self._known]
        close = difflib.get_close_matches(name, strangers, n=1)
        return f'is "{close[0]}" meant to be it?' if close else ""


def mapping(value: object, place: Place) -> Mapping[str, object] | None:
    """Any table."""
    if isinstance(value, dict):
        return value
    place.wrong(found=shown(value), allowed="a table")
    return None


def unknown(name: str, known: Iterable[str], place: Place) -> None:
    """Report a key that does not exist, with what may be meant. Its value is not shown."""
    names = sorted(known)
    allowed = "one of " + ", ".join(names) if names else "no key"
    place.at(name).wrong(found="an unknown key", allowed=allowed, hint=meant(name, names))


def meant(word: str, candidates: Iterable[str]) -> str:
    """`did you mean "…"?`, or nothing."""
    by_lower = {candidate.lower(): candidate for candidate in candidates}
    close = difflib.get_close_matches(word.lower(), by_lower, n=1)
    return f'did you mean "{by_lower[close[0]]}"?' if close else ""


def shown(value: object) -> str:
    """A value for people: short, in one line, and without the password of a URL."""
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        text = str(value)
        return text if len(text) <= _SHOWN_LENGTH else f"{text[:_SHOWN_LENGTH]}…"
    short = redacted(value)
    return json.dumps(
        short if len(short) <= _SHOWN_LENGTH else f"{short[:_SHOWN_LENGTH]}…", ensure_ascii=False
    )


def redacted(text: str) -> str:
    """`text` without the passwords of URLs in it."""
    return _USER_INFO.sub(r"\1:…@", text)
