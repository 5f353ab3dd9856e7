"""A user's credits, as far as ShipHero tells of them: what documents cost, how many are left, how fast they
come back to us while others take of them too.
"""

import re

import trio

from dropstream_shiphero import answers
from dropstream_shiphero.documents import Document
from dropstreamd.platform.limiter import Limiter

LEAST_COST = 4.0
"""ShipHero takes 7,000 calls in five minutes at most: none is admitted as if it cost less."""
UNTOLD = 1500.0
"""Credits that were set aside since ShipHero last told how many are left, after which it is asked."""
MEASURED_S = 2.0
"""Shorter than this nothing can be said of how fast they come back."""
NOMINAL = 60.0
ALONE = 0.9
"""What comes back to us alone, as a share of what comes back, at least: figures are whole, and told late."""
CAREFUL = 0.95
"""Of what came back to us beside others, so much is counted on."""

_SECONDS = re.compile(r"(\d{1,6})\s*second")


class Credits:
    """One session's view of them. `limiter` is the account's budget, in credits."""

    def __init__(self, limiter: Limiter) -> None:
        self._limiter = limiter
        self._costs: dict[str, float] = {}
        self._untold = UNTOLD
        self._spent = 0.0
        self._nominal = self._share = NOMINAL
        self._most = 0.0
        self._last: tuple[float, float] | None = None

    @property
    def due(self) -> bool:
        """Whether ShipHero is to be asked how many are left."""
        return self._untold >= UNTOLD

    def cost(self, document: Document) -> float:
        """What a call is to set aside."""
        return max(LEAST_COST, self._costs.get(document.name, document.cost))

    def answered(self, document: Document, complexity: int | None) -> None:
        """A call was answered, and says what it asked for, if it says anything."""
        cost = self.cost(document)
        if complexity is not None and complexity > cost:
            cost = self._costs[document.name] = float(complexity)
        self._untold += cost
        self._spent += cost if complexity is None else float(complexity)

    def asking(self) -> None:
        """It is being asked: not again before as much was spent."""
        self._untold = 0.0

    def told(self, quota: answers.Quota) -> None:
        """ShipHero's own word. Whether what the question itself cost is off it already is written nowhere."""
        if self._last is None or quota.increment_rate != self._nominal:
            self._share = float(quota.increment_rate)
        self._nominal, self._most = float(quota.increment_rate), float(quota.max_available)
        self._learn(float(quota.credits_remaining) - LEAST_COST)

    def refused(self, document: Document, error: answers.Failure) -> float:
        """There were not enough for a call; seconds until there should be."""
        if error.required_credits is not None:
            self._costs[document.name] = max(self.cost(document), float(error.required_credits))
        pause = _SECONDS.search(error.time_remaining or error.message)
        wait_s = float(pause[1]) if pause is not None else 1.0
        if error.remaining_credits is not None:
            self._learn(float(error.remaining_credits))
        else:
            self._limiter.slow_down(wait_s)
        return wait_s

    def _learn(self, left: float) -> None:
        self._untold = 0.0
        self._measure(left)
        self._limiter.learn(available=left, burst=self._most, rate_per_s=self._share)

    def _measure(self, left: float) -> None:
        """How fast they came back to us since the last measurement; others may have taken their part. A pool
        that is full gains nothing, and says nothing."""
        now_s = trio.current_time()
        since_s, before = self._last or (now_s, left)
        is_full = self._most > 0 and left >= self._most - 2 * LEAST_COST
        if self._last is not None and not is_full:
            if now_s - since_s < MEASURED_S:
                return
            gained = (left - before + self._spent) / (now_s - since_s)
            shared = gained < self._nominal * ALONE
            self._share = max(gained * CAREFUL, self._nominal / 10) if shared else self._nominal
        elif is_full:
            self._share = self._nominal
        self._last = (now_s, left)
        self._spent = 0.0
