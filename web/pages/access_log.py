"""The access log: who has read personal or raw data, was refused it, or changed who may."""

from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue
from marshmallow import Schema, fields, validate

from ledger.access.log import accesses
from ledger.ipn.storable import INTEGER_MAX
from web.authentication import MODES, only_for_operators, permitted_shops
from web.context import ledger
from web.pages.blueprint import bp
from web.pages.languages import N_
from web.pages.rendering import render
from web.pages.request_parameters import Question, choice, read_question, text, without_blanks

LIMIT = 100
_FILTERS = ("token_id", "kind", "shop_id", "mode", "reference")


class AccessLogForm(Schema):
    """The filters of the log."""

    token_id = text(limit=100)
    kind = text(limit=100)
    shop_id = text(limit=100)
    mode = choice(*MODES)
    reference = text()
    cursor: fields.Field[Any] = fields.Integer(
        validate=validate.Range(1, INTEGER_MAX, error=N_("This page belongs to another question."))
    )


@bp.get("/<mode:mode>/access-log")
@only_for_operators
def access_log(mode: str) -> ResponseReturnValue:
    """List who has read what, newest first; of both modes unless one is chosen."""
    cleaned = without_blanks()
    if cleaned is not None:
        return cleaned
    question = read_question(AccessLogForm())
    body = render("access_log.html", question=question, **_page(mode, question))
    return body, question.status


def _page(mode: str, question: Question) -> dict[str, Any]:
    filters = question.parameters
    shop_id = filters.get("shop_id")
    shops = permitted_shops(frozenset({shop_id}) if shop_id else None)
    lines = []
    if not question.wrong:
        with ledger().database.connect() as connection:
            lines = accesses(
                connection,
                limit=LIMIT + 1,
                before_id=filters.get("cursor"),
                shops=None if shops is None else sorted(shops),
                **{name: filters.get(name) for name in _FILTERS},
            )
    here = url_for("pages.access_log", mode=mode)
    return {
        "lines": lines[:LIMIT],
        "next_address": len(lines) > LIMIT
        and question.address(here, cursor=str(lines[LIMIT - 1].id)),
        "first_address": question.value("cursor") and question.address(here, "cursor"),
    }
