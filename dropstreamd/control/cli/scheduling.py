"""`schedule`: a job's rules, its next fires, and new rules once these were shown."""

import argparse

from dropstreamd.config.schema import DEFAULT_RULES
from dropstreamd.control.cli.answering import pair, show_answer, show_problems, show_refusal, wrong_argument
from dropstreamd.control.cli.arguments import Commands, add_connection, add_yes
from dropstreamd.control.cli.daemon import path_of
from dropstreamd.control.cli.exits import Exit
from dropstreamd.control.cli.session import Options, Session
from dropstreamd.control.cli.terminal import Style, Terminal
from dropstreamd.control.messages.runs import EditSchedule, Preview, PreviewSchedule, ScheduleShown


class ScheduleOptions(Options, frozen=True, kw_only=True):
    """New rules: `rules`, or none (`manual`), or the `default` ones. Shows the present where none of
    the three is given."""

    connection: str
    job: str
    rules: tuple[str, ...] = ()
    manual: bool = False
    default: bool = False
    yes: bool = False


def schedule(session: Session, options: ScheduleOptions) -> Exit:
    """Show the rules, or save new ones after their next fires were shown and a person agreed."""
    channel, job = pair("CHANNEL.JOB", options.job)
    if sum((bool(options.rules), options.manual, options.default)) > 1:
        raise wrong_argument("RULE", "more than one of them", "either rules, --manual or --default")
    path = path_of("connections", options.connection, "channels", channel, "jobs", job, "schedule")
    answer = session.daemon.ask("GET", path)
    if answer.is_refusal or not (options.rules or options.manual or options.default):
        return show_answer(
            session, options, answer, ScheduleShown, lambda shown: _show(session.terminal, shown)
        )
    digest = answer.read(ScheduleShown).digest
    rules = DEFAULT_RULES.get((channel, job), ()) if options.default else options.rules
    answer = session.daemon.ask("POST", f"{path}/preview", body=PreviewSchedule(rules=rules))
    if answer.is_refusal:
        return show_refusal(session, options, answer)
    preview = answer.read(Preview)
    if options.json and (preview.problems or not options.yes):
        session.terminal.raw(answer.text)
    if preview.problems:
        session.terminal.note(("Refused: ", Style.BAD), "these rules cannot be used; nothing was saved")
        show_problems(session, preview.problems)
        return Exit.REFUSED
    if not _agreed(session, options, preview):
        session.terminal.note("Nothing was saved. To agree beforehand, add --yes.")
        return Exit.UNCONFIRMED
    edit = EditSchedule(rules=None if options.default else rules, digest=digest)
    answer = session.daemon.ask("PUT", path, body=edit)
    return show_answer(
        session, options, answer, ScheduleShown, lambda _shown: session.terminal.line(("Saved.", Style.GOOD))
    )


def _show(terminal: Terminal, shown: ScheduleShown) -> None:
    if not shown.rules:
        terminal.line("It runs only when asked: dropstreamctl run")
        return
    for rule in shown.rules:
        terminal.line(rule)
    terminal.line()
    _show_fires(terminal, shown.next, shown.timezone)


def _show_fires(terminal: Terminal, fires: tuple[str, ...], timezone: str) -> None:
    terminal.line((f"Next, in {timezone}:", Style.DIM))
    for fire in fires:
        day, _, rest = fire.partition("T")
        time, _, zone = rest.partition(" ")
        terminal.line(f"  {day} {time[:8]} {zone}")


def _agreed(session: Session, options: ScheduleOptions, preview: Preview) -> bool:
    terminal = session.terminal
    if options.json:
        return options.yes
    for rule in preview.rules:
        terminal.line(rule)
    if preview.rules:
        _show_fires(terminal, preview.next, preview.timezone)
    else:
        terminal.line("It would run only when asked.")
    return options.yes or (terminal.can_ask and terminal.ask("Save this?"))


def register(commands: Commands) -> None:
    """Add `schedule`."""
    parser: argparse.ArgumentParser = commands.add(
        "schedule", "show or change when a job runs", ScheduleOptions, schedule
    )
    add_connection(parser)
    parser.add_argument("job", metavar="CHANNEL.JOB", help="such as inventory.smart")
    parser.add_argument(
        "rules",
        metavar="RULE",
        nargs="*",
        default=(),
        help="each in quotes; they add up: 'every 15 minutes on mon-fri from 08:00 to 17:59', 'hourly', "
        "'daily at 01:00', '0 6 * * 1'",
    )
    parser.add_argument("--manual", action="store_true", help="only when asked")
    parser.add_argument("--default", action="store_true", help="the rules that it comes with")
    add_yes(parser, "save")
