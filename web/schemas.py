"""What may be asked of the query API, and the shape of what it answers."""

from datetime import datetime
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from ledger.event_shapes import fact_shape
from ledger.formats.snapshot import (
    ALIAS_FACTS,
    INSTALMENT_FACTS,
    SUBSCRIPTION_FACTS,
    TRANSACTION_FACTS,
)
from ledger.instants import read_as_of
from ledger.reasons import REASONS
from ledger.storage.outcomes import Outcome
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


# -- what may be asked ----------------------------------------------------------------------------


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
    outcome = fields.String(load_default=None, validate=validate.OneOf(list(Outcome)))
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


# -- what is answered -----------------------------------------------------------------------------


def _text(meaning: str = "", *, none: bool = False) -> fields.String:
    metadata = {"description": meaning} if meaning else {}
    return fields.String(required=True, allow_none=none, metadata=metadata)


def _number(meaning: str = "", *, none: bool = False) -> fields.Integer:
    metadata = {"description": meaning} if meaning else {}
    return fields.Integer(required=True, allow_none=none, metadata=metadata)


def _words(meaning: str) -> fields.Dict:
    return fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        required=True,
        metadata={"description": meaning},
    )


def _facts(meanings: dict[str, str]) -> dict[str, fields.Field[Any]]:
    return {
        name: _number(told, none=True)
        if "integer" in fact_shape(name, told)["type"]
        else _text(told, none=True)
        for name, told in meanings.items()
    }


class LinksAnswer(Schema):
    self = _text()
    history = _text()


class _Known(Schema):
    """What every object has."""

    kind = _text()
    shop_id = _text()
    mode = fields.String(required=True, validate=_MODE)
    version = _number("how many events made it what it is")
    position = _number("of its newest event")
    first_seen_at = _text("when this ledger first heard of it")
    last_changed_at = _text("when this ledger last heard something new")
    contradictions = _number("events that contradict what was known")
    details = _words("the platform's other fields, each as it was last told")
    personal = _words("fields about a person; masked for the role auditor")
    links = fields.Nested(LinksAnswer, required=True)


class TransactionAnswer(
    _Known.from_dict(_facts(TRANSACTION_FACTS), name="TransactionFacts"),  # type: ignore[misc]  # made from the one vocabulary
    _Known,
):
    """Units: amounts in minor units of the currency beside them."""

    uuid = _text("None when the platform gave none", none=True)
    reference = _text("the uuid, or what stands in for it")


class AliasAnswer(_Known.from_dict(_facts(ALIAS_FACTS), name="AliasFacts"), _Known):  # type: ignore[misc]  # as above
    alias = _text()
    status = _text("CREATED, UPDATED or NOT_CREATED")


class InstalmentAnswer(Schema.from_dict(_facts(INSTALMENT_FACTS), name="InstalmentFacts")):  # type: ignore[misc]  # as above
    """One attempt of an instalment."""


class SubscriptionAnswer(
    _Known.from_dict(_facts(SUBSCRIPTION_FACTS), name="SubscriptionFacts"),  # type: ignore[misc]  # as above
    _Known,
):
    subscription_id = _text()
    alias = _text(none=True)
    status = _text("CREATED or NOT_CREATED")
    instalments = fields.List(fields.Nested(InstalmentAnswer), required=True)


class OriginalAnswer(Schema):
    uuid = _text("of the debit that a refund gives back")
    certainty = fields.String(required=True, validate=validate.OneOf(["told", "inferred"]))


class OrderTransactionAnswer(TransactionAnswer):
    original = fields.Nested(
        OriginalAnswer,
        allow_none=True,
        metadata={"description": "of a refund only; null when none or several can be meant"},
    )


class BalanceAnswer(Schema):
    """Units: minor units of `currency`; currencies never add up."""

    currency = _text(none=True)
    transactions = _number()
    authorised_minor = _number("debits authorised and not released")
    captured_minor = _number("debits captured")
    refunded_minor = _number("credits that count")
    open_minor = _number("debits authorised or waiting, not captured yet")
    balance_minor = _number("debits that count less credits that count")


class OrderAnswer(Schema):
    kind = _text()
    shop_id = _text()
    mode = fields.String(required=True, validate=_MODE)
    order_id = _text()
    first_seen_at = _text()
    last_changed_at = _text()
    position = _number("of its newest event")
    view_position = _number("how far the view that names its transactions had followed the log")
    balances = fields.List(fields.Nested(BalanceAnswer), required=True)
    transactions = fields.List(fields.Nested(OrderTransactionAnswer), required=True)
    links = fields.Nested(LinksAnswer, required=True)


class ChangeAnswer(Schema):
    name = _text()
    before = fields.Raw(required=True, allow_none=True)
    after = fields.Raw(required=True, allow_none=True)


class DataAnswer(Schema):
    """What was told; see the schema of each event's stored name for its facts."""

    source = _text(none=True)
    told_at = _text("the platform's time of the message", none=True)
    odd = fields.List(fields.String(), required=True)
    facts = fields.Dict(keys=fields.String(), required=True)
    details = fields.Dict(keys=fields.String(), values=fields.String())
    personal = fields.Dict(keys=fields.String(), values=fields.String())


class EventLinksAnswer(Schema):
    notification = _text()
    evidence = _text()


class EventAnswer(Schema):
    position = _number("its place in the whole ledger")
    version = _number("its place in the history of its object")
    type = fields.String(required=True, validate=validate.OneOf(sorted(EVENT_CLASSES)))
    sentence = _text("what happened, in words")
    kind = _text()
    shop_id = _text()
    mode = fields.String(required=True, validate=_MODE)
    reference = _text()
    occurred_at = _text("when it happened, when the platform tells", none=True)
    recorded_at = _text("since when this ledger knows")
    received_at = _text()
    late = fields.Boolean(required=True, metadata={"description": "older than what was known"})
    late_seconds = fields.Float(required=True, allow_none=True)
    contradiction = fields.Boolean(required=True)
    rule = _text("the Back Office rule it was sent under")
    rule_certainty = _text("told, hinted or inferred")
    notification_id = _text()
    data = fields.Nested(DataAnswer, required=True)
    links = fields.Nested(EventLinksAnswer, required=True)


class HistoryEventAnswer(EventAnswer):
    changes = fields.List(fields.Nested(ChangeAnswer), required=True)


class HistoryAnswer(Schema):
    events = fields.List(fields.Nested(HistoryEventAnswer), required=True)


class FeedAnswer(Schema):
    items = fields.List(fields.Nested(EventAnswer), required=True)
    next_after = _number("what to ask for next, as `after`")
    next_cursor = _text("the same, as lists call it")


class NotificationAnswer(Schema):
    id = _text()
    received_at = _text()
    recorded_at = _text(none=True)
    format = _text(none=True)
    shop_id = _text(none=True)
    mode = _text(none=True)
    source = _text(none=True)
    outcome = _text("recorded, repeated or quarantined")
    reason = _text(none=True)
    digest = _text("SHA-256 of the raw body")
    positions = fields.List(fields.Integer(), required=True)
    key_fingerprint = _text("of the key that verified it", none=True)
    told_at = _text(none=True)
    peer = _text("who called; only the network for the role auditor")
    content_type = _text()
    links = fields.Dict(keys=fields.String(), values=fields.String(), required=True)


class NotificationsAnswer(Schema):
    items = fields.List(fields.Nested(NotificationAnswer), required=True)
    next_cursor = _text(none=True)


class ReadmittedAnswer(Schema):
    id = _text()
    outcome = _text("`gone` when somebody else took it meanwhile")
    reason = _text(none=True)
    positions = fields.List(fields.Integer(), required=True)


class ReadmittedManyAnswer(Schema):
    dry_run = fields.Boolean(required=True)
    matching = _number("how many wait for this reason")
    readmitted = _number()
    refused = _number("how many were refused again")
    remaining = _number("how many one call did not get to")
    items = fields.List(fields.Nested(ReadmittedAnswer), required=True)


class EvidenceAnswer(Schema):
    position = _number()
    type = _text()
    notification = fields.Nested(NotificationAnswer, required=True)
    signature = fields.String(
        required=True,
        validate=validate.OneOf(["verified", "key-gone", "failed"]),
        metadata={"description": "the signature, verified again for this answer"},
    )
    key_fingerprint = _text(none=True)
    digest = _text("as noted on arrival")
    digest_now = _text("of the body as it is stored now")
    is_digest_same = fields.Boolean(required=True)
    is_linked = fields.Boolean(
        required=True, metadata={"description": "the delivery names this event"}
    )
    body_base64 = _text("the raw body, byte for byte")
    body_text = _text("the same as text, where it is UTF-8")


class AccessAnswer(Schema):
    id = _number()
    at = _text()
    token_id = _text()
    token_name = _text()
    role = _text()
    method = _text()
    route = _text()
    kind = _text("what was read; `refused` for what the role did not allow")
    shop_id = _text(none=True)
    mode = _text(none=True)
    reference = _text(none=True)
    status = _number()
    peer = _text()


class AccessLogAnswer(Schema):
    items = fields.List(fields.Nested(AccessAnswer), required=True)
    next_cursor = _text(none=True)


class PoisonAnswer(Schema):
    position = _number()
    topic = _text()
    error = _text()


class ProjectionAnswer(Schema):
    name = _text()
    generation = _number()
    state = _text("building, built, live or retired")
    fingerprint = _text("of the code it was made by")
    is_current = fields.Boolean(required=True)
    is_followed = fields.Boolean(required=True)
    position = _number()
    lag = _number("positions behind the log")
    lag_seconds = fields.Float(required=True)
    poison = fields.List(fields.Nested(PoisonAnswer), required=True)


class ProjectionsAnswer(Schema):
    items = fields.List(fields.Nested(ProjectionAnswer), required=True)


class ProblemAnswer(Schema):
    """A problem document. Source: RFC 9457."""

    type = _text()
    title = _text()
    status = _number()
    code = _text("stable, in kebab-case")
    detail = fields.String()
    errors = fields.Dict(metadata={"description": "what is wrong with what was asked"})
    aliases = fields.List(
        fields.String(), metadata={"description": "to choose from, when an id is ambiguous"}
    )
