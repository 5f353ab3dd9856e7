"""The folder that a partner's files come to. One file may hold what several sources read, each at its
own time: it is archived when the last of them has taken its part.

Until then an empty file of ours beside it says who has: `NAME.SOURCE-SIZE-TIME.taken`. No dot is before
it: some servers would hide it from us.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal

import msgspec
import trio

from dropstream_file_exchange.x12.acknowledgement import KIND, Refusal, acknowledgement, wanted
from dropstream_file_exchange.x12.envelope import Group, Interchange, Survey
from dropstream_file_exchange.x12.settings import X12
from dropstreamd.errors import ProtocolMismatch, Unreachable
from dropstreamd.platform.contract import Host
from dropstreamd.platform.files import Entry, FileServer
from dropstreamd.platform.inbox import MOST_FILES, Fetched, Inbox, InboxRules, Mark
from dropstreamd.platform.outbox import PartName

MOST_NAME_BYTES = 150
"""Of a file, in the name of our note: with the rest it stays below 255, the most a name may have."""
Owner = Literal["shipments", "inventory", "receipts", "acknowledgements"]
OWNERS: tuple[Owner, ...] = ("shipments", "inventory", "receipts", "acknowledgements")
_OF_FUNCTION: Mapping[str, tuple[Owner, ...]] = {
    "SW": ("shipments", "acknowledgements"),
    "IB": ("inventory",),
    "AW": ("inventory",),
    "RE": ("receipts",),
    "FA": ("acknowledgements",),
}
"""Who reads a group. The first one acknowledges it and tells what is wrong with it."""


def owners_of(group: Group) -> tuple[Owner, ...]:
    """A group of another function is told of with the shipments."""
    return _OF_FUNCTION.get(group.function, ("shipments",))


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be acknowledged: a group, the `place`-th of its file, and which of its sets were not
    taken."""

    interchange: Interchange
    group: Group
    place: int
    refusals: dict[int, Refusal]


class Answers(msgspec.Struct, kw_only=True):
    """What is to be acknowledged of a file, filled while it is read. Not `complete`, it says nothing: a
    file that was taken before is not read again."""

    replies: list[Reply] = msgspec.field(default_factory=list)
    complete: bool = False


class Surveyed(Fetched, frozen=True, kw_only=True):
    """A file whose structure is known, for one of its owners. `problem` says why it is no X12 file at
    all."""

    owner: Owner
    owners: tuple[Owner, ...]
    interchanges: tuple[Interchange, ...] = ()
    problem: str = ""
    answers: Answers = msgspec.field(default_factory=Answers)

    def mark(self, *, readable: bool) -> str:
        """The file's mark, told apart from that of the other owners."""
        return f"{self.owner} {super().mark(readable=readable)}"


class Mailbox(Inbox):
    """An `Inbox` for one owner. Its marks begin with the owner's name."""

    def __init__(
        self,
        server: FileServer,
        rules: InboxRules,
        *,
        owner: Owner,
        settings: X12,
        replies: "Replies",
        read: Callable[[Surveyed], Iterator[object]],
    ) -> None:
        super().__init__(server, rules)
        self._files = server
        self._folder = rules.folder
        self._owner: Owner = owner
        self._settings = settings
        self._replies = replies
        self._read = read
        self._known: dict[str, Surveyed] = {}

    async def waiting(self) -> list[Entry]:
        found = await super().waiting()
        if not found:
            return found
        names = await self._names()
        return [entry for entry in found if not self._taken_by(entry, names).get(self._owner)]

    async def fetch(self, entry: Entry) -> Surveyed | None:
        """None too where there is nothing in the file for this owner."""
        fetched = await super().fetch(entry)
        if fetched is None:
            return None
        try:
            surveyed = await _survey(fetched, self._owner)
        except BaseException:
            fetched.content.close()
            raise
        if self._owner not in surveyed.owners:
            fetched.content.close()
            return None
        for readable in (True, False):
            self._known[surveyed.mark(readable=readable)] = surveyed
        return surveyed

    async def confirm(self, marks: Sequence[str]) -> None:
        """Acknowledge what was read, then archive the file if nobody else has to read it. Idempotent."""
        ours = [text for text in marks if text.startswith(f"{self._owner} ")]
        await super().confirm([text for text in marks if text not in ours])
        for text in ours:
            await self._confirm(text, Mark.parse(text.partition(" ")[2]))

    async def _confirm(self, text: str, taken: Mark) -> None:
        entries = await self._files.listdir(self._folder, limit=MOST_FILES, exact=taken.name.__eq__)
        entry = next(
            (each for each in entries if (each.name, each.size, each.mtime_s) == _look_of(taken)), None
        )
        if entry is None:
            return
        done = self._taken_by(entry, {each.name for each in entries})
        if self._owner in done:
            return
        surveyed = self._known.get(text)
        if surveyed is None or not surveyed.answers.complete:
            surveyed = await self._again(entry, taken)
        if surveyed is None:
            return
        if self._settings.acknowledge:
            for reply in surveyed.answers.replies:
                await self._replies.send(reply, surveyed.digest)
        done[self._owner] = "taken" if taken.readable else "refused"
        if not set(surveyed.owners) <= set(done):
            await self._files.write(f"{self._folder}/{_note(entry, self._owner, done[self._owner])}", b"")
            return
        readable = "refused" not in done.values()
        await super().confirm([str(msgspec.structs.replace(taken, readable=readable))])
        for owner, how in done.items():
            if owner != self._owner:
                await self._files.remove(f"{self._folder}/{_note(entry, owner, how)}")

    async def _again(self, entry: Entry, taken: Mark) -> Surveyed | None:
        """Read a file that was taken before, to know what to acknowledge; None for another file."""
        surveyed = await self.fetch(entry)
        if surveyed is None:
            return None
        with surveyed.content:
            if surveyed.digest != taken.digest:
                return None
            try:
                for _ in self._read(surveyed):
                    await trio.lowlevel.checkpoint()
            except ProtocolMismatch:
                # That is told where it is read; here only the replies are wanted.
                return surveyed
        return surveyed

    async def _names(self) -> set[str]:
        found = await self._files.listdir(self._folder, limit=MOST_FILES, exact=lambda _name: False)
        return {entry.name for entry in found}

    def _taken_by(self, entry: Entry, names: set[str]) -> dict[Owner, str]:
        return {
            owner: how
            for owner in OWNERS
            for how in ("taken", "refused")
            if _note(entry, owner, how) in names
        }


class Replies:
    """Writes functional acknowledgements into the folder of our files."""

    def __init__(self, server: FileServer, folder: str, part: PartName, host: Host, settings: X12) -> None:
        self._server = server
        self._folder = folder
        self._part = part
        self._host = host
        self._settings = settings

    async def send(self, reply: Reply, digest: str) -> None:
        """Write the acknowledgement of a group. A repeat writes the same file again."""
        if not wanted(reply.group, self._settings):
            return
        purpose = f"997 {digest} {reply.place}"
        control = await self._host.number(self._settings.series, purpose)
        content = acknowledgement(
            reply.group, reply.refusals, self._settings, control=control, at=_instant(reply.interchange)
        )
        name = self._settings.file_name(KIND, control)
        final, part = f"{self._folder}/{name}", f"{self._folder}/{self._part.of(name)}"
        if await self._server.size(final) is not None:
            return
        await self._server.write(part, content)
        if await self._server.size(part) != len(content):
            raise Unreachable(f"{part} did not arrive whole; its disk may be full")
        if not await self._server.rename(part, final):
            raise Unreachable(f"somebody removed {part} before it was renamed")


async def _survey(fetched: Fetched, owner: Owner) -> Surveyed:
    survey, problem = Survey(fetched.content), ""
    try:
        while survey.step():
            await trio.lowlevel.checkpoint()
    except ProtocolMismatch as error:
        problem = error.message
    return surveyed_as(fetched, owner, () if problem else tuple(survey.interchanges), problem)


def surveyed_as(
    fetched: Fetched, owner: Owner, interchanges: tuple[Interchange, ...], problem: str = ""
) -> Surveyed:
    """The file for one of its owners."""
    there = {each for one in interchanges for group in one.groups for each in owners_of(group)}
    if any(one.acknowledged for one in interchanges):
        there.add("acknowledgements")
    return Surveyed(
        entry=fetched.entry,
        digest=fetched.digest,
        content=fetched.content,
        owner=owner,
        owners=tuple(each for each in OWNERS if each in there) or ("shipments",),
        interchanges=interchanges,
        problem=problem,
    )


def _instant(interchange: Interchange) -> datetime:
    """The interchange's own time, so that its acknowledgement is the same every time."""
    header = interchange.header
    try:
        return datetime.strptime(f"{header.date}{header.time[:4]}", "%y%m%d%H%M").replace(tzinfo=UTC)
    except ValueError:
        return datetime(2000, 1, 1, tzinfo=UTC)


def _note(entry: Entry, owner: Owner, how: str) -> str:
    name, raw = entry.name, entry.name.encode(errors="surrogateescape")
    if len(raw) > MOST_NAME_BYTES:
        name = hashlib.blake2b(raw, digest_size=16).hexdigest()
    return f"{name}.{owner}-{entry.size}-{entry.mtime_s}.{how}"


def _look_of(taken: Mark) -> tuple[str, int, int]:
    return taken.name, taken.size, taken.mtime_s
