"""Tags: short names by which equal contents are recognised without being compared."""

from ledger.ipn.signature import digest


def content_tag(content: bytes) -> str:
    """Return a name that only equal contents share. Shape: 64 lower-case hex digits.

    Whatever is recognised by its content passes here: what a signature covers, the text that was
    signed, a text too long to stand in a row. So one change can put all of them under a key.
    """
    return digest(content)
