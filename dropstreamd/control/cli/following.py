"""Waits for a run: its progress as it comes, its result, and what an interruption leaves behind."""

from collections.abc import Iterable, Iterator

import msgspec

from dropstreamd.control.cli.answering import card_of, card_zone, show_answer, show_refusal
from dropstreamd.control.cli.daemon import Answer, path_of
from dropstreamd.control.cli.exits import Exit
from dropstreamd.control.cli.session import Options, Session
from dropstreamd.control.cli.set_aside import is_whole, show_set_aside
from dropstreamd.control.cli.terminal import Style
from dropstreamd.control.cli.times import LocalZone, show_length
from dropstreamd.control.cli.words import plural, result_part
from dropstreamd.control.messages.runs import (
    Began,
    Counting,
    Ended,
    Gone,
    Missed,
    RunAsked,
    RunShown,
    StreamEvent,
)
from dropstreamd.control.messages.status import ConnectionCard
from dropstreamd.errors import ProtocolMismatch
from dropstreamd.model.counts import counts_text

SILENCE_S = 5.0
"""After so long without an event the stream is opened anew, which also shows that the daemon lives."""
PAUSE_S = 1.0
"""Between two streams, so that a daemon that closes each at once is not besieged."""

_event: msgspec.json.Decoder[StreamEvent] = msgspec.json.Decoder(StreamEvent)


class _Wait:
    """One wait for one run."""

    def __init__(
        self, session: Session, options: Options, connection: str, run: str, timeout_s: float | None
    ) -> None:
        self._session = session
        self._quiet = options.json
        self._run = run
        self._path = path_of("connections", connection, "runs", run)
        self._until_s = None if timeout_s is None else session.monotonic() + timeout_s
        self._shown = ""

    def outcome(self) -> Ended | Gone | Answer | None:
        """How it ended; an answer that refuses to say so; None when the time was up first."""
        while (left_s := self._left_s()) > 0:
            with self._session.daemon.listen(
                "/v1/events", query={"run": self._run}, silence_s=min(SILENCE_S, left_s)
            ) as lines:
                end = self._read(lines)
            if end is not None:
                return end
            # The stream ended too early, or too many listen already: ask.
            answer = self._session.daemon.ask("GET", self._path)
            if answer.is_refusal:
                return answer
            run = answer.read(RunShown)
            if run.ended_s:
                return Ended(run=run)
            self._session.sleep(min(PAUSE_S, max(0.0, self._left_s())))
        return None

    def _read(self, lines: Iterable[str]) -> Ended | Gone | None:
        for event in events(lines):
            match event:
                case Ended() | Gone():
                    return event
                case Began(run=run):
                    self._show(run.counts)
                case Counting(counts=counts):
                    self._show(counts)
                case Missed() | None:
                    pass  # the stream is opened anew, and begins with how the run stands
            if self._left_s() <= 0:
                return None
        return None

    def _left_s(self) -> float:
        return float("inf") if self._until_s is None else self._until_s - self._session.monotonic()

    def _show(self, counts: dict[str, int]) -> None:
        text = counts_text(counts) or "running"
        if not self._quiet and text != self._shown:
            self._session.terminal.progress(text)
        self._shown = text


def follow(session: Session, options: Options, *, connection: str, run: str, timeout_s: float | None) -> Exit:
    """Show the run's progress until it ends or the time is up; its result as the exit code.

    Interrupted by Ctrl-C, the run goes on.
    """
    terminal = session.terminal
    look = f"dropstreamctl runs {connection}"
    if not options.json:
        terminal.note(f"Run {run}; Ctrl-C stops waiting, not the run.")
    try:
        end = _Wait(session, options, connection, run, timeout_s).outcome()
    except KeyboardInterrupt:
        terminal.note(f"Interrupted: run {run} goes on. To see what comes of it: {look}")
        return Exit.INTERRUPTED
    if end is None:
        terminal.note(f"The time is up: run {run} goes on. To see what comes of it: {look}")
        if options.json:
            terminal.raw(msgspec.json.encode(RunAsked(run=run)).decode())
        return Exit.UNFINISHED
    if isinstance(end, Gone):
        terminal.note(("The run will not be: ", Style.BAD), end.why)
        if options.json:
            terminal.raw(msgspec.json.encode(end).decode())
        return Exit.FAILED
    if isinstance(end, Answer):
        return show_refusal(session, options, end)
    answer = session.daemon.ask("GET", path_of("connections", connection, "runs", run))
    return show_answer(
        session,
        options,
        answer,
        RunShown,
        lambda ended: _show_end(session, connection, ended),
        lambda ended: Exit.OK if ended.result == "done" and is_whole(ended) else Exit.FAILED,
    )


def _show_end(session: Session, connection: str, run: RunShown) -> None:
    terminal = session.terminal
    took = show_length(run.ended_s - run.started_s)
    card = card_of(session, connection)
    zone = LocalZone("UTC") if card is None else card_zone(card)
    at = zone.show(run.ended_s)
    counted = counts_text(run.counts) or ("nothing to do" if run.result == "done" else "")
    counted = f": {counted}" if counted else ""
    terminal.line(f"{run.channel}.{run.job} ", result_part(run.result), f" in {took}, {at}{counted}")
    if run.counts.get("held_back"):
        terminal.line(
            f"{plural(run.counts['held_back'], 'older order')} came in since the list was shown, and stay"
            f" here: dropstreamctl run {connection} sales_orders --since DATE"
        )
    if run.since_s is not None and run.result != "done" and "released" not in run.counts:
        terminal.line("No older orders were let go: ask for them again once this is over.")
    if run.error:
        terminal.line(("Why: ", Style.BAD), run.error)
    if run.remedy:
        terminal.line("What to do: ", run.remedy)
    retry_s = _retry_s(card, run)
    if retry_s and run.result not in ("done", "unfinished"):  # the latter says so itself
        terminal.line("Tried again by itself: ", zone.show(retry_s))
    show_set_aside(session, connection, run)


def _retry_s(card: ConnectionCard | None, run: RunShown) -> float:
    """When the job is tried again after its failures; 0 where it has none by now."""
    channels = () if card is None else card.channels
    jobs = (job for channel in channels if channel.channel == run.channel for job in channel.jobs)
    return next((job.trouble.retry_s for job in jobs if job.job == run.job and job.trouble), 0.0)


def events(lines: Iterable[str]) -> Iterator[StreamEvent | None]:
    """The events of a server-sent stream; None for a comment, which only shows that it lives."""
    data: list[str] = []
    for line in lines:
        field, _, value = line.partition(":")
        if field == "data":
            data.append(value.removeprefix(" "))
        elif not line and data:
            yield _decoded("\n".join(data))
            data.clear()
        else:
            yield None


def _decoded(data: str) -> StreamEvent:
    try:
        return _event.decode(data)
    except msgspec.DecodeError as error:
        raise ProtocolMismatch(
            f"an event of the daemon cannot be read: {error}",
            remedy="see that dropstreamctl and the daemon are of one version",
        ) from error
