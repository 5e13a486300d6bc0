"""The parameters of the query API, and the bodies that it reads."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from ledger.instants import read_as_of
from ledger.ipn.refusal_reasons import REASONS
from ledger.ipn.storable import INTEGER_MAX
from ledger.queries.filter_declarations import EventFilter, NotificationFilter
from web.api.filter_schemas import STORABLE, InstantParameter, flag_parameter, schema_of

LIMIT_MAX = 500
WAIT_SECONDS_MAX = 30


def _limit() -> fields.Integer:
    return fields.Integer(
        validate=validate.Range(1, LIMIT_MAX),
        load_default=50,
        metadata={"description": "how many at most"},
    )


class AsOfQuery(Schema):
    as_of = InstantParameter(
        read_as_of,
        "the state as it was known at this instant; a bare day means its end",
        load_default=None,
    )


class ItemQuery(AsOfQuery):
    version = fields.Integer(
        validate=validate.Range(1, INTEGER_MAX),
        load_default=None,
        metadata={"description": "tell it as of this version"},
    )


class SubscriptionQuery(ItemQuery):
    alias = fields.String(
        load_default=None,
        validate=STORABLE,
        metadata={"description": "which one, when several have this id"},
    )


class FeedPage(Schema):
    after = fields.Integer(
        validate=validate.Range(0, INTEGER_MAX),
        load_default=0,
        metadata={"description": "the last position already read; 0 begins at the beginning"},
    )
    cursor = fields.Integer(
        validate=validate.Range(0, INTEGER_MAX),
        load_default=None,
        metadata={"description": "the same as `after`, as lists call it"},
    )
    limit = _limit()
    wait = fields.Integer(
        validate=validate.Range(0, WAIT_SECONDS_MAX),
        load_default=0,
        metadata={"description": "seconds to wait for an event when there is none yet"},
    )
    details = flag_parameter(
        "also the platform's other fields and personal data", load_default=False
    )


FeedQuery = schema_of(EventFilter, FeedPage, name="FeedQuery")


class NotificationsPage(Schema):
    limit = _limit()
    cursor = fields.String(load_default=None, validate=validate.Regexp(r"^[0-9A-Z]{26}\Z"))


NotificationsQuery = schema_of(NotificationFilter, NotificationsPage, name="NotificationsQuery")


class ReadmitBody(Schema):
    reason = fields.String(
        required=True,
        validate=validate.OneOf(sorted(REASONS)),
        metadata={"description": "all that wait in quarantine for this reason"},
    )
    dry_run = fields.Boolean(
        truthy={True},
        falsy={False},
        load_default=True,
        metadata={"description": "only say how many it would touch"},
    )

    @validates_schema(pass_original=True)
    def _is_told_as_a_boolean(self, _: Any, original: Any, **__: Any) -> None:
        if isinstance(original, dict) and not isinstance(original.get("dry_run", True), bool):
            raise ValidationError("must be true or false", "dry_run")


class AccessLogQuery(Schema):
    token_id = fields.String(load_default=None, validate=STORABLE)
    kind = fields.String(load_default=None, validate=STORABLE)
    shop_id = fields.String(load_default=None, validate=STORABLE)
    limit = _limit()
    cursor = fields.Integer(load_default=None, validate=validate.Range(1, INTEGER_MAX))
