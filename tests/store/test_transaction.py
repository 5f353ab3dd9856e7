"""Reading and writing rows, against a dictionary that does the same."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dropstreamd.store.base import Reader, Writer
from dropstreamd.store.environment import Environment, open_environment
from dropstreamd.store.keys import Key, stored_part
from dropstreamd.store.tables import Owner, Table
from dropstreamd.store.transaction import PAGE_ROWS


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Environment]:
    with open_environment(tmp_path / "state.mdb", limit_bytes=1 << 28) as environment:
        yield environment


def _fill(state: Environment, rows: dict[Key, bytes], table: Table = Table.DOCUMENTS) -> None:
    def put(writer: Writer) -> None:
        for key, value in rows.items():
            writer.put(table, key, value)

    [outcome] = state.commit([put])
    outcome.unwrap()


def _numbered(owner: str, count: int) -> dict[Key, bytes]:
    return {(owner, f"{number:06}"): b"%d" % number for number in range(count)}


_parts = st.sampled_from(["a", "a-", "b", "ab", "z", "é", "\x01", "\U0010ffff", "x" * 120])
_row_keys = st.lists(_parts, min_size=1, max_size=3).map(tuple)


@settings(max_examples=60, deadline=None)
@given(
    keys=st.sets(_row_keys, max_size=40),
    prefix=st.lists(_parts, max_size=2).map(tuple),
    after=st.none() | _row_keys,
    limit=st.none() | st.integers(0, 10),
    reverse=st.booleans(),
)
def test_a_scan_gives_what_sorting_a_dictionary_gives(
    *,
    tmp_path_factory: pytest.TempPathFactory,
    keys: set[Key],
    prefix: Key,
    after: Key | None,
    limit: int | None,
    reverse: bool,
) -> None:
    def stored(key: Key) -> Key:
        return tuple(stored_part(part) for part in key)

    prefix, after = stored(prefix), None if after is None else stored(after)
    if after is not None and after[: len(prefix)] != prefix:
        after = None
    # "\udcff" stands for a byte above all text, as its own code point does not.
    order = {key: [part.replace("\udcff", "\U0010ffff" * 2) for part in stored(key)] for key in keys}
    expected = [
        stored(key)
        for key in sorted(keys, key=order.__getitem__, reverse=reverse)
        if stored(key)[: len(prefix)] == prefix
    ]
    if after is not None:
        mark = [part.replace("\udcff", "\U0010ffff" * 2) for part in after]
        beyond = {stored(k) for k in keys if (order[k] < mark if reverse else order[k] > mark)}
        expected = [key for key in expected if key in beyond]

    with open_environment(tmp_path_factory.mktemp("scan") / "state.mdb", durable=False) as state:
        _fill(state, dict.fromkeys(keys, b"v"))

        def scan(reader: Reader) -> list[Key]:
            return [
                key
                for key, _ in reader.scan(Table.DOCUMENTS, prefix, after=after, limit=limit, reverse=reverse)
            ]

        assert state.read(scan) == (expected if limit is None else expected[:limit])
        under = [key for key in map(stored, keys) if key[: len(prefix)] == prefix]
        assert state.read(lambda reader: reader.count(Table.DOCUMENTS, prefix)) == len(under)


def test_a_scan_over_many_pages_gives_each_row_once_both_ways(state: Environment) -> None:
    rows = _numbered("c-2", 3 * PAGE_ROWS + 1)
    _fill(state, rows | _numbered("c-1", 5) | _numbered("c-20", 5))
    forward = state.read(lambda reader: list(reader.scan(Table.DOCUMENTS, ("c-2",))))
    backward = state.read(lambda reader: list(reader.scan(Table.DOCUMENTS, ("c-2",), reverse=True)))
    assert forward == sorted(rows.items())
    assert backward == forward[::-1]


def test_pages_resume_where_the_last_one_ended(state: Environment) -> None:
    rows = _numbered("c-1", 10)
    _fill(state, rows)
    after: Key | None = None
    seen: list[Key] = []
    while page := state.read(
        lambda reader: list(reader.scan(Table.DOCUMENTS, ("c-1",), after=after, limit=3))  # noqa: B023
    ):
        seen.extend(key for key, _ in page)
        after = page[-1][0]
    assert seen == sorted(rows)


def test_first_and_last_stay_under_their_prefix(state: Environment) -> None:
    _fill(state, _numbered("a", 2) | _numbered("b", 3) | _numbered("c", 2))

    def ends(reader: Reader) -> tuple[Key, Key]:
        first, last = reader.first(Table.DOCUMENTS, ("b",)), reader.last(Table.DOCUMENTS, ("b",))
        assert first is not None
        assert last is not None
        return first[0], last[0]

    assert state.read(ends) == (("b", "000000"), ("b", "000002"))


def test_an_empty_prefix_and_an_absent_one_have_no_ends(state: Environment) -> None:
    assert state.read(lambda reader: reader.first(Table.DOCUMENTS)) is None
    assert state.read(lambda reader: reader.last(Table.DOCUMENTS)) is None
    _fill(state, _numbered("b", 1))
    for prefix in (("a",), ("c",)):
        assert state.read(lambda reader, at=prefix: reader.first(Table.DOCUMENTS, at)) is None  # type: ignore[misc]
        assert state.read(lambda reader, at=prefix: reader.last(Table.DOCUMENTS, at)) is None  # type: ignore[misc]
        assert state.read(lambda reader, at=prefix: reader.count(Table.DOCUMENTS, at)) == 0  # type: ignore[misc]


def test_scan_last_gives_the_last_parts(state: Environment) -> None:
    def put(writer: Writer) -> None:
        writer.put_many(Table.STOCK, ("acme", "main"), [("B", b"2"), ("A", b"1")])
        writer.put_many(Table.STOCK, ("acme", "main2"), [("C", b"3")])

    state.commit([put])[0].unwrap()
    rows = state.read(lambda reader: list(reader.scan_last(Table.STOCK, ("acme", "main"))))
    assert rows == [("A", b"1"), ("B", b"2")]


@pytest.mark.parametrize("key", [("c",), ("c", "d", "e")])
def test_scan_last_refuses_keys_of_another_shape(state: Environment, key: Key) -> None:
    _fill(state, {key: b""})
    with pytest.raises(ValueError, match="is not \\('c',\\) and one part"):
        state.read(lambda reader: list(reader.scan_last(Table.DOCUMENTS, ("c",))))


def test_a_writer_sees_what_it_wrote(state: Environment) -> None:
    def write(writer: Writer) -> tuple[bytes | None, bool, bool, bytes | None]:
        writer.put(Table.PENDING, ("c", "1"), b"one")
        return (
            writer.get(Table.PENDING, ("c", "1")),
            writer.delete(Table.PENDING, ("c", "1")),
            writer.delete(Table.PENDING, ("c", "1")),
            writer.get(Table.PENDING, ("c", "1")),
        )

    assert state.commit([write])[0].unwrap() == (b"one", True, False, None)


def test_rows_may_be_changed_during_their_own_scan(state: Environment) -> None:
    rows = _numbered("c", 4 * PAGE_ROWS)
    _fill(state, rows)

    def move(writer: Writer) -> list[Key]:
        seen = []
        for key, value in writer.scan(Table.DOCUMENTS, ("c",)):
            seen.append(key)
            writer.delete(Table.DOCUMENTS, key)
            writer.put(Table.DOCUMENTS, ("d", *key[1:]), value * 50)
        return seen

    assert state.commit([move])[0].unwrap() == sorted(rows)
    assert state.read(lambda reader: reader.count(Table.DOCUMENTS, ("c",))) == 0
    assert state.read(lambda reader: reader.count(Table.DOCUMENTS)) == len(rows)


def test_deleting_a_prefix_is_bounded_and_keeps_the_neighbours(state: Environment) -> None:
    count = 2 * PAGE_ROWS + 7
    _fill(state, _numbered("acme", count) | _numbered("acme-ebay", 3) | _numbered("abc", 3))
    [one, two] = state.commit(
        [lambda writer: writer.delete_prefix(Table.DOCUMENTS, ("acme",), limit=2 * PAGE_ROWS)] * 2
    )
    assert (one.unwrap(), two.unwrap()) == (2 * PAGE_ROWS, 7)
    assert state.read(lambda reader: reader.count(Table.DOCUMENTS)) == 6


@pytest.mark.parametrize(
    ("table", "key"),
    [
        (Table.DOCUMENTS, ()),
        (Table.DOCUMENTS, ("", "1")),
        (Table.STOCK, ("acme",)),
        (Table.STOCK, ("acme", "", "A")),
        (Table.META, ()),
    ],
)
def test_a_row_without_its_owner_is_refused(state: Environment, table: Table, key: Key) -> None:
    [put, delete] = state.commit(
        [
            lambda writer: writer.put(table, key, b""),
            lambda writer: writer.delete_prefix(table, key, limit=1),
        ]
    )
    for outcome in (put, delete):
        with pytest.raises(ValueError, match="does not name its"):
            outcome.unwrap()


def test_many_rows_without_their_owner_are_refused(state: Environment) -> None:
    [outcome] = state.commit([lambda writer: writer.put_many(Table.STOCK, ("acme",), [("A", b"")])])
    with pytest.raises(ValueError, match="does not name its"):
        outcome.unwrap()


def test_a_row_with_too_long_a_key_is_refused(state: Environment) -> None:
    prefix = ("x" * 100,) * 5
    [outcome] = state.commit([lambda writer: writer.put_many(Table.DOCUMENTS, prefix, [("abcdef", b"")])])
    with pytest.raises(ValueError, match="at most 511"):
        outcome.unwrap()


@pytest.mark.parametrize("act", ["get", "delete"])
def test_no_key_at_all_is_refused(state: Environment, act: str) -> None:
    [outcome] = state.commit([lambda writer: getattr(writer, act)(Table.DOCUMENTS, ())])
    with pytest.raises(ValueError, match="at least one part"):
        outcome.unwrap()


def test_tables_name_their_owner() -> None:
    assert Table.META.owner is Owner.STORE
    assert Table.STOCK.owner is Owner.WAREHOUSE
    assert Table.DOCUMENTS.owner is Owner.CONNECTION


def test_an_iterator_does_not_outlive_its_read(state: Environment) -> None:
    _fill(state, _numbered("c", 2 * PAGE_ROWS))
    rows = state.read(lambda reader: reader.scan(Table.DOCUMENTS))
    with pytest.raises(Exception, match=r"closed|invalid"):
        list(rows)
