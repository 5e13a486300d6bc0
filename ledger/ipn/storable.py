"""What every database can store: text without NUL and lone surrogates, integers of 64 bits, and
names that are short enough to be found again by an index."""

import re
from collections.abc import Sequence
from itertools import chain

from ledger.ipn.content_tags import content_tag

INTEGER_MAX = 2**63 - 1
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

NAME_MAX = 512
"""The most characters of a fact or a reference."""
NAME_BYTES_MAX = 1024
"""And the most bytes: a row of an index holds 2,704 on PostgreSQL, two of them at most."""
_CUT = "...tag:"
_TAG = re.compile(rf"{re.escape(_CUT)}[0-9a-f]{{64}}\Z")
_TAG_LENGTH = len(_CUT) + 64


def is_storable(*texts: str) -> bool:
    """Return True if a database can store all of these texts as they are."""
    together = "".join(texts)
    return storable(together) == together


def storable(text: str) -> str:
    """Replace what no database stores (NUL, lone surrogates); the raw body keeps everything."""
    if text.isascii() and "\x00" not in text:
        return text
    return UNSTORABLE.sub("\ufffd", text)


def storable_name(text: str) -> str:
    """Return a text as a database can store it and find it again by an index.

    Shape: one of more than `NAME_MAX` characters or `NAME_BYTES_MAX` bytes becomes its beginning
    and the tag of the whole: `ORDER-47...tag:` and 64 hex digits. So does one that ends in a tag
    already: what is shown as shortened is equal for equal texts only.
    """
    clean = storable(text)
    size = len(clean) if clean.isascii() else len(clean.encode())
    is_short = len(clean) <= NAME_MAX and size <= NAME_BYTES_MAX
    if is_short and (_CUT not in clean or not _TAG.search(clean)):
        return clean
    beginning = clean[: NAME_MAX - _TAG_LENGTH].encode()[: NAME_BYTES_MAX - _TAG_LENGTH]
    tag = content_tag(text.encode(errors="surrogatepass"))
    return f"{beginning.decode(errors='ignore')}{_CUT}{tag}"


def storable_pairs(pairs: Sequence[tuple[str, str]]) -> list[list[str]]:
    """Return names and values as they can be stored."""
    if is_storable(*chain.from_iterable(pairs)):  # nearly always, so all are looked at once
        return [[name, value] for name, value in pairs]
    return [[storable(name), storable(value)] for name, value in pairs]
