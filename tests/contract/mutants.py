"""Plugins that break one rule each, made from good ones by changing what their sessions do."""

import secrets
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal

import msgspec
import trio

from dropstreamd.errors import Misconfigured, OutcomeUnknown, ProtocolMismatch, Unreachable
from dropstreamd.platform.contract import Accepted, Handed, Page, Plugin, Untouched, Whereabouts

Change = Callable[[Any], Any]


class Over:
    """Something with some of its attributes replaced."""

    def __init__(self, inner: object, **changes: object) -> None:
        self._inner = inner
        self.__dict__.update(changes)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def with_session(plugin: Plugin[Any], change: Change) -> Plugin[Any]:
    """The plugin, with every session changed."""

    @asynccontextmanager
    async def opened(settings: Any, host: Any) -> AsyncIterator[Any]:
        async with plugin.open(settings, host) as session:
            yield change(Over(session, settings=settings, host=host))

    return msgspec.structs.replace(plugin, open=opened)


def with_part(plugin: Plugin[Any], part: str, change: Change) -> Plugin[Any]:
    """The plugin, with one part of every session changed."""
    return with_session(plugin, lambda session: Over(session, **{part: change(getattr(session, part))}))


# ---- sessions


def first(before: Callable[..., Any]) -> Change:
    """`test` does something else first."""

    def change(session: Any) -> Any:
        async def test(*, write: bool) -> Any:
            await before(session, write=write)
            return await session.test(write=write)

        return Over(session, test=test)

    return change


def failing(error: type[Exception], instead: Callable[[Any], Exception]) -> Change:
    """`test` turns one error into another."""

    def change(session: Any) -> Any:
        async def test(*, write: bool) -> Any:
            try:
                return await session.test(write=write)
            except error as found:
                raise instead(session) from found

        return Over(session, test=test)

    return change


async def leave_a_file(session: Any, *, write: bool) -> None:
    server = await session.link.server()
    await server.write("in/left-behind", b"x")


async def leave_a_file_when_writing(session: Any, *, write: bool) -> None:
    if write:
        await leave_a_file(session, write=write)


def surveying(session: Any) -> Any:
    async def survey() -> Any:
        await leave_a_file(session, write=True)
        return await session.survey()

    return Over(session, survey=survey)


def tell_the_password(session: Any) -> Exception:
    return Misconfigured(f"cannot enter with {session.host.secret(session.settings.password).reveal()}")


async def take_the_first_bytes_for_all(session: Any, *, write: bool) -> None:
    """It takes what one `receive` brings for a whole line."""
    port = int(session.settings.url.rstrip("/").rpartition(":")[2])
    async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
        await stream.send_all(b"SSH-2.0-toy\r\n")
        if not bytes(await stream.receive_some(1000)).endswith(b"\n"):
            raise ProtocolMismatch("half a line came")


def leaking(left: list[socket.socket]) -> Change:
    """A cancelled `test` forgets a connection."""

    def change(session: Any) -> Any:
        async def test(*, write: bool) -> Any:
            try:
                return await session.test(write=write)
            except trio.Cancelled:
                port = int(session.settings.url.rstrip("/").rpartition(":")[2])
                left.append(socket.create_connection(("127.0.0.1", port)))
                raise

        return Over(session, test=test)

    return change


def sampling(session: Any) -> Any:
    def sample(name: str, content: bytes) -> Any:
        content.decode("ascii")
        return session.sample(name, content)

    return Over(session, sample=sample)


# ---- sources


def paging(turn: Callable[[Any, Any], Any]) -> Change:
    """Every page is turned into another."""

    def change(source: Any) -> Any:
        async def page(*arguments: Any) -> Any:
            found = await source.page(*arguments)
            return found if found is None else turn(found, arguments)

        return Over(source, page=page)

    return change


def reading(turn: Callable[[Any, Any], Any]) -> Change:
    """What is read again is turned into something else."""

    def change(again: Any) -> Any:
        async def read(keys: Any) -> Any:
            return turn(await again.read(keys), keys)

        return Over(again, read=read)

    return change


def replaced(page: Any, **changes: Any) -> Any:
    return msgspec.structs.replace(page, **changes)


def ends_early(page: Any, arguments: Any) -> Any:
    return replaced(page, more=False)


def new_keys(page: Any, arguments: Any) -> Any:
    suffix = secrets.token_hex(2)
    return replaced(page, documents=tuple(replaced(one, key=one.key + suffix) for one in page.documents))


def long_keys(page: Any, arguments: Any) -> Any:
    return replaced(page, documents=tuple(replaced(one, key=one.key + "x" * 100) for one in page.documents))


def nothing_new(page: Any, arguments: Any) -> Any:
    return page if arguments[0] is None else Page(cursor=arguments[0])


def only_once(seen: set[str]) -> Callable[[Any, Any], Any]:
    def turn(page: Any, arguments: Any) -> Any:
        fresh = tuple(one for one in page.documents if one.key not in seen)
        seen.update(one.key for one in fresh)
        return replaced(page, documents=fresh)

    return turn


def sunk_by_one(page: Any, arguments: Any) -> Any:
    if page.bad:
        raise ProtocolMismatch("a document of this page cannot be decoded")
    return page


def without_cancelled(page: Any, arguments: Any) -> Any:
    return replaced(page, documents=tuple(one for one in page.documents if one.status != "cancelled"))


def without_method(page: Any, arguments: Any) -> Any:
    return replaced(page, documents=tuple(replaced(one, ship_method="") for one in page.documents))


def naive(page: Any, arguments: Any) -> Any:
    return replaced(
        page,
        documents=tuple(
            replaced(one, placed_at=one.placed_at.replace(tzinfo=None)) for one in page.documents
        ),
    )


def never_last(page: Any, arguments: Any) -> Any:
    return replaced(page, last=False)


def one_name(page: Any, arguments: Any) -> Any:
    return replaced(page, snapshot="stock")


def new_name(page: Any, arguments: Any) -> Any:
    return replaced(page, snapshot=page.snapshot + secrets.token_hex(2))


def without_bad(page: Any, arguments: Any) -> Any:
    return replaced(page, bad=())


def remembers_nothing(source: Any) -> Any:
    """It does not ask what was taken."""

    async def page(*arguments: Any) -> Any:
        return await source.page(*arguments[:-1], lambda _mark: False)

    return Over(source, page=page)


def confirms_nothing(source: Any) -> Any:
    async def confirm(marks: Sequence[str]) -> None:
        await trio.lowlevel.checkpoint()

    return Over(source, confirm=confirm)


def confirms_at_once(source: Any) -> Any:
    """It archives what it read, whether that is durable or not."""

    async def page(*arguments: Any) -> Any:
        found = await source.page(*arguments)
        if found.mark is not None:
            await source.confirm([found.mark])
        return found

    return Over(source, page=page)


def loses_its_temper(over: type[Exception]) -> Change:
    def change(source: Any) -> Any:
        async def page(*arguments: Any) -> Any:
            try:
                return await source.page(*arguments)
            except over as error:
                raise RuntimeError("the line is dead") from error

        return Over(source, page=page)

    return change


# ---- sinks


def declares(**changes: Any) -> Change:
    return lambda sink: Over(sink, writes=msgspec.structs.replace(sink.writes, **changes))


def prepares_by_chance(sink: Any) -> Any:
    def prepare(items: Any, stamp: Any) -> Any:
        found = sink.prepare(items, stamp)
        changed = [
            replaced(one, payload=one.payload + secrets.token_bytes(2).hex().encode())
            for one in found.prepared
        ]
        return replaced(found, prepared=tuple(changed))

    return Over(sink, prepare=prepare)


def forgets_the_refused(sink: Any) -> Any:
    def prepare(items: Any, stamp: Any) -> Any:
        return replaced(sink.prepare(items, stamp), rejected=())

    return Over(sink, prepare=prepare)


def forgets_what_was_told(sink: Any) -> Any:
    """It takes what changed since it was accepted for something new."""

    def prepare(items: Any, stamp: Any) -> Any:
        return sink.prepare([replaced(item, remote=None) for item in items], stamp)

    return Over(sink, prepare=prepare)


def says_nothing(sink: Any) -> Any:
    async def push(prepared: Any, record: Any) -> Any:
        await sink.push(prepared, record)
        return []

    return Over(sink, push=push)


def is_too_sure(sink: Any) -> Any:
    """It says that a write had no effect when its answer was lost."""

    async def push(prepared: Any, record: Any) -> Any:
        try:
            return await sink.push(prepared, record)
        except OutcomeUnknown as error:
            raise Unreachable("the line broke") from error

    return Over(sink, push=push)


def recovers(outcome: type[Accepted | Untouched]) -> Change:
    """Whatever became of it, recover says this."""

    def change(sink: Any) -> Any:
        async def recover(prepared: Any, step: str, record: Any) -> Any:
            await trio.lowlevel.checkpoint()
            return [outcome(key=key) for key in prepared.keys]

        return Over(sink, recover=recover)

    return change


def sends_in_any_case(sink: Any) -> Any:
    """It does not ask whether the write is still wanted."""

    async def push(prepared: Any, record: Any) -> Any:
        async def unasked(step: str, *, if_wanted: bool = False) -> None:
            await record(step)

        return await sink.push(prepared, unasked)

    return Over(sink, push=push)


def gives_up_when_slow(sink: Any) -> Any:
    async def push(prepared: Any, record: Any) -> Any:
        await take_the_first_bytes_for_all(Over(sink, settings=sink._settings), write=False)
        return await sink.push(prepared, record)

    return Over(sink, push=push)


def sees(where: Literal["waiting", "gone"]) -> Change:
    """Every order is there."""

    def change(handed: Any) -> Any:
        async def look(asked: Sequence[Handed]) -> Sequence[Whereabouts]:
            return [Whereabouts(where=where, detail="somewhere") for _ in await handed.look(asked)]

        return Over(handed, look=look)

    return change


def always_at(location: str) -> Change:
    """Levels are set at one location, whichever they name."""

    def change(sink: Any) -> Any:
        def prepare(items: Sequence[Any], stamp: Any) -> Any:
            moved = [
                msgspec.structs.replace(
                    item, document=msgspec.structs.replace(item.document, location=location)
                )
                for item in items
            ]
            return sink.prepare(moved, stamp)

        return Over(sink, prepare=prepare)

    return change
