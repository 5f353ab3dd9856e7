"""Secrets: named in the configuration, read when used, never shown."""

import msgspec


class SecretRef(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a secret is: exactly one of three.

    `secret` is a 0600 file of that name in the state folder's `secrets/`, `credential` one of
    systemd's `$CREDENTIALS_DIRECTORY`, `file` a path whose mode is 0600 or less.
    """

    secret: str | None = None
    credential: str | None = None
    file: str | None = None

    def __str__(self) -> str:
        for kind, name in (("secret", self.secret), ("credential", self.credential), ("file", self.file)):
            if name is not None:
                return f"{kind} {name}"
        return "no secret"


class Secret:
    """A secret's value, which no repr, log or error shows. `reveal` hands it out."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__
