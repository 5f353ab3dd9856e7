"""Whatever a partner sends, it is read or refused in our words."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dropstream_file_exchange.settings import Settings
from dropstream_file_exchange.x12.sample import sample

from ..files import BASE
from .samples import file
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


@pytest.mark.parametrize("content", FILES)
def test_every_beginning_of_a_file_is_refused_or_told_to_be_torn(content: bytes) -> None:
    whole = sample(PARTNER, "a.edi", content, 1_795_000_000)
    assert not whole.bad
    for size in range(0, len(content) - 1, 7):
        found = sample(PARTNER, "a.edi", content[:size], 1_795_000_000)
        assert found.bad or any(not finding.ok for finding in found.findings), content[:size]
        assert not found.stock or any(not finding.ok for finding in found.findings)
