"""The errors of the daemon, named by what the caller must do.

    DropstreamError
    ├── ConfigError            refuse: the input is wrong, every problem of it is listed
    │   ├── ReadOnly           the file is not the daemon's to change: edit it where it comes from
    │   └── Stale              the file has changed since it was read: read it again
    ├── Wait                   the next scheduled run may succeed by itself
    │   ├── Unreachable        the other side did not answer, or answered that it is down
    │   ├── RateLimited        the other side asked for fewer calls; says when to come back
    │   ├── NotYet             the other side has still to tell what must be known first
    │   ├── Unfinished         not all could be looked at for now; says when more can be
    │   └── OutcomeUnknown     a write was sent and its answer lost: it may have had its effect
    ├── Hold                   nothing will change until a person acts
    │   ├── AuthFailed         the credentials were refused, or lack a permission
    │   ├── Misconfigured      an address, a host key, a folder or a secret is not as configured
    │   │   ├── NoLocation     the store has no location of that name
    │   │   └── Incomplete     all that could be done was done: the schedule goes on meanwhile
    │   ├── ProtocolMismatch   the other side answered something that its description excludes
    │   └── StateFull          the state's limit or its disk is reached: nothing of a write was kept
    └── StoreError             the state cannot be trusted further: stop the process

A document that the other side refuses is a value (`Rejected`), not an exception. Everything that is
none of these is a bug and reaches the supervisor as it is.
"""

import msgspec


class DropstreamError(Exception):
    """Base of all of them. `message` is shown to people: it never holds a secret or customer data."""

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} ({self.remedy})" if self.remedy else self.message


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing wrong in one place of the configuration."""

    file: str
    key: str
    found: str
    allowed: str
    hint: str = ""

    def __str__(self) -> str:
        where = f"{self.file}: {self.key}" if self.key else self.file
        hint = f"; {self.hint}" if self.hint else ""
        return f"{where}: found {self.found}, expected {self.allowed}{hint}"


class ConfigError(DropstreamError):
    """The configuration, or a request, is refused whole; `problems` names everything wrong in it."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class ReadOnly(ConfigError):
    """The configuration's files cannot be written by the daemon; nothing was changed."""


class Stale(ConfigError):
    """The file is not the one that the caller read; nothing was changed."""


class Wait(DropstreamError):
    """Passing trouble: the run ends, its schedule brings the next one."""


class Unreachable(Wait):
    """No answer, a broken one, or a server's own fault (5xx). `answered`: it is one of the last two,
    and may be the other side's trouble with this call alone."""

    def __init__(self, message: str, *, remedy: str = "", answered: bool = False) -> None:
        super().__init__(message, remedy=remedy)
        self.answered = answered


class RateLimited(Wait):
    """The other side asked for fewer calls; `retry_after_s` is its own figure, in seconds."""

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class NotYet(Wait):
    """Something has to come from the other side before this can be done; `remedy` says what to look at if
    it does not."""


class Unfinished(Wait):
    """Not everything that there is could be looked at: the other side tells no more for `again_s` seconds.
    Nothing has failed, what was read counts, and the next look goes on."""

    def __init__(self, message: str, *, again_s: float, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.again_s = again_s


class OutcomeUnknown(Wait):
    """A write was sent and no answer tells whether it was applied. Never raised for a read."""


class Hold(DropstreamError):
    """A person must act; `remedy` says how."""


class AuthFailed(Hold):
    """Wrong credentials, or credentials that lack a permission or scope."""


class Misconfigured(Hold):
    """The settings and the other side disagree: address, host key, folder, secret."""


class NoLocation(Misconfigured):
    """The store, or this app, has no location of the name that a level or a shipment bears."""


class Incomplete(Misconfigured):
    """A run did all that it could, and a person must see to the rest. What the other side tells next may put
    it right, and what the run did is to be done again all the same: no fire of its schedule is left out."""


class ProtocolMismatch(Hold):
    """The other side answered something that its own description does not allow."""


class StateFull(Hold):
    """The state reached its limit, or its disk is full. Nothing of the write was kept; reads go on."""


class StoreError(DropstreamError):
    """The state on disk failed; raised in the daemon's nursery so that the process ends."""
