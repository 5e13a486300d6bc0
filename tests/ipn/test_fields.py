"""The fields of a body, decoded."""

from urllib.parse import quote_from_bytes, unquote_to_bytes

from hypothesis import given
from hypothesis import strategies as st

from ledger.ipn.delivery import unescape

_PIECES = st.sampled_from(
    [
        b"%",
        b"%%",
        b"2",
        b"25",
        b"%25",
        b"%22",
        b"%7B",
        b"%7b",
        b"a",
        b"\xe9",
        b"%C3%A9",
        b"%zz",
        b"=",
        b"%3D",
        b"=4",
        b"_",
        b"\r",
        b"\n",
    ]
)


@given(st.lists(_PIECES, max_size=60).map(b"".join))
def test_escapes_are_resolved_as_the_library_does(part: bytes) -> None:
    assert unescape(part) == unquote_to_bytes(part)


@given(st.binary(max_size=200))
def test_whatever_was_escaped_comes_back(content: bytes) -> None:
    assert unescape(quote_from_bytes(content, safe="").encode()) == content
