"""How many runs go on at once: in the whole process, and for one warehouse account."""

from types import TracebackType

import trio


class Gate:
    """Lets a run in when its account and the process both have a place for it.

    Runs of one account wait for its feed while they hold their places. So an account never has more
    than a quarter of them: a warehouse that hangs does not keep the others' runs waiting.
    """

    def __init__(self, everyone: trio.Semaphore, max_runs: int) -> None:
        self._account = trio.Semaphore(max(1, max_runs // 4))
        self._everyone = everyone

    async def __aenter__(self) -> None:
        await self._account.acquire()
        entered = False
        try:
            await self._everyone.acquire()
            entered = True
        finally:
            if not entered:
                self._account.release()

    async def __aexit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._everyone.release()
        self._account.release()
