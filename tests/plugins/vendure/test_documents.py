"""Every document fits the schema of the Admin API."""

import pytest
from graphql import parse, validate

from dropstream_vendure import documents
from tests.fakes.vendure import schema

DOCUMENTS = {name: text for name, text in vars(documents).items() if name.isupper() and name[0] != "_"}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_fits_the_schema(name: str) -> None:
    assert validate(schema(), parse(DOCUMENTS[name])) == []


def test_a_document_that_asks_for_more_does_not() -> None:
    assert validate(schema(), parse("{ orders { items { trackingCode } } }"))
