"""Files out: a file appears in a warehouse's folder once, whole, or we know that nobody can tell.

    upload .NAME.part → compare its size → record `uploaded` → record `renaming` → rename → record `sent`
                                           not wanted any more → record `withdrawing` → remove the part

Name and bytes are fixed before. The recorded steps, the folder and a marker file of ours in it say
later how far a broken attempt came. Nothing under a final name is ever replaced.
"""

from contextlib import suppress
from typing import Literal

import msgspec

from dropstreamd.clock import Clock
from dropstreamd.errors import (
    DropstreamError,
    Misconfigured,
    OutcomeUnknown,
    ProtocolMismatch,
    Unreachable,
    Wait,
)
from dropstreamd.platform.contract import (
    Accepted,
    InDoubt,
    Outcome,
    Prepared,
    Record,
    Untouched,
    Whereabouts,
    Withdrawn,
)
from dropstreamd.platform.files import FileServer

Stage = Literal["uploaded", "renaming", "withdrawing", "sent"]

# A warehouse may sweep old unknown files out of its folder. Up to this age a part of ours that is
# gone was renamed, not swept; an older one is uploaded again before it is renamed.
PART_FRESH_S = 6 * 3600
MARKER_BYTES = 200


class PartName(msgspec.Struct, frozen=True, kw_only=True):
    """How a file is called while it is not complete."""

    prefix: str = "."
    suffix: str = ".part"

    def of(self, name: str) -> str:
        return f"{self.prefix}{name}{self.suffix}"


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """How far an attempt came. `part_at_s` is when the upload of its part began (our clock), `marker` the
    value of the marker file that the folder held then."""

    stage: Stage
    part_at_s: int
    marker: str

    def __str__(self) -> str:
        return f"{self.stage} {self.part_at_s} {self.marker}"

    @classmethod
    def parse(cls, text: str) -> "Step":
        """The step that `str` wrote."""
        try:
            stage, part_at_s, marker = text.split(" ")
            return msgspec.convert(
                {"stage": stage, "part_at_s": int(part_at_s), "marker": marker}, cls, strict=True
            )
        except (ValueError, msgspec.ValidationError) as error:
            raise ProtocolMismatch(f"the recorded step {text!r} of a file is none of ours") from error


class Outbox:
    """One folder that files of ours go to. Only one process may write to it at a time."""

    def __init__(
        self, server: FileServer, folder: str, clock: Clock, *, part: PartName, marker: str = ".dropstreamd"
    ) -> None:
        self._server = server
        self._folder = folder
        self._clock = clock
        self._part = part
        self._marker_path = f"{folder}/{marker}"

    async def publish(self, prepared: Prepared, record: Record) -> list[Outcome]:
        """Bring the file into the folder. As `Sink.push` says; once its upload has begun, a lost
        connection is `OutcomeUnknown`, so that `recover` finishes the same attempt."""
        marker = await self._see_or_put_marker(prepared.name)
        if await self._server.size(self._final(prepared)) is not None:
            return _in_doubt(prepared, f"a file {prepared.name} was in the folder before ours was sent")
        step = Step(stage="uploaded", part_at_s=int(self._clock.now_s()), marker=marker)
        size = await self._upload(prepared)
        if size is None:
            return _in_doubt(prepared, f"somebody took {self._part.of(prepared.name)} while it was uploaded")
        return await self._rename(prepared, step, record)

    async def recover(self, prepared: Prepared, step: str, record: Record) -> list[Outcome]:
        """Finish an attempt that broke after `step`, or say that nobody can tell."""
        if not step:
            return await self.publish(prepared, record)
        found = Step.parse(step)
        if found.stage in {"sent", "withdrawing"}:
            await self._clear_away(prepared)
            return _accepted(prepared) if found.stage == "sent" else _untouched(prepared)
        if await self._is_whole(prepared):
            return await self._sent(prepared, found, record, part_left=True)
        part_size = await self._server.size(self._part_path(prepared))
        if found.stage == "renaming" and not (part_size is not None and await self._server.atomic_rename()):
            return await self._without_trace(prepared, found, record, part_size)
        return await self._from_part(prepared, found, record, part_size)

    async def look(self, name: str) -> Whereabouts:
        """Where a file is that was sent under this name. Reads only."""
        if not name or "/" in name:
            return Whereabouts(where="unknown", detail="under which name its file was sent is not known")
        if await self._server.size(f"{self._folder}/{name}") is not None:
            return Whereabouts(
                where="waiting", detail=f"its file {name} still lies in {self._folder}: it was not taken yet"
            )
        if await self._see_marker() is None:
            return Whereabouts(
                where="unknown",
                detail=f"neither its file {name} nor our marker is in {self._folder}: is it the same folder?",
            )
        return Whereabouts(where="taken", detail=f"its file {name} was taken out of {self._folder}")

    async def _from_part(
        self, prepared: Prepared, step: Step, record: Record, part_size: int | None
    ) -> list[Outcome]:
        """It was certainly not renamed: go on from the part, or upload it again."""
        if part_size is None:
            return self._part_gone(prepared)
        if part_size != len(prepared.payload) or not self._fresh(step):
            return await self.publish(prepared, record)
        return await self._rename(prepared, step, record)

    async def _upload(self, prepared: Prepared) -> int | None:
        """The part's size, which is right, or None where it is gone."""
        path, whole = self._part_path(prepared), len(prepared.payload)
        try:
            await self._server.write(path, prepared.payload)
            size = await self._server.size(path)
            if size is not None and size != whole:
                raise Unreachable(f"{path}: {size} of {whole} bytes arrived; its disk may be full")
        except Unreachable as error:
            await self._take_back(path, error)
            raise
        return size

    async def _take_back(self, path: str, error: DropstreamError) -> None:
        """Remove a part that was refused; where that fails too, what is there is for `recover`."""
        try:
            await self._server.remove(path)
        except Wait as lost:
            raise OutcomeUnknown(str(error)) from lost

    async def _rename(self, prepared: Prepared, step: Step, record: Record) -> list[Outcome]:
        """The part is whole and was certainly not renamed yet."""
        await record(str(_at(step, "uploaded")))
        try:
            await record(str(_at(step, "renaming")), if_wanted=True)
        except Withdrawn:
            return await self._withdraw(prepared, step, record)
        try:
            renamed = await self._server.rename(self._part_path(prepared), self._final(prepared))
        except (Misconfigured, Unreachable) as error:
            return await self._refused(prepared, step, record, error)
        if renamed or await self._is_whole_after_all(prepared):
            return await self._sent(prepared, step, record)
        return self._part_gone(prepared)

    async def _withdraw(self, prepared: Prepared, step: Step, record: Record) -> list[Outcome]:
        """Take the part back. Recorded first, or our own removal would look like somebody else's."""
        if await self._server.size(self._part_path(prepared)) is None:
            return self._part_gone(prepared)
        await record(str(_at(step, "withdrawing")))
        removed = await self._server.remove(self._part_path(prepared))
        return _untouched(prepared) if removed else self._part_gone(prepared)

    async def _refused(
        self, prepared: Prepared, step: Step, record: Record, error: DropstreamError
    ) -> list[Outcome]:
        """The server answered a rename with an error: believe the folder, not the answer."""
        try:
            if await self._is_whole(prepared):
                return await self._sent(prepared, step, record, part_left=True)
            part_size = await self._server.size(self._part_path(prepared))
            if part_size is None or not await self._server.atomic_rename():
                return _in_doubt(prepared, f"the server answered the rename with an error: {error}")
            await self._server.remove(self._part_path(prepared))
        except Wait as lost:
            raise OutcomeUnknown(str(error)) from lost
        raise error

    async def _without_trace(
        self, prepared: Prepared, step: Step, record: Record, part_size: int | None
    ) -> list[Outcome]:
        """After `renaming`, with no whole NAME there, and no proof that the rename did not happen."""
        if part_size is not None:
            return _in_doubt(prepared, "the server does not rename in one step, and broke while it did")
        if await self._server.size(self._final(prepared)) is not None:
            return _in_doubt(prepared, f"{prepared.name} is in the folder, but not whole")
        if self._fresh(step) and await self._see_marker() == step.marker:
            # It is the same folder, and too early for a sweep: the file was renamed and taken.
            return await self._sent(prepared, step, record)
        return _in_doubt(prepared, f"neither {prepared.name} nor its part is in the folder")

    async def _sent(
        self, prepared: Prepared, step: Step, record: Record, *, part_left: bool = False
    ) -> list[Outcome]:
        """Recorded before a part is cleared away: after it, the part alone would look like a rename
        that did not happen."""
        await record(str(_at(step, "sent")))
        if part_left:
            await self._clear_away(prepared)
        return _accepted(prepared)

    async def _clear_away(self, prepared: Prepared) -> None:
        """Remove a part that decides nothing any more. Where we may not, it is litter and no reason
        to send the order again."""
        with suppress(Misconfigured):
            await self._server.remove(self._part_path(prepared))

    async def _is_whole_after_all(self, prepared: Prepared) -> bool:
        """There was no part to rename: somebody took it, or a rename happened."""
        try:
            return await self._is_whole(prepared)
        except Wait as lost:
            raise OutcomeUnknown(str(lost)) from lost

    async def _is_whole(self, prepared: Prepared) -> bool:
        return await self._server.size(self._final(prepared)) == len(prepared.payload)

    async def _see_or_put_marker(self, name: str) -> str:
        """The marker's value. A new one is unlike all before it: one that was put again proves
        nothing about files that were put before."""
        value = await self._see_marker()
        if value is None:
            value = f"{int(self._clock.now_s())}-{name[:80]}"
            await self._server.write(self._marker_path, f"dropstreamd {value}\n".encode())
        return value

    async def _see_marker(self) -> str | None:
        size = await self._server.size(self._marker_path)
        if size is None or size > MARKER_BYTES:
            return None
        content = await self._server.read(self._marker_path, limit_bytes=MARKER_BYTES)
        words = (content or b"").decode("ascii", "replace").split()
        return words[1] if len(words) == 2 and words[0] == "dropstreamd" else None

    def _part_gone(self, prepared: Prepared) -> list[Outcome]:
        return _in_doubt(prepared, f"somebody removed {self._part.of(prepared.name)} before it was renamed")

    def _fresh(self, step: Step) -> bool:
        return 0 <= self._clock.now_s() - step.part_at_s < PART_FRESH_S

    def _part_path(self, prepared: Prepared) -> str:
        return f"{self._folder}/{self._part.of(prepared.name)}"

    def _final(self, prepared: Prepared) -> str:
        return f"{self._folder}/{prepared.name}"


def _accepted(prepared: Prepared) -> list[Outcome]:
    return [Accepted(key=key, remote=prepared.name) for key in prepared.keys]


def _in_doubt(prepared: Prepared, why: str) -> list[Outcome]:
    return [InDoubt(key=key, why=why) for key in prepared.keys]


def _untouched(prepared: Prepared) -> list[Outcome]:
    return [Untouched(key=key) for key in prepared.keys]


def _at(step: Step, stage: Stage) -> Step:
    return msgspec.structs.replace(step, stage=stage)
