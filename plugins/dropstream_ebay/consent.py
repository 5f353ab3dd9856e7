"""How a seller lets the daemon in, and how access tokens are fetched ("Getting user consent", "Exchanging the
authorization code for a User access token", "Using a refresh token to update a User access token")."""

from urllib.parse import quote, urlencode

from dropstream_ebay.settings import SCOPES, Settings
from dropstreamd.errors import Misconfigured
from dropstreamd.platform.contract import Consent, Grant, Host
from dropstreamd.platform.http import HttpClient
from dropstreamd.platform.oauth import ask_for_token, basic, unconsented
from dropstreamd.platform.secrets import SecretRef

TOKEN_PATH = "/identity/v1/oauth2/token"  # noqa: S105 - an address


def address(settings: Settings, state: str) -> str:
    """The page on which the seller consents. `prompt`: whoever is signed in has to say who he is."""
    asked = {
        "client_id": settings.client_id,
        "redirect_uri": settings.redirect_name,
        "response_type": "code",
        "scope": " ".join(SCOPES),
        "state": state,
        "prompt": "login",
    }
    return f"{settings.consent_page}?{urlencode(asked, quote_via=quote)}"


async def exchange(settings: Settings, host: Host, code: str) -> Grant:
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": settings.redirect_name}
    async with host.http.client(settings.api, settings=settings.http) as http:
        return await _asked(http, settings, host, form)


async def refresh(http: HttpClient, settings: Settings, host: Host) -> Grant:
    """An access token for what was consented to; it lives for two hours, the refresh token for 18 months.

    Raises AuthFailed, saying to authorize, where there is no refresh token.
    """
    token = _refresh_token(settings.refresh_token, host)
    return await _asked(http, settings, host, {"grant_type": "refresh_token", "refresh_token": token})


def secrets_of(settings: Settings, host: Host) -> tuple[SecretRef, SecretRef]:
    """What access tokens are fetched with."""
    _refresh_token(settings.refresh_token, host)
    return settings.client_secret, settings.refresh_token


def _refresh_token(ref: SecretRef, host: Host) -> str:
    try:
        return host.secret(ref).reveal()
    except Misconfigured as error:
        raise unconsented(ref, error) from error


async def _asked(http: HttpClient, settings: Settings, host: Host, form: dict[str, str]) -> Grant:
    app = basic(settings.client_id, host.secret(settings.client_secret))
    return await ask_for_token(http, TOKEN_PATH, form, app=settings.client_id, headers=app)


CONSENT = Consent(address=address, exchange=exchange, keeps=lambda settings: settings.refresh_token)
