"""What the platform sends otherwise than before, and which names it was seen to send."""

from datetime import timedelta
from typing import Any

from flask import Response
from marshmallow import RAISE

from ledger.drift.catalogue import Drift
from ledger.drift.known_names import count_calls, listed_names
from ledger.drift.news import DAYS_LOOKED_AT, listed_news
from ledger.drift.readings import Reading
from ledger.instants import beginning_of
from ledger.ipn.modes import PUBLIC_MODES
from web.api.answer_fields import (
    Fields,
    answer_schema,
    day,
    fraction,
    instant,
    many,
    number,
    text,
    texts,
)
from web.api.parameter_names import Query
from web.api.query_schemas import LIMIT_MAX, DayParameter, integer_parameter
from web.api.responses import a_blueprint, answer
from web.context import context, ledger

bp = a_blueprint("drift", "What the platform sends otherwise than before.")

DriftQuery = Query.from_dict(
    {
        "since": DayParameter(
            load_default=None,
            metadata={"description": "the first UTC day; 7 days ago by default"},
        ),
        "limit": integer_parameter("how many at most", 1, LIMIT_MAX, load_default=50),
    },
    name="DriftQuery",
)
_SHOP: Fields = {"shop_id": text(), "mode": text(choices=PUBLIC_MODES)}
_READING = text("what the ledger makes of it", vocabulary=tuple(Reading))
_NAME = text("a field of a form, or a path of an answer with a star for a place in a list")
DriftFindingAnswer = answer_schema(
    "DriftFindingAnswer",
    **_SHOP,
    noticed_at=instant("when the call arrived that settled it"),
    format=text(),
    drift=text("what is otherwise", vocabulary=tuple(Drift)),
    name=_NAME,
    value=text("the new word or JSON type; null where a name alone is meant", none=True),
    kind=text("of the call: source, direction and status"),
    reading=_READING,
    delivery_id=text("the first delivery that showed it; of what is missing, the first without"),
)
DriftAnswer = answer_schema(
    "DriftAnswer",
    **_SHOP,
    first_day=day("the first UTC day that is looked at"),
    calls=number("deliveries that were read, repeats of the same content left out"),
    unread=number("deliveries that could not be read"),
    findings=many(DriftFindingAnswer, "newest first"),
)
KindAnswer = answer_schema(
    "KindAnswer",
    kind=text("source, direction and status"),
    calls=number("of this kind that have the name"),
    of=number("all calls of this kind"),
)
DriftNameAnswer = answer_schema(
    "DriftNameAnswer",
    **_SHOP,
    format=text(),
    name=_NAME,
    reading=_READING,
    types=texts("the JSON types of its values"),
    values=texts("the words of a closed set; null where values are not kept", none=True),
    calls=number("that have it"),
    share=fraction("of the calls of the kinds that have it"),
    first_seen_at=instant(),
    last_seen_at=instant(),
    first_delivery_id=text(),
    kinds=many(KindAnswer),
)
DriftNamesAnswer = answer_schema("DriftNamesAnswer", **_SHOP, names=many(DriftNameAnswer))


@bp.route("/shops/<shop_id>/<mode>/drift")
@bp.arguments(DriftQuery, location="query", unknown=RAISE)
@bp.response(200, DriftAnswer)
def get_drift(parameters: dict[str, Any], shop_id: str, mode: str) -> Response:
    """List what calls of a shop had otherwise than those before, newest first."""
    first_day = parameters["since"] or context().clock().date() - timedelta(days=DAYS_LOOKED_AT)
    since, shops, limit = beginning_of(first_day), {shop_id}, parameters["limit"]
    with ledger().database.connect() as connection:
        findings = listed_news(connection, since, shops=shops, mode=mode, limit=limit)
        calls, unread = count_calls(connection, shops=shops, mode=mode)
    counts = {"first_day": first_day.isoformat(), "calls": calls, "unread": unread}
    return answer({"shop_id": shop_id, "mode": mode, **counts, "findings": findings})


@bp.route("/shops/<shop_id>/<mode>/drift/names")
@bp.response(200, DriftNamesAnswer)
def get_drift_names(shop_id: str, mode: str) -> Response:
    """List every name that calls of a shop were seen to have; values only of closed sets."""
    with ledger().database.connect() as connection:
        names = listed_names(connection, shops={shop_id}, mode=mode)
    return answer({"shop_id": shop_id, "mode": mode, "names": names})
