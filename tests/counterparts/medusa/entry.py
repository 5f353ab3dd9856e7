"""Who may enter a Medusa: its owner by password, programs by a secret key."""

import base64

import msgspec

from .rest import Api

OWNER = "owner@example.com"
PASSWORD = "supersecret"  # the server listens on 127.0.0.1 alone


class Key(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    token: str


def new_secret_key(url: str) -> str:
    """A secret API key, made as the merchant makes one in the admin pages: shown once."""
    entry = Api(url, {})
    credentials = {"email": OWNER, "password": PASSWORD}
    token = entry.post("/auth/user/emailpass", credentials, dict[str, str])["token"]
    entry.close()
    owner = Api(url, {"authorization": f"Bearer {token}"})
    key = owner.post("/admin/api-keys", {"title": "dropstreamd", "type": "secret"}, dict[str, Key])
    owner.close()
    return key["api_key"].token


def merchant(url: str, secret_key: str) -> Api:
    """The Admin API, entered by a secret key."""
    basic = base64.b64encode(f"{secret_key}:".encode()).decode()
    return Api(url, {"authorization": f"Basic {basic}"})
