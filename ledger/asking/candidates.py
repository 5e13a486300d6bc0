"""What there is to ask about: what reports say was never told, suspects, and recent orders."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from ledger.application import Ledger
from ledger.asking.exchanges import Exchange, exchanges_by_question
from ledger.asking.schedule import due_at
from ledger.errors import NotFoundError, ViewNotBuiltError
from ledger.instants import end_of, read_instant
from ledger.ipn.form_v2_fields import UUID
from ledger.ipn.modes import Mode
from ledger.ipn.platform_answers import TOO_MANY, TOO_OFTEN, Question, Service
from ledger.queries.filter_declarations import SuspectFilter, TransactionFilter
from ledger.queries.find_by_name import ORDER
from ledger.queries.lists import all_transactions
from ledger.queries.orders import order_history
from ledger.queries.state import current_state
from ledger.queries.suspects import ASK, all_suspects
from ledger.reconciliation.findings import Result
from ledger.reconciliation.report_store import Scope, report_of, reported_days
from ledger.storage.answers import AnswerOutcome

DAYS = 31
"""So many days are looked back for what was never told."""

RECENT = "recent"
"""The cause of a question about an order of the last days, of which nothing seems to be missing."""

_NEVER = datetime.max.replace(tzinfo=UTC)
_ASKED_FOR = (Result.NEVER_TOLD, Result.BEHIND)


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something to ask about.

    Shape: `since` is when it should have been told at the latest; an answer that came after
    `known_at` settles it. `cause` is a word.
    """

    question: Question
    cause: str
    since: datetime
    known_at: datetime


@dataclass(frozen=True, slots=True)
class Due:
    """A candidate, and when it is asked about next. Shape: `at` None: it stays unsettled."""

    candidate: Candidate
    at: datetime | None


def candidates_of(ledger: Ledger, shop_id: str, mode: str, now: datetime) -> Iterator[Candidate]:
    """Yield everything that seems to be missing about a shop and mode."""
    yield from _reported(ledger, shop_id, mode, now)
    yield from _suspected(ledger, shop_id, mode, now)


def _reported(ledger: Ledger, shop_id: str, mode: str, now: datetime) -> Iterator[Candidate]:
    """Yield what the newest reports of the last days say was never told, or is behind."""
    last_day = now.astimezone(UTC).date()
    scope = Scope.ending(shop_id, mode, last_day, DAYS)
    with_gaps: dict[str, set[str]] = {}
    with ledger.database.connect() as connection:
        for day, said in reported_days(connection, scope).items():
            if said.gap_count:
                with_gaps.setdefault(said.report_id, set()).add(day.isoformat())
        reports = [report_of(connection, report_id) for report_id in with_gaps]
    for report in reports:
        days = with_gaps[report.id]
        for finding in report.content()["findings"]:
            is_missing = finding["result"] in _ASKED_FOR and finding["day"] in days
            question = _question_of(shop_id, mode, finding) if is_missing else None
            if question is not None:
                since = end_of(date.fromisoformat(finding["day"]))
                yield Candidate(question, finding["result"], since, report.recorded_at)


def _suspected(ledger: Ledger, shop_id: str, mode: str, now: datetime) -> Iterator[Candidate]:
    """Yield what was probably not told; nothing before that read model is built.

    Shape: no answer settles a suspect, but what the answer says.
    """
    filters = SuspectFilter(mode=Mode(mode).public, shop_id=frozenset({shop_id}))
    with suppress(ViewNotBuiltError):
        for item in all_suspects(ledger.database, filters, now):
            reference = item["parent_uuid"] or item["reference"]
            service = Service.ORDER if item["kind"] == ORDER else Service.TRANSACTION
            is_named = service is Service.ORDER or UUID.fullmatch(reference)
            if ASK in item["remedies"] and is_named:
                question = Question(shop_id, mode, service, reference)
                due_at_ = read_instant(item["due_at"])
                yield Candidate(question, item["rule"], due_at_, _NEVER)


def recent_candidates(
    ledger: Ledger, shop_id: str, mode: str, days: int, now: datetime
) -> Iterator[Candidate]:
    """Yield the orders that were first heard of in the last days. Errors: ViewNotBuiltError."""
    first_seen = now - timedelta(days=days)
    filter_ = TransactionFilter(
        mode=Mode(mode).public, shop_id=frozenset({shop_id}), first_seen_from=first_seen
    )
    for item in all_transactions(ledger.database, filter_):
        if item["order_id"]:
            question = Question(shop_id, mode, Service.ORDER, item["order_id"])
            seen_at = read_instant(item["first_seen_at"])
            yield Candidate(question, RECENT, seen_at, seen_at)


def due_of(ledger: Ledger, candidates: Iterable[Candidate]) -> Iterator[Due]:
    """Yield what is not settled, once each, with the instant at which it is asked about next."""
    candidate_by_question: dict[Question, Candidate] = {}
    for candidate in candidates:
        candidate_by_question.setdefault(candidate.question, candidate)
    with ledger.database.connect() as connection:
        exchanges = exchanges_by_question(connection, candidate_by_question)
    for question, candidate in candidate_by_question.items():
        about = exchanges.get(question, [])
        if any(_settles(exchange, candidate) for exchange in about):
            continue
        if _is_too_large(about):
            yield from due_of(ledger, _one_by_one(ledger, candidate))
            continue
        asked_at = [each.question.asked_at for each in about if _counts(each, candidate)]
        yield Due(candidate, due_at(candidate.since, asked_at))


def _settles(exchange: Exchange, candidate: Candidate) -> bool:
    answer = exchange.answer
    is_read = answer is not None and answer.has_content
    return answer is not None and is_read and answer.recorded_at >= candidate.known_at


def _counts(exchange: Exchange, candidate: Candidate) -> bool:
    """Return True if a question was answered, since the candidate should have been told."""
    answer = exchange.answer
    is_answered = answer is not None and answer.outcome != AnswerOutcome.FAILED
    is_put_off = answer is not None and answer.reason == TOO_OFTEN
    return is_answered and not is_put_off and exchange.question.asked_at >= candidate.since


def _is_too_large(about: Iterable[Exchange]) -> bool:
    return any(each.answer is not None and each.answer.reason == TOO_MANY for each in about)


def _one_by_one(ledger: Ledger, candidate: Candidate) -> Iterator[Candidate]:
    """Yield the transactions that are known of an order that has too many for one answer."""
    question = candidate.question
    names = question.shop_id, question.mode
    try:
        histories = order_history(ledger, names[0], Mode(names[1]), question.subject).histories
        uuids = [str(current_state(events)["uuid"] or "") for events in histories]
    except NotFoundError:
        return
    for uuid in filter(None, uuids):
        yield replace(candidate, question=Question(*names, Service.TRANSACTION, uuid))


def _question_of(shop_id: str, mode: str, finding: Mapping[str, Any]) -> Question | None:
    if finding["uuid"]:
        return Question(shop_id, mode, Service.TRANSACTION, finding["uuid"])
    if finding["order_id"]:
        return Question(shop_id, mode, Service.ORDER, finding["order_id"])
    return None
