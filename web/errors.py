"""The one table from ledger errors to HTTP statuses, and the shape of a refusal."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from flask import Flask, Response, request
from flask_limiter import RateLimitExceeded
from werkzeug.exceptions import HTTPException

from ledger import errors
from ledger.asking.asker import NotAllowedYetError
from ledger.proof.bundle import BundleError
from ledger.reconciliation.journal_error import JournalError
from ledger.storage.database_errors import is_read_only, silence
from web import receiver
from web.api.parameter_names import problems, sentence
from web.pages import refusals
from web.request_ids import request_id
from web.streams import NoPlaceError

log = structlog.get_logger("web")

STATUS_BY_ERROR: dict[type[errors.LedgerError], int] = {
    errors.NotificationError: 400,
    errors.BadCursorError: 422,
    errors.BadFilterError: 422,
    errors.BadUserError: 400,
    errors.TooManyTriesError: 429,
    errors.NotFoundError: 404,
    errors.ErasedError: 410,
    errors.AmbiguousError: 409,
    errors.PositionAheadError: 409,
    errors.ConflictError: 503,
    errors.UnavailableError: 503,
    errors.ViewNotBuiltError: 503,
    errors.ArchiveError: 503,
    errors.MissingExtraError: 501,
    BundleError: 422,
    JournalError: 422,
    NotAllowedYetError: 409,
    errors.LedgerError: 500,
}

_CODES = {
    400: ("bad-request", "the request could not be read"),
    401: ("unauthorized", "this needs a token"),
    403: ("forbidden", "your access does not include this"),
    404: ("not-found", "nothing is served at this address"),
    405: ("method-not-allowed", "this address does not take this method"),
    409: ("ambiguous", "several things have this name"),
    410: ("erased", "this was erased"),
    413: ("too-large", "the body is too large"),
    415: ("unsupported-content-type", "the body is not announced as JSON"),
    422: ("not-processable", "the question could not be understood"),
    429: ("too-many-requests", "too many calls"),
    500: ("internal-error", "the fault is ours and was logged"),
    503: ("unavailable", "this cannot be answered now; try again"),
}
"""Codes and sentences for what says no better ones."""


_READS_ONLY = (
    "this service reads a copy that cannot be written to: nothing is received or changed here, nor"
    " is shown what has to be logged, as personal data; ask where the primary is"
)


def status_of(refusal: errors.LedgerError) -> int:
    """Return the HTTP status of a deliberate refusal: that of its nearest class in the table."""
    statuses = (STATUS_BY_ERROR.get(class_) for class_ in type(refusal).__mro__)
    return next(status for status in statuses if status is not None)


def register(app: Flask) -> None:
    """Answer every error through this table; none reaches the server as an exception."""
    app.register_error_handler(HTTPException, _refused_by_http)
    app.register_error_handler(errors.LedgerError, _refused_by_ledger)
    app.register_error_handler(Exception, _failed)


def _refused_by_http(http_error: HTTPException) -> Response:
    cause = getattr(http_error, "original_exception", None)
    if silence(cause) is not None:  # after the view had answered
        return _unavailable(cause)
    status, description = http_error.code or 500, http_error.description or ""
    # a code of our own: the standard library's phrases change between its versions
    code = getattr(http_error, "reason", _CODES.get(status, ("refused", ""))[0])
    # what we said about it; the library's own sentences are left out
    detail = "" if description == type(http_error).description else description
    if isinstance(http_error, RateLimitExceeded):
        detail = f"too many calls: at most {description} are answered"
    more: dict[str, Any] = {}
    messages = (getattr(http_error, "data", None) or {}).get("messages")
    if messages is not None:  # what is wrong with a question, as the schema library reports it
        more = {"errors": list(problems(messages))}
        detail = "; ".join(map(sentence, more["errors"]))
    response = _refuse(status, code, detail, _headers(http_error), **more)
    allowed = getattr(http_error, "valid_methods", None)
    if allowed:
        response.headers["Allow"] = ", ".join(sorted(allowed))
    return response


def _refused_by_ledger(refusal: errors.LedgerError) -> Response:
    if isinstance(refusal, errors.UnavailableError) and is_read_only(refusal.__cause__):
        cause, refusal = refusal, errors.ReadOnlyError(_READS_ONLY)
        refusal.__cause__ = cause
    status = status_of(refusal)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        id_ = request_id()
        log.error("refused", code=refusal.code, status=status, request_id=id_, exc_info=refusal)
    if receiver.is_addressed(request):
        status = 503  # without a receipt nothing is acknowledged: let the sender try again
    more: dict[str, Any] = {}
    if isinstance(refusal, errors.AmbiguousError):
        more = {"aliases": refusal.choices}
    if isinstance(refusal, errors.PositionAheadError):
        more = {"newest_position": refusal.newest_position}
    if isinstance(refusal, errors.ErasedError):
        more = {"erasure_id": refusal.erasure_id}
    if isinstance(refusal, JournalError):
        more = {"reason": refusal.reason}
    return _refuse(status, refusal.code, str(refusal), _headers_of(refusal), **more)


def _failed(error: Exception) -> Response:
    if silence(error) is not None:
        return _unavailable(error)
    route = request.url_rule.rule if request.url_rule else None  # the path may hold a name
    log.error("failed", method=request.method, route=route, request_id=request_id(), exc_info=error)
    return _refuse(503 if receiver.is_addressed(request) else 500, "internal-error")


def _unavailable(cause: BaseException | None) -> Response:
    refusal = errors.UnavailableError("the database does not answer")
    refusal.__cause__ = cause
    return _refused_by_ledger(refusal)


def _refuse(
    status: int, code: str, detail: str = "", headers: Mapping[str, str] | None = None, **more: Any
) -> Response:
    """Refuse in the way of whoever asks: a line, a page, or a problem document.

    Source: RFC 9457; `code` is ours, stable, in kebab-case.
    """
    if receiver.is_addressed(request):
        return receiver.reject(status, code)
    if refusals.is_addressed(request):
        return refusals.page(status, code, headers or {}, detail)
    detail = detail or _CODES.get(status, ("", HTTPStatus(status).phrase))[1]
    fields = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    fields |= {"code": code, "detail": detail, "request_id": request_id()} | more
    # the standard library's writer: a question may hold what is no Unicode
    response = Response(json.dumps(fields), status, headers, mimetype="application/problem+json")
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers.setdefault("Retry-After", str(receiver.RETRY_SECONDS))
    return response


def _headers_of(refusal: errors.LedgerError) -> dict[str, str]:
    if isinstance(refusal, errors.TooManyTriesError):
        return {"Retry-After": str(refusal.retry_seconds)}
    return {}


def _headers(http_error: HTTPException) -> dict[str, str]:
    if http_error.code == HTTPStatus.UNAUTHORIZED:
        return {"WWW-Authenticate": 'Bearer realm="ipn-ledger"'}
    if isinstance(http_error, NoPlaceError):
        return {"Retry-After": str(http_error.retry_seconds)}
    return {}
