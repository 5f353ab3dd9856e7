"""Whether the event loop moves, and how late it is."""

from collections import deque

import trio

from dropstreamd.telemetry.metrics import Metrics

_INTERVAL_S = 0.5
_WINDOW = 120  # looks, a minute's worth


class LoopWatch:
    """Sleeps half a second at a time and measures how much later it is woken.

    One task awaits `run` for as long as the daemon lives. `last_moved_s`, on trio's clock, is when
    the loop was last seen to move.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._lags: deque[float] = deque(maxlen=_WINDOW)
        self._moved = trio.Event()
        self.last_moved_s = trio.current_time()

    async def run(self) -> None:
        """Measure until cancelled."""
        while True:
            due_s = trio.current_time() + _INTERVAL_S
            await trio.sleep_until(due_s)
            self.last_moved_s = trio.current_time()
            lag_s = max(0.0, self.last_moved_s - due_s)
            self._lags.append(lag_s)
            self._metrics.loop_lag(lag_s, max(self._lags))
            self._moved.set()
            self._moved = trio.Event()

    async def moves(self) -> None:
        """Return once the loop has been seen to move, from now on: a probe for the watchdog."""
        await self._moved.wait()
