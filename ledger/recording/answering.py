"""Records what the platform answered to our own questions: by its own door, marked as asked."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from ledger.errors import MalformedNotificationError, UnavailableError
from ledger.ipn.delivery import Delivery, Limits
from ledger.ipn.platform_answers import (
    CONTENT_TYPE,
    NOT_FOUND,
    Envelope,
    Question,
    read_content,
    read_envelope,
)
from ledger.ipn.snapshots import NotificationContent
from ledger.recording.attempts import outcome_of
from ledger.recording.decider import streams_of, transactions_of
from ledger.recording.inbox_rows import delivery_of, occasion_of
from ledger.recording.origins import new_origin_id
from ledger.recording.retries import available, retrying
from ledger.recording.undecided import reason_of
from ledger.recording.unit_of_work import UnitOfWork
from ledger.sealing.sealing import Sealing
from ledger.storage.answers import (
    Answer,
    AnswerOutcome,
    StoredQuestion,
    add_answer,
    add_question,
    answer_to,
    questions_of,
)
from ledger.storage.database import Database
from ledger.storage.event_recorder import lock_streams
from ledger.storage.event_store import EventStore
from ledger.storage.inbox import InboxRecord
from ledger.storage.plain_writer import PlainWriter
from ledger.storage.sealed_rows import add_sealed
from ledger.storage.write_set import LoadRequest, final_positions


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back over the network.

    Shape: `failed_by` is a word for what kept an answer from coming; then `body` is what came of
    it, which may be nothing. `certificate` is the SHA-256 of that of the server, as hex digits.
    """

    body: bytes = field(default=b"", repr=False)
    failed_by: str | None = None
    http_status: int | None = None
    server: str | None = None
    certificate: str | None = None


def read_again(database: Database, record: InboxRecord, limits: Limits) -> NotificationContent:
    """Read once more what a kept answer says. Errors: NotificationError."""
    with database.connect() as connection:
        question = questions_of(connection, [record.id])[record.id].question
    body = record.body or b""
    return read_content(question, delivery_of(record), read_envelope(body, limits))


class Answering:
    """Keeps questions and answers, and appends what answers say."""

    def __init__(
        self,
        database: Database,
        event_store: EventStore,
        sealing: Sealing,
        limits: Limits,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._event_store = event_store
        self._sealing = sealing
        self._limits = limits
        self._plain = PlainWriter(database)
        self._now = now

    def note_question(
        self, question: Question, *, cause: str, key_fingerprint: str
    ) -> StoredQuestion:
        """Keep a question before it is sent. Errors: UnavailableError."""
        now = self._now()
        stored = StoredQuestion(
            id=new_origin_id(now),
            question=question,
            asked_at=now,
            cause=cause,
            key_fingerprint=key_fingerprint,
        )
        with available(), self._database.begin() as connection:
            add_question(connection, stored)
        return stored

    def record(self, stored_question: StoredQuestion, reply: Reply) -> Answer:
        """Keep what came back, whatever it is, and append what it says. Errors: UnavailableError.

        Shape: what cannot be read, or is about something else, is kept and appends nothing.
        """
        now, question = self._now(), stored_question.question
        answer = Answer(
            id=new_origin_id(now),
            question_id=stored_question.id,
            shop_id=question.shop_id,
            mode=question.mode,
            key_fingerprint=stored_question.key_fingerprint,
            recorded_at=now,
            outcome=AnswerOutcome.FAILED,
            reason=reply.failed_by,
            http_status=reply.http_status,
            server=reply.server,
            certificate=reply.certificate,
        )
        if reply.failed_by is not None:
            return self._keep(answer, reply.body)
        with self._sealing.tagging():
            return self._understood(answer, question, reply.body)

    def _understood(self, answer: Answer, question: Question, body: bytes) -> Answer:
        unread = replace(answer, outcome=AnswerOutcome.NOT_RECORDED)
        try:
            envelope = read_envelope(body, self._limits)
            answer = replace(answer, told_at=envelope.told_at)
            if envelope.code is not None:
                return self._keep(_refused(answer, envelope), body)
            delivery = Delivery(answer.id, answer.recorded_at, body, CONTENT_TYPE)
            content = read_content(question, delivery, envelope)
        except MalformedNotificationError as error:
            return self._keep(replace(unread, reason=error.reason), body)
        if not content.transactions:
            return self._keep(replace(answer, outcome=AnswerOutcome.ABSENT), body)
        outcome = outcome_of(lambda: self._appended(answer, delivery, content))
        if isinstance(outcome, Answer):
            return outcome
        if isinstance(outcome, UnavailableError):
            raise outcome
        return self._keep(replace(unread, reason=reason_of(outcome)), body)

    def _appended(self, answer: Answer, delivery: Delivery, content: NotificationContent) -> Answer:
        occasion = occasion_of(delivery, content, answer.recorded_at)
        request = LoadRequest("", streams_of(content), transactions_of(content))

        def attempt(number: int) -> Answer:
            with self._plain.begin() as connection:
                if number:  # stand in line, and look whether it is there already
                    lock_streams(connection, request.stream_ids)
                    if (earlier := answer_to(connection, answer.question_id)) is not None:
                        return earlier
                loaded = self._plain.load(connection, [request])
                work = UnitOfWork(self._event_store, self._sealing, connection, loaded)
                work.answer(answer, delivery.body, content, occasion)
                new_positions = self._plain.write(connection, work.writes)
                decided = work.writes.answers[0]
                positions = final_positions(decided.positions, new_positions)
                return replace(decided, positions=positions)

        return retrying(attempt)

    def _keep(self, answer: Answer, body: bytes) -> Answer:
        with available(), self._database.begin() as connection:
            if body:
                add_sealed(connection, [self._sealing.seal(answer.id, body)])
            add_answer(connection, answer)
        return answer


def _refused(answer: Answer, envelope: Envelope) -> Answer:
    is_absent = envelope.code == NOT_FOUND
    outcome = AnswerOutcome.ABSENT if is_absent else AnswerOutcome.REFUSED
    return replace(answer, outcome=outcome, reason=envelope.code)
