"""Authorize: a person lets the daemon into the account of a platform that asks for it (OAuth 2.0)."""

from typing import Any

from dropstreamd.clock import utc
from dropstreamd.config.schema import Connection, StoreAccount, WarehouseAccount
from dropstreamd.control.consents import LASTS_S, code_in
from dropstreamd.control.desk import Desk
from dropstreamd.control.messages.consent import AskConsent, ConsentAsked, GiveConsent
from dropstreamd.control.messages.look import Done
from dropstreamd.control.messages.runs import Side
from dropstreamd.control.refused import refuse
from dropstreamd.control.route import Call, Empty, Route
from dropstreamd.errors import Hold
from dropstreamd.platform.consent import Consent
from dropstreamd.platform.grants import Grant

SIDES: tuple[Side, ...] = ("store", "warehouse")

MOST_LIFE_S = 20 * 365 * 86_400.0
"""A consent that holds for longer holds for ever."""

Account = StoreAccount | WarehouseAccount


async def ask_consent(desk: Desk, call: Call[Empty, AskConsent]) -> ConsentAsked:
    """Where a browser asks for consent. Nothing changes until it was given."""
    connection = desk.connection(call.path["c"])
    side = call.body.side or _side(desk, connection)
    account, consent = _account(desk, connection, side)
    state = desk.consents.begin(connection.id, side, account.account_key)
    return ConsentAsked(
        side=side,
        platform=account.platform,
        account=account.account_key,
        url=consent.address(account.settings, state),
        state=state,
        until_s=desk.now_s() + LASTS_S,
    )


async def give_consent(desk: Desk, call: Call[Empty, GiveConsent]) -> Done:
    """Exchange what the browser came back with for a refresh token, and keep that one. A code works once: the
    attempt is over with it, unless the platform could not be reached."""
    connection = desk.connection(call.path["c"])
    state = call.body.state
    attempt = desk.consents.attempt(state, connection.id)
    account, consent = _account(desk, connection, attempt.side)
    if account.account_key != attempt.account:
        refuse("changed", f"{connection.name} leads to another account by now", remedy="begin again")
    code = code_in(call.body.answer, state)
    try:
        grant = await desk.daemon.accounts.authorize(account, consent, code)
    except Hold as error:
        desk.consents.end(state)
        await desk.note(connection, "authorized", f"{attempt.side}: not done: {error.message}", who=call.who)
        raise
    desk.consents.end(state)
    text = f"{connection.name} may use {account.account_key}{_until(desk, grant)}"
    await desk.note(connection, "authorized", f"{attempt.side}: {text}", who=call.who)
    desk.daemon.look_again(connection.id)
    return Done(text=text)


def _until(desk: Desk, grant: Grant) -> str:
    """How long it holds, as far as the platform tells."""
    lives_s = grant.refresh_expires_in_s
    if lives_s is None or not 0 < lives_s < MOST_LIFE_S:
        return ""
    return f" until {utc(desk.now_s() + lives_s):%Y-%m-%d} at the latest, then authorize again"


def _side(desk: Desk, connection: Connection) -> Side:
    """The one side whose platform wants consent."""
    wanting = [side for side in SIDES if _consent(desk, connection, side) is not None]
    if len(wanting) > 1:
        refuse("bad request", "both sides want consent", remedy="say which: store or warehouse")
    return wanting[0] if wanting else "store"


def _consent(desk: Desk, connection: Connection, side: Side) -> Consent[Any] | None:
    return desk.daemon.accounts.consent(_of(desk, connection, side))


def _of(desk: Desk, connection: Connection, side: Side) -> Account:
    return connection.store if side == "store" else desk.account_of(connection)


def _account(desk: Desk, connection: Connection, side: Side) -> tuple[Account, Consent[Any]]:
    account = _of(desk, connection, side)
    consent = desk.daemon.accounts.consent(account)
    if consent is None:
        refuse(
            "not supported",
            f"{account.platform} is not let in by a person's consent",
            remedy=f"see the README of the plugin {account.platform} for its credentials",
        )
    return account, consent


ROUTES = (
    Route(
        method="POST",
        path="/v1/connections/{c}/consent",
        name="ask_consent",
        summary="Where a person lets the daemon into the account of a platform that asks for it",
        handle=ask_consent,
        query=Empty,
        body=AskConsent,
        answer=ConsentAsked,
    ),
    Route(
        method="PUT",
        path="/v1/connections/{c}/consent",
        name="give_consent",
        summary="What the browser came back with: it is exchanged, and what comes of it is kept as a secret",
        handle=give_consent,
        query=Empty,
        body=GiveConsent,
        answer=Done,
    ),
)
