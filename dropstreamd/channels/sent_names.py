"""Under which name a document was sent: some warehouses answer to the file's name or number alone, and one
that has not answered in time has to be seen."""

from collections.abc import Iterator
from functools import partial

import msgspec

from dropstreamd.channels.run import Scope
from dropstreamd.config.schema import WarehouseAccount
from dropstreamd.platform.contract import Part
from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.documents import Named, nobody_asks_by_name
from dropstreamd.store.tables import Table

_NAME, _UNHEARD = "name:", "unheard:"
"""Beside the references of the account: no reference has a colon."""


class Sent(msgspec.Struct, frozen=True, array_like=True):
    """What was sent under a name. `told`: a person was told that no answer came."""

    connection: str
    channel: str
    key: str
    at_s: float
    told: bool = False


_sent = msgspec.msgpack.Decoder(Sent)


def keeper(scope: Scope, channel: str) -> Named:
    """Keeps every name that documents of a flow are sent under, where the warehouse may answer to it."""
    if Part.ACKNOWLEDGEMENTS not in scope.warehouse_offers:
        return nobody_asks_by_name
    return partial(_keep, scope.account, scope.connection.id, channel)


def _keep(
    account: WarehouseAccount, connection: str, channel: str, tx: Writer, name: str, key: str, at_s: float
) -> None:
    raw = msgspec.msgpack.encode(Sent(connection, channel, key, at_s))
    for kind in (_NAME, _UNHEARD):
        tx.put(Table.LINKS, (account.merchant, account.name, kind, name), raw)


def find(tx: Reader, account: WarehouseAccount, name: str) -> Sent | None:
    """What was sent under this name; None if nothing was. Of a file of several, the last of them."""
    raw = tx.get(Table.LINKS, (account.merchant, account.name, _NAME, name))
    return None if raw is None else _sent.decode(raw)


def heard(tx: Writer, account: WarehouseAccount, name: str) -> None:
    """The warehouse has answered to this name."""
    tx.delete(Table.LINKS, (account.merchant, account.name, _UNHEARD, name))


def unheard(tx: Reader, account: WarehouseAccount, *, before_s: float) -> Iterator[tuple[str, Sent]]:
    """Names sent before then that were not answered, and of which nobody was told yet."""
    for path, raw in tx.scan(Table.LINKS, (account.merchant, account.name, _UNHEARD)):
        sent = _sent.decode(raw)
        if sent.at_s < before_s and not sent.told:
            yield path[-1], sent


def tell(tx: Writer, account: WarehouseAccount, name: str, sent: Sent) -> None:
    """A person is told of it now."""
    raw = msgspec.msgpack.encode(msgspec.structs.replace(sent, told=True))
    tx.put(Table.LINKS, (account.merchant, account.name, _UNHEARD, name), raw)
