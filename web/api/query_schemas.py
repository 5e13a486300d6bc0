"""What may be asked of the query API."""

from datetime import datetime
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from ledger.instants import read_as_of
from ledger.reasons import REASONS
from ledger.storage.tables import QUARANTINED, RECORDED, REPEATED
from ledger.vocabulary import EVENT_CLASSES

LIMIT_MAX = 500
WAIT_SECONDS_MAX = 30
POSITION_MAX = 2**63 - 1

_MODE = validate.OneOf(["test", "production"])
_STORABLE = validate.Regexp(r"^[^\x00]*\Z", error="holds a character that nothing stored has")


class InstantAsked(fields.String):
    """An ISO 8601 instant as people ask for it; a bare day means its end."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            moment: datetime = read_as_of(super()._deserialize(value, *args, **kwargs))
        except ValueError as error:
            raise ValidationError("is no ISO 8601 instant, as 2026-03-10T09:15:00Z") from error
        return moment


def _instant(meaning: str) -> InstantAsked:
    return InstantAsked(load_default=None, metadata={"format": "date-time", "description": meaning})


def _limit() -> fields.Integer:
    return fields.Integer(
        validate=validate.Range(1, LIMIT_MAX),
        load_default=50,
        metadata={"description": "how many at most"},
    )


class AsOfQuery(Schema):
    as_of = _instant("tell it as it was known at this instant; a bare day means its end")


class ItemQuery(AsOfQuery):
    version = fields.Integer(
        validate=validate.Range(1, POSITION_MAX),
        load_default=None,
        metadata={"description": "tell it as of this version"},
    )


class SubscriptionQuery(ItemQuery):
    alias = fields.String(
        load_default=None,
        validate=_STORABLE,
        metadata={"description": "which one, when several have this id"},
    )


class FeedQuery(Schema):
    after = fields.Integer(
        validate=validate.Range(0, POSITION_MAX),
        load_default=0,
        metadata={"description": "the last position already read; 0 begins at the beginning"},
    )
    cursor = fields.Integer(
        validate=validate.Range(0, POSITION_MAX),
        load_default=None,
        metadata={"description": "the same as `after`, as lists call it"},
    )
    limit = _limit()
    wait = fields.Integer(
        validate=validate.Range(0, WAIT_SECONDS_MAX),
        load_default=0,
        metadata={"description": "seconds to wait for an event when there is none yet"},
    )
    details = fields.Boolean(
        truthy={"true"},
        falsy={"false"},
        load_default=False,
        metadata={"description": "also the platform's other fields and personal data"},
    )
    shop = fields.String(
        load_default=None, validate=_STORABLE, metadata={"description": "only of this shop"}
    )
    mode = fields.String(load_default=None, validate=_MODE)
    type = fields.String(
        load_default=None,
        validate=validate.OneOf(sorted(EVENT_CLASSES)),
        metadata={"description": "only events of this stored name"},
    )


class NotificationsQuery(Schema):
    outcome = fields.String(
        load_default=None, validate=validate.OneOf([RECORDED, REPEATED, QUARANTINED])
    )
    reason = fields.String(load_default=None, validate=validate.OneOf(sorted(REASONS)))
    shop = fields.String(load_default=None, validate=_STORABLE)
    mode = fields.String(load_default=None, validate=_MODE)
    format = fields.String(load_default=None, validate=validate.OneOf(["form-v2", "rest-v4"]))
    source = fields.String(
        load_default=None, validate=_STORABLE, metadata={"description": "the platform's word"}
    )
    received_from = _instant("received at or after this instant")
    received_until = _instant("received before this instant")
    limit = _limit()
    cursor = fields.String(load_default=None, validate=validate.Regexp(r"^[0-9A-Z]{26}\Z"))


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
    token_id = fields.String(load_default=None, validate=_STORABLE)
    kind = fields.String(load_default=None, validate=_STORABLE)
    shop = fields.String(load_default=None, validate=_STORABLE)
    limit = _limit()
    cursor = fields.Integer(load_default=None, validate=validate.Range(1, POSITION_MAX))
