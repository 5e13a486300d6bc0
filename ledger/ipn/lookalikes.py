"""Characters that let two different names look the same: the invisible, the turning, twins."""

import re
import unicodedata
from itertools import pairwise

from ledger.ipn.unicode_14 import is_unassigned

_TOKEN = re.compile(r"[\w.\-]+")
_TWIN_SCRIPTS = frozenset({"CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU"})
"""Scripts with letters that are drawn like Latin letters."""
_TWINS = frozenset("АВЕЅІЈКМНОРСТУХаеорсухіјѕԁԛԝһΑΒΕΖΗΙΚΜΝΟΡΤΥΧορυν")
"""The Cyrillic and Greek letters among them that fonts draw alike."""
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0") | {
    chr(number) for number in (*range(0x180B, 0x1810), *range(0xFE00, 0xFE10))
}
"""Counted among letters, marks and signs, and not drawn: fillers, joiners, selectors."""


def is_deceptive(name: str) -> bool:
    """Return True if another name can look like this one, although their characters differ.

    Shape: an event is marked by it, so that it must judge a name for ever alike: a character that
    Unicode 14.0 did not have is deceptive in every later version of Python as well.
    """
    if name.isascii():
        return not name.isprintable()
    if any(map(is_unassigned, name)):
        return True
    if unicodedata.normalize("NFKC", name) != name or printable(name) != name:
        return True
    letters = [letter for letter in name if letter.isalpha()]
    foreign = [letter for letter in letters if _script(letter) in _TWIN_SCRIPTS]
    has_latin = any(_script(letter) == "LATIN" for letter in letters)
    return bool(foreign) and (has_latin or all(letter in _TWINS for letter in letters))


def printable(text: str) -> str:
    """Write what hides, steers, turns or mimics by its number, the rest as it is.

    Shape: `[U+202E]`. A letter mimics when it stands among Latin letters and is of a script that
    has twins of them; a mark hides when the letter before it exists with it.
    """
    if text.isascii() and text.isprintable():
        return text
    marks = _uncomposed(text)
    letters = [
        f"[U+{ord(letter):04X}]" if _is_hidden(letter) or index in marks else letter
        for index, letter in enumerate(text)
    ]
    if not text.isascii():
        for token in _TOKEN.finditer(text):
            scripts = [_script(letter) for letter in token[0]]
            if "LATIN" in scripts:
                for index, script in enumerate(scripts, token.start()):
                    if script in _TWIN_SCRIPTS:
                        letters[index] = f"[U+{ord(text[index]):04X}]"
    return "".join(letters)


def _is_hidden(letter: str) -> bool:
    return not letter.isprintable() or letter in _BLANK


def _uncomposed(text: str) -> set[int]:
    """Return where marks stand that belong into the letter before them, or in another order."""
    if text.isascii() or unicodedata.is_normalized("NFC", text):
        return set()
    marks: set[int] = set()
    starts = [index for index, letter in enumerate(text) if not unicodedata.combining(letter)]
    for start, end in pairwise([0, *starts, len(text)]):
        if end - start > 1 and not unicodedata.is_normalized("NFC", text[start:end]):
            marks.update(range(start + 1, end))
    return marks


def _script(letter: str) -> str:
    return unicodedata.name(letter, "").partition(" ")[0] if letter.isalpha() else ""
