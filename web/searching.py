"""What a typed text finds: the same for the box of the pages and for the API.

Persons are looked for only in what is posted, so that no address holds what was typed of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from flask import request

from ledger.access.masking import masked_rows
from ledger.access.roles import SEES_PERSONAL
from ledger.errors import SettingsError
from ledger.ipn.modes import PUBLIC_MODES
from ledger.ipn.shops_and_keys import Key
from ledger.privacy.identifiers import IdentifierKind
from ledger.privacy.person_search import (
    CARD,
    PersonFindings,
    PersonQuestion,
    find_by_person,
    person_question,
    question_tag,
)
from ledger.privacy.persons import DIGEST
from ledger.queries.filter_conditions import TEXT_MAX
from ledger.queries.filter_declarations import TransactionFilter
from ledger.queries.find_by_name import Meaning, meanings
from ledger.queries.find_by_text import (
    SHOWN_MAX,
    PaymentsMeant,
    Where,
    key_named,
    parts_of_names,
    payments_meant,
)
from ledger.queries.lists import TRANSACTIONS, list_page
from ledger.queries.typed_text import TypedText, read_typed
from web.authentication import (
    allowed_shops,
    caller,
    filter_of_caller,
    log_personal_read,
    redact_items,
)
from web.context import ledger, today_in

PERSON_ANSWERS = ("searched", "needs-role", "needs-post", "needs-keys")
SEARCHED, NEEDS_ROLE, NEEDS_POST, NEEDS_KEYS = PERSON_ANSWERS
"""What becomes of a text that may be about a person."""


PERSON_KINDS = (IdentifierKind.EMAIL.value, IdentifierKind.PHONE.value, CARD, DIGEST)


@dataclass(frozen=True, slots=True)
class TextFindings:
    """What a text finds beside the list of payments with it in their names.

    Shape: `named` have exactly this name; `partly_named` are aliases and subscriptions with it in
    theirs; `meant` are payments of an amount or a day that it names; `key` is one with this
    fingerprint.
    """

    named: list[Meaning]
    partly_named: list[Meaning]
    meant: list[PaymentsMeant]
    key: Key | None

    @property
    def has_more(self) -> bool:
        """Return True if there is anything beside exact names."""
        return bool(self.partly_named or self.meant or self.key)


@dataclass(frozen=True, slots=True)
class AboutPerson:
    """What becomes of a text that may be about a person. Shape: findings of what was searched."""

    kind: str
    answer: str
    findings: PersonFindings | None = None

    @property
    def has_found(self) -> bool:
        """Return True if any delivery holds it."""
        return self.findings is not None and self.findings.count > 0


def read_text(text: str, zone: str) -> TypedText:
    """Return what a text may mean today, in a zone."""
    return read_typed(text, today=today_in(zone))


def named(text: str, mode: str) -> list[Meaning]:
    """Return what has exactly this name, of the shops of the caller."""
    findings = meanings(ledger(), text, mode=mode, shops=allowed_shops())
    of_events = _shown([meaning for meaning in findings if meaning.position is not None])
    return [each for each in findings if each.position is None or each in of_events]


def find_text(text: str, mode: str, zone: str) -> TextFindings:
    """Return what a text finds in one mode, of the shops of the caller and as they may see it."""
    where = Where(mode=mode, shops=allowed_shops(), zone=zone)
    meant = payments_meant(ledger(), read_text(text, zone), where)
    exact = named(text, mode)
    parts = [each for each in parts_of_names(ledger(), text, where) if each not in exact]
    return TextFindings(
        exact,
        _shown(parts),
        [replace(each, items=redact_items(each.items, each.filters)) for each in meant],
        key_named(ledger(), text, where),
    )


def _shown(meanings_found: Sequence[Meaning]) -> list[Meaning]:
    if caller().sees_personal:
        return list(meanings_found)
    rows = masked_rows(map(asdict, meanings_found), is_search=True)
    return [Meaning(**row) for row in rows]


def payments_named(text: str, mode: str) -> PaymentsMeant:
    """Return the newest payments with a text in their names. Errors: BadFilterError."""
    parameters = {"mode": mode, "search": text.strip()}
    filters = filter_of_caller(TransactionFilter, parameters)
    with ledger().database.connect() as connection:
        page = list_page(connection, TRANSACTIONS, filters, limit=SHOWN_MAX)
    items = redact_items(page.items, filters)
    return PaymentsMeant(
        filters, None, None, None, text.strip(), items, page.next_cursor is not None
    )


def other_mode_with(text: str, mode: str, zone: str) -> str | None:
    """Return the other mode if a text that finds nothing in this one finds something there."""
    other = next(each for each in PUBLIC_MODES if each != mode)
    findings = find_text(text, other, zone)
    is_there = findings.named or findings.has_more or payments_named(text, other).items
    return other if is_there else None


def about_person(text: str, mode: str, zone: str, *, is_posted: bool) -> AboutPerson | None:
    """Search for a person and note it in the access log, if a text may be about one."""
    question = person_question(read_text(text, zone))
    if question is None:
        return None
    if not caller().sees_personal:
        return AboutPerson(question.kind, NEEDS_ROLE)
    if not is_posted:
        return AboutPerson(question.kind, NEEDS_POST)
    try:
        return AboutPerson(question.kind, SEARCHED, _find_person(question, mode, zone))
    except SettingsError:  # nobody can be found without the master keys
        return AboutPerson(question.kind, NEEDS_KEYS)


def _find_person(question: PersonQuestion, mode: str, zone: str) -> PersonFindings:
    where = Where(mode=mode, shops=allowed_shops(), zone=zone)
    tag = question_tag(ledger(), question, mode)
    shop_id = next(iter(caller().shops or ()), None) if len(caller().shops or ()) == 1 else None
    log_personal_read(
        "person-search", shop_id=shop_id, mode=mode, reference=f"{question.kind} {tag}"
    )
    findings = find_by_person(ledger(), question, where)
    return replace(findings, items=redact_items(findings.items, TransactionFilter.of({})))


def asks_for_person() -> bool:
    """Return True if this request searches for a person: how often one may is limited."""
    posted: Any = request.form or request.get_json(silent=True)
    text = posted.get("q") if isinstance(posted, Mapping) else None
    if not isinstance(text, str) or len(text) > TEXT_MAX or caller().role not in SEES_PERSONAL:
        return False
    return person_question(read_text(text, "UTC")) is not None
