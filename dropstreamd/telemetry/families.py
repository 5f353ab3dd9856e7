"""The metric families of one daemon: declared, bounded, rendered, and rid of what is gone."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector, generate_latest

from dropstreamd.telemetry.series import Counter, Gauge, Histogram

F = TypeVar("F", Gauge, Counter, Histogram)


class Families:
    """In a registry of their own. Names are given without their prefix; each family keeps at most `cap` label
    sets, and what finds no room is counted in `metric_overflow_total`."""

    def __init__(self, *, cap: int) -> None:
        self._cap = cap
        self.registry = CollectorRegistry()
        self._process = (ProcessCollector(registry=self.registry), GCCollector(registry=self.registry))
        self._all: list[Gauge | Counter | Histogram] = []
        self._overflow = self._keep(
            Counter(
                "dropstreamd_metric_overflow_total",
                "Observations that found no room for another label set, by metric.",
                ("metric",),
                cap=1_000,
                overflowed=lambda _name: None,
            )
        )

    def __iter__(self) -> Iterator[Gauge | Counter | Histogram]:
        return iter(self._all)

    def gauge(self, name: str, help_text: str, labels: Sequence[str]) -> Gauge:
        return self._keep(
            Gauge(f"dropstreamd_{name}", help_text, labels, cap=self._cap, overflowed=self._count_overflow)
        )

    def counter(self, name: str, help_text: str, labels: Sequence[str]) -> Counter:
        return self._keep(
            Counter(f"dropstreamd_{name}", help_text, labels, cap=self._cap, overflowed=self._count_overflow)
        )

    def histogram(
        self, name: str, help_text: str, labels: Sequence[str], bounds: Sequence[float]
    ) -> Histogram:
        return self._keep(
            Histogram(
                f"dropstreamd_{name}",
                help_text,
                labels,
                bounds=bounds,
                cap=self._cap,
                overflowed=self._count_overflow,
            )
        )

    def remove(self, label: str, value: str) -> None:
        """Forget every series whose first label is this one and has this value."""
        for family in self._all:
            family.remove(label, value)

    def render(self) -> bytes:
        """The exposition of all of them. Takes long with many series: call it in a thread."""
        # Family by family: all at once would hold every sample in memory twice.
        return b"".join(generate_latest(family) for family in (*self._all, *self._process))

    def _keep(self, family: F) -> F:
        self._all.append(family)
        self.registry.register(family)
        return family

    def _count_overflow(self, name: str) -> None:
        self._overflow.add(1, name)
