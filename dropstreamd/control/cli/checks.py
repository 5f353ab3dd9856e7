"""`test` and `preflight`: is each side reachable and right, and what to know before the first order."""

import json
import shlex

import msgspec

from dropstreamd.control.cli.answering import show_answer, zone_of
from dropstreamd.control.cli.arguments import Commands, add_connection
from dropstreamd.control.cli.daemon import SLOW_LIMIT_S, path_of
from dropstreamd.control.cli.exits import Exit
from dropstreamd.control.cli.running import show_backlog
from dropstreamd.control.cli.session import Options, Session
from dropstreamd.control.cli.tables import show_table
from dropstreamd.control.cli.terminal import Style, Terminal
from dropstreamd.control.cli.words import figure, sku_at
from dropstreamd.control.messages.runs import Side
from dropstreamd.control.messages.setup import (
    FindingShown,
    Names,
    Preflight,
    SampleOrder,
    SideTested,
    Tested,
    TestSides,
)


class TestOptions(Options, frozen=True, kw_only=True):
    """Both sides where `side` is None."""

    connection: str
    side: Side | None = None
    write: bool = False


class PreflightOptions(Options, frozen=True, kw_only=True):
    """Of one connection."""

    connection: str


def test(session: Session, options: TestOptions) -> Exit:
    """Ask each side; 1 where anything is not well."""

    def show(tested: Tested) -> None:
        show_sides(session.terminal, tested.sides)

    answer = session.daemon.ask(
        "POST",
        path_of("connections", options.connection, "test"),
        body=TestSides(side=options.side, write=options.write),
        limit_s=SLOW_LIMIT_S,
    )
    return show_answer(session, options, answer, Tested, show, lambda tested: _exit(well=tested.ok))


def preflight(session: Session, options: PreflightOptions) -> Exit:
    """Show what a person must know; 1 where something has to be put right first."""

    def show(found: Preflight) -> None:
        _show_preflight(session, options.connection, _said_once(found))

    answer = session.daemon.ask(
        "POST", path_of("connections", options.connection, "preflight"), limit_s=SLOW_LIMIT_S
    )
    return show_answer(session, options, answer, Preflight, show, lambda found: _exit(well=is_well(found)))


def is_well(found: Preflight) -> bool:
    """Whether orders could flow at once, and their shipments. SKUs that one side has alone, carriers that
    go to the store by the warehouse's name, and what is shared with other connections, are told but
    ordinary."""
    sample = found.sample_order
    return (
        all(side.ok for side in found.sides)
        and not any(names.count for _, names in _to_mend(found))
        and (sample is None or not sample.problem)
        and not found.shipments_refused
    )


def show_sides(terminal: Terminal, sides: tuple[SideTested, ...]) -> None:
    """Each side with its findings and, where it failed, what to do."""
    for side in sides:
        verdict = ("well", Style.GOOD) if side.ok else ("not well", Style.BAD)
        terminal.line(f"{side.side} ({side.platform}): ", verdict)
        show_findings(terminal, side.findings)
        if side.failure is not None:
            terminal.line("  ", ("✗ ", Style.BAD), f"{side.failure.kind}: {side.failure.message}")
            if side.failure.remedy:
                terminal.line("    → ", side.failure.remedy)


def show_findings(terminal: Terminal, findings: tuple[FindingShown, ...]) -> None:
    """One a line, with what to do below those that are not ok, and below notes."""
    for finding in findings:
        terminal.line("  ", _mark(finding), f"{finding.name}: {finding.detail}")
        if finding.remedy:
            terminal.line("    → ", finding.remedy)


def _mark(finding: FindingShown) -> tuple[str, Style]:
    if not finding.ok:
        return ("✗ ", Style.BAD)
    return ("! ", Style.WARN) if finding.remedy else ("✓ ", Style.GOOD)


def _to_mend(found: Preflight) -> tuple[tuple[str, Names], ...]:
    return (
        ("SKUs that the store has twice", found.store_skus_twice),
        ("SKUs that the warehouse has twice", found.warehouse_skus_twice),
        ("ship methods without a mapping", found.methods_unmapped),
    )


def _said_once(found: Preflight) -> Preflight:
    """The same, where what kept a side from being asked is not said again of all that it would have told."""
    for side in found.sides:
        if side.failure is None:
            continue
        said = f"the {side.side}: {side.failure.message}"
        short = f"the {side.side} failed, as is said above"
        for name in found.__struct_fields__:
            part = getattr(found, name)
            if isinstance(part, Names) and part.why == said:
                found = msgspec.structs.replace(found, **{name: msgspec.structs.replace(part, why=short)})
        if found.sample_unseen == said:
            found = msgspec.structs.replace(found, sample_unseen=short)
    return found


def _show_preflight(session: Session, connection: str, found: Preflight) -> None:
    terminal = session.terminal
    show_sides(terminal, found.sides)
    terminal.line()
    for what, names in _to_mend(found):
        _show_names(terminal, what, names, Style.BAD)
    _show_names(terminal, "carriers without a mapping", found.carriers_unmapped, Style.WARN)
    _show_names(
        terminal, "SKUs of the store that the warehouse lacks", found.store_skus_unmatched, Style.WARN
    )
    _show_names(
        terminal,
        "SKUs of the warehouse that the store does not sell",
        found.warehouse_skus_unmatched,
        Style.PLAIN,
    )
    _show_misfits(terminal, connection, found)
    for refused in found.shipments_refused:
        terminal.line(("✗ ", Style.BAD), refused)
    for overlap in found.overlaps:
        terminal.line(("! ", Style.WARN), overlap)
    _show_sample(terminal, found.sample_order, found.sample_unseen)
    _show_levels(terminal, found)
    if found.backlog.count:
        terminal.line()
        show_backlog(terminal, found.backlog, zone_of(session, connection))
        terminal.line(f"They stay here until: dropstreamctl run {connection} sales_orders --since DATE")
    terminal.line()
    if is_well(found):
        terminal.line(("Ready.", Style.GOOD), f" Next: dropstreamctl enable {connection}")
    else:
        terminal.line(("Not ready:", Style.BAD), " put right what is marked, then run preflight again.")


def _show_misfits(terminal: Terminal, connection: str, found: Preflight) -> None:
    """Only where there are any: what is unknown is said of the SKUs that either side lacks."""
    hidden = found.skus_hidden
    if hidden.count:
        _show_names(terminal, "SKUs of both sides that are listed under another name", hidden, Style.WARN)
        own = json.dumps(hidden.names[0], ensure_ascii=False)
        terminal.line(f"    → they get no level: sell them no more, or add {own} = {own} to [listings]")
        _show_command(terminal, connection, hidden.names[0])
    near = [f"{each.sku!r} ({' or '.join(map(repr, each.meant))}?)" for each in found.near_examples]
    if near:
        names = msgspec.structs.replace(found.skus_near, names=tuple(near))
        what = "SKUs of the store that the warehouse may have in another spelling (they want listings)"
        _show_names(terminal, what, names, Style.WARN)
        _show_command(terminal, connection, found.near_examples[0].sku)


def _show_command(terminal: Terminal, connection: str, sku: str) -> None:
    terminal.line(f"    → to look at one: dropstreamctl sku {connection} {shlex.quote(sku)}")


def _show_names(terminal: Terminal, what: str, names: Names, style: Style) -> None:
    if not names.known:
        terminal.line(f"{what}: {_unknown(names)}")
    elif not names.count:
        terminal.line(f"{what}: none")
    else:
        rest = names.count - len(names.names)
        more = f" and {rest} more" if rest > 0 else ""
        terminal.line(f"{what}: ", (str(names.count), style), f": {', '.join(names.names)}{more}")


def _unknown(names: Names) -> str:
    return f"could not look: {names.why}" if names.why else "unknown, the platform did not tell"


def _show_levels(terminal: Terminal, found: Preflight) -> None:
    changed = found.levels_changed
    count = str(changed.count) if changed.known else _unknown(changed)
    terminal.line(f"levels that a first Full Sync would change: {count}")
    if found.level_examples:
        rows = [
            [sku_at(one.sku, one.location), figure(one.before), str(one.after)]
            for one in found.level_examples
        ]
        show_table(terminal, ("SKU", "NOW", "AFTER"), rows)


def _show_sample(terminal: Terminal, sample: SampleOrder | None, unseen: str) -> None:
    if sample is None and unseen:
        terminal.line(f"sample order: could not look: {unseen}")
    elif sample is None:
        terminal.line("sample order: no order waits here to make one of (runs of sales_orders bring them)")
    elif sample.problem:
        terminal.line(("✗ ", Style.BAD), f"sample order of {sample.number}: {sample.problem}")
    else:
        which = "" if sample.imported else ", which is not imported yet,"
        terminal.line(f"order {sample.number}{which} would be sent as {sample.name}:")
        for line in sample.text.splitlines():
            terminal.line("  | ", line)


def _exit(*, well: bool) -> Exit:
    return Exit.OK if well else Exit.FAILED


def register(commands: Commands) -> None:
    """Add `test` and `preflight`."""
    parser = commands.add("test", "make one request to each side and say what is wrong", TestOptions, test)
    add_connection(parser)
    parser.add_argument("side", choices=("store", "warehouse"), nargs="?", help="only this side")
    parser.add_argument(
        "--write", action="store_true", help="also prove that a file can be put, renamed and removed"
    )
    parser = commands.add(
        "preflight", "show what to know before the first order", PreflightOptions, preflight
    )
    add_connection(parser)
