"""The parameters and bodies of questions about files, reports and what was asked."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from ledger.ipn.platform_answers import Service
from ledger.reconciliation.report_store import DAYS_MAX
from web.api.parameter_names import Query, Question
from web.api.query_schemas import (
    STORABLE,
    TEXT,
    DayParameter,
    NotificationsPage,
    described,
    integer_parameter,
)


class FilesQuery(NotificationsPage):
    shop_id = fields.String(load_default=None, validate=STORABLE)


class AskBody(Question):
    service = fields.String(
        required=True,
        validate=validate.OneOf([*Service], error="must be one of {choices}"),
        metadata=described("which reading service"),
    )
    subject = fields.String(
        required=True, validate=TEXT, metadata=described("the order, or the uuid")
    )


CompletenessQuery = Query.from_dict(
    {
        "until": DayParameter(
            load_default=None, metadata=described("the last UTC day; yesterday by default")
        ),
        "days": integer_parameter("how many days", 1, DAYS_MAX, load_default=30),
    },
    name="CompletenessQuery",
)


class ReconcileBody(Question):
    last_day = DayParameter(required=True, metadata=described("the last UTC day"))
    days = integer_parameter("how many days", 1, DAYS_MAX, load_default=1)


class ImportQuery(Query):
    file_name = fields.String(
        required=True,
        validate=TEXT,
        metadata=described("as the platform named it: kind, shop, mode and day are read from it"),
    )
    first_day = DayParameter(
        load_default=None, metadata=described("the first UTC day that it lists whole")
    )
    last_day = DayParameter(load_default=None, metadata=described("the last one"))

    @validates_schema
    def _require_both(self, data: dict[str, Any], **_: Any) -> None:
        first, last = data["first_day"], data["last_day"]
        if (first is None) != (last is None) or (first and last < first):
            raise ValidationError("needs both days, the earlier one first", "last_day")
