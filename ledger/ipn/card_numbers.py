"""Find card numbers in a text: 13 to 19 digits in groups, with the first digits of a card, by Luhn.

A stranger may send nothing but digits in groups of one, so that every place begins seven numbers.
All of them are tried at once: a long integer holds one byte for each digit of the text, and one
operation on it works on all bytes.
"""

import re
from collections.abc import Iterator
from itertools import accumulate, compress

# blanks of every width, signs that nobody sees, dashes, and what else stands between groups
_GAP = r"[\s\-+._·\u00ad\u200b-\u200f\u2010-\u2015\u2060\u2212\ufe58\ufe63\uff0d\ufeff]"
_RUN = re.compile(rf"\d(?:{_GAP}{{0,3}}\d){{12,}}")
_PLAIN_DIGITS = {  # of other scripts, or of full width
    code: str(int(chr(code))) for code in range(0x80, 0x20000) if chr(code).isdecimal()
}
_IDENTIFIER = re.compile(  # 32 hexadecimal digits and more, or a uuid
    r"(?<![^\W_])[0-9a-f]{8}(?:[0-9a-f]{24,}|-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})(?![^\W_])",
    re.IGNORECASE,
)
_LENGTHS = range(13, 20)
_LENGTH_MIN_OF_TWO = 16  # of numbers that begin with 2: what is shorter is an instant
_FIRST_DIGITS = (*range(22, 28), 30, *range(34, 40), *range(40, 70), 81, 82)
_BEGINS_CARD = frozenset(map(str, _FIRST_DIGITS))
_DOUBLED = str.maketrans("0123456789", "0246813579")
"""The sum of the digits of a digit's double."""


def card_numbers(text: str) -> list[tuple[int, int]]:
    """Return where card numbers stand: whole groups of digits, never a part of one.

    Shape: begin and end, in order; numbers that overlap or touch are one.
    """
    if not _RUN.search(text):
        return []
    if not text.isascii():
        text = text.translate(_PLAIN_DIGITS)
    text = _IDENTIFIER.sub(_blanked, text)
    spans, grouped = [], []
    for run in _RUN.finditer(text):
        digits = run[0]
        if not digits.isdecimal():
            grouped.append(run.span())
        elif len(digits) in _LENGTHS and _is_card_number(digits):
            spans.append(run.span())
    return sorted([*spans, *_numbers_in_groups(text, grouped)]) if grouped else spans


def _blanked(identifier: re.Match[str]) -> str:
    """Take away the name that a machine gave: digits between its letters are no number."""
    name = identifier[0]
    return name if name.replace("-", "").isdecimal() else "x" * len(name)


def _is_card_number(digits: str) -> bool:
    begins = digits[:2] in _BEGINS_CARD
    if not begins or (digits[0] == "2" and len(digits) < _LENGTH_MIN_OF_TWO):
        return False
    return not sum(map(int, digits[-1::-2] + digits[-2::-2].translate(_DOUBLED))) % 10


# -- all at once --------------------------------------------------------------------------------

_FILLER = b"/" * _LENGTHS[-1]
"""Stands between two runs as so many digits, of which no number begins or ends with any."""
_IS_DIGIT = bytes(48 <= sign <= 57 for sign in range(256))
_IS_COUNTED = bytes(47 <= sign <= 57 for sign in range(256))
_VALUE = bytes(sign - 48 if 48 <= sign <= 57 else 0 for sign in range(256))
_DOUBLED_VALUE = bytes(map(int, "0246813579")) + bytes(246)
_IS_ZERO = b"\x01" + bytes(255)
_BEGINS = bytes(pair // 16 * 10 + pair % 16 in _FIRST_DIGITS for pair in range(256))
_BEGINS_SHORT = bytes(_BEGINS[pair] and pair // 16 != 2 for pair in range(256))
_COVERED = re.compile(rb"\x01+")


def _numbers_in_groups(text: str, runs: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the card numbers that neighbouring groups of these runs make."""
    gapped = _FILLER.join(text[start:end].encode("ascii", "replace") for start, end in runs)
    places: list[int] = []
    for start, end in runs:
        places += range(start, end)
        places += range(len(_FILLER))
    is_counted = gapped.translate(_IS_COUNTED)
    digits = bytes(compress(gapped, is_counted))
    places = list(compress(places, is_counted))
    is_digit = _number(gapped.translate(_IS_DIGIT))
    opens, closes = is_digit & ~(is_digit >> 8), is_digit & ~(is_digit << 8)
    covered = _covered(
        digits.translate(_VALUE),
        bytes(compress(_signs(opens, len(gapped)), is_counted)),
        bytes(compress(_signs(closes, len(gapped)), is_counted)),
    )
    for number in _COVERED.finditer(covered):
        yield places[number.start()], places[number.end() - 1] + 1


def _covered(digit_values: bytes, opens: bytes, closes: bytes) -> bytes:
    """Return 1 for each digit of a card number, 0 for all others.

    Shape: one byte for each digit: its value; whether a group begins, and ends, with it.
    """
    size, covered = len(digit_values), 0
    by_end, by_start = _running_sums(digit_values)
    value = _number(digit_values)
    pairs = _signs(value << 4 | value << 8, size)
    for length in _LENGTHS:
        count = size - length + 1
        if count <= 0:
            break
        # From the last digit backwards every second one is doubled: which depends on where a
        # number ends. The sums up to its two ends differ by a multiple of ten.
        before = by_start if length % 2 else by_end
        difference = _number(by_end[length:]) ^ _number(before[:count])
        begins = pairs.translate(_BEGINS if length >= _LENGTH_MIN_OF_TWO else _BEGINS_SHORT)
        fitting = _number(_signs(difference, count).translate(_IS_ZERO))
        fitting &= _number(begins[:count]) & _number(opens[:count]) & _number(closes[length - 1 :])
        covered |= _spread(fitting << 8 * (length - 1), length)
    return _signs(covered, size)


def _running_sums(digit_values: bytes) -> tuple[bytes, bytes]:
    """Return sums of the digits before each place, modulo ten.

    Shape: as they count for a number that ends at the place, and for one that begins there and has
    an odd length.
    """
    sums = []
    for first in (0, 1):
        weighted = bytearray(digit_values)
        weighted[first::2] = weighted[first::2].translate(_DOUBLED_VALUE)
        sums.append(bytearray(total % 10 for total in accumulate(weighted, initial=0)))
    even, odd = sums
    by_end, by_start = even.copy(), odd.copy()
    by_end[1::2], by_start[1::2] = odd[1::2], even[1::2]
    return bytes(by_end), bytes(by_start)


def _spread(marks: int, length: int) -> int:
    """Return marks that reach over so many places each."""
    reach = 1
    while reach < length:
        step = min(reach, length - reach)
        marks |= marks >> 8 * step
        reach += step
    return marks


def _number(signs: bytes) -> int:
    return int.from_bytes(signs, "big")


def _signs(number: int, size: int) -> bytes:
    """Return the last bytes of a number."""
    return (number & ((1 << 8 * size) - 1)).to_bytes(size, "big")
