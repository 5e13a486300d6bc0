"""Languages: every text of the pages is translated, and written as its readers write."""

import re
from datetime import UTC, datetime

import pytest

from ledger.application import Ledger
from ledger.instants import utc_now
from ledger.ipn.money import decimal_text
from ledger.ipn.refusal_reasons import REASONS
from tests.web.pages import catalogue
from tests.web.pages.test_browser import FOR_OPERATORS, PAGES
from tests.web.pages.visiting import Visiting
from web.pages.formatting import age, amount, day, moment, name, plain
from web.pages.languages import translated
from web.pages.reason_words import SHORT_REASONS

PLACES = re.compile(r"%\(\w+\)s")


@pytest.mark.parametrize("code", catalogue.languages())
def test_every_message_is_translated_with_all_its_places(code: str) -> None:
    wrong = []
    for message in catalogue.read_catalogue(code):
        ids = [message.id] if isinstance(message.id, str) else list(message.id)
        strings = [message.string] if isinstance(message.string, str) else list(message.string)
        places = {place for id_ in ids for place in PLACES.findall(id_)}
        if message.id and (
            message.fuzzy or any(set(PLACES.findall(text)) != places for text in strings)
        ):
            wrong.append(message.id)
        if message.id and not all(strings):
            wrong.append(message.id)

    assert wrong == []


PLAIN_SPACE = re.compile(r" [:;?!»]|« |\w'\w")
"""French that may break before a sign of punctuation, or is written with a typewriter."""
CODE = re.compile(r"`[^`]*`")


def test_french_is_set_as_its_readers_print_it() -> None:
    faults = [
        text
        for message in catalogue.read_catalogue("fr")
        for text in ([message.string] if isinstance(message.string, str) else message.string)
        if message.id and PLAIN_SPACE.search(CODE.sub("", text))
    ]

    assert faults == []


def speaking(pages: Visiting, language: str, **request: str) -> object:
    """A request of a reader who prefers this language."""
    return pages.app.test_request_context("/", headers={"Accept-Language": language}, **request)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("language", "minor", "currency", "wanted"),
    [
        ("fr", 123456, "EUR", "1 234,56 €"),
        ("en", 123456, "EUR", "€1,234.56"),
        ("fr", -123456, "EUR", "-1 234,56 €"),
        ("en", 1500, "JPY", "JPY 1,500"),
        ("en", -1500, "JPY", "-JPY 1,500"),
        ("en", 39738, "KWD", "KWD 39.738"),
        ("fr", 114077, "GBP", "1 140,77 GBP"),
        ("fr", 1500, "KWD", "1,500 KWD"),
        ("en", 100, "XXQ", "1.00 XXQ"),
        ("en", 100, None, "1.00"),
        ("en", 9_007_199_254_740_993, "EUR", "€90,071,992,547,409.93"),
        ("en", None, "EUR", "–"),
    ],
)
def test_an_amount_is_exact_and_as_its_reader_writes_it(
    pages: Visiting, language: str, minor: int | None, currency: str | None, wanted: str
) -> None:
    with speaking(pages, language):  # type: ignore[attr-defined]
        text = amount(minor, currency)

    assert re.sub("[\u00a0\u202f]", " ", text).replace("−", "-") == wanted


def test_no_amount_loses_a_digit_of_its_currency(pages: Visiting) -> None:
    with speaking(pages, "en"):  # type: ignore[attr-defined]
        for currency in ("EUR", "JPY", "KWD", "CLP", "UGX", "ISK", "XPF", "MGA"):
            digits = re.sub("[^0-9]", "", amount(1234567, currency))
            assert digits == decimal_text(1234567, currency).replace(".", "")


@pytest.mark.parametrize(
    ("language", "zone", "wanted"),
    [
        ("fr", "UTC", "10 juil. 2026, 22:15:47 UTC"),
        ("fr", "Europe/Paris", "11 juil. 2026, 00:15:47 CEST"),
        ("en-GB", "UTC", "10 Jul 2026, 22:15:47 UTC"),
        ("en-US", "UTC", "Jul 10, 2026, 10:15:47 PM UTC"),
    ],
)
def test_an_instant_names_its_zone(pages: Visiting, language: str, zone: str, wanted: str) -> None:
    with speaking(pages, language, query_string=f"zone={zone}"):  # type: ignore[attr-defined]
        text = moment("2026-07-10T22:15:47.123456Z")

    assert re.sub("[\u00a0\u202f]", " ", text) == (
        '<time datetime="2026-07-10T22:15:47.123Z" title="2026-07-10 22:15:47.123 UTC">'
        f"{wanted}</time>"
    )


def test_the_day_of_an_instant_is_the_readers(pages: Visiting) -> None:
    with speaking(pages, "en", query_string="zone=Europe/Paris"):  # type: ignore[attr-defined]
        days = [str(day(at)) for at in ("2026-07-10T22:15:47Z", "2026-07-10", "no day", None)]

    assert days == [
        '<time datetime="2026-07-11" title="2026-07-10 22:15:47.000 UTC">11 Jul 2026</time>',
        '<time datetime="2026-07-10">10 Jul 2026</time>',
        "no day",
        "–",
    ]


def test_an_age_is_told_in_words(pages: Visiting) -> None:
    pages.now = datetime(2026, 7, 10, 12, tzinfo=UTC)
    with speaking(pages, "fr"):  # type: ignore[attr-defined]
        assert age("2026-07-10T09:00:00Z") == (
            '<time datetime="2026-07-10T09:00:00.000Z" title="2026-07-10 09:00:00.000 UTC">'
            "il y a 3 heures</time>"
        )


def test_text_of_somebody_else_cannot_steer(pages: Visiting) -> None:
    with speaking(pages, "en"):  # type: ignore[attr-defined]
        assert plain("a\u202eb\x00") == "a[U+202E]b[U+0000]"
        assert "<script>" not in name("<script>")
        assert len(name("x" * 10_000)) < 700


@pytest.mark.parametrize(
    ("accepted", "chosen", "wanted"),
    [
        ("fr-CA,fr;q=0.9,en;q=0.8", "", "fr"),
        ("de-DE,de;q=0.9", "", "en"),
        ("fr", "?lang=en", "en"),
        ("en", "?lang=xx", "en"),
        ("", "?lang=fr", "fr"),
    ],
)
def test_the_language_is_the_chosen_one_else_the_browsers(
    pages: Visiting, accepted: str, chosen: str, wanted: str
) -> None:
    headers = {"Accept-Language": accepted}

    first = pages.get(f"/sign-in{chosen}", headers=headers, follow_redirects=True)
    again = pages.get("/sign-in", headers=headers)

    assert f'<html lang="{wanted}"' in first.text
    assert f'<html lang="{wanted}"' in again.text


def test_no_page_keeps_the_language_of_whoever_came_before(full_ledger: Ledger) -> None:
    now = utc_now()
    french_first, english_first = (Visiting(full_ledger, now=now) for _ in range(2))
    for visit in (french_first, english_first):
        visit.sign_in("operator")

    for path in PAGES + FOR_OPERATORS:
        if path in ("/test/access-log", "/second-factor"):  # which are never the same twice
            continue
        french, english, again = (said(french_first, path, code) for code in ("fr", "en", "fr"))
        assert said(english_first, path, "en") == english, path
        assert said(english_first, path, "fr") == french == again, path
        assert english != french


def said(visit: Visiting, path: str, language: str) -> str:
    """Return a page without the tokens of its forms."""
    page = visit.get(path, headers={"Accept-Language": language}).text
    return re.sub(r'name="csrf_token" value="[^"]+"', "", page)


def test_a_word_of_a_template_is_translated_for_each_reader_anew(pages: Visiting) -> None:
    pages.sign_in("auditor")

    in_english, in_french = (
        pages.get("/test/notifications", headers={"Accept-Language": language}).text
        for language in ("en", "fr")
    )

    assert ">Recorded</a>" in in_english
    assert ">Enregistré</a>" in in_french


def test_a_plural_is_that_of_the_language(pages: Visiting) -> None:
    template = pages.app.jinja_env.from_string(
        "{{ ngettext('%(num)s newer event is not in it yet.',"
        " '%(num)s newer events are not in it yet.', number) }}"
    )
    with speaking(pages, "fr"):  # type: ignore[attr-defined]
        sentences = [template.render(number=number) for number in (0, 1, 2)]
        assert translated("Captured") == "Présenté"

    words = [sentence.split()[:2] for sentence in sentences]
    assert words == [["0", "événement"], ["1", "événement"], ["2", "événements"]]


@pytest.mark.parametrize(
    ("english", "french"),
    [
        ("Captured", "Présenté"),
        ("To validate", "À valider"),
        ("To validate and authorise", "À valider et autoriser"),
        ("Under verification", "Vérification en cours"),
        ("Captured on", "Remis en banque le"),
        ("Known to us", "Connu le"),
        ("Outcome", "Résultat"),
        ("Wrong signature", "Signature incorrecte"),
        ("Name or password incorrect.", "Nom ou mot de passe incorrect."),
    ],
)
def test_a_word_is_that_of_the_back_office(pages: Visiting, english: str, french: str) -> None:
    """A merchant compares both screens side by side."""
    with speaking(pages, "fr"):  # type: ignore[attr-defined]
        assert translated(english) == french


def test_every_reason_has_a_title() -> None:
    assert set(SHORT_REASONS) == set(REASONS)


def test_a_page_to_search_and_a_button_that_searches_have_their_own_words(pages: Visiting) -> None:
    pages.sign_in("auditor")

    page = pages.get("/test/search", headers={"Accept-Language": "fr"}).text

    assert "<h1>Recherche</h1>" in page
    assert 'aria-current="page">Recherche</a>' in page
    assert ">Rechercher</button>" in page
