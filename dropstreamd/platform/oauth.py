"""The token endpoint of an authorization server ("The OAuth 2.0 Authorization Framework", RFC 6749).

    invalid_grant            AuthFailed   the code or refresh token is over: authorize again
    invalid_client,
    unauthorized_client      AuthFailed   the app's own credentials are not right
    invalid_scope            AuthFailed   what was consented to is not what is asked for
    anything else of 4xx     ProtocolMismatch

No error repeats what the server said in words, nor anything that was sent.
"""

from base64 import b64encode
from collections.abc import Mapping
from urllib.parse import quote, urlencode

import msgspec

from dropstreamd.errors import AuthFailed, Misconfigured, OutcomeUnknown, ProtocolMismatch, Unreachable
from dropstreamd.platform.grants import Grant
from dropstreamd.platform.http import HttpClient, Response, decode
from dropstreamd.platform.secrets import Secret, SecretRef

AGAIN = "run `dropstreamctl authorize` for this connection"
UNSTATED_LIFE_S = 600.0
"""How long a token is used of which the server does not say how long it lives."""


class _Granted(msgspec.Struct, frozen=True, kw_only=True):
    access_token: str
    expires_in: float | None = None
    refresh_token: str | None = None
    refresh_token_expires_in: float | None = None


class _Refused(msgspec.Struct, frozen=True, kw_only=True):
    error: str = ""


async def ask_for_token(
    http: HttpClient,
    path: str,
    form: Mapping[str, str],
    *,
    app: str,
    headers: Mapping[str, str] | None = None,
) -> Grant:
    """One call of the endpoint, which is never repeated by itself. `app` is what the app is called in
    messages: its client id, which is no secret."""
    given = {"content-type": "application/x-www-form-urlencoded", **(headers or {})}
    content = urlencode(form).encode()
    try:
        response = await http.request(
            "POST", path, applied="write", content=content, headers=given, cost=0.0, ahead=True
        )
    except AuthFailed as error:
        raise _wrong_client(app) from error
    except OutcomeUnknown as error:
        raise Unreachable(f"no access token came: {error.message}") from error
    if not response.ok:
        raise _refused(response, form.get("grant_type", ""), app)
    try:
        granted = decode(response, _Granted)
    except OutcomeUnknown as error:
        raise ProtocolMismatch(f"{response.call}: answered no access token") from error
    life_s = UNSTATED_LIFE_S if granted.expires_in is None else granted.expires_in
    return Grant(
        access_token=Secret(granted.access_token),
        expires_in_s=life_s,
        refresh_token=Secret(granted.refresh_token) if granted.refresh_token else None,
        refresh_expires_in_s=granted.refresh_token_expires_in,
    )


def basic(client_id: str, client_secret: Secret) -> dict[str, str]:
    """The header by which an app says who it is (RFC 6749, 2.3.1)."""
    pair = f"{quote(client_id, safe='')}:{quote(client_secret.reveal(), safe='')}"
    return {"authorization": f"Basic {b64encode(pair.encode()).decode()}"}


def unconsented(ref: SecretRef, error: Misconfigured) -> AuthFailed:
    """What to raise where the refresh token cannot be read: most often nobody has consented yet."""
    return AuthFailed(f"there is no consent yet: {error.message} ({ref})", remedy=AGAIN)


def _wrong_client(app: str) -> AuthFailed:
    return AuthFailed(
        f"the app {app} was refused: its credentials are not right",
        remedy="correct the client id and the client secret; are they of the same app and environment?",
    )


def _refused(response: Response, grant_type: str, app: str) -> AuthFailed | ProtocolMismatch | Unreachable:
    try:
        code = decode(response, _Refused).error
    except ProtocolMismatch:
        code = ""
    if code in ("invalid_client", "unauthorized_client"):
        return _wrong_client(app)
    if code == "invalid_scope":
        return AuthFailed(
            f"the app {app} may not ask for these scopes, or consent was given to fewer", remedy=AGAIN
        )
    if code == "invalid_grant" and grant_type == "authorization_code":
        return AuthFailed(
            "the code was refused: it has expired, was used before, or is another app's",
            remedy=f"{AGAIN}, and paste the address at once",
        )
    if code == "invalid_grant":
        return AuthFailed(
            "the refresh token was refused: consent has expired or was withdrawn, or is another app's",
            remedy=AGAIN,
        )
    if code == "temporarily_unavailable":
        return Unreachable(f"{response.call}: is down for the moment")
    known = code if code in ("invalid_request", "unsupported_grant_type") else "it does not say why"
    return ProtocolMismatch(f"{response.call}: answered {response.status}: {known}")
