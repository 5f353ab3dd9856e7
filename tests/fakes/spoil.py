"""Answers that come otherwise than their description has it: what a double made, with bytes exchanged."""

import re


class Spoil:
    """By operation. `spoil("getOrder", rb'"id":\\d+', b'"id":null')`: from now on the first place in each of
    its answers that the pattern finds is something else."""

    def __init__(self) -> None:
        self._by: dict[str, list[tuple[re.Pattern[bytes], bytes]]] = {}

    def __call__(self, operation: str, pattern: bytes, into: bytes) -> None:
        self._by.setdefault(operation, []).append((re.compile(pattern, re.DOTALL), into))

    def forget(self) -> None:
        """From now on answers come as they are."""
        self._by.clear()

    def spoilt(self, operation: str, body: bytes) -> bytes:
        for pattern, into in self._by.get(operation, ()):
            found = pattern.search(body)
            if found is not None:
                body = body[: found.start()] + into + body[found.end() :]
        return body
