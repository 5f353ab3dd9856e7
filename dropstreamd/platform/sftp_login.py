"""Who we are to an SFTP server, and who it must be to us."""

import asyncssh
import msgspec

from dropstreamd.errors import Misconfigured
from dropstreamd.platform.secrets import Secret


class Password(msgspec.Struct, frozen=True, kw_only=True):
    """Authentication by password (or a keyboard-interactive question for one)."""

    password: Secret


class PrivateKey(msgspec.Struct, frozen=True, kw_only=True):
    """Authentication by a private key in OpenSSH or PEM form."""

    key: Secret
    passphrase: Secret | None = None


class HostKey(asyncssh.SSHClient):
    """Accepts the pinned host keys alone, and keeps what to say about another."""

    def __init__(self, where: str, pins: list[asyncssh.SSHKey]) -> None:
        self._where = where
        self._pins = pins
        self.refusal: Misconfigured | None = None

    def validate_host_public_key(self, _host: str, _addr: str, _port: int, key: asyncssh.SSHKey) -> bool:
        if any(key.public_data == pin.public_data for pin in self._pins):
            return True
        expected = ", ".join(_fingerprint(pin) for pin in self._pins) or "none configured"
        self.refusal = Misconfigured(
            f"{self._where}: the server offered the host key {_fingerprint(key)}, expected {expected}",
            remedy="ask the warehouse whether its key changed; somebody may be between you and it. If it"
            " says that the offered one is its own, set host_key to that key (ssh-keyscan prints it)",
        )
        return False


def _fingerprint(key: asyncssh.SSHKey) -> str:
    return f"{key.algorithm.decode()} {key.get_fingerprint()}"


def pin(where: str, line: str) -> asyncssh.SSHKey:
    try:
        return asyncssh.import_public_key(line)
    except (asyncssh.KeyImportError, ValueError) as error:
        raise Misconfigured(
            f"{where}: host_key is not a public key",
            remedy='write it as "ssh-ed25519 AAAA…", without the host name',
        ) from error


def private_key(auth: PrivateKey) -> asyncssh.SSHKey:
    passphrase = None if auth.passphrase is None else auth.passphrase.reveal()
    try:
        return asyncssh.import_private_key(auth.key.reveal(), passphrase)
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError, ValueError) as error:
        locked = any(word in str(error).lower() for word in ("passphrase", "crypt"))
        remedy = f"{error}: check key_passphrase" if locked else "store the whole key file, unchanged"
        raise Misconfigured("the private key cannot be read", remedy=remedy) from error
