"""The part of `status` that a person must read: what does not run, and what to do about it."""

from collections.abc import Iterator

from dropstreamd.control.cli.terminal import Style, Terminal
from dropstreamd.control.cli.times import show_length
from dropstreamd.control.cli.words import how_many, plural
from dropstreamd.control.messages.status import AccountCard, ConnectionCard, Counted, JobCard, Status

Note = tuple[str, str]
"""What is wrong, and what to do; the latter may be empty."""


def show_attention(terminal: Terminal, answer: Status) -> None:
    """One line a trouble, its remedy below; nothing where there is none."""
    notes = list(_notes(answer))
    if not notes:
        return
    terminal.line()
    terminal.line(("Needs attention", Style.HEAD))
    for wrong, remedy in notes:
        terminal.line("  ", ("!", Style.BAD), " ", wrong)
        if remedy:
            terminal.line("    ", ("→ ", Style.DIM), remedy)


def _notes(answer: Status) -> Iterator[Note]:
    for broken in answer.broken:
        yield f"the {broken.kind} {broken.name} does not run: its configuration is wrong", ""
        for problem in broken.problems:
            yield str(problem), "correct the file, then `dropstreamctl reload`"
    for plugin in answer.plugins:
        yield f"the plugin {plugin.name} did not load: {plugin.problem}", plugin.remedy
    for circuit in answer.circuits:
        why = f": {circuit.error}" if circuit.error else ""
        when = (
            f"for another {show_length(circuit.rests_s)}"
            if circuit.rests_s
            else "until the next run tries it"
        )
        failed = f"{circuit.account} failed {plural(circuit.failures, 'time')} in a row{why}"
        yield f"{failed}; it is not called {when}", circuit.remedy
    for card in answer.connections:
        yield from _of_connection(card, answer.at_s)
    for account in answer.accounts:
        yield from _of_account(account)


def _of_connection(card: ConnectionCard, now_s: float) -> Iterator[Note]:
    if card.restored_s and not card.switch.on:
        yield (
            f"{card.name} is off since its state was restored from a backup",
            f"dropstreamctl in-doubt {card.name}, then parked {card.name}, then enable {card.name}",
        )
    for problem in card.unreadable:
        yield f"{card.name} cannot work: {problem.file}: {problem.key}: {problem.found}", problem.hint
    for held in card.elsewhere:
        yield f"{card.name}: {held.error}", held.remedy
    said = [job.trouble.error for each in card.channels for job in each.jobs if job.trouble is not None]
    if card.waits and card.switch.on and card.waits not in said:
        yield f"{card.name} inventory {card.waits}", "it goes on by itself with the first newer snapshot"
    if card.crash:
        yield (
            f"{card.name}: {plural(card.crashes, 'crash', 'crashes')} in a row: {card.crash}",
            "look at the daemon's log",
        )
    if card.audit is not None and (card.audit.unaccounted or card.audit.overdue):
        found = f"{plural(card.audit.unaccounted, 'order')} unaccounted for, {card.audit.overdue} overdue"
        yield (
            f"{card.name}: by the audit of {show_length(now_s - card.audit.at_s)} ago {found}",
            f"dropstreamctl audit {card.name} orders lists them, and looks again",
        )
    yield from _of_channels(card, now_s)


def _of_channels(card: ConnectionCard, now_s: float) -> Iterator[Note]:
    elsewhere = [found.error for found in card.elsewhere]
    for channel in card.channels:
        where = f"{card.name} {channel.channel}"
        for job in channel.jobs:
            if job.trouble is None or job.trouble.error not in elsewhere:
                yield from _of_job(f"{where}.{job.job}", job, now_s)
        work = channel.work
        if work.in_doubt.count:
            yield (
                f"{where}: {how_many(work.in_doubt)} in doubt: nobody can tell whether they were handed over",
                f"dropstreamctl in-doubt {card.name}",
            )
        if work.parked.count or work.undecodable.count:
            waits = _present((work.parked, "parked"), (work.undecodable, "unreadable"))
            yield f"{where}: {waits}", f"dropstreamctl parked {card.name}"
        if work.tasks.count:
            yield f"{where}: {how_many(work.tasks)} to do by hand", f"dropstreamctl tasks {card.name}"


def _of_job(where: str, job: JobCard, now_s: float) -> Iterator[Note]:
    """As it was found by the newest run, of which it says when that was."""
    if job.trouble is None:
        return
    held = "needs somebody to act" if job.trouble.held else "failed"
    if job.last is not None and job.last.result == "unfinished":
        held = "is unfinished"
    found = f"{show_length(now_s - job.last.ended_s)} ago, " if job.last is not None else ""
    left_s = job.trouble.retry_s - now_s
    again = f"is tried again in {show_length(left_s)}" if left_s > 0 else "is tried again now"
    yield f"{where} {held}: {job.trouble.error} ({found}{again})", job.trouble.remedy


def _of_account(account: AccountCard) -> Iterator[Note]:
    name = f"{account.merchant}.{account.warehouse}"
    if account.held is not None:
        yield (
            f"{name}: a snapshot of stock is held, no level follows it: {account.held.why}",
            f"if it is right: dropstreamctl approve {name} --generation {account.held.id}",
        )
    if account.unmatched.count or account.undecodable.count:
        remedy = f"dropstreamctl parked {account.connections[0]}" if account.connections else ""
        unmatched = (account.unmatched, "packages, receipts or answers of nothing known here")
        yield f"{name}: {_present(unmatched, (account.undecodable, 'unreadable'))}", remedy


def _present(*counted: tuple[Counted, str]) -> str:
    """Those of which there are any."""
    return ", ".join(f"{how_many(count)} {what}" for count, what in counted if count.count)
