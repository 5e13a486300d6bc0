"""Names of somebody else's choice: short enough for an index, equal only when they are equal."""

import hashlib
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.ipn.lookalikes import is_deceptive, printable
from ledger.ipn.storable import NAME_BYTES_MAX, NAME_MAX, is_storable, storable, storable_name
from ledger.ipn.unicode_14 import is_unassigned

LETTERS = st.characters(exclude_categories=())
LONG = st.text(LETTERS, min_size=1, max_size=40).map(lambda piece: piece * 300)
NAMES = st.one_of(st.text(LETTERS, max_size=80), LONG, LONG.map(storable_name))
SHORTENED = re.compile(r"(?s).*\.\.\.tag:[0-9a-f]{64}")


@given(NAMES)
def test_a_name_fits_into_an_index_of_every_database(name: str) -> None:
    kept = storable_name(name)

    assert len(kept) <= NAME_MAX
    assert len(kept.encode()) <= NAME_BYTES_MAX
    assert is_storable(kept)


@given(NAMES, NAMES)
def test_names_that_differ_stay_different(first: str, second: str) -> None:
    """But for what no database stores: it is replaced in short names as it always was."""
    differ = storable(first) != storable(second)

    assert differ == (storable_name(first) != storable_name(second))


@given(LONG, st.integers(0, 10**6), st.characters(categories=["L", "N"]))
def test_one_letter_of_a_long_name_makes_another(name: str, place: int, letter: str) -> None:
    changed = list(name)
    changed[place % len(name)] = letter

    same = "".join(changed) == name
    assert (storable_name("".join(changed)) == storable_name(name)) == (
        same or storable("".join(changed)) == storable(name)
    )


def test_a_name_that_pretends_to_be_shortened_is_shortened_itself() -> None:
    shortened = storable_name("ORDER-" + "7" * 3000)

    assert SHORTENED.fullmatch(shortened)
    assert shortened.startswith("ORDER-777")
    assert storable_name(shortened) != shortened
    assert SHORTENED.fullmatch(storable_name(shortened))


@pytest.mark.parametrize("length", [NAME_MAX, NAME_MAX + 1])
def test_the_limit_is_stated_in_characters(length: int) -> None:
    assert (storable_name("x" * length) == "x" * length) == (length <= NAME_MAX)


TWINS = {
    "decomposed": unicodedata.normalize("NFD", "É-4711"),
    "zero width": "ORDER\u200b-4711",
    "joiner": "ORDER\u034f-4711",
    "filler": "ORDER\u3164-4711",
    "selector": "ORDER\ufe0f-4711",
    "turned": "ORDER\u202e1174",
    "isolated": "\u2066ORDER-4711",
    "marked": "ORDER-4711\u200f",
    "no-break space": "ORDER\u00a04711",
    "line feed": "ORDER-4711\n",
    "soft hyphen": "OR\u00adDER-4711",
    "Cyrillic letter": "\u041eRDER-4711",
    "Greek letter": "\u039fRDER-4711",
    "letter apart": "ORDER-\u0410-4711",
    "Armenian letter": "ORD\u0555R",
}
UNDRAWN_TWINS = {
    "Cyrillic whole": "\u0410\u0412\u0421-4711",
    "full width": "\uff2f\uff32\uff24\uff25\uff32-4711",
    "ligature": "o\ufb03ce-4711",
}
HONEST = (
    "ORDER-4711", "a.b_c:d/e+f 42", "Commande nº4711".replace("º", "°"), "Bücher-É-Ł", "訂單-4711",
    "ЗАКАЗ-4711", "ΠΑΡΑΓΓΕΛΙΑ-1", "طلب-4711", "", "Ивановы и сын",
)  # fmt: skip


@pytest.mark.parametrize("name", [*TWINS.values(), *UNDRAWN_TWINS.values()], ids=ascii)
def test_a_twin_is_deceptive(name: str) -> None:
    assert is_deceptive(name)


@pytest.mark.parametrize("name", TWINS.values(), ids=ascii)
def test_what_makes_a_twin_is_printable(name: str) -> None:
    shown = printable(name)

    assert re.search(r"\[U\+[0-9A-F]{4}\]", shown)
    assert shown.isprintable()
    assert unicodedata.is_normalized("NFC", shown)


@pytest.mark.parametrize("name", HONEST)
def test_honest_names_of_any_script_are_left_alone(name: str) -> None:
    assert not is_deceptive(name)
    assert printable(name) == name


@given(st.text(LETTERS, max_size=60))
def test_what_is_shown_hides_nothing(text: str) -> None:
    shown = printable(text)

    assert shown.isprintable()
    assert printable(shown) == shown or not unicodedata.is_normalized("NFC", text)


def test_names_in_a_line_of_json_are_not_taken_for_twins() -> None:
    line = '{"name":"Иванов","city":"Paris","note":"Ω 3"}'

    assert printable(line) == line


def test_every_python_judges_a_character_alike() -> None:
    """An event says that a name is odd: another version of Unicode must not say otherwise."""
    judged = bytes(is_deceptive(chr(number)) for number in range(0x110000))

    assert hashlib.sha256(judged).hexdigest() == (
        "36ae7c33defc3c1b1b25e81a3d6beb4803a418176d60c9c74bbe2499bd7089d3"
    )


@pytest.mark.parametrize("letter", ["\U00011f04", "\u2ffc", "\u1c89", "\U00010efc"])
def test_a_character_that_came_later_is_deceptive(letter: str) -> None:
    """They are of Unicode 15.0, 15.1 and 16.0, and known to the Pythons that have these."""
    assert is_deceptive(f"CMD-{letter}")
    assert is_unassigned(letter)


@pytest.mark.parametrize("letter", ["a", "é", "漢", "🎁", "\U0001fae0", "\u0378"])
def test_the_table_of_characters_is_that_of_unicode_14(letter: str) -> None:
    assert is_unassigned(letter) is (letter == "\u0378")
