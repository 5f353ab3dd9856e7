"""Metric families of our own, small and bounded, collected by prometheus-client.

A thousand connections make some hundred thousand series: a family here keeps one float a series,
may drop all those of a connection, and holds no more than `cap` label sets. Beyond it a counter or
histogram counts under `other`; a gauge, whose values cannot be added up, leaves the newcomer out.
Either is told to `overflowed`. Methods may be called from any thread.
"""

import threading
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from typing import Generic, TypeVar

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

Labels = tuple[str, ...]
V = TypeVar("V")

OTHER = "other"
LABEL_LENGTH = 80


class _Family(Generic[V]):
    """The label sets of one metric and their values."""

    def __init__(
        self, name: str, help_text: str, labels: Sequence[str], *, cap: int, overflowed: Callable[[str], None]
    ) -> None:
        self.name = name
        self.help_text = help_text
        self.labels = tuple(labels)
        self._cap = cap
        self._overflowed = overflowed
        self._groups: dict[str, dict[Labels, V]] = {}  # by the first label, which removal goes by
        self._size = 0
        self._lock = threading.Lock()

    def remove(self, label: str, value: str) -> None:
        """Forget every series whose first label is this one and has this value."""
        if self.labels[:1] == (label,):
            with self._lock:
                self._size -= len(self._groups.pop(value[:LABEL_LENGTH], ()))

    def clear(self, *labels: str) -> None:
        """Forget this one series."""
        key = tuple(label[:LABEL_LENGTH] for label in labels)
        with self._lock:
            first = key[0] if key else ""
            group = self._groups.get(first, {})
            if group.pop(key, None) is not None:
                self._size -= 1
            if not group:
                self._groups.pop(first, None)

    def _find(self, labels: Labels) -> V | None:
        """This series' value, if it exists."""
        key = tuple(label[:LABEL_LENGTH] for label in labels)
        return self._groups.get(key[0] if key else "", {}).get(key)

    def _keep(self, value: V, labels: Labels) -> None:
        """Set this series' value; the caller has made sure of its room."""
        key = tuple(label[:LABEL_LENGTH] for label in labels)
        group = self._groups.setdefault(key[0] if key else "", {})
        self._size += key not in group
        group[key] = value

    def _has_room(self, labels: Labels) -> bool:
        """Whether the series exists or may be added; if not, that is reported."""
        if self._size < self._cap or self._find(labels) is not None:
            return True
        self._overflowed(self.name)
        return False

    def _folded(self, labels: Labels) -> Labels:
        return labels if self._has_room(labels) else (OTHER,) * len(labels)

    def _snapshot(self) -> list[tuple[Labels, V]]:
        return [item for group in self._groups.values() for item in group.items()]


class Gauge(_Family[float]):
    """A figure that goes up and down."""

    def set(self, value: float, *labels: str) -> None:
        with self._lock:
            if self._has_room(labels):
                self._keep(value, labels)

    def add(self, amount: float, *labels: str) -> None:
        with self._lock:
            if self._has_room(labels):
                self._keep((self._find(labels) or 0.0) + amount, labels)

    def collect(self) -> Iterable[Metric]:
        family = GaugeMetricFamily(self.name, self.help_text, labels=self.labels)
        with self._lock:
            taken = self._snapshot()
        for labels, value in taken:
            family.add_metric(labels, value)
        yield family


class Counter(_Family[float]):
    """A figure that only goes up; its name ends in `_total`."""

    def add(self, amount: float, *labels: str) -> None:
        with self._lock:
            folded = self._folded(labels)
            self._keep((self._find(folded) or 0.0) + amount, folded)

    def collect(self) -> Iterable[Metric]:
        family = CounterMetricFamily(self.name, self.help_text, labels=self.labels)
        with self._lock:
            taken = self._snapshot()
        for labels, value in taken:
            family.add_metric(labels, value)
        yield family


class _Distribution:
    """One histogram's figures: how many fell into each bucket, and their sum."""

    __slots__ = ("counts", "total")

    def __init__(self, buckets: int) -> None:
        self.counts = [0] * buckets
        self.total = 0.0


class Histogram(_Family[_Distribution]):
    """How observations spread over buckets, whose upper bounds are `bounds`."""

    def __init__(
        self,
        name: str,
        help_text: str,
        labels: Sequence[str],
        *,
        bounds: Sequence[float],
        cap: int,
        overflowed: Callable[[str], None],
    ) -> None:
        super().__init__(name, help_text, labels, cap=cap, overflowed=overflowed)
        self._bounds = tuple(bounds)
        self._names = [*(str(float(bound)) for bound in bounds), "+Inf"]

    def observe(self, value: float, *labels: str) -> None:
        with self._lock:
            folded = self._folded(labels)
            distribution = self._find(folded) or _Distribution(len(self._names))
            self._keep(distribution, folded)
            distribution.counts[bisect_left(self._bounds, value)] += 1
            distribution.total += value

    def collect(self) -> Iterable[Metric]:
        family = HistogramMetricFamily(self.name, self.help_text, labels=self.labels)
        with self._lock:
            taken = [(key, list(d.counts), d.total) for key, d in self._snapshot()]
        for labels, counts, total in taken:
            buckets = list(zip(self._names, accumulate(counts), strict=True))
            family.add_metric(labels, buckets, total)
        yield family
