"""International bank account numbers: their lengths by country, and their check digits.

Source: ISO 13616, registry of IBAN formats.
"""

import re
from collections.abc import Iterator
from string import ascii_uppercase, hexdigits

_LENGTHS = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 "
    "DK18 DO28 EE20 EG29 ES24 FI18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 "
    "IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 "
    "MD24 ME22 MK19 MR27 MT31 MU30 NL18 NO15 PK24 PL28 PS29 PT25 QA29 RO24 RS22 SA24 "
    "SC31 SE24 SI19 SK24 SM27 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20"
)
_LENGTH_BY_COUNTRY = {word[:2]: int(word[2:]) for word in _LENGTHS.split()}
_CANDIDATE = re.compile(
    r"(?<![^\W_])[A-Za-z]{2}(?=[0-9]{2})(?=((?:[0-9A-Za-z][\s\-]?){13,32}))", re.ASCII
)
_SEPARATORS = dict.fromkeys(map(ord, " \t\n\r\f\v-"))
_NUMBERS = {ord(letter): str(number) for number, letter in enumerate(ascii_uppercase, 10)}
_CANDIDATES_MAX = 500
_REFERENCE_LENGTH = 32
_HEX = frozenset(hexdigits.lower())


def ibans(text: str) -> Iterator[tuple[int, int]]:
    """Yield where account numbers stand in a text, written together or in groups.

    Shape: begin and end. A word of 32 hex digits is a reference that the platform makes: now and
    then one begins like an account number, and none of these is as long. A text with hundreds of
    candidates is no honest one, and all of it is yielded: each costs more to try than to write.
    """
    for count, candidate in enumerate(_CANDIDATE.finditer(text)):
        if count >= _CANDIDATES_MAX:
            yield 0, len(text)
            return
        start, rest = candidate.start(), candidate[1]
        if _is_platform_reference(text[start : start + _REFERENCE_LENGTH + 1]):
            continue
        country = candidate[0].upper()
        compact = rest.translate(_SEPARATORS).upper()
        length = _LENGTH_BY_COUNTRY.get(country, 0) - 2
        if 0 < length <= len(compact) and _has_check_digits(country, compact[:length]):
            yield start, candidate.end() + _end_of(rest, length)


def _is_platform_reference(beginning: str) -> bool:
    """Return True if a word, with the sign behind it, is a uuid or an alias of the platform."""
    word, behind = beginning[:_REFERENCE_LENGTH], beginning[_REFERENCE_LENGTH:]
    return len(word) == _REFERENCE_LENGTH and _HEX.issuperset(word) and not behind.isalnum()


def _has_check_digits(country: str, rest: str) -> bool:
    checked = (rest[2:] + country + rest[:2]).translate(_NUMBERS)
    return int(checked) % 97 == 1


def _end_of(rest: str, length: int) -> int:
    """Return where the last of so many letters and digits ends."""
    for end, sign in enumerate(rest, 1):
        length -= sign.isalnum()
        if not length:
            return end
    return len(rest)
