"""Whatever a partner sends, it is read or refused in our words."""

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dropstream_file_exchange.settings import Settings
from dropstream_file_exchange.x12.acknowledgement import Refusal, acknowledgement, wanted
from dropstream_file_exchange.x12.sample import sample
from dropstreamd.errors import ProtocolMismatch

from ..files import BASE
from .oracle import parsed
from .samples import faults, file, survey
from .test_advices import RECEIPT, STOCK
from .test_shipping_advice import FULL

FILES = [
    file("945", FULL),
    file("846", STOCK),
    file("944", RECEIPT),
    file("947", "W15*20261121**ADJ1\nW19*AA*-3*EA**VN*A"),
    file("997", "AK1*OW*7\nAK2*940*0001\nAK3*N1*3**8\nAK4*2*93*1\nAK5*R*5\nAK9*R*1*1*0"),
]
PARTNER = msgspec.convert(
    {
        **BASE,
        "format": "x12",
        "x12": {
            "sender": "ACME",
            "receiver": "WMS3PL",
            "encoding": "utf-8",
            "inventory": {"as_of": "interchange"},
        },
    },
    Settings,
)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(FILES),
    st.lists(
        st.tuples(
            st.integers(0, 10_000),
            st.integers(0, 12),
            st.binary(max_size=8) | st.sampled_from([b"*", b"~", b"**", b"~LX*1~"]),
        ),
        min_size=1,
        max_size=4,
    ),
)
def test_garbage_raises_nothing(content: bytes, splices: list[tuple[int, int, bytes]]) -> None:
    for at, cut, put in splices:
        place = at % len(content) if content else 0
        content = content[:place] + put + content[place + cut :]
    found = sample(PARTNER, "a.edi", content, 1_795_000_000)
    assert found.findings


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["GS*SW*", "*0930*7*", "ST*945*0001", "SE*", "GE*1*7", "004010"]),
    st.text(st.characters(max_codepoint=255), max_size=12),
    st.text(st.characters(max_codepoint=255), max_size=12),
    st.integers(0, 10**7),
)
def test_garbage_is_acknowledged_in_x12_or_not_at_all(
    old: str, new: str, segment: str, position: int
) -> None:
    content = file("945", FULL, element="|", end="\n").decode().replace(old.replace("*", "|"), new, 1)
    try:
        found = survey(content.encode())
    except ProtocolMismatch:
        return
    for group in (group for interchange in found for group in interchange.groups):
        if not wanted(group, PARTNER.x12):
            continue
        refusals = {at: Refusal(segment=segment, position=position) for at in range(len(group.sets))}
        written = acknowledgement(
            group, refusals, PARTNER.x12, control=1, at=datetime(2026, 1, 1, tzinfo=UTC)
        )
        assert not faults(written)
        parsed(written)


@pytest.mark.parametrize("content", FILES)
def test_every_beginning_of_a_file_is_refused_or_told_to_be_torn(content: bytes) -> None:
    whole = sample(PARTNER, "a.edi", content, 1_795_000_000)
    assert not whole.bad
    for size in range(0, len(content) - 1, 7):
        found = sample(PARTNER, "a.edi", content[:size], 1_795_000_000)
        assert found.bad or any(not finding.ok for finding in found.findings), content[:size]
        assert not found.stock or any(not finding.ok for finding in found.findings)
