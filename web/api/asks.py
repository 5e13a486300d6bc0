"""Questions to the platform over HTTP: what was asked, what it answered; operators ask."""

from typing import Any

from flask import Response
from marshmallow import RAISE

from ledger.asking.asker import OPERATOR, Asker
from ledger.asking.exchanges import Exchange, listed_exchanges
from ledger.errors import NotFoundError
from ledger.instants import write_public_instant
from ledger.ipn.modes import PUBLIC_MODES, Mode
from ledger.ipn.platform_answers import Question, Service
from ledger.storage.answers import Answer, AnswerOutcome
from web.api.answer_fields import answer_schema, attributes, instant, many, number, text
from web.api.object_answers import CURSOR, NEWEST
from web.api.reconciliation_queries import AskBody, FilesQuery
from web.api.responses import a_blueprint, answer, answer_page, link
from web.authentication import (
    allowed_shops,
    log_act,
    only_for_operators,
    permitted_shops,
    redact_for_reader,
)
from web.context import context, ledger

bp = a_blueprint("asks", "What was asked of the platform, and what it answered.")

AskAnswer = answer_schema(
    "AskAnswer",
    id=text("of the question"),
    asked_at=instant(),
    shop_id=text(),
    mode=text(choices=PUBLIC_MODES),
    service=text("the reading service", choices=tuple(Service)),
    subject=text("the order or the uuid that was asked about"),
    cause=text("why it was asked"),
    notification=text("of the answer, where that is evidence; null without one", none=True),
    outcome=text("null while nobody knows", choices=tuple(AnswerOutcome), none=True),
    reason=text("why nothing came of it: the platform's code, or a word", none=True),
    answered_at=instant(none=True),
    told_at=instant("the platform's time of the answer", none=True),
    http_status=number(none=True),
    server=text(none=True),
    certificate=text("SHA-256 of the certificate that the server has shown", none=True),
    key_fingerprint=text("of the password"),
    **attributes(Answer, "positions"),
)
AskPage = answer_schema(
    "AskPage", items=many(AskAnswer), next_cursor=CURSOR, newest_position=NEWEST
)


@bp.route("/asks")
@bp.arguments(FilesQuery, location="query", unknown=RAISE)
@bp.response(200, AskPage)
def list_asks(parameters: dict[str, Any]) -> Response:
    """List what was asked of the platform, newest first. This asks nobody."""
    limit, shop_id = parameters["limit"], parameters["shop_id"]
    allowed = permitted_shops(frozenset({shop_id})) if shop_id else allowed_shops()
    shops = None if allowed is None else sorted(allowed)
    with ledger().database.connect() as connection:
        rows = listed_exchanges(
            connection, limit=limit + 1, before_id=parameters["cursor"], shops=shops
        )
    cursor = rows[limit - 1].question.id if len(rows) > limit else None
    return answer_page([redact_for_reader(_ask_data(each)) for each in rows[:limit]], cursor)


@bp.route("/shops/<shop_id>/<mode>/asks", methods=["POST"])
@bp.arguments(AskBody, location="json", unknown=RAISE)
@bp.response(200, AskAnswer)
@bp.alt_response(409, "409")
@only_for_operators
def ask_now(request_body: dict[str, Any], shop_id: str, mode: str) -> Response:
    """Ask the platform one question now, and record what it answers; 409 when it must wait."""
    service, subject = Service(request_body["service"]), request_body["subject"]
    question = Question(shop_id, Mode(mode).value, service, subject)
    access = ledger().shops.asking(shop_id, question.mode)
    if access is None:
        raise NotFoundError("the shops file does not allow to ask about this shop and mode")
    log_act("question", reference=subject)
    asker = Asker(ledger(), clock=context().clock)
    return answer(redact_for_reader(_ask_data(asker.ask(access, question, cause=OPERATOR))))


def _ask_data(exchange: Exchange) -> dict[str, Any]:
    stored, answer_ = exchange.question, exchange.answer
    question = stored.question
    data: dict[str, Any] = {
        "id": stored.id,
        "asked_at": write_public_instant(stored.asked_at),
        "shop_id": question.shop_id,
        "mode": Mode(question.mode).public,
        "service": question.service.value,
        "subject": question.subject,
        "cause": stored.cause,
        "key_fingerprint": stored.key_fingerprint,
        "notification": None,
        "answered_at": None,
        "told_at": None,
        "positions": [],
    }
    names = ("outcome", "reason", "http_status", "server", "certificate")
    data |= {name: getattr(answer_, name, None) for name in names}
    if answer_ is not None:
        told_at = answer_.told_at
        data |= {
            "answered_at": write_public_instant(answer_.recorded_at),
            "told_at": None if told_at is None else write_public_instant(told_at),
            "positions": list(answer_.positions),
        }
        if answer_.has_content:
            data["notification"] = link("notifications", answer_.id)
    return data
