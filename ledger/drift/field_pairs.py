"""Puts the fields of forms beside the paths of answers, with payments that were told in both."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlalchemy import select

from ledger.application import Ledger
from ledger.drift.catalogue import WORD
from ledger.ipn import form_v2, form_v2_fields, rest_v4, rest_v4_fields
from ledger.ipn.field_values import FactTable
from ledger.ipn.snapshots import TRANSACTION_FACTS, Fact, TransactionSnapshot
from ledger.ipn.statuses import form_spelling, is_same_outcome
from ledger.queries.evidence import content_of
from ledger.storage.database import chunks
from ledger.storage.drift_tables import drift_values
from ledger.storage.inbox import Inbox, InboxRecord
from ledger.storage.tables import notifications

BATCH = 250
DELIVERIES_DEFAULT = 10_000
_STATUS_PATH = "transactions.*.detailedStatus"
ONLY_FORM, ONLY_REST, BOTH = "form-v2", "rest-v4", "both"


class FieldPair(NamedTuple):
    """A fact, with the names under which each format tells it; in order, the first one wins."""

    fact_name: str
    meaning: str
    form_fields: tuple[str, ...]
    rest_paths: tuple[str, ...]

    @property
    def told_by(self) -> str:
        """Return which format tells it: `form-v2`, `rest-v4` or `both`."""
        if self.form_fields and self.rest_paths:
            return BOTH
        return ONLY_FORM if self.form_fields else ONLY_REST


def field_pairs() -> list[FieldPair]:
    """Return the facts of a transaction that a field tells, in the order of their declaration."""
    paths = (
        (f"transactions.*.{path}", fact)
        for fact, path, _ in (
            *rest_v4_fields.TRANSACTION_FIELDS,
            *rest_v4_fields.REFUND_FIELDS,
        )
    )
    order_paths = ((f"orderDetails.{path}", fact) for fact, path, _ in rest_v4_fields.ORDER_FIELDS)
    paths_by_fact: dict[str, list[str]] = defaultdict(list)
    for path, fact in (*order_paths, *paths):
        paths_by_fact[fact].append(path)
    forms = _names_by_fact(form_v2_fields.TRANSACTION_FIELDS)
    return [
        FieldPair(fact, meaning, tuple(forms.get(fact, ())), tuple(paths_by_fact.get(fact, ())))
        for fact, meaning in TRANSACTION_FACTS.items()
        if fact in forms or fact in paths_by_fact
    ]


def _names_by_fact(fact_table: FactTable) -> dict[str, list[str]]:
    names_by_fact: dict[str, list[str]] = defaultdict(list)
    for fact, name, _ in fact_table:
        names_by_fact[fact].append(name)
    return names_by_fact


@dataclass(slots=True)
class LivePairs:
    """Payments that were told in both formats with one status, and how their facts compare.

    Shape: counts by fact, of pairs of snapshots; `statuses` counts the pairs by the spelling of the
    form and of the answer. `payment_count` were told in both, `delivery_count` were looked at.
    """

    delivery_count: int = 0
    payment_count: int = 0
    agree: Counter[str] = field(default_factory=Counter)
    differ: Counter[str] = field(default_factory=Counter)
    only_form: Counter[str] = field(default_factory=Counter)
    only_rest: Counter[str] = field(default_factory=Counter)
    statuses: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, form_facts: Mapping[str, Fact], rest: Mapping[str, Fact]) -> None:
        """Compare what both formats tell of one payment in one status."""
        for fact in form_facts.keys() | rest.keys():
            if fact not in rest:
                self.only_form[fact] += 1
            elif fact not in form_facts:
                self.only_rest[fact] += 1
            elif form_facts[fact] == rest[fact] or _is_same_status(fact, form_facts, rest):
                self.agree[fact] += 1
            else:
                self.differ[fact] += 1


def live_pairs(
    ledger: Ledger, shop_id: str, mode: str, *, limit: int = DELIVERIES_DEFAULT
) -> LivePairs:
    """Compare the payments of a shop that its newest deliveries tell in both formats.

    Shape: nothing of any payment is in the answer but counts and statuses.
    """
    live = LivePairs()
    by_uuid: dict[str, dict[str, dict[str, Mapping[str, Fact]]]] = defaultdict(dict)
    spelling = _spelling_of_answers(ledger, shop_id, mode)
    for record in _newest(ledger, shop_id, mode, limit):
        live.delivery_count += 1
        for snapshot in _snapshots(ledger, record):
            status = str(snapshot.facts.get("status", ""))
            if snapshot.uuid and status:
                by_status = by_uuid[snapshot.uuid].setdefault(record.format or "", {})
                by_status[status] = _own_facts(snapshot)
    for by_format in by_uuid.values():
        forms, rests = by_format.get(form_v2.NAME, {}), by_format.get(rest_v4.NAME, {})
        live.payment_count += bool(forms and rests)
        for status, form_facts in forms.items():
            for rest_status, rest in rests.items():
                if is_same_outcome(status, rest_status):
                    live.statuses[status, spelling.get(rest_status, rest_status)] += 1
                    live.add(form_facts, rest)
    return live


def _spelling_of_answers(ledger: Ledger, shop_id: str, mode: str) -> dict[str, str]:
    """Return how answers of this shop spell statuses. Shape: by their spelling in forms."""
    c = drift_values.c
    is_status = (c.name == _STATUS_PATH, c.what == WORD, c.shop_id == shop_id, c.mode == mode)
    with ledger.database.connect() as connection:
        words = connection.scalars(select(c.value).where(*is_status).order_by(c.value))
        return {form_spelling(word): word for word in words}


def _newest(ledger: Ledger, shop_id: str, mode: str, limit: int) -> Iterator[InboxRecord]:
    c = notifications.c
    query = select(c.id).where(c.shop_id == shop_id, c.mode == mode)
    with ledger.database.connect() as connection:
        ids = connection.scalars(query.order_by(c.id.desc()).limit(limit)).all()
        for chunk in chunks(list(reversed(ids)), BATCH):
            records = Inbox(connection).get_verified(chunk)
            yield from ledger.sealing.with_bodies(connection, records.values())


def _snapshots(ledger: Ledger, record: InboxRecord) -> tuple[TransactionSnapshot, ...]:
    content = content_of(ledger, record)
    return () if content is None else content.transactions


def _own_facts(snapshot: TransactionSnapshot) -> Mapping[str, Fact]:
    """Return what the platform itself said, without what follows from it."""
    return {name: fact for name, fact in snapshot.facts.items() if name not in snapshot.derived}


def _is_same_status(
    fact_name: str, form_facts: Mapping[str, Fact], rest: Mapping[str, Fact]
) -> bool:
    in_form, in_rest = str(form_facts[fact_name]), str(rest[fact_name])
    return fact_name == "status" and is_same_outcome(in_form, in_rest)
