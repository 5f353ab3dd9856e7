"""Identifiers of runs and attempts: unique, and in the order they were made."""

import random

from dropstreamd.clock import Clock

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: no I, L, O, U


def _base32(number: int, digits: int) -> str:
    out = []
    for _ in range(digits):
        number, rest = divmod(number, 32)
        out.append(_ALPHABET[rest])
    return "".join(reversed(out))


class Ids:
    """Makes identifiers of 26 letters and digits: milliseconds since the epoch, then chance.

    `rng` is the daemon's seeded source; in production it is seeded by the operating system.
    """

    def __init__(self, clock: Clock, rng: random.Random) -> None:
        self._clock = clock
        self._rng = rng
        self._last_ms = 0

    def new(self) -> str:
        """A new one, greater than every one this object made before, whatever the clock did."""
        self._last_ms = max(self._last_ms + 1, int(self._clock.now_s() * 1000))
        return _base32(self._last_ms, 10) + _base32(self._rng.getrandbits(80), 16)
