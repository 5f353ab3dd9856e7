"""A circuit for each account: after repeated failure, calls are not even tried for a while."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import trio

from dropstreamd.errors import AuthFailed, OutcomeUnknown, ProtocolMismatch, RateLimited, Unreachable

State = Literal["closed", "open", "half-open"]


class Circuit:
    """Opens after `threshold` failures in a row; then one probe decides.

    An open circuit refuses calls for `rest_s`, doubled with every probe that fails, up to
    `most_rest_s`. An answer of any kind, even a refusal, closes it. Times are trio's.
    """

    def __init__(
        self, account: str, *, threshold: int = 5, rest_s: float = 15.0, most_rest_s: float = 300.0
    ) -> None:
        self.account = account
        self.failures = 0
        self.error = self.remedy = ""
        """The newest failure, for status and for those who are refused meanwhile."""
        self._threshold = threshold
        self._first_rest_s = rest_s
        self._most_rest_s = most_rest_s
        self._rest_s = rest_s
        self._open_until_s: float | None = None
        self._probing = False

    @property
    def state(self) -> State:
        """For status and metrics. `half-open`: the rest is over, the next call is the probe."""
        if self._open_until_s is None:
            return "closed"
        return "open" if trio.current_time() < self._open_until_s else "half-open"

    @property
    def rests_s(self) -> float:
        """Seconds until the next call may be tried; 0 unless open."""
        if self._open_until_s is None:
            return 0.0
        return max(0.0, self._open_until_s - trio.current_time())

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Wraps one call. Raises Unreachable, before anything is sent, while the circuit is open.

        A cancelled call, and one that ends by any other error, count neither way.
        """
        probe = self._enter()
        try:
            yield
        except (Unreachable, OutcomeUnknown) as error:
            self.error, self.remedy = error.message, error.remedy
            self._failed(probe=probe)
            raise
        except (RateLimited, AuthFailed, ProtocolMismatch):
            self._answered()
            raise
        else:
            self._answered()
        finally:
            if probe:
                self._probing = False

    def _enter(self) -> bool:
        state = self.state
        if state == "closed":
            return False
        if state == "open" or self._probing:
            then = f"none is made for another {self.rests_s:.0f} s"
            then = "one is tried now" if state == "half-open" else then
            failed = f"the last {self.failures} calls failed; {then}; the newest failure: {self.error}"
            raise Unreachable(f"{self.account}: {failed}", remedy=self.remedy)
        self._probing = True
        return True

    def _answered(self) -> None:
        self.failures = 0
        self.error = self.remedy = ""
        self._open_until_s = None
        self._rest_s = self._first_rest_s

    def _failed(self, *, probe: bool) -> None:
        self.failures += 1
        if probe:
            self._rest_s = min(self._rest_s * 2, self._most_rest_s)
        if probe or (self._open_until_s is None and self.failures >= self._threshold):
            self._open_until_s = trio.current_time() + self._rest_s


class Circuits:
    """The circuits of all accounts, by account key; they outlive connections."""

    def __init__(self) -> None:
        self._circuits: dict[str, Circuit] = {}

    def circuit(self, account: str) -> Circuit:
        """The account's one circuit."""
        return self._circuits.setdefault(account, Circuit(account))

    def all(self) -> tuple[Circuit, ...]:
        """Every circuit, for status and metrics."""
        return tuple(self._circuits.values())
