"""Another parser's opinion of what we write."""

import logging
from typing import Any

from edi_parser import parse_edi

logging.getLogger("edi_parser").setLevel(logging.CRITICAL)


def parsed(content: bytes) -> dict[str, Any]:
    """The one transaction set of the file, as a tree; fails where bots finds any fault."""
    result = parse_edi(content.decode(), "x12", "x12", field_validation_mode="strict")
    assert result["success"], result["errors"]
    assert not result["errors"], result["errors"]
    (interchange,) = result["data"]["children"]
    group = interchange["_children"][0]
    found: dict[str, Any] = group["_children"][0]
    return found


def leaves(tree: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """The segments of a tree, in order, each with its elements that are there."""
    own = [value for key, value in tree.items() if key not in {"BOTSID", "BOTSIDnr", "_children"}]
    found = [(tree["BOTSID"], own)]
    for child in tree.get("_children", ()):
        found += leaves(child)
    return found
