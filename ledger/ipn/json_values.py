"""JSON that was signed: parsed strictly, each number kept as it was written."""

import json
import re
from typing import Any, Never

from ledger.errors import MalformedNotificationError

_DIGITS_MAX = 18  # more do not fit into 64 bits
_WHOLE = re.compile(r"-?[0-9]{1,18}\.0+")


class WholeNumber(str):
    """A whole number that was written with a fraction of zeros: `4990.0`."""

    __slots__ = ()


def parse_json(text: str) -> Any:
    """Parse JSON strictly: no key twice, nothing but JSON; fractions and long numbers as text.

    Errors: ValueError, RecursionError; MalformedNotificationError for a key that occurs twice.
    """
    return json.loads(
        text,
        object_pairs_hook=_object,
        parse_float=_fraction,
        parse_int=_whole,
        parse_constant=_no_constant,
    )


def _whole(digits: str) -> int | str:
    return int(digits) if len(digits) <= _DIGITS_MAX and digits != "-0" else digits


def _fraction(text: str) -> str:
    return WholeNumber(text) if _WHOLE.fullmatch(text) else text


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise MalformedNotificationError("duplicate-json-key", "a key occurs twice in kr-answer")
    return members


def _no_constant(name: str) -> Never:
    raise ValueError(f"{name} is not JSON")
