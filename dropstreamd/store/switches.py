"""Switches: whether a connection, and each of its channels, runs. They live here and in no file."""

import msgspec

from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.tables import Table

CONNECTION = "*"
"""The switch of the connection itself, in the place of a channel."""


class Switch(msgspec.Struct, frozen=True, kw_only=True):
    """On or off since when, by whom; and when it was turned on for the first time."""

    on: bool = False
    since_s: float = 0.0
    who: str = ""
    first_on_s: float | None = None


_switch = msgspec.msgpack.Decoder(Switch)


def get(tx: Reader, connection: str, channel: str = CONNECTION) -> Switch:
    """The switch; off where nobody ever touched it."""
    raw = tx.get(Table.SWITCHES, (connection, channel))
    return Switch() if raw is None else _switch.decode(raw)


def started_s(tx: Reader, connection: str, channel: str) -> float | None:
    """Since when the channel's work is this daemon's: the first time of whichever of the two switches,
    the channel's and the connection's, was turned on last. None before that."""
    firsts = [get(tx, connection, name).first_on_s for name in (CONNECTION, channel)]
    known = [first for first in firsts if first is not None]
    return max(known) if len(known) == len(firsts) else None


def enabled_since_s(tx: Reader, connection: str, channel: str) -> float | None:
    """Since when both the connection's switch and the channel's are on; None while one is off."""
    both = [get(tx, connection, name) for name in (CONNECTION, channel)]
    return max(switch.since_s for switch in both) if all(switch.on for switch in both) else None


def turn(tx: Writer, connection: str, channel: str, *, on: bool, now_s: float, who: str) -> Switch:
    """Turn a switch; what it is now. Turning it to what it is changes nothing."""
    old = get(tx, connection, channel)
    if old.on == on and old.since_s:
        return old
    first = now_s if on and old.first_on_s is None else old.first_on_s
    new = Switch(on=on, since_s=now_s, who=who, first_on_s=first)
    tx.put(Table.SWITCHES, (connection, channel), msgspec.msgpack.encode(new))
    return new


def connections(tx: Reader) -> set[str]:
    """The connections that the state knows, whether a file has them or not: each has switches."""
    return {path[0] for path, _ in tx.scan(Table.SWITCHES)}


# ---- how far each job's schedule has been followed


class Followed(msgspec.Struct, frozen=True, kw_only=True):
    """A job's fires so far: every one either ran, was coalesced into a run that stands for several,
    or was skipped, by reason. `last_fire_s` is the newest that was accounted for."""

    last_fire_s: float = 0.0
    fired: int = 0
    ran: int = 0
    coalesced: int = 0
    skipped: dict[str, int] = {}
    last_success_s: float = 0.0


_followed = msgspec.msgpack.Decoder(Followed)


def followed(tx: Reader, connection: str, channel: str, job: str) -> Followed:
    """How far the job's schedule has been followed."""
    raw = tx.get(Table.SCHEDULE, (connection, channel, job))
    return Followed() if raw is None else _followed.decode(raw)


def follow(tx: Writer, connection: str, channel: str, job: str, done: Followed) -> None:
    """Remember how far."""
    tx.put(Table.SCHEDULE, (connection, channel, job), msgspec.msgpack.encode(done))
