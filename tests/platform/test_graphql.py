"""GraphQL answers, told apart."""

import msgspec
import pytest
from trio.testing import MockClock

from dropstreamd.errors import AuthFailed, DropstreamError, OutcomeUnknown, ProtocolMismatch
from dropstreamd.platform.graphql import Answer, GraphqlError, ask
from dropstreamd.platform.http import Http, HttpLimits, HttpSettings
from dropstreamd.platform.http_errors import Applied
from tests.platform.servers import answer, scripted


class Shop(msgspec.Struct, frozen=True):
    name: str


class Data(msgspec.Struct, frozen=True):
    shop: Shop | None


QUESTION = "query ($id: ID!) { shop(id: $id) { name } }"


async def asked(http: Http, given: bytes, applied: Applied = "safe") -> Answer[Data]:
    settings, limits = HttpSettings(allow_private=True), HttpLimits(retries=0)
    failure: DropstreamError | None = None
    async with (
        scripted(given) as server,
        http.client(server.base, settings=settings, limits=limits) as client,
    ):
        try:
            got = await ask(client, QUESTION, {"id": "1"}, Data, applied=applied)
        except DropstreamError as error:
            failure = error
        assert server.requests[0].startswith(b"POST /api HTTP/1.1")
        assert server.requests[0].endswith(
            b'{"query":"query ($id: ID!) { shop(id: $id) { name } }","variables":{"id":"1"}}'
        )
    if failure is not None:
        raise failure  # outside of the server's nursery, which would wrap it in a group
    return got


async def test_data_comes_back_decoded(http: Http) -> None:
    got = await asked(http, answer(body=b'{"data": {"shop": {"name": "Acme"}}, "extensions": {"cost": 9}}'))
    assert got == Answer(data=Data(shop=Shop(name="Acme")), extensions=b'{"cost": 9}')


async def test_errors_come_back_as_values_beside_what_data_there_is(http: Http) -> None:
    body = b"""{"data": {"shop": null}, "errors": [
        {"message": "no", "path": ["shop", 0], "extensions": {"code": "FORBIDDEN", "x": 1}, "locations": []},
        {"message": "bad", "path": null}]}"""
    got = await asked(http, answer(body=body))
    assert got.data == Data(shop=None)
    assert got.errors == (
        GraphqlError(
            message="no",
            code="FORBIDDEN",
            path=("shop", 0),
            extensions=b'{"code": "FORBIDDEN", "x": 1}',
        ),
        GraphqlError(message="bad"),
    )


async def test_a_question_that_was_not_understood_is_a_400_with_errors(http: Http) -> None:
    body = b'{"errors": [{"message": "Cannot query field", "extensions": {"code": "GRAPHQL_VALIDATION"}}]}'
    got = await asked(http, answer(400, body), "write")
    assert got.data is None
    assert [error.code for error in got.errors] == ["GRAPHQL_VALIDATION"]


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"data": null}',
        b'{"data": null, "errors": []}',
        b'{"data": {"shop": {}}}',
        b'{"errors": 1}',
        b"[]",
    ],
)
async def test_an_answer_that_is_none_is_a_mismatch(
    http: Http, body: bytes, patient_clock: MockClock
) -> None:
    with pytest.raises(ProtocolMismatch):
        await asked(http, answer(body=body))
    with pytest.raises(OutcomeUnknown):
        await asked(http, answer(body=body), "write")
    with pytest.raises(ProtocolMismatch):
        await asked(http, answer(400, body), "write")


async def test_what_http_says_comes_first(http: Http) -> None:
    with pytest.raises(AuthFailed):
        await asked(http, answer(403, b'{"errors": [{"message": "no"}]}'), "write")
