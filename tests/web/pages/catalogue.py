"""The messages of the pages: gathered from templates, code and vocabulary, kept in `.po` files.

`python -m tests.update` brings every catalogue up to date; what it adds has no translation yet, and
a test says so.
"""

import io
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from ledger.aggregates.event_catalogue import SENTENCES
from ledger.ipn.notification_rules import RULES
from ledger.ipn.refusal_reasons import (
    ARCHIVE_BACK,
    NOTHING,
    REASONS,
    REMEDIES,
    SIGNED_WITH_SHA_1,
    UPGRADE,
)
from web.pages.languages import LANGUAGES

WEB = Path(__file__).resolve().parents[3] / "web"
TRANSLATIONS = WEB / "translations"
KEYWORDS: dict[str, tuple[int | tuple[int, str], ...] | None] = {
    "_": None,
    "N_": None,
    "gettext": None,
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
}
PLURAL_FORMS = {"fr": "nplurals=2; plural=(n > 1);"}
METHODS = [("templates/pages/**.html", "jinja2"), ("pages/**.py", "python")]


Message = tuple[str | tuple[str, ...], str | None]
"""What is translated, and its use where one text has several translations."""


def messages() -> Iterator[tuple[Message, str]]:
    """Everything that is shown in the reader's language. Shape: message, a file that shows it."""
    options = {"templates/pages/**.html": {"silent": "false"}}
    for file, _, text, _, use in extract_from_dir(
        WEB, METHODS, options_map=options, keywords=KEYWORDS
    ):
        yield (text, use), f"web/{file}"
    for text in SENTENCES.values():
        yield (text, None), "ledger/aggregates/event_catalogue.py"
    for rule in RULES.values():
        yield (rule.meaning, None), "ledger/ipn/notification_rules.py"
    for text in (
        *REASONS.values(),
        *REMEDIES.values(),
        NOTHING,
        UPGRADE,
        ARCHIVE_BACK,
        SIGNED_WITH_SHA_1,
    ):
        yield (text, None), "ledger/ipn/refusal_reasons.py"


def template() -> Catalog:
    """What every catalogue must translate."""
    files_by_message: dict[Message, set[str]] = {}
    for message, file in messages():
        files_by_message.setdefault(message, set()).add(file)
    catalog = Catalog(project="IPN Ledger", charset="utf-8")
    for text, use in sorted(files_by_message, key=str):
        locations = [(file, None) for file in sorted(files_by_message[text, use])]
        catalog.add(text, locations=locations, context=use)
    return catalog


def languages() -> list[str]:
    """Those that are no English."""
    return [code for code in LANGUAGES if code != "en"]


def read_catalogue(code: str) -> Catalog:
    """The catalogue of a language as it is in the tree; an empty one when there is none."""
    path = path_of(code)
    if not path.exists():
        return Catalog(locale=code)
    return read_po(io.BytesIO(path.read_bytes()), locale=code)


def path_of(code: str) -> Path:
    return TRANSLATIONS / code / "LC_MESSAGES" / "messages.po"


def updated(code: str) -> str:
    """The catalogue of a language with every message that there is and no other.

    Its header is written here: that of the library holds dates and versions, which would change
    with every update, and follows the library's opinion of plurals, which changes too.
    """
    catalog = read_catalogue(code)
    catalog.update(template(), no_fuzzy_matching=True)
    catalog.obsolete.clear()
    written = io.BytesIO()
    write_po(written, catalog, width=100, omit_header=True, sort_output=True)
    return header(code) + written.getvalue().decode()


def header(code: str) -> str:
    """The first message of a catalogue, which says how the others are to be read."""
    lines = "".join(f'"{name}: {value}\\n"\n' for name, value in header_fields(code).items())
    return f'msgid ""\nmsgstr ""\n{lines}\n'


def header_fields(code: str) -> dict[str, str]:
    return {
        "Project-Id-Version": "IPN Ledger",
        "Language": code,
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": PLURAL_FORMS[code],
    }
