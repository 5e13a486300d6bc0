"""Searches for the payments of a person by what a support agent hears: over tags, exactly.

No body is opened for it, but of what has just arrived and has no tags yet.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select

from ledger.application import Ledger
from ledger.errors import BadIdentifierError
from ledger.instants import beginning_of, end_of
from ledger.ipn.modes import Mode
from ledger.privacy.identifiers import (
    Identifier,
    IdentifierKind,
    card_amount,
    card_day,
    identifier,
)
from ledger.privacy.persons import DIGEST, PersonIndex
from ledger.privacy.selection import decisions_about, streams_of_origins
from ledger.queries.filter_declarations import TransactionFilter
from ledger.queries.find_by_name import TRANSACTION, Meaning, find_streams
from ledger.queries.find_by_text import RELATED, Where, known_sums, meaning_of
from ledger.queries.items_of_streams import items_of
from ledger.queries.lists import TRANSACTIONS, Item, list_page
from ledger.queries.typed_text import TypedText
from ledger.storage.database import chunks
from ledger.storage.decisions import is_undecided
from ledger.storage.tables import notifications

DELIVERIES_MAX = 300
"""So many of the newest deliveries are looked at: an address of many more is a shop's own."""
CANDIDATES_MAX = 100
"""So many payments with a part in their order are looked at for the end of a card."""
_INSTANT = timedelta(microseconds=1)
PHONE_DIGITS = range(8, 16)
_IN_A_PHONE = frozenset("0123456789 .-()/+")
_HEX = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class PersonQuestion:
    """What a text says of a person. Shape: `kind` is that of an identifier, or `card` for the end
    of one, for which `typed` says what is beside it; `value` is written as it is looked for."""

    kind: str
    value: str
    typed: TypedText


@dataclass(frozen=True, slots=True)
class PersonFindings:
    """What the newest deliveries that hold an identifier are about.

    Shape: `items` are rows of transactions, the newest first; `related` are aliases and
    subscriptions. `delivery_ids` are those that nobody could decide, and all of a digest or when
    the read models do not show yet what they are about. `count` is that of all deliveries,
    `has_more` says that not all of them were looked at.
    """

    items: list[Item]
    related: list[Meaning]
    delivery_ids: list[str]
    count: int
    has_more: bool


CARD = "card"


def person_question(typed: TypedText) -> PersonQuestion | None:
    """Return what a text says of a person; None if it is about none.

    Shape: an e-mail address, a phone number, the last four digits of a card beside a day, an amount
    or part of an order, or the SHA-256 of a body, by which somebody could guess what is in it.
    """
    text = typed.text
    if typed.card_end is not None:
        return PersonQuestion(CARD, typed.card_end, typed)
    if len(text) == 64 and _HEX.issuperset(text.lower()):
        return PersonQuestion(DIGEST, text.lower(), typed)
    kind = None
    if "@" in text and len(text.split()) == 1:
        kind = IdentifierKind.EMAIL
    elif typed.day is None and _is_phone(text):
        kind = IdentifierKind.PHONE
    if kind is None:
        return None
    try:
        return PersonQuestion(kind, identifier(kind, text).value, typed)
    except BadIdentifierError:
        return None


def _is_phone(text: str) -> bool:
    digits = sum(sign.isdecimal() for sign in text)
    is_written_so = text.lstrip("(").startswith(("0", "+")) and _IN_A_PHONE.issuperset(text)
    return is_written_so and digits in PHONE_DIGITS


def question_tag(ledger: Ledger, question: PersonQuestion, mode: str) -> str:
    """Return what names a question in the access log, without what was typed.

    Shape: the same for the same question. Errors: SettingsError without the master keys.
    """
    typed = question.typed
    beside: Sequence[Any] = ()
    if question.kind == CARD:
        beside = (typed.day, *typed.amounts, typed.currency, typed.part)
    content = "\0".join(("question", mode, question.kind, question.value, *map(str, beside)))
    return ledger.sealing.keys.tag(content.encode("utf-8", "surrogatepass"))[:32]


def find_by_person(ledger: Ledger, question: PersonQuestion, where: Where) -> PersonFindings:
    """Find what the deliveries that hold an identifier are about.

    Shape: what was erased is not found. Errors: SettingsError without the master keys;
    UnavailableError; ViewNotBuiltError.
    """
    index = PersonIndex(ledger)
    index.catch_up()
    shops = sorted(where.shops if where.shops is not None else ledger.shops.shop_by_id)
    with ledger.database.connect() as connection:
        groups = _identifiers(connection, question, where)
        matching = [
            index.deliveries_of_shops(connection, each, shops, Mode(where.mode)) for each in groups
        ]
        ids = sorted(set.intersection(*matching) if matching else (), reverse=True)
        newest = ids[:DELIVERIES_MAX]
        streams = streams_of_origins(connection, [*newest, *decisions_about(connection, newest)])
        ids_waiting = _waiting(connection, newest)
    part = question.typed.part if question.kind == CARD else None
    items = _transactions(ledger, streams, part)
    related = [] if part else _related(ledger, streams)
    is_bare = question.kind == DIGEST or not (items or related or part)
    return PersonFindings(
        items, related, newest if is_bare else ids_waiting, len(ids), len(ids) > len(newest)
    )


def _identifiers(
    connection: Connection, question: PersonQuestion, where: Where
) -> list[list[Identifier]]:
    """Return what is looked for: of each group any, and of all groups one."""
    if question.kind != CARD:
        return [[Identifier(question.kind, question.value)]]
    typed, digits = question.typed, question.value
    groups = []
    if typed.day is not None:  # tags know the days of UTC
        bounds = (beginning_of(typed.day, where.zone), end_of(typed.day, where.zone))
        first_and_last = {bounds[0].date(), (bounds[1] - _INSTANT).date()}
        groups.append([card_day(digits, day.isoformat()) for day in sorted(first_and_last)])
    if any(amount != int(digits) for amount in typed.amounts):
        sums = known_sums(connection, typed, where)
        groups.append([card_amount(digits, minor, letters) for minor, letters in sums])
    if not groups and typed.part:
        filter_ = TransactionFilter.of(
            {"mode": where.mode, "shop_id": where.shops, "search": typed.part}
        )
        items = list_page(connection, TRANSACTIONS, filter_, limit=CANDIDATES_MAX).items
        days = {
            str(item["created_at"] or item["trans_date"])[: len("2026-03-10")] for item in items
        }
        groups.append([card_day(digits, day) for day in sorted(days)])
    return groups


def _waiting(connection: Connection, ids: Collection[str]) -> list[str]:
    ids_waiting: list[str] = []
    for chunk in chunks(sorted(ids)):
        query = select(notifications.c.id).where(is_undecided(), notifications.c.id.in_(chunk))
        ids_waiting += connection.scalars(query)
    return ids_waiting


def _transactions(ledger: Ledger, ids: set[UUID], part: str | None) -> list[Item]:
    """Return the rows of transactions, and those that stand for what goes on elsewhere."""
    with ledger.database.connect() as connection:
        items, continued = items_of(connection, TRANSACTIONS, ids)
        onward = {
            stream
            for row in continued
            for _, stream in find_streams(
                ledger, TRANSACTION, row["shop_id"], row["mode"], row["reference"]
            )
        }
        items += items_of(connection, TRANSACTIONS, onward - ids)[0]
    if part is not None:
        items = [item for item in items if _has_part(item, part.casefold())]
    return sorted(items, key=lambda item: str(item["first_seen_at"]), reverse=True)


def _has_part(item: Item, part: str) -> bool:
    names = (item["order_id"], item["trans_id"], item["alias"])
    return any(part in str(name or "").casefold() for name in names)


def _related(ledger: Ledger, ids: set[UUID]) -> list[Meaning]:
    with ledger.database.connect() as connection:
        return [
            meaning_of(kind, name, item)
            for kind, name, listing in reversed(RELATED)
            for item in items_of(connection, listing, ids)[0]
        ]
