"""Shopify's own schema, where it can be had, and what its calls cost.

It is test data and no part of this repository. It is looked for in the folder that DROPSTREAMD_SPECS names
(`shopify/admin-2026-07.graphql`), then where `.ci/install-counterparts` puts the one of Shopify's public npm
package `@shopify/dev-mcp`.
"""

import gzip
import json
import math
import os
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    build_ast_schema,
    build_client_schema,
    get_named_type,
    parse,
)

from .specs import find_spec, require_spec

FREE = frozenset({"MoneyBag", "MoneyV2"})
NAME = "admin-2026-07"
_BLOCK = re.compile(r'"""(?:[^"]|"(?!""))*"""')


def places() -> Iterator[Path]:
    described = find_spec("shopify", f"{NAME}.graphql")
    if described is not None:
        yield described
    here = os.environ.get("DROPSTREAMD_COUNTERPARTS")
    counterparts = Path(here) if here else Path(__file__).parents[2] / ".counterparts"
    yield counterparts / "shopify" / "admin_2026-07.json.gz"


def require_schema() -> GraphQLSchema:
    """The schema; skips the test, saying why, where there is none."""
    found = next((place for place in places() if place.exists()), None)
    if found is None:
        pytest.skip("Shopify's schema is not here: set DROPSTREAMD_SPECS, or run .ci/install-counterparts")
    return _built(found)


def recorded(name: str) -> Any:
    """Answers of a real shop, from the folder that DROPSTREAMD_SPECS names; skips where it is not there."""
    place = require_spec("Shopify", "shopify", "recorded", f"{name}.json")
    return json.loads(place.read_text())


@cache
def _built(place: Path) -> GraphQLSchema:
    if place.suffix == ".gz":
        told = json.loads(gzip.decompress(place.read_bytes()))
        return build_client_schema(told.get("data", told), assume_valid=True)
    # Without its descriptions it is a third, and read three times as fast.
    return build_ast_schema(parse(_BLOCK.sub("", place.read_text()), no_location=True), assume_valid=True)


def cost_of(schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any]) -> int:
    """What the call is asked for before it runs.

    As recorded answers have it: an object 1, but an amount of money nothing; a connection 2, and its
    node's cost times the `size` of its page; a mutation 10, its payload and what that holds included.
    """
    return _Costs(schema, document, variables).whole()


class _Costs:
    def __init__(self, schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any]) -> None:
        self._schema = schema
        self._variables = variables
        self._document = document
        self._fragments = {
            each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)
        }

    def whole(self) -> int:
        (operation,) = (
            each for each in self._document.definitions if isinstance(each, OperationDefinitionNode)
        )
        root = self._schema.get_root_type(operation.operation)
        if root is None:
            raise AssertionError("the schema has no such operations")
        cost = self._selected(operation.selection_set, root)
        return cost + 7 if operation.operation.value == "mutation" else cost

    def _selected(self, chosen: SelectionSetNode, parent: GraphQLObjectType | GraphQLInterfaceType) -> int:
        return sum(self._one(each, parent) for each in chosen.selections)

    def _one(self, node: Any, parent: GraphQLObjectType | GraphQLInterfaceType) -> int:
        if isinstance(node, FragmentSpreadNode):
            fragment = self._fragments[node.name.value]
            return self._selected(fragment.selection_set, self._type(fragment.type_condition.name.value))
        if not isinstance(node, FieldNode):
            on = node.type_condition
            return self._selected(node.selection_set, self._type(on.name.value) if on else parent)
        if node.selection_set is None:
            return 0
        of = get_named_type(parent.fields[node.name.value].type)
        if of.name in FREE:
            return 0
        if not of.name.endswith("Connection"):
            times = size(len(self._variables.get("ids") or ())) if node.name.value == "nodes" else 1
            inner = (
                0 if not hasattr(of, "fields") else self._selected(node.selection_set, self._type(of.name))
            )
            return times * (1 + inner)
        nodes = [each for each in node.selection_set.selections if getattr(each, "name", None)]
        child = sum(
            1 + self._selected(each.selection_set, self._type(get_named_type(of.fields["nodes"].type).name))
            for each in nodes
            if isinstance(each, FieldNode) and each.name.value == "nodes" and each.selection_set
        )
        return 2 + size(self._first(node)) * child

    def _first(self, node: FieldNode) -> int:
        for argument in node.arguments or ():
            if argument.name.value in ("first", "last"):
                if isinstance(argument.value, VariableNode):
                    return int(self._variables[argument.value.name.value])
                if isinstance(argument.value, IntValueNode):
                    return int(argument.value.value)
        raise AssertionError(f"{node.name.value} asks for no number of nodes")

    def _type(self, name: str) -> Any:
        return self._schema.type_map[name]


def size(count: int) -> int:
    """How much a page of so many costs, in units of one node: 3 for 5, 4 for 10, 5 for 20, 7 for 50."""
    return max(1, round(math.log(max(count, 1), 1.75)))
