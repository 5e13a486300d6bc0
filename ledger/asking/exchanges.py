"""Reads what was asked of the platform, and what it answered."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from ledger.ipn.asking_access import AskingAccess
from ledger.ipn.platform_answers import Question
from ledger.reconciliation.newest_first import newest_first
from ledger.storage.answers import (
    HAVE_CONTENT,
    Answer,
    AnswerOutcome,
    StoredQuestion,
    stored_answer,
    stored_question,
)
from ledger.storage.asking_tables import answers, questions
from ledger.storage.database import chunks, padded

_LATELY = timedelta(days=8)
_EXCHANGES_MAX = 2_000


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question, and what came of it. Shape: `answer` is None while nobody knows."""

    question: StoredQuestion
    answer: Answer | None

    @property
    def subject(self) -> str:
        """Return the order or the transaction that it is about."""
        return self.question.question.subject

    @property
    def is_answered(self) -> bool:
        """Return True if the platform has answered the question, whatever it has answered."""
        answered = (*HAVE_CONTENT, AnswerOutcome.ABSENT)
        return self.answer is not None and self.answer.outcome in answered


def newest_exchanges(connection: Connection, access: AskingAccess, now: datetime) -> list[Exchange]:
    """Return the questions about a shop and mode that say whether it may be asked, newest first.

    Shape: those of the last eight days, of very many the newest.
    """
    c = questions.c
    of_shop = (c.shop_id == access.shop_id, c.mode == access.mode)
    query = _exchanges().where(*of_shop, c.asked_at >= now - _LATELY)
    return _read(connection, query.order_by(c.id.desc()).limit(_EXCHANGES_MAX))


def exchanges_by_question(
    connection: Connection, asked_before: Collection[Question]
) -> dict[Question, list[Exchange]]:
    """Return how often each of these was asked, oldest first; without those that never were."""
    c, by_question = questions.c, dict[Question, list[Exchange]]()
    subjects: dict[tuple[str, str], set[str]] = {}
    for question in asked_before:
        subjects.setdefault((question.shop_id, question.mode), set()).add(question.subject)
    for (shop_id, mode), of_shop in subjects.items():
        for chunk in chunks(sorted(of_shop)):
            query = _exchanges().where(
                c.shop_id == shop_id, c.mode == mode, c.subject.in_(padded(chunk))
            )
            for exchange in _read(connection, query.order_by(c.id)):
                by_question.setdefault(exchange.question.question, []).append(exchange)
    return by_question


def listed_exchanges(
    connection: Connection, *, limit: int, before_id: str | None = None, shops: Sequence[str] | None
) -> list[Exchange]:
    """Return questions, newest first. Shape: `shops` None is every shop; `before_id` is an id."""
    paged = newest_first(_exchanges(), questions, limit=limit, before_id=before_id, shops=shops)
    return _read(connection, paged)


def _exchanges() -> Select[Any]:
    joined = questions.outerjoin(answers, answers.c.question_id == questions.c.id)
    named = [column.label(f"answer_{column.name}") for column in answers.c]
    return select(*questions.c, *named).select_from(joined)


def _read(connection: Connection, selection: Select[Any]) -> list[Exchange]:
    return [_exchange(row) for row in connection.execute(selection)]


def _exchange(row: Row[Any]) -> Exchange:
    answer = None if row.answer_id is None else stored_answer(row, prefix="answer_")
    return Exchange(stored_question(row), answer)
