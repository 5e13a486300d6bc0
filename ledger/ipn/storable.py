"""What every database can store: text without NUL and lone surrogates, integers of 64 bits."""

import re
from collections.abc import Sequence
from itertools import chain

INTEGER_MAX = 2**63 - 1
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def is_storable(*texts: str) -> bool:
    """Return True if a database can store all of these texts as they are."""
    together = "".join(texts)
    return storable(together) == together


def storable(text: str) -> str:
    """Replace what no database stores (NUL, lone surrogates); the raw body keeps everything."""
    if text.isascii() and "\x00" not in text:
        return text
    return UNSTORABLE.sub("\ufffd", text)


def storable_pairs(pairs: Sequence[tuple[str, str]]) -> list[list[str]]:
    """Return names and values as they can be stored."""
    if is_storable(*chain.from_iterable(pairs)):  # nearly always, so all are looked at once
        return [[name, value] for name, value in pairs]
    return [[storable(name), storable(value)] for name, value in pairs]
