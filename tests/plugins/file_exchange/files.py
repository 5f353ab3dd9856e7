"""Sample files and settings."""

import hashlib
import io

import msgspec

from dropstream_file_exchange.settings import Settings
from dropstreamd.platform.files import Entry
from dropstreamd.platform.inbox import Fetched

BASE = {
    "url": "sftp://acme@wms.example.com:2222/acme",
    "host_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJlhcN5iaTnrhBcD7vCKPLPMz5c9lGeZL1tJlmCGzWcT",
    "password": {"secret": "acme"},
    "timezone": "America/Chicago",
}


def settings(**changes: object) -> Settings:
    return msgspec.convert({**BASE, **changes}, Settings)


def fetched(name: str, content: str | bytes, *, mtime_s: int = 1_795_000_000) -> Fetched:
    raw = content.encode() if isinstance(content, str) else content
    return Fetched(
        entry=Entry(name=name, size=len(raw), mtime_s=mtime_s, is_file=True),
        digest=hashlib.blake2b(raw, digest_size=16).hexdigest(),
        content=io.BytesIO(raw),
    )
