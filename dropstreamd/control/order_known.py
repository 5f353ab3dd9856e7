"""What is known of an order that a person is about to send once more, in sentences."""

from dropstreamd.channels.life import Life, life_of
from dropstreamd.channels.run import Scope
from dropstreamd.channels.shipments import CHANNEL
from dropstreamd.clock import utc
from dropstreamd.control.messages.look import PackageShown
from dropstreamd.store import switches
from dropstreamd.store.base import Reader
from dropstreamd.store.records import Document

_SPOKE = "the warehouse: "
_OPENED = "opened as "


def known(tx: Reader, scope: Scope, doc: Document, packages: list[PackageShown]) -> tuple[str, ...]:
    """Where it stands, how it was handed over, what the warehouse said and sent."""
    life = life_of(tx, scope.account, doc)
    said = [f"it is {doc.state} ({doc.reason})" if life is Life.PARKED and doc.reason else f"it is {life}"]
    if doc.handed_s:
        at = utc(doc.handed_s).astimezone(scope.connection.timezone)
        name = _last(doc, _OPENED)
        said.append(f"it was handed over on {at:%Y-%m-%d at %H:%M %Z}{f', as {name}' if name else ''}")
    if doc.resent:
        said.append(f"it was sent again by hand before: {doc.resent} times")
    word = _last(doc, _SPOKE)
    if word:
        said.append(f"the warehouse said: {word}")
    elif not packages:
        said.append("the warehouse has not said anything of it")
    for each in packages:
        said.append(said_of(each))
    if not packages:
        said.append("no package of it is known")
        said.append(_fetched(tx, scope))
    return tuple(said)


def _fetched(tx: Reader, scope: Scope) -> str:
    """How old the knowledge of packages is: one fetch serves all connections of the account."""
    jobs = (switches.followed(tx, each.id, CHANNEL, "export") for each in scope.siblings)
    last_s = max((done.last_success_s for done in jobs), default=0.0)
    if not last_s:
        return "the warehouse's shipments have never been fetched: it may have left"
    at = utc(last_s).astimezone(scope.connection.timezone)
    return f"the warehouse's shipments were last fetched on {at:%Y-%m-%d at %H:%M %Z}: it may have left since"


def said_of(package: PackageShown) -> str:
    """That a package has left."""
    tracking = ", ".join(package.package.tracking_numbers) or "none"
    return f"package {package.key} has left: tracking number {tracking}"


def _last(doc: Document, beginning: str) -> str:
    """The newest event that begins so, less that; empty where there is none."""
    found = (step.text for step in reversed(doc.history) if step.text.startswith(beginning))
    return next(found, "").removeprefix(beginning)
