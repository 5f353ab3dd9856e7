"""GraphQL documents, as the doubles of platforms take them."""

from typing import Any

import msgspec
from graphql import DocumentNode, GraphQLSchema, NoDeprecatedCustomRule, parse, specified_rules, validate


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """A request."""

    query: str
    variables: dict[str, Any]
    operation: str = msgspec.field(name="operationName")


class Documents:
    """Those that came: each is looked at once."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._read: dict[str, DocumentNode] = {}

    def read(self, asked: Document) -> DocumentNode:
        """Raises AssertionError where the schema does not allow it, or what it names is deprecated."""
        document = self._read.get(asked.query)
        if document is None:
            document = parse(asked.query)
            wrong = validate(self._schema, document, [*specified_rules, NoDeprecatedCustomRule])
            if wrong:
                raise AssertionError(f"{asked.operation}: {wrong[0].message}")
            self._read[asked.query] = document
        return document
