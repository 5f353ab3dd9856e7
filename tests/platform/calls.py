"""One call of a scripted server, as the tests of HTTP make it."""

from dropstreamd.platform.http import Http, HttpLimits, HttpSettings, Response
from dropstreamd.platform.http_errors import Applied
from tests.platform.servers import Scripted

LOCAL = HttpSettings(allow_private=True)
ONCE = HttpLimits(retries=0)


async def ask(
    http: Http,
    server: Scripted,
    *,
    applied: Applied = "safe",
    limits: HttpLimits = ONCE,
    own: tuple[int, ...] = (),
) -> Response:
    async with http.client(server.base, settings=LOCAL, limits=limits) as client:
        return await client.request("POST", "orders", json={"a": 1}, applied=applied, own=own)
