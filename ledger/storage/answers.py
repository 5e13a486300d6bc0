"""Keeps questions to the platform and its answers, and finds them again."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from ledger.ipn.platform_answers import CONTENT_TYPE, NAME, Question, Service
from ledger.storage.asking_tables import answers, questions
from ledger.storage.database import padded
from ledger.storage.inbox import Inbox, InboxRecord
from ledger.storage.outcomes import Outcome


class AnswerOutcome(StrEnum):
    """What came of one question; these words are stored and public."""

    RECORDED = "recorded"
    REPEATED = "repeated"
    ABSENT = "absent"  # the platform knows nothing of the kind
    REFUSED = "refused"  # the platform did not answer the question
    FAILED = "failed"  # nobody did
    NOT_RECORDED = "not-recorded"  # it is kept, but is no answer to what was asked


HAVE_CONTENT = frozenset({AnswerOutcome.RECORDED, AnswerOutcome.REPEATED})
"""Outcomes of answers that were read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredQuestion:
    """One question as it is kept. Shape: `cause` says why it was asked."""

    id: str
    question: Question
    asked_at: datetime
    cause: str
    key_fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of one question, as it is kept.

    Shape: `outcome` is one of `AnswerOutcome`; `reason` is a word for what is neither recorded nor
    repeated, or the platform's own code. `certificate` is the SHA-256 of that of the server, as hex
    digits; `told_at` the platform's time.
    """

    id: str
    question_id: str
    shop_id: str
    mode: str
    key_fingerprint: str
    recorded_at: datetime
    outcome: str
    reason: str | None = None
    http_status: int | None = None
    server: str | None = None
    certificate: str | None = None
    told_at: datetime | None = None
    positions: tuple[int, ...] = ()

    @property
    def has_content(self) -> bool:
        """Return True if it was read, so that it is evidence."""
        return self.outcome in HAVE_CONTENT


def add_question(connection: Connection, stored_question: StoredQuestion) -> None:
    """Keep a question, before it is sent."""
    question = stored_question.question
    row = {
        "id": stored_question.id,
        "shop_id": question.shop_id,
        "mode": question.mode,
        "service": question.service,
        "subject": question.subject,
        "cause": stored_question.cause,
        "key_fingerprint": stored_question.key_fingerprint,
        "asked_at": stored_question.asked_at,
    }
    connection.execute(insert(questions), row)


def add_answer(connection: Connection, answer: Answer) -> None:
    """Keep what came of a question."""
    row = {name: getattr(answer, name) for name in Answer.__slots__}
    connection.execute(insert(answers), row | {"positions": list(answer.positions)})


def stored_question(row: Row[Any]) -> StoredQuestion:
    """Make a question of its row."""
    question = Question(row.shop_id, row.mode, Service(row.service), row.subject)
    return StoredQuestion(
        id=row.id,
        question=question,
        asked_at=row.asked_at,
        cause=row.cause,
        key_fingerprint=row.key_fingerprint,
    )


def answer_to(connection: Connection, question_id: str) -> Answer | None:
    """Return what came of a question, if anything did."""
    query = select(answers).where(answers.c.question_id == question_id)
    row = connection.execute(query).one_or_none()
    return None if row is None else stored_answer(row)


def stored_answer(row: Row[Any], *, prefix: str = "") -> Answer:
    """Make an answer of its row, whose columns have a prefix where others are beside them."""
    fields = {name: getattr(row, prefix + name) for name in Answer.__slots__}
    fields["outcome"] = AnswerOutcome(fields["outcome"])
    fields["positions"] = tuple(fields["positions"])
    return Answer(**fields)


def questions_of(
    connection: Connection, answer_ids: Collection[str]
) -> Mapping[str, StoredQuestion]:
    """Return the question behind each of these answers, by the id of the answer."""
    if not answer_ids:
        return {}
    query = select(questions, answers.c.id.label("answer_id")).join(
        answers, answers.c.question_id == questions.c.id
    )
    rows = connection.execute(query.where(answers.c.id.in_(padded(sorted(answer_ids)))))
    return {row.answer_id: stored_question(row) for row in rows}


def answer_records(connection: Connection, ids: Collection[str]) -> dict[str, InboxRecord]:
    """Return answers that were read, in the shape of deliveries, by id; others are left out."""
    if not ids:
        return {}
    c = answers.c
    query = select(answers).where(c.id.in_(padded(sorted(ids))), c.outcome.in_(HAVE_CONTENT))
    return {row.id: _record(row) for row in connection.execute(query)}


def evidence_records(connection: Connection, ids: Collection[str]) -> dict[str, InboxRecord]:
    """Return verified deliveries and answers that were read, by id; unknown ids are left out."""
    return Inbox(connection).get_verified(sorted(ids)) | answer_records(connection, ids)


def evidence_record(connection: Connection, id_: str) -> InboxRecord | None:
    """Return a delivery, verified or not, or an answer that was read; None for an unknown id."""
    return Inbox(connection).get(id_) or answer_records(connection, [id_]).get(id_)


def _record(row: Row[Any]) -> InboxRecord:
    return InboxRecord(
        id=row.id,
        received_at=row.recorded_at,
        recorded_at=row.recorded_at,
        outcome=Outcome(row.outcome),
        format=NAME,
        shop_id=row.shop_id,
        mode=row.mode,
        key_fingerprint=row.key_fingerprint,
        told_at=row.told_at,
        positions=tuple(row.positions),
        content_type=CONTENT_TYPE,
        peer=row.server or "",
    )
