"""Under which name a document was sent: some warehouses answer to the file's name or number alone, and one
that has not answered in time has to be seen."""

from collections.abc import Iterator
from functools import partial

import msgspec

from dropstreamd.channels.run import Scope
from dropstreamd.config.schema import WarehouseAccount
from dropstreamd.model.acknowledgements import Acknowledgement
from dropstreamd.platform.contract import Part
from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.documents import Named, nobody_asks_by_name
from dropstreamd.store.keys import Key
from dropstreamd.store.records import Purpose
from dropstreamd.store.tables import Table

_NAME, _UNHEARD, _NEWEST = "name:", "unheard:", "newest:"
"""Beside the references of the account: no reference has a colon."""


class Sent(msgspec.Struct, frozen=True, array_like=True):
    """What was sent under a name. `told`: a person was told that no answer came; `verdict` is the answer."""

    connection: str
    channel: str
    key: str
    at_s: float
    told: bool = False
    purpose: Purpose = "new"
    verdict: str = ""


_sent = msgspec.msgpack.Decoder(Sent)


def keeper(scope: Scope, channel: str) -> Named:
    """Keeps every name that documents of a flow are sent under, where the warehouse may answer to it."""
    if Part.ACKNOWLEDGEMENTS not in scope.warehouse_offers:
        return nobody_asks_by_name
    return partial(_keep, scope.account, scope.connection.id, channel)


def _keep(
    account: WarehouseAccount,
    connection: str,
    channel: str,
    tx: Writer,
    name: str,
    key: str,
    purpose: Purpose,
    at_s: float,
) -> None:
    sent = Sent(connection, channel, key, at_s, purpose=purpose)
    for kind in (_NAME, _UNHEARD):
        tx.put(Table.LINKS, (account.merchant, account.name, kind, name), msgspec.msgpack.encode(sent))
    if purpose == "new":
        tx.put(Table.LINKS, _newest(account, sent), name.encode())


def find(tx: Reader, account: WarehouseAccount, name: str) -> Sent | None:
    """What was sent under this name; None if nothing was. Of a file of several, the last of them."""
    raw = tx.get(Table.LINKS, (account.merchant, account.name, _NAME, name))
    return None if raw is None else _sent.decode(raw)


def newest(tx: Reader, account: WarehouseAccount, sent: Sent) -> str:
    """The name under which the same document was handed over last; "" where none is known."""
    raw = tx.get(Table.LINKS, _newest(account, sent))
    return "" if raw is None else raw.decode()


def _newest(account: WarehouseAccount, sent: Sent) -> Key:
    return (account.merchant, account.name, f"{_NEWEST}{sent.channel}:{sent.connection}", sent.key)


def heard(tx: Writer, account: WarehouseAccount, word: Acknowledgement) -> None:
    """The warehouse has answered to the name that the word gives."""
    sent = find(tx, account, word.name)
    if sent is not None:
        raw = msgspec.msgpack.encode(msgspec.structs.replace(sent, verdict=word.verdict))
        tx.put(Table.LINKS, (account.merchant, account.name, _NAME, word.name), raw)
    tx.delete(Table.LINKS, (account.merchant, account.name, _UNHEARD, word.name))


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
