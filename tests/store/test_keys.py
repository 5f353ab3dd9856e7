"""Keys: order, prefixes, long parts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropstreamd.store.keys import (
    MAX_KEY_BYTES,
    MAX_PART_BYTES,
    as_part,
    decode_key,
    encode_key,
    encode_part,
    is_part,
    stored_part,
)

_texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=25)
_keys = st.lists(_texts, min_size=1, max_size=5).map(tuple)


@given(_keys)
def test_a_key_is_read_back_as_it_was_written(key: tuple[str, ...]) -> None:
    assert decode_key(encode_key(key)) == key


@given(_keys, _keys)
def test_bytes_sort_as_tuples_do(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    assert (encode_key(one) < encode_key(other)) == (one < other)


@given(_keys, _keys)
def test_bytes_begin_with_a_prefix_only_where_the_parts_do(
    key: tuple[str, ...], prefix: tuple[str, ...]
) -> None:
    assert encode_key(key).startswith(encode_key(prefix)) == (key[: len(prefix)] == prefix)


def test_a_name_that_begins_like_another_is_not_under_it() -> None:
    assert not encode_key(("acme-ebay", "1")).startswith(encode_key(("acme",)))


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=101))
def test_an_over_long_part_becomes_a_stand_in_that_serves_in_its_place(text: str) -> None:
    stand_in = stored_part(text)
    assert len(encode_part(text)) <= MAX_PART_BYTES
    assert encode_part(stand_in) == encode_part(text)
    assert stored_part(stand_in) == stand_in
    assert is_part(stand_in)


def test_over_long_parts_that_begin_alike_differ() -> None:
    assert encode_part("x" * 200 + "a") != encode_part("x" * 200 + "b")


def test_a_part_of_the_greatest_length_is_kept_as_it_is() -> None:
    assert stored_part("é" * (MAX_PART_BYTES // 2)) == "é" * (MAX_PART_BYTES // 2)


def test_five_parts_of_any_length_fit_a_key() -> None:
    assert len(encode_key(["x" * 100] * 5)) <= MAX_KEY_BYTES


@pytest.mark.parametrize(
    "text", ["a\0b", "\0", "\udcff", "a\ud800", "\udcff" + "0" * 63, "\udcff" + "Z" * 64]
)
def test_what_cannot_stand_in_a_key_is_refused(text: str) -> None:
    assert not is_part(text)
    with pytest.raises(ValueError, match=r"NUL|surrogates"):
        encode_part(text)


@pytest.mark.parametrize("text", ["", "100234", "Größe/M", "\udcff" + "0" * 64])
def test_what_can_stand_in_a_key_is_taken(text: str) -> None:
    assert is_part(text)
    assert encode_part(text)


def test_a_key_that_is_too_long_as_a_whole_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 511 fit"):
        encode_key(["x" * 100] * 6)


@given(st.text(max_size=25))
def test_any_text_is_made_a_part_and_a_part_stays_as_it_is(text: str) -> None:
    part = as_part(text)
    assert is_part(part)
    assert part == text or not is_part(text)
    assert decode_key(encode_key((part,))) == (part,)
