"""An actor's mailbox: one slot for each kind of message, so that it is bounded by itself."""

import msgspec
import trio

from dropstreamd.channels.older import Agreed


class Request(msgspec.Struct, kw_only=True):
    """A run that somebody asked for. Those that ask while it waits share it: `merged` are the ids
    they were given."""

    run: str
    job: str
    who: str
    agreed: Agreed | None = None
    merged: list[str] = []

    def answers(self, run: str) -> bool:
        """Whether somebody was given this id for it."""
        return run == self.run or run in self.merged


class Mailbox:
    """Holds what an actor has yet to look at. Posting never blocks; a newer message of a kind takes
    the place of an older one, except that requests for the same job become one."""

    def __init__(self) -> None:
        self._requests: dict[str, Request] = {}
        self._letter = trio.Event()

    def ask(self, request: Request, *, absorbed_by: str = "", absorbs: str = "") -> str:
        """Ask for a run; the id of the run that will answer. What people `agreed` to adds up.

        `absorbed_by` is a job whose waiting run does for this one too, `absorbs` the other way.
        """
        for job in (request.job, absorbed_by):
            waiting = self._requests.get(job)
            if waiting is not None:
                self._merge(waiting, request)
                return waiting.run
        smaller = self._requests.pop(absorbs, None)
        if smaller is not None:
            self._merge(request, smaller)
        self._requests[request.job] = request
        self.wake()
        return request.run

    def _merge(self, into: Request, other: Request) -> None:
        into.merged = [*into.merged, other.run, *other.merged]
        if other.agreed is not None:
            into.agreed = other.agreed.joined(into.agreed)

    def take(self, job: str) -> Request | None:
        """The waiting request for this job, which is the taker's from now on."""
        return self._requests.pop(job, None)

    def waiting(self) -> list[str]:
        """The jobs that runs are asked for."""
        return list(self._requests)

    def holds(self, run: str) -> bool:
        """Whether a run that was asked for under this id waits."""
        return any(request.answers(run) for request in self._requests.values())

    def clear(self) -> list[Request]:
        """Refuse whatever waits: it was switched off."""
        refused = list(self._requests.values())
        self._requests.clear()
        return refused

    def wake(self) -> None:
        """Have the actor look at its state again: a switch, a schedule or the clock changed."""
        self._letter.set()

    async def wait(self) -> None:
        """Until something was posted since the last wait."""
        await self._letter.wait()
        self._letter = trio.Event()
