"""The one spelling of a name: the account is looked up by it, and guesses are counted under it."""

import unicodedata

_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn")


def normal(text: str) -> str:
    """Return one spelling of what keyboards write in several ways, without lone surrogates."""
    return unicodedata.normalize("NFKC", text.encode(errors="replace").decode())


def name_key(name: str) -> str:
    """Return what all spellings of a name have in common: case, width, accents, unseen characters.

    Two names with one key are one person, for the account as well as for whoever guesses at it.
    """
    spaced = "".join(" " if letter.isspace() else letter for letter in normal(name))
    seen = "".join(letter for letter in spaced if unicodedata.category(letter) not in _UNSEEN)
    return " ".join(normal(seen.casefold()).split())
