"""`release`, `resolve` and `approve`: a person's word on what cannot go on without one."""

from dropstreamd.control.cli.answering import pair, show_answer, show_refusal, wrong_argument
from dropstreamd.control.cli.arguments import Commands, add_connection
from dropstreamd.control.cli.daemon import Answer, path_of
from dropstreamd.control.cli.exits import Exit
from dropstreamd.control.cli.session import Options, Session
from dropstreamd.control.cli.terminal import Style
from dropstreamd.control.cli.words import plural
from dropstreamd.control.messages.look import (
    Done,
    DoubtShown,
    InDoubtShown,
    Release,
    Released,
    Resolve,
    ResolveTask,
    Tasks,
    TaskShown,
)
from dropstreamd.control.messages.setup import Approve, Approved
from dropstreamd.control.messages.status import Status
from dropstreamd.store.transitions import UNDECODABLE


class ReleaseOptions(Options, frozen=True, kw_only=True):
    """All of one `cause`, or one `key`."""

    connection: str
    channel: str
    key: str | None = None
    cause: str | None = None


class ResolveOptions(Options, frozen=True, kw_only=True):
    """`verdict` is sent, not-sent or task. `key` may be the number that people see."""

    connection: str
    channel: str
    key: str
    verdict: str
    revision: int | None = None


class ApproveOptions(Options, frozen=True, kw_only=True):
    """`warehouse` is MERCHANT.WAREHOUSE, `generation` the id of the snapshot that was looked at."""

    warehouse: str
    generation: str | None = None


def release(session: Session, options: ReleaseOptions) -> Exit:
    """Have parked work tried again with the next run; 1 where the one KEY does not wait."""
    if (options.key is None) == (options.cause is None):
        raise wrong_argument("KEY", "both" if options.key else "neither", "either a KEY or --cause CAUSE")

    def show(released: Released) -> None:
        terminal = session.terminal
        count = plural(released.released, "document")
        if options.cause == UNDECODABLE:
            terminal.line(f"{count} forgotten. What comes again and cannot be read is reported again.")
        else:
            terminal.line(f"{count} released: tried again with the next run.")
        if released.more:
            terminal.line("More of this cause are left: repeat the command.")

    body = Release(channel=options.channel, cause=options.cause or "", key=options.key or "")
    answer = session.daemon.ask("POST", path_of("connections", options.connection, "release"), body=body)
    return show_answer(session, options, answer, Released, show, lambda told: _went(options, told))


def _went(options: ReleaseOptions, released: Released) -> Exit:
    return Exit.FAILED if options.key is not None and not released.released else Exit.OK


def resolve(session: Session, options: ResolveOptions) -> Exit:
    """Say what became of a document in doubt, or that a task is done."""
    return _task(session, options) if options.verdict == "task" else _doubt(session, options)


def _doubt(session: Session, options: ResolveOptions) -> Exit:
    answer = session.daemon.ask("GET", path_of("connections", options.connection, "in-doubt"))
    if answer.is_refusal:
        return show_refusal(session, options, answer)
    documents = answer.read(InDoubtShown).documents
    mine = [one for one in documents if one.channel == options.channel]
    found = _one(mine, options, "document in doubt")
    key, revision = (options.key, None) if found is None else (found.key, found.revision)
    body = Resolve(
        applied=options.verdict == "sent",
        revision=options.revision if options.revision is not None else revision,
    )
    path = path_of("connections", options.connection, "in-doubt", options.channel, key)
    return _show_done(session, options, session.daemon.ask("POST", path, body=body))


def _task(session: Session, options: ResolveOptions) -> Exit:
    answer = session.daemon.ask("GET", path_of("connections", options.connection, "tasks"))
    if answer.is_refusal:
        return show_refusal(session, options, answer)
    tasks = [one for one in answer.read(Tasks).tasks if one.channel == options.channel]
    found = _one(tasks, options, "task")
    key, revision = options.key if found is None else found.key, options.revision
    if revision is None:
        if found is None:
            raise wrong_argument("KEY", options.key, f"one that `tasks {options.connection}` shows")
        if not _is_done(session, options, found):
            return Exit.UNCONFIRMED
        revision = found.revision
    path = path_of("connections", options.connection, "tasks", options.channel, key)
    return _show_done(session, options, session.daemon.ask("POST", path, body=ResolveTask(revision=revision)))


def _one(
    found: "list[DoubtShown] | list[TaskShown]", options: ResolveOptions, what: str
) -> "DoubtShown | TaskShown | None":
    """The one of that key, else of that number; None where the list, which is bounded, lacks it."""
    for one in found:
        if one.key == options.key:
            return one
    numbered = [one for one in found if one.number == options.key]
    if len(numbered) > 1:
        keys = ", ".join(one.key for one in numbered)
        raise wrong_argument(
            "KEY", options.key, f"one key, since more than one {what} has this number: {keys}"
        )
    return numbered[0] if numbered else None


def _is_done(session: Session, options: ResolveOptions, task: "DoubtShown | TaskShown") -> bool:
    terminal = session.terminal
    if isinstance(task, TaskShown):
        terminal.note(f"{task.channel} {task.number}: {task.title}")
        terminal.note("  ", task.detail)
    if not options.json and terminal.can_ask and terminal.ask("Is this done?"):
        return True
    terminal.note("The task stays. To say so beforehand, add --revision with the number that `tasks` shows.")
    return False


def _show_done(session: Session, options: Options, answer: Answer) -> Exit:
    return show_answer(session, options, answer, Done, lambda done: session.terminal.line(done.text))


def approve(session: Session, options: ApproveOptions) -> Exit:
    """Believe a snapshot of stock that was held."""
    merchant, warehouse = pair("MERCHANT.WAREHOUSE", options.warehouse)

    def show(approved: Approved) -> None:
        session.terminal.line(
            ("Approved", Style.GOOD),
            f": snapshot {approved.snapshot} ({approved.why}); {plural(approved.changed, 'SKU')} changed."
            " Levels follow with the next inventory run.",
        )

    generation = options.generation
    if generation is None:
        answer = session.daemon.ask("GET", path_of("status"))
        if answer.is_refusal:
            return show_refusal(session, options, answer)
        cards = answer.read(Status).accounts
        held = [card.held for card in cards if (card.merchant, card.warehouse) == (merchant, warehouse)]
        generation = next((each.id for each in held if each is not None), "")
    path = path_of("warehouses", merchant, warehouse, "approve")
    answer = session.daemon.ask("POST", path, body=Approve(generation=generation))
    return show_answer(session, options, answer, Approved, show)


def register(commands: Commands) -> None:
    """Add the three."""
    parser = commands.add("release", "try parked work again with the next run", ReleaseOptions, release)
    add_connection(parser)
    parser.add_argument("channel", metavar="CHANNEL")
    parser.add_argument("key", metavar="KEY", nargs="?", help="one document, or one SKU in inventory")
    parser.add_argument("--cause", metavar="CAUSE", help="all that `parked` shows under this cause")
    parser = commands.add(
        "resolve", "say what became of a document in doubt, or that a task is done", ResolveOptions, resolve
    )
    add_connection(parser)
    parser.add_argument("channel", metavar="CHANNEL")
    parser.add_argument("key", metavar="KEY", help="its key or number, as `in-doubt` or `tasks` shows it")
    verdict = parser.add_mutually_exclusive_group(required=True)
    for option, value, text in (
        ("--sent", "sent", "the other side has it: it is never sent again"),
        ("--not-sent", "not-sent", "the other side certainly has it not: it is sent again"),
        ("--task", "task", "the task is done"),
    ):
        verdict.add_argument(option, dest="verdict", action="store_const", const=value, help=text)
    parser.add_argument(
        "--revision", metavar="N", type=int, help="refuse if it is another by now than you read"
    )
    parser = commands.add(
        "approve", "believe a held snapshot of a warehouse's stock", ApproveOptions, approve
    )
    parser.add_argument("warehouse", metavar="MERCHANT.WAREHOUSE")
    parser.add_argument(
        "--generation", metavar="ID", help="the one that `status` showed; refused if another is held by now"
    )
