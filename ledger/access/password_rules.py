"""Refuses passwords that are among the first to be tried, here or anywhere.

A password is judged twice: as it is, and by what is left of it without the words that whoever
guesses at this ledger knows. Both must be hard to guess by the estimate of zxcvbn.
"""

import re
from collections.abc import Collection, Iterator
from unicodedata import normalize

from ledger.access.password_hashes import PASSWORD_MAX
from ledger.access.user_names import normal
from ledger.errors import BadPasswordError
from ledger.ipn.shops_and_keys import Shops

PASSWORD_MIN = 12
GUESSES_MIN = 10**10
WORD_MIN = 3
"""Letters of a word; a shorter one is in too many good passwords."""

LENGTH, GUESSABLE, LOCAL_WORDS = "length", "guessable", "local-words"
MESSAGES = {
    LENGTH: f"a password has {PASSWORD_MIN} to {PASSWORD_MAX} characters",
    GUESSABLE: "this password is among the first that are tried: take several words that have "
    "nothing to do with each other, or let a password manager make one",
    LOCAL_WORDS: "too little is left of this password without names, shops and words that "
    "everybody here knows: take other words, or more of them",
}

WORDS = (
    "ledger payzen lyra systempay sogecommerce scellius clicandpay monetico izipay micuentaweb "
    "vads notification payment paiement paye boutique shop admin administrator administrateur "
    "operator operateur auditor auditeur compta comptable comptabilite finance facture invoice "
    "test production password passwort motdepasse mdp secret welcome bienvenue bonjour azerty "
    "azertyuiop qsdfghjklm wxcvbn qwerty qwertz change january february march april june july "
    "august september october november december janvier fevrier mars avril juin juillet aout "
    "septembre octobre novembre decembre spring summer autumn winter printemps automne hiver"
)
"""What whoever guesses at this ledger tries first; zxcvbn knows English alone."""

_LOOKALIKES = str.maketrans("4@3!1|l0$57+", "aaeiiiiosstt")
_ESTIMATED = 72
"""Characters that zxcvbn looks at; its time grows faster than their number."""


def refuse_bad_password(password: str, *, local_words: Collection[str]) -> None:
    """Refuse a password that is too short, or that somebody may guess. Errors: BadPasswordError.

    Shape: `local_words` are the names of the person and of the shops, and the ids of these.
    """
    password = normal(password)
    if not PASSWORD_MIN <= len(password) <= PASSWORD_MAX:
        raise BadPasswordError(LENGTH, MESSAGES[LENGTH])
    if _is_guessable(password):
        raise BadPasswordError(GUESSABLE, MESSAGES[GUESSABLE])
    if _is_guessable(_without(password, [WORDS, *local_words])):
        raise BadPasswordError(LOCAL_WORDS, MESSAGES[LOCAL_WORDS])


def names_of_shops(shops: Shops) -> list[str]:
    """Return the ids and names of all shops, which nobody's password is made of."""
    return [name for shop in shops.shop_by_id.values() for name in (shop.id, shop.name)]


def _is_guessable(password: str) -> bool:
    # here, since it holds some ten thousand words that only a new password needs
    from zxcvbn import zxcvbn

    guesses = zxcvbn(password[:_ESTIMATED])["guesses"] if password else 0
    return bool(guesses < GUESSES_MIN)


def _without(password: str, texts: Collection[str]) -> str:
    """Return what is left of a password without the words of these texts, however disguised."""
    letters = list(_letters(password))
    written = "".join(letter for letter, _ in letters)
    dropped: set[int] = set()
    for word in _words(texts):
        for match in re.finditer(re.escape(word), written):
            dropped.update(range(letters[match.start()][1], letters[match.end() - 1][1] + 1))
    return "".join(letter for index, letter in enumerate(password) if index not in dropped)


def _words(texts: Collection[str]) -> set[str]:
    """Return the words of texts, forwards and backwards, as `_letters` writes them."""
    words = {word for text in texts for word in (text, *re.split(r"[\W_]+", text))}
    folded = {"".join(letter for letter, _ in _letters(normal(word))) for word in words}
    long_enough = {word for word in folded if len(word) >= WORD_MIN}
    return long_enough | {word[::-1] for word in long_enough}


def _letters(text: str) -> Iterator[tuple[str, int]]:
    """Read letters and digits alike whatever their case, and with their look-alikes.

    Shape: the letter, and where it stands in the text; what is neither is passed over.
    """
    for index, character in enumerate(text):
        # an accent becomes a character of its own, and is passed over
        for letter in normalize("NFKD", character.casefold()).translate(_LOOKALIKES):
            if letter.isalnum():
                yield letter, index
