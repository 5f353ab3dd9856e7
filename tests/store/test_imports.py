"""LMDB is the store's own affair."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]


def _imported(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def test_nothing_but_the_store_imports_lmdb() -> None:
    owner = ROOT / "dropstreamd" / "store"
    files = [file for part in ("dropstreamd", "plugins") for file in (ROOT / part).rglob("*.py")]
    importers = {
        file for file in files if "lmdb" in {name.partition(".")[0] for name in _imported(file.read_text())}
    }
    assert importers
    assert all(file.is_relative_to(owner) for file in importers)
