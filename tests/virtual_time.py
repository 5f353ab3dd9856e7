"""Virtual time for tests in which something real moves as well: sockets, threads."""

import os

from trio.testing import MockClock


def jumping_after(quiet_s: float) -> MockClock:
    """Jumps once nothing has moved for so long on an idle machine, and for longer on a busy one: what went
    through the loopback, or a thread's result, waits there for its turn like everything else."""
    busy = os.getloadavg()[0] / (os.cpu_count() or 1)
    return MockClock(autojump_threshold=quiet_s * max(1.0, busy))
