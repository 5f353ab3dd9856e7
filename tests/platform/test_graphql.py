"""GraphQL answers, told apart."""

import msgspec
import pytest
from trio.testing import MockClock

from dropstreamd.errors import AuthFailed, OutcomeUnknown, ProtocolMismatch
from dropstreamd.platform.graphql import Answer, GraphqlError, ask
from dropstreamd.platform.http import Http, HttpLimits, HttpSettings
from dropstreamd.platform.http_errors import Applied
from tests.platform.servers import answer, scripted


class Shop(msgspec.Struct, frozen=True):
    name: str


class Data(msgspec.Struct, frozen=True):
    shop: Shop | None


async def asked(http: Http, given: bytes, applied: Applied = "safe") -> tuple[Answer[Data], bytes]:
    settings, limits = HttpSettings(allow_private=True), HttpLimits(retries=0)
    async with (
        scripted(given) as server,
        http.client(server.base, settings=settings, limits=limits) as client,
    ):
        got = await ask(
            client, "query ($id: ID!) { shop(id: $id) { name } }", {"id": "1"}, Data, applied=applied
        )
        return got, server.requests[0]


async def test_data_comes_back_decoded_and_the_question_is_sent_whole(http: Http) -> None:
    got, request = await asked(
        http, answer(body=b'{"data": {"shop": {"name": "Acme"}}, "extensions": {"cost": 9}}')
    )
    assert got == Answer(data=Data(shop=Shop(name="Acme")))
    assert request.startswith(b"POST /api HTTP/1.1")
    assert request.endswith(b'{"query":"query ($id: ID!) { shop(id: $id) { name } }","variables":{"id":"1"}}')


async def test_errors_come_back_as_values_beside_what_data_there_is(http: Http) -> None:
    body = b"""{"data": {"shop": null}, "errors": [
        {"message": "no", "path": ["shop", 0], "extensions": {"code": "FORBIDDEN", "x": 1}, "locations": []},
        {"message": "bad", "path": null}]}"""
    got, _ = await asked(http, answer(body=body))
    assert got.data == Data(shop=None)
    assert got.errors == (
        GraphqlError(message="no", code="FORBIDDEN", path=("shop", 0)),
        GraphqlError(message="bad"),
    )


async def test_a_question_that_was_not_understood_is_a_400_with_errors(http: Http) -> None:
    body = b'{"errors": [{"message": "Cannot query field", "extensions": {"code": "GRAPHQL_VALIDATION_FAILED"}}]}'
    got, _ = await asked(http, answer(400, body), "write")
    assert got.data is None
    assert [error.code for error in got.errors] == ["GRAPHQL_VALIDATION_FAILED"]


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
