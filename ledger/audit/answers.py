"""Checks each answer to our own questions against its body, and its events against both."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, select

from ledger.audit.fault import BODY_ERASED, CheckResult
from ledger.audit.opened_evidence import OpenedEvidence
from ledger.audit.rederivation import Rederivation
from ledger.audit.stored_rows import DELIVERY_PAGE, UNREADABLE, StoredDelivery
from ledger.audit.verified_deliveries import UNLIMITED, check_event, read_events
from ledger.errors import NotificationError
from ledger.ipn.delivery import Delivery
from ledger.ipn.platform_answers import CONTENT_TYPE, read_content, read_envelope
from ledger.ipn.signature import digest
from ledger.ipn.snapshots import NotificationContent
from ledger.sealing.sealing import Sealing
from ledger.storage.answers import HAVE_CONTENT, StoredQuestion, questions_of
from ledger.storage.asking_tables import answers, questions
from ledger.storage.database import Database


def check_answers(database: Database, sealing: Sealing) -> CheckResult:
    """Check every answer that was read: its digest, its row, and the events that it names."""
    result = CheckResult()
    with database.connect() as connection, sealing.tagging():
        _check_questions(connection, result)
        for raw_rows in _pages(connection):
            ids = [row.id for row in raw_rows]
            evidence = OpenedEvidence(sealing, connection, ids)
            question_by_answer = questions_of(connection, ids)
            kept = [_stored(row, evidence.body(row.id) or b"") for row in raw_rows]
            event_by_position, transactions = read_events(connection, kept, evidence)
            for each in kept:
                content = _content(each, evidence, question_by_answer.get(each.delivery.id), result)
                rederivation = None
                if content is not None:
                    rederivation = Rederivation(each, content, transactions, evidence.parts)
                for position in each.positions:
                    stored_event = event_by_position.get(position)
                    check_event(each, position, stored_event, rederivation, result)
            result.checked += len(kept)
    return result


def _check_questions(connection: Connection, result: CheckResult) -> None:
    """Check that each answer is one to a question of the same shop and mode."""
    c, of = answers.c, questions.c
    names = ("shop_id", "mode", "key_fingerprint")
    is_same = [of.id == c.question_id, *(of[name] == c[name] for name in names)]
    query = select(c.id).where(~select(of.id).where(*is_same).exists())
    for id_ in connection.scalars(query):
        result.add(None, f"answer {id_}", "row-differs", "it has no question of this shop and mode")


def _pages(connection: Connection) -> Iterator[Sequence[Any]]:
    c, after = answers.c, 0
    while True:
        query = select(answers, c.id.label("origin_id")).where(
            c.place > after, c.outcome.in_(HAVE_CONTENT)
        )
        raw_rows = connection.execute(query.order_by(c.place).limit(DELIVERY_PAGE)).all()
        if not raw_rows:
            return
        yield raw_rows
        after = raw_rows[-1].place


def _stored(raw_row: Any, body: bytes) -> StoredDelivery:
    delivery = Delivery(raw_row.id, raw_row.recorded_at, body, CONTENT_TYPE)
    positions = tuple(raw_row.positions)
    return StoredDelivery(delivery, raw_row.recorded_at, raw_row.told_at, positions, raw_row)


def _content(
    stored_delivery: StoredDelivery,
    evidence: OpenedEvidence,
    stored_question: StoredQuestion | None,
    result: CheckResult,
) -> NotificationContent | None:
    """Read again what an answer says; None, and a fault, when that is not what was kept."""
    id_, body = stored_delivery.delivery.id, stored_delivery.delivery.body
    if evidence.is_erased(id_):
        result.remarks[BODY_ERASED] += 1
        return None
    if (reason := evidence.why_not(id_)) is not None:
        result.add(None, f"answer {id_}", reason, "its body cannot be opened")
        return None
    if digest(body) != evidence.digest(id_):
        result.add(None, f"answer {id_}", "digest", f"the body's is {digest(body)[:16]}…")
    if stored_question is None:
        return None
    try:
        envelope = read_envelope(body, UNLIMITED)
        content = read_content(stored_question.question, stored_delivery.delivery, envelope)
    except (NotificationError, *UNREADABLE) as error:
        result.add(None, f"answer {id_}", "row-differs", f"it is no answer: {error}")
        return None
    if content.told_at != stored_delivery.told_at:
        detail = f"told_at is {stored_delivery.told_at}, the body says {content.told_at}"
        result.add(None, f"answer {id_}", "row-differs", detail)
    return content
