"""The one table from ledger errors to HTTP statuses, and the shape of a refusal."""

import json
from http import HTTPStatus
from typing import Any

import structlog
from flask import Flask, Response, request
from flask_limiter import RateLimitExceeded
from werkzeug.exceptions import HTTPException

from ledger.errors import (
    AmbiguousError,
    BadCursorError,
    BadFilterError,
    BadUserError,
    ConflictError,
    LedgerError,
    MissingExtraError,
    NotFoundError,
    NotificationError,
    UnavailableError,
    ViewNotBuiltError,
)
from ledger.storage.database_errors import silence
from web import receiver
from web.pages import refusals

log = structlog.get_logger("web")

STATUS_BY_ERROR: dict[type[LedgerError], int] = {
    NotificationError: 400,
    BadCursorError: 422,
    BadFilterError: 422,
    BadUserError: 400,
    NotFoundError: 404,
    AmbiguousError: 409,
    ConflictError: 503,
    UnavailableError: 503,
    ViewNotBuiltError: 503,
    MissingExtraError: 501,
    LedgerError: 500,
}

_CODES = {
    400: "bad-request",
    401: "unauthorized",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    409: "ambiguous",
    413: "too-large",
    415: "unsupported-content-type",
    422: "not-processable",
    429: "too-many-requests",
    500: "internal-error",
    503: "unavailable",
}


def status_of(error: LedgerError) -> int:
    """Return the HTTP status of a deliberate refusal: that of its nearest class in the table."""
    statuses = (STATUS_BY_ERROR.get(class_) for class_ in type(error).__mro__)
    return next(status for status in statuses if status is not None)


def problem(status: int, code: str, detail: str = "", **more: Any) -> Response:
    """Return a problem document. Source: RFC 9457; `code` is ours, stable, in kebab-case."""
    fields = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    fields |= {"code": code} | ({"detail": detail} if detail else {}) | more
    # the standard library's writer: a question may hold what is no Unicode
    response = Response(json.dumps(fields), status, mimetype="application/problem+json")
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = str(receiver.RETRY_SECONDS)
    return response


def register(app: Flask) -> None:
    """Answer every error through this table; none reaches the server as an exception."""
    app.register_error_handler(HTTPException, _refused_by_http)
    app.register_error_handler(LedgerError, _refused_by_ledger)
    app.register_error_handler(Exception, _failed)


def _refused_by_http(error: HTTPException) -> Response:
    cause = getattr(error, "original_exception", None)
    if silence(cause) is not None:  # after the view had answered
        return _refused_by_ledger(_unavailable(cause))
    status = error.code or 500
    if receiver.is_addressed(request):
        response = receiver.reject(status, _code(status))
    elif refusals.is_addressed(request):
        response = refusals.page(
            status, _code(status), _retry_header(error), error.description or ""
        )
    else:
        response = problem(status, _code(status), _detail(error), **_errors(error))
        response.headers.extend(_headers(error, status))
    allowed = getattr(error, "valid_methods", None)
    if allowed:
        response.headers["Allow"] = ", ".join(sorted(allowed))
    return response


def _refused_by_ledger(error: LedgerError) -> Response:
    status = status_of(error)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("refused", code=error.code, status=status, exc_info=error)
    if receiver.is_addressed(request):
        # Without a receipt nothing is acknowledged: let the sender try again.
        return receiver.reject(503, error.code)
    if refusals.is_addressed(request):
        return refusals.page(status, error.code, {})
    if isinstance(error, AmbiguousError):
        return problem(status, error.code, str(error), aliases=error.choices)
    return problem(status, error.code, str(error))


def _failed(error: Exception) -> Response:
    if silence(error) is not None:
        return _refused_by_ledger(_unavailable(error))
    log.error("failed", method=request.method, path=request.path, exc_info=error)
    if receiver.is_addressed(request):
        return receiver.reject(503, "internal-error")
    if refusals.is_addressed(request):
        return refusals.page(500, "internal-error", {})
    return problem(500, "internal-error")


def _unavailable(cause: BaseException | None) -> UnavailableError:
    error = UnavailableError("the database does not answer")
    error.__cause__ = cause
    return error


def _detail(error: HTTPException) -> str:
    """Return what we said about it; the library's own sentences are left out."""
    description = error.description or ""
    return "" if description == type(error).description else description


def _errors(error: HTTPException) -> dict[str, Any]:
    """Return what is wrong with a question, field by field, as the schema library reports it."""
    data = getattr(error, "data", None) or {}
    return {"errors": data["messages"]} if "messages" in data else {}


def _headers(error: HTTPException, status: int) -> dict[str, str]:
    if status == HTTPStatus.UNAUTHORIZED:
        return {"WWW-Authenticate": 'Bearer realm="ipn-ledger"'}
    return _retry_header(error)


def _retry_header(error: HTTPException) -> dict[str, str]:
    if isinstance(error, RateLimitExceeded) and error.limit is not None:
        return {"Retry-After": str(error.limit.limit.get_expiry())}
    return {}


def _code(status: int) -> str:
    """Return a code of our own: the standard library's phrases change between its versions."""
    return _CODES.get(status, "refused")
