"""What platforms and hosts let an account spend: all of its apps spend from it, and it comes back in time."""

import trio


class Bucket:
    """Points, or credits: `maximum` after a rest, `rate_per_s` more for good. It may be overdrawn."""

    def __init__(self, maximum: float, rate_per_s: float) -> None:
        self.maximum = maximum
        self.rate_per_s = rate_per_s
        self.available = maximum
        self.spent = 0.0
        self._counted_s = trio.current_time()

    def count(self) -> float:
        """What is there now."""
        now_s = trio.current_time()
        gained = (now_s - self._counted_s) * self.rate_per_s
        self.available = min(self.maximum, self.available + gained)
        self._counted_s = now_s
        return self.available

    def take(self, points: float) -> None:
        self.count()
        self.available -= points
        self.spent += points


class Pool:
    """Calls: so many at once after a rest (`burst`), so many a second for good. Of ours, `passed` counts
    those that passed, and `refused` the others."""

    def __init__(self, rate_per_s: float, burst: float) -> None:
        self.rate_per_s = rate_per_s
        self.passed = 0
        self.refused = 0
        self._bucket = Bucket(burst, rate_per_s)

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
        if self._bucket.count() < 0.99:
            return False
        self._bucket.take(1)
        return True
