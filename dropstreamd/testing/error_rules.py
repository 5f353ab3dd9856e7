"""Rules for every plugin: what it raises when something is wrong between it and its counterpart."""

import trio

from dropstreamd.errors import AuthFailed, OutcomeUnknown, ProtocolMismatch, Unreachable
from dropstreamd.platform.contract import Session
from dropstreamd.testing.proxy import unused_port
from dropstreamd.testing.stand import Stand, broken, ours, require, told, within

MOST_STEPS = 400
PAGE = b"<!doctype html><html><title>Maintenance</title><body>Back soon</body></html>"
GARBAGE = {
    "a web page": b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: "
    + f"{len(PAGE)}\r\n\r\n".encode()
    + PAGE,
    "binary nonsense": bytes(range(256)) * 4,
    "nothing": b"",
    "half an answer": b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n{",
}


async def wrong_credentials_are_auth_failed(stand: Stand) -> None:
    """They are refused as AuthFailed, with a remedy."""
    async with stand.session(secrets=stand.rig.wrong_secrets) as session:
        error = await stand.error_of(session)
    require(isinstance(error, AuthFailed), f"wrong credentials raise {told(error)}")
    require(getattr(error, "remedy", ""), "AuthFailed does not say what to do")


async def nobody_there_is_unreachable(stand: Stand) -> None:
    """A port where nobody listens is Unreachable."""
    async with stand.session(port=unused_port()) as session:
        error = await stand.error_of(session)
    require(isinstance(error, Unreachable), f"a refused connection raises {told(error)}")


async def garbage_is_a_mismatch_or_unreachable(stand: Stand) -> None:
    """Neither a web page nor nonsense is taken for an answer, or for a fault of the plugin's own."""
    for what, content in GARBAGE.items():
        stand.proxy.answer(content)
        async with stand.session() as session:
            error = await stand.error_of(session)
        fits = isinstance(error, ProtocolMismatch | Unreachable)
        require(fits, f"{what} in place of an answer raises {told(error)}")


async def a_cut_read_raises_our_errors(stand: Stand) -> None:
    """`test`, cut at each step, raises one of our errors and never OutcomeUnknown; the next one works."""
    for at in range(1, MOST_STEPS):
        async with stand.session() as session:
            stand.proxy.cut(at=at)
            error = await stand.error_of(session)
        struck = stand.proxy.struck.is_set()
        stand.proxy.mend()
        fits = error is None or (ours(error) and not isinstance(error, OutcomeUnknown))
        require(fits, f"test, cut at step {at}, raises {told(error)}")
        if not struck:
            require(error is None, f"test, with nothing cut, raises {told(error)}")
            return
    broken(f"test takes more than {MOST_STEPS} steps")


async def a_slow_line_changes_nothing(stand: Stand) -> None:
    """Bytes that come one by one are the same bytes."""
    stand.proxy.trickle()
    async with stand.session() as session:
        error = await stand.error_of(session)
    require(error is None, f"test over a slow line raises {told(error)}")


async def a_cancelled_read_leaves_no_connection(stand: Stand) -> None:
    """`test`, cancelled at each step while the counterpart says nothing, ends; later calls work."""
    for at in range(1, MOST_STEPS):
        async with stand.session() as session:
            struck = await _cancelled_at(stand, session, at)
            stand.proxy.mend()
        await within("what was cancelled", stand.proxy.settled())
        if not struck:
            break
    async with stand.session() as session:
        error = await stand.error_of(session)
    require(error is None, f"test, after cancelled ones, raises {told(error)}")


async def _cancelled_at(stand: Stand, session: Session, at: int) -> bool:
    """Whether it came so far."""
    with trio.CancelScope() as scope:
        stand.proxy.hold(at=at, then=scope.cancel)
        error = await stand.error_of(session)
        require(error is None, f"test, with nothing in its way, raises {told(error)}")
    return scope.cancelled_caught
