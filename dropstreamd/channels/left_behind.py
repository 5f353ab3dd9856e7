"""What stays behind where a connection's `id` was changed: the state knows a connection by that alone.

Under another id it is another connection, which is off at first, and of which nothing is known. What was open
under the old one stands still, as that of any connection without a file, until the id is back. Nothing is
sent twice by that, but nothing goes on either, so it is said. It is not refused, as it may be meant: another
shop or warehouse is to have a connection with an id of its own.
"""

from collections.abc import Collection, Iterator
from itertools import islice

import msgspec

from dropstreamd.channels import orders
from dropstreamd.channels.jobs import DESCRIBED
from dropstreamd.config.schema import Config, Connection
from dropstreamd.store import cursors, handover, homes, switches
from dropstreamd.store.base import Reader
from dropstreamd.store.homes import Home
from dropstreamd.store.records import Flow, Promise
from dropstreamd.store.tables import Table
from dropstreamd.store.transitions import BEFORE_START

COUNTED = 1_000
"""What is open is counted this far."""

_promise = msgspec.msgpack.Decoder(Promise)


class LeftBehind(msgspec.Struct, frozen=True, kw_only=True):
    """What is open under the `id` of no file, and the new connection that seems to be the same one. `shared`
    says which account both have."""

    id: str
    count: int
    new: Connection
    shared: str

    @property
    def message(self) -> str:
        """What is wrong, as a sentence."""
        many = "1 document of it is" if self.count == 1 else f"{self.count} documents of it are"
        if self.count >= COUNTED:
            many = f"{COUNTED} documents of it or more are"
        return (
            f"no file has the id {self.id} any more, and {many} open; {self.new.name} has the same "
            f"{self.shared} under the new id {self.new.id}, under which nothing of that goes on"
        )

    @property
    def remedy(self) -> str:
        """What to do."""
        return (
            f'if it is the same connection, write id = "{self.id}" into its file again; if it is another '
            f"one, put the file of {self.id} back until what is open there is closed"
        )

    def __str__(self) -> str:
        return f"{self.message}: {self.remedy}"


def left_behind(tx: Reader, config: Config, broken: Collection[str | None]) -> list[LeftBehind]:
    """Of every connection that the state knows and no file has, where one that has not run yet has its store
    or warehouse account. `broken` are the ids of files that cannot be used; where one cannot be read, nothing
    is said, since it may be the one."""
    if None in broken:
        return []
    gone = switches.connections(tx) - config.connections.keys() - set(broken)
    new = [each for each in config.connections.values() if cursors.store_account(tx, each.id) is None]
    found = []
    for old in sorted(gone) if new else ():
        home = homes.get(tx, old)
        likely = _likely(config, new, cursors.store_account(tx, old), home)
        count = _open(tx, old, home) if likely is not None else 0
        if likely is not None and count:
            connection, shared = likely
            found.append(LeftBehind(id=old, count=count, new=connection, shared=shared))
    return found


def _likely(
    config: Config, new: list[Connection], store: str | None, home: Home | None
) -> tuple[Connection, str] | None:
    """Which of the new ones a connection may have become: one with the same store before all."""
    for each in new:
        if store is not None and store in (each.store.account_key, *each.store.former_keys):
            return each, f"store account ({store})"
    for each in new:
        account = config.account(each)
        same = home is not None and account.account_key == home.account
        if same or (home is not None and (account.merchant, account.name) == home.path):
            return each, f"warehouse account ({home})"
    return None


def _open(tx: Reader, connection: str, home: Home | None) -> int:
    """Acts that somebody still has to see to: those that wait, are being handed over or in
    doubt, and orders that the warehouse has not shipped."""
    found = set(islice(_waiting(tx, connection), COUNTED))
    for path, raw in tx.scan(Table.PROMISES, (*home.path, connection)) if home is not None else ():
        promise = _promise.decode(raw)
        if promise.handed_s and promise.units:
            found.add((orders.CHANNEL, path[-1]))
        if len(found) >= COUNTED:
            break
    return len(found)


def _waiting(tx: Reader, connection: str) -> Iterator[tuple[str, str]]:
    for channel in DESCRIBED:
        flow = Flow(connection, channel)
        yield from ((channel, path[-1]) for path, _ in tx.scan(Table.PENDING, tuple(flow)))
        for _, attempt in handover.attempts(tx, flow):
            if attempt.step != handover.IN_DOUBT:
                yield from ((channel, tried.key) for tried in attempt.keys)
        for path, _ in tx.scan(Table.PARKED, tuple(flow)):
            if BEFORE_START not in path:
                yield channel, path[-1]
