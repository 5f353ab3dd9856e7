"""How long to wait after failure: longer each time, up to a cap, never the same for two at once."""

import random

import msgspec


class Backoff(msgspec.Struct, frozen=True, kw_only=True):
    """`first_s`, doubled with every failure in a row, at most `cap_s`; then a share of up to a
    quarter is taken off by chance."""

    first_s: float
    cap_s: float

    def wait_s(self, failures: int, rng: random.Random) -> float:
        """Seconds to wait after so many failures in a row (at least 1)."""
        whole = min(self.cap_s, self.first_s * float(1 << min(failures - 1, 30)))
        return whole * (1 - rng.random() / 4)


WAIT = Backoff(first_s=60, cap_s=15 * 60)
"""After passing trouble."""

HOLD = Backoff(first_s=5 * 60, cap_s=60 * 60)
"""While a person must act: still tried, in case the other side mends itself."""

CRASH = Backoff(first_s=1, cap_s=5 * 60)
"""After a bug, before the actor starts again."""
