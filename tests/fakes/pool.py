"""A pool of calls, as platforms and hosts give one to an account: all of its apps spend from it."""

import trio


class Pool:
    """So many calls at once after a rest (`burst`), so many a second for good. Of ours, `passed` counts those
    that passed, and `refused` the others."""

    def __init__(self, rate_per_s: float, burst: float) -> None:
        self.rate_per_s = rate_per_s
        self.burst = burst
        self.tokens = burst
        self.passed = 0
        self.refused = 0
        self._counted_s = trio.current_time()

    def take(self) -> bool:
        """One call of ours; whether it passes."""
        passes = self._spend()
        self.passed += passes
        self.refused += not passes
        return passes

    async def eaten_by_half(self) -> None:
        """Another app, which makes half as many calls as the pool allows, for ever; about each second."""
        calls = max(1, int(self.rate_per_s / 2))
        while True:
            for _ in range(calls):
                self._spend()
            await trio.sleep(2 * calls / self.rate_per_s)

    def _spend(self) -> bool:
        now_s = trio.current_time()
        self.tokens = min(self.burst, self.tokens + (now_s - self._counted_s) * self.rate_per_s)
        self._counted_s = now_s
        if self.tokens < 0.99:
            return False
        self.tokens -= 1
        return True
