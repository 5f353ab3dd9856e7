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
        self._values: dict[Labels, V] = {}
        self._lock = threading.Lock()

    def remove(self, label: str, value: str) -> None:
        """Forget every series that bears this value; none where the family lacks the label."""
        if label not in self.labels:
            return
        at = self.labels.index(label)
        wanted = value[:LABEL_LENGTH]
        with self._lock:
            for key in [key for key in self._values if key[at] == wanted]:
                del self._values[key]

    def _key(self, labels: Labels) -> Labels | None:
        """The label set as it is kept; None where there is no room left for it."""
        key = tuple(label[:LABEL_LENGTH] for label in labels)
        if key in self._values or len(self._values) < self._cap:
            return key
        self._overflowed(self.name)
        return None

    def _folded(self, labels: Labels) -> Labels:
        return self._key(labels) or (OTHER,) * len(self.labels)

    def _snapshot(self) -> list[tuple[Labels, V]]:
        with self._lock:
            return list(self._values.items())


class Gauge(_Family[float]):
    """A figure that goes up and down."""

    def set(self, value: float, *labels: str) -> None:
        with self._lock:
            key = self._key(labels)
            if key is not None:
                self._values[key] = value

    def add(self, amount: float, *labels: str) -> None:
        with self._lock:
            key = self._key(labels)
            if key is not None:
                self._values[key] = self._values.get(key, 0.0) + amount

    def clear(self, *labels: str) -> None:
        """Forget this one series."""
        with self._lock:
            self._values.pop(tuple(label[:LABEL_LENGTH] for label in labels), None)

    def collect(self) -> Iterable[Metric]:
        family = GaugeMetricFamily(self.name, self.help_text, labels=self.labels)
        for labels, value in self._snapshot():
            family.add_metric(labels, value)
        yield family


class Counter(_Family[float]):
    """A figure that only goes up; its name ends in `_total`."""

    def add(self, amount: float, *labels: str) -> None:
        with self._lock:
            key = self._folded(labels)
            self._values[key] = self._values.get(key, 0.0) + amount

    def collect(self) -> Iterable[Metric]:
        family = CounterMetricFamily(self.name, self.help_text, labels=self.labels)
        for labels, value in self._snapshot():
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
            key = self._folded(labels)
            if key not in self._values:
                self._values[key] = _Distribution(len(self._names))
            distribution = self._values[key]
            distribution.counts[bisect_left(self._bounds, value)] += 1
            distribution.total += value

    def collect(self) -> Iterable[Metric]:
        family = HistogramMetricFamily(self.name, self.help_text, labels=self.labels)
        with self._lock:
            taken = [(key, list(d.counts), d.total) for key, d in self._values.items()]
        for labels, counts, total in taken:
            buckets = list(zip(self._names, accumulate(counts), strict=True))
            family.add_metric(labels, buckets, total)
        yield family
