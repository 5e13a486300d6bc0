"""Tags: short names by which equal contents are recognised without being compared."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Tag = Callable[[bytes], str]
"""Names a content under a secret key: without the key nobody can tell by guessing what it names."""

_tag: ContextVar[Tag] = ContextVar("tag")


def content_tag(content: bytes) -> str:
    """Return a name that only equal contents share. Shape: 64 lower-case hex digits.

    Whatever is recognised by its content passes here: what a signature covers, the text that was
    signed, a text too long to stand in a row. The key is that of the ledger for which it is read.
    Errors: LookupError outside of `tagged_by`, so that nothing is ever named without a key.
    """
    return _tag.get()(content)


@contextmanager
def tagged_by(tag: Tag) -> Iterator[None]:
    """Name contents by the key of one ledger, in this thread, as long as this lasts."""
    token = _tag.set(tag)
    try:
        yield
    finally:
        _tag.reset(token)
