"""`try-file`: what is made of a sample file of a warehouse. Nothing of it is kept."""

from pathlib import Path

from dropstreamd.control.cli.answering import pair, show_answer
from dropstreamd.control.cli.arguments import Commands
from dropstreamd.control.cli.checks import show_findings
from dropstreamd.control.cli.daemon import path_of
from dropstreamd.control.cli.exits import Exit
from dropstreamd.control.cli.session import Options, Session
from dropstreamd.control.cli.tables import Cell, show_table
from dropstreamd.control.cli.terminal import Style, Terminal
from dropstreamd.control.cli.words import plural
from dropstreamd.control.messages.setup import FileTried, TryFile
from dropstreamd.errors import ConfigError, Problem
from dropstreamd.model.shipments import Package

FILE_LIMIT_BYTES = 10 * 1024**2


class TryFileOptions(Options, frozen=True, kw_only=True):
    """`warehouse` is MERCHANT.WAREHOUSE."""

    warehouse: str
    file: str


def try_file(session: Session, options: TryFileOptions) -> Exit:
    """Show the file as the daemon reads it; 1 where part of it cannot be read."""
    merchant, warehouse = pair("MERCHANT.WAREHOUSE", options.warehouse)
    file = Path(options.file)
    body = TryFile(merchant=merchant, warehouse=warehouse, name=file.name, content=_content(file))
    answer = session.daemon.ask("POST", path_of("try-file"), body=body)
    return show_answer(
        session, options, answer, FileTried, lambda tried: _show(session.terminal, tried), _verdict
    )


def _content(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            content = opened.read(FILE_LIMIT_BYTES + 1)
    except OSError as error:
        raise ConfigError(
            [Problem(file=str(file), key="", found=error.strerror or str(error), allowed="a file to read")]
        ) from error
    if len(content) > FILE_LIMIT_BYTES:
        found = f"more than {FILE_LIMIT_BYTES // 1024**2} MiB"
        raise ConfigError([Problem(file=str(file), key="", found=found, allowed="a smaller part of it")])
    return content


def _verdict(tried: FileTried) -> Exit:
    well = not tried.bad_count and all(finding.ok for finding in tried.findings)
    return Exit.OK if well else Exit.FAILED


def _show(terminal: Terminal, tried: FileTried) -> None:
    terminal.line("It is read as: ", (tried.kind, Style.HEAD))
    show_findings(terminal, tried.findings)
    if tried.package_count:
        terminal.line()
        terminal.line(_of("package", tried.package_count, len(tried.packages)))
        rows = [_package_row(package) for package in tried.packages]
        show_table(
            terminal, ("PACKAGE", "REFERENCE", "CARRIER", "SERVICE", "TRACKING", "SHIPPED", "LINES"), rows
        )
    if tried.stock_count:
        terminal.line()
        terminal.line(_of("row of stock", tried.stock_count, len(tried.stock), "rows of stock"))
        stock: list[list[Cell]] = [[row.sku, row.quantity, row.status, row.facility] for row in tried.stock]
        show_table(terminal, ("SKU", "UNITS", "STATUS", "FACILITY"), stock)
    if tried.bad_count:
        terminal.line()
        terminal.line((_of("unreadable row", tried.bad_count, len(tried.bad)), Style.BAD))
        show_table(
            terminal, ("WHERE", "WHY", "TEXT"), [[bad.place, bad.reason, bad.text] for bad in tried.bad]
        )


def _of(one: str, count: int, shown: int, more: str = "") -> str:
    text = plural(count, one, more)
    return text if shown >= count else f"the first {shown} of {text}"


def _package_row(package: Package) -> list[Cell]:
    shipped = f"{package.shipped_at:%Y-%m-%d %H:%M %Z}" if package.shipped_at else ""
    lines = ", ".join(f"{line.quantity} × {line.sku}" for line in package.lines)
    tracking = " ".join(package.tracking_numbers)
    return [package.key, package.reference, package.carrier, package.service, tracking, shipped, lines]


def register(commands: Commands) -> None:
    """Add `try-file`."""
    parser = commands.add(
        "try-file", "show what is made of a warehouse's sample file", TryFileOptions, try_file
    )
    parser.add_argument("warehouse", metavar="MERCHANT.WAREHOUSE", help="whose settings to read it by")
    parser.add_argument("file", metavar="FILE", help="the sample, at most 10 MiB; nothing of it is kept")
