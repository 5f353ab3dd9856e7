"""Envelopes: what is found in them, and what is wrong."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dropstream_file_exchange.x12.scanner import CHUNK_BYTES
from dropstream_file_exchange.x12.syntax import MOST_SEGMENT_BYTES
from dropstreamd.errors import ProtocolMismatch

from .samples import faults, file, group, interchange, segments, survey, transaction

BODY = "W06*F*SH1*20261121*S1\nLX*1\nW12*CC*1*1**EA**VN*A"
GOOD = file("945", BODY)


@pytest.mark.parametrize("element", ["*", "|", "\x1d", "+"])
@pytest.mark.parametrize("end", ["~", "~\n", "~\r\n", "\n", "\r\n", "\x1c", "'\r\n", "~ \n \n"])
def test_delimiters_are_those_of_isa(element: str, end: str) -> None:
    content = file("945", BODY, element=element, end=end)
    assert not faults(content)
    assert [segment.id for segment in segments(content)] == ["ST", "W06", "LX", "W12", "SE"]
    assert segments(content)[1].at(2) == "SH1"


@pytest.mark.parametrize("before", ["", "\r\n\r\n", "\ufeff", "  "])
@pytest.mark.parametrize("after", ["", "\r\n", "\x1a", "   \n"])
def test_what_stands_around_a_file_does_not_matter(before: str, after: str) -> None:
    content = before.encode() + GOOD + after.encode()
    assert not faults(content)
    assert len(segments(content)) == 5


def test_isa_without_its_blanks_is_read() -> None:
    short = (
        GOOD.replace(b"          ", b"")
        .replace(b"WMS3PL         ", b"WMS3PL")
        .replace(b"ACME           ", b"ACME")
    )
    (found,) = survey(short)
    assert (found.header.sender, found.header.receiver, found.header.control) == (
        "WMS3PL",
        "ACME",
        "000000042",
    )
    assert not faults(short)


def test_identifiers_in_small_letters_are_read() -> None:
    content = GOOD.replace(b"W12*", b"w12*").replace(b"SE*", b"se*")
    assert not faults(content)
    assert segments(content)[3].id == "W12"


def test_several_interchanges_groups_and_sets() -> None:
    two = [transaction("945", BODY, control=f"000{at}") for at in (1, 2)]
    first = interchange(group("945", *two), group("944", transaction("944", "W17*F"), control="8"))
    second = file("846", "BIA*00", element="|", end="!\n", control="000000043")
    found = survey(first + b"\r\n" + second)
    assert [each.header.control for each in found] == ["000000042", "000000043"]
    kinds = [[(one.function, len(one.sets)) for one in each.groups] for each in found]
    assert kinds == [[("SW", 2), ("RE", 1)], [("IB", 1)]]
    assert not faults(first + second)


@pytest.mark.parametrize(
    ("old", "new", "code", "reason"),
    [
        ("SE*5*", "SE*6*", "4", "segment 7: SE01 counts '6' segments, there are 5"),
        ("SE*5*", "SE**", "4", "SE01 counts ''"),
        ("SE*5*0001", "SE*5*0002", "3", "SE02 is '0002', ST02 is '0001'"),
        ("SE*5*0001~", "", "2", "segment 6: no SE follows"),
        ("ST*945*0001", "ST*944*0001", "1", "a transaction set '944' in a group of function 'SW'"),
        ("ST*945*0001", "ST*945*1", "7", "ST02 is '1', not 4 to 9 characters"),
        ("GE*1*", "GE*2*", "5", "GE01 counts '2' transaction sets, there are 1"),
        ("GE*1*7", "GE*1*8", "4", "GE02 is '8', GS06 is '7'"),
        ("GE*1*7~", "", "3", "no GE follows"),
        ("*7*X*004010", "*7*X*005010", "2", "segment 2: GS08 is '005010', only version 004010"),
        ("*7*X*004010", "**X*004010", "6", "GS06 is empty"),
        ("IEA*1*", "IEA*2*", "021", "IEA01 counts '2' functional groups, there are 1"),
        ("IEA*1*000000042", "IEA*1*000000041", "001", "IEA02 is '000000041', ISA13 is '000000042'"),
        ("IEA*1*000000042~", "", "023", "no IEA follows"),
        ("IEA*1*000000042~", "IEA*1*000000042", "024", "it has no terminator"),
        ("ST*945", "XX*1~ST*945", "024", "segment 3: 'XX' stands outside"),
        ("GS*SW", "ST*945*0009~GS*SW", "024", "ST stands outside of a functional group"),
        ("IEA*1", "SE*1*1~IEA*1", "024", "SE ends no transaction set"),
        ("IEA*1", "GE*1*1~IEA*1", "024", "GE ends no functional group"),
        ("IEA*1*000000042~", "IEA*1*000000042~IEA*1*1~", "024", "IEA ends no interchange"),
        ("IEA*1*000000042~", "IEA*1*000000042~GS*SW~", "024", "GS stands outside of an interchange"),
    ],
)
def test_each_fault_is_named(old: str, new: str, code: str, reason: str) -> None:
    content = GOOD.decode()
    assert old in content
    found = faults(content.replace(old, new, 1).encode())
    assert code in [each for each, _ in found]
    assert any(reason in text for _, text in found), found


def test_control_numbers_may_lose_their_zeros() -> None:
    assert not faults(GOOD.replace(b"IEA*1*000000042", b"IEA*1*42").replace(b"GE*1*7", b"GE*01*0007"))


def test_a_bad_set_leaves_its_neighbours_alone() -> None:
    sets = [transaction("945", BODY, control=f"000{at}") for at in (1, 2, 3)]
    sets[1][-1] = "SE*99*0002"
    (found,) = survey(interchange(group("945", *sets)))
    assert [len(each.faults) for each in found.groups[0].sets] == [0, 1, 0]
    assert not found.groups[0].faults
    content = interchange(group("945", *sets))
    bad = found.groups[0].sets[1]
    assert content[bad.offset : bad.end].startswith(b"ST*945*0002~")
    assert content[bad.offset : bad.end].endswith(b"SE*99*0002~")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no segment"),
        (b"\r\n \n", "no segment"),
        (b"order_number,sku\n1,2\n", "does not begin with ISA"),
        (b"UNB+UNOA:1'", "does not begin with ISA"),
        (b"ISA", "not followed by an element separator"),
        (b"ISA*00*x~", "fewer than 16 elements"),
        (GOOD[:104], "ISA has no end|fewer"),
        (GOOD[:105], "ISA has no end"),
        (GOOD.replace(b"*>~", b"*~~"), "the same delimiter twice"),
        (GOOD.replace(b"*>~", b"*>A"), "a letter, a digit"),
        (GOOD.replace(b"*00401*", b"*4OI*"), "ISA12"),
        (GOOD[:-1] + b"~X" + b"A" * (MOST_SEGMENT_BYTES + 1), "longer than"),
    ],
)
def test_what_is_no_x12_file_is_refused_whole(content: bytes, reason: str) -> None:
    with pytest.raises(ProtocolMismatch, match=reason):
        survey(content)


def test_segments_lie_across_the_pieces_in_which_a_file_is_read() -> None:
    for size in range(CHUNK_BYTES - 400, CHUNK_BYTES + 10, 7):
        bodies = [f"W06*F*{'A' * 60}\n" + "\n".join(["NTE*X*" + "y" * 70] * (size // 77)), BODY]
        content = file("945", *bodies, end="~\r\n")
        assert not faults(content)
        assert segments(content, 1)[1].at(2) == "SH1"


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=60), st.integers(0, len(GOOD)), st.integers(0, 20))
def test_garbage_is_refused_in_our_words_or_named(garbage: bytes, at: int, cut: int) -> None:
    content = GOOD[:at] + garbage + GOOD[at + cut :]
    with suppress(ProtocolMismatch):
        survey(content)


def test_elements_and_encodings_are_bounded() -> None:
    with pytest.raises(ValueError, match="more than 100 elements"):
        segments(file("945", "W06" + "*x" * 101))
    with pytest.raises(ValueError, match="not written in utf-8"):
        segments(file("945", "W06*é").replace("é".encode(), b"\xe9"))
