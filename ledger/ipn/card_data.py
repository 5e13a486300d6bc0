"""Recognises card data in a text, whoever typed it there, and masks it.

Shape: a number of 13 to 19 digits, in groups or not, counts when its check digit (Luhn) and its
first digits are those of a card; what follows it on a magnetic stripe counts with it; a security
code counts by the word before it; a bank account by its check digits (IBAN). The time is linear in
the text.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from ledger.ipn.card_numbers import card_numbers
from ledger.ipn.iban import ibans

HIDDEN = "[masked]"


class CardData(StrEnum):
    """A kind of data that must not stand where anybody reads it."""

    CARD_NUMBER = "card-number"
    SECURITY_CODE = "security-code"
    TRACK = "track-data"
    IBAN = "iban"


@dataclass(frozen=True, slots=True)
class Suspicion:
    """A piece of a text that seems to be card data. Shape: begin and end within the text."""

    kind: CardData
    start: int
    end: int


_LENGTH_MIN = 6  # of `cvv123`
_NUMBER_LENGTH_MIN = 13  # of a card; an account has more
_NOTHING: frozenset[CardData] = frozenset()
_DIGIT = re.compile(r"\d")
_STRIPE = re.compile(r"[=D][0-9]{4,40}\??|\^[^^\n]{2,30}\^[0-9]{4,60}\??")
_SENTINEL = re.compile(r"(?:;|%?B)\Z")
_CODE_WORD = (
    r"cv[vcxnd]|\bcsc\b|security[\s_-]?code|code[\s_-]?(?:de[\s_-]?)?s[eé]curit[eé]|cryptogram"
    r"|verification[\s_-]?(?:value|code|number)"
)
_PARTS_OF_CODE_WORDS = ("cv", "csc", "secur", "sécur", "crypto", "verif")
_CODE_NAME = re.compile(_CODE_WORD, re.IGNORECASE)
_CODE = re.compile(rf"(?:{_CODE_WORD})2?[^\d\n]{{0,16}}(\d{{3,4}})(?!\d)", re.IGNORECASE)
_CODE_ALONE = re.compile(r"(?<!\d)\d{3,4}(?!\d)")
_PERCENT_ESCAPES = re.compile(r"(?:%[0-9a-fA-F]{2})+")
_JSON_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
_UNWRAPPINGS_MAX = 3


def suspicions(text: str) -> list[Suspicion]:
    """Return the pieces of a text that seem to be card data, in order; none overlaps another."""
    if len(text) < _LENGTH_MIN or not _DIGIT.search(text):
        return []
    pieces = [_with_stripe(text, *span) for span in card_numbers(text)]
    pieces += [Suspicion(CardData.IBAN, *span) for span in ibans(text)]
    if _has_part_of_code_word(text):
        codes = _CODE.finditer(text)
        pieces += [Suspicion(CardData.SECURITY_CODE, *code.span(1)) for code in codes]
    return _apart(pieces) if len(pieces) > 1 else pieces


def masked_text(text: str) -> tuple[str, frozenset[CardData]]:
    """Return a text without the card data in it, and which kinds it held.

    Shape: of a card number the first six and the last four digits stay, of an account number the
    country and the last four; nothing of a stripe or a security code. A text that holds something
    only when its escapes are resolved is masked whole.
    """
    if is_too_plain(text):
        return text, _NOTHING
    pieces = suspicions(text)
    clean, rest = [], 0
    for piece in pieces:
        clean.append(text[rest : piece.start])
        clean.append(_masked_piece(piece.kind, text[piece.start : piece.end]))
        rest = piece.end
    masked = "".join([*clean, text[rest:]])
    kinds = frozenset(piece.kind for piece in pieces)
    # an escape may also hide what makes more of a number: the sign before the rest of a stripe
    wrapped = _kinds_wrapped_in(text) - kinds
    if masked != text:
        wrapped |= _kinds_wrapped_in(masked)
    return (HIDDEN, kinds | wrapped) if wrapped else (masked, kinds)


def is_too_plain(text: str) -> bool:
    """Return True if a text cannot hold card data, behind escapes or not: nearly every one.

    Shape: what is behind escapes is shorter than they are.
    """
    if len(text) < _LENGTH_MIN or text.isalpha():
        return True
    if "%" in text or "\\" in text:
        return False
    if not _DIGIT.search(text):
        return True
    if len(text) >= _NUMBER_LENGTH_MIN:
        return False
    return text.isdecimal() or not _has_part_of_code_word(text)


def _has_part_of_code_word(text: str) -> bool:
    lowered = text.lower()
    return any(part in lowered for part in _PARTS_OF_CODE_WORDS)


def _kinds_wrapped_in(text: str) -> frozenset[CardData]:
    """Return the kinds that a text holds behind percent-escapes or escapes of JSON."""
    kinds: set[CardData] = set()
    for _ in range(_UNWRAPPINGS_MAX):
        unwrapped = _unwrapped(text)
        if unwrapped == text:
            break
        text = unwrapped
        kinds.update(piece.kind for piece in suspicions(text))
    return frozenset(kinds)


def is_code_name(name: str) -> bool:
    """Return True if a field of this name holds a security code."""
    return bool(_CODE_NAME.search(name))


def is_code(text: str) -> bool:
    """Return True if a text may be a security code, when the name of its field says so."""
    return bool(_CODE_ALONE.search(text))


# -- pieces -------------------------------------------------------------------------------------

_BY_WEIGHT = (CardData.TRACK, CardData.CARD_NUMBER, CardData.SECURITY_CODE, CardData.IBAN)
"""Of pieces that overlap, the first kind names both."""


def _with_stripe(text: str, start: int, end: int) -> Suspicion:
    stripe = _STRIPE.match(text, end)
    if stripe is None:
        return Suspicion(CardData.CARD_NUMBER, start, end)
    sentinel = _SENTINEL.search(text, max(0, start - 2), start)
    return Suspicion(CardData.TRACK, sentinel.start() if sentinel else start, stripe.end())


def _apart(pieces: list[Suspicion]) -> list[Suspicion]:
    """Join pieces that overlap, so that nothing between two of them is left."""
    joined: list[Suspicion] = []
    for piece in sorted(pieces, key=lambda piece: piece.start):
        if joined and piece.start < joined[-1].end:
            before = joined.pop()
            kind = min(before.kind, piece.kind, key=_BY_WEIGHT.index)
            piece = Suspicion(kind, before.start, max(before.end, piece.end))
        joined.append(piece)
    return joined


def _masked_piece(kind: CardData, text: str) -> str:
    if kind in (CardData.TRACK, CardData.SECURITY_CODE):
        return HIDDEN
    signs = "".join(filter(str.isalnum, text))
    kept = 6 if kind is CardData.CARD_NUMBER else 2
    return signs[:kept] + "X" * (len(signs) - kept - 4) + signs[-4:]


def _unwrapped(text: str) -> str:
    """Return a text with its escapes resolved once; the same text when it has none."""
    if "%" in text:
        text = _PERCENT_ESCAPES.sub(
            lambda escapes: bytes.fromhex(escapes[0].replace("%", "")).decode("utf-8", "replace"),
            text,
        )
    if "\\u" in text:
        text = _JSON_ESCAPE.sub(lambda escape: chr(int(escape[1], 16)), text)
    return text
