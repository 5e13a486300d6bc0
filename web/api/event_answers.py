"""What the query API answers about events: one by one, in histories, and their evidence."""

from marshmallow import Schema, fields

from ledger.aggregates.event_fields import Output, fields_in
from web.api.answer_fields import event_field, flag, number, text
from web.api.notification_answers import NotificationAnswer


class ChangeAnswer(Schema):
    name = text()
    before = fields.Raw(required=True, allow_none=True)
    after = fields.Raw(required=True, allow_none=True)


def _event_schema(output: Output, name: str) -> type[Schema]:
    """Return a schema of the fields that every event has there."""
    return Schema.from_dict(
        {field.name: event_field(field) for field in fields_in(output)}, name=name
    )


class DataAnswer(_event_schema(Output.DATA, "DataFields")):  # type: ignore[misc]  # made from the one declaration
    """What the notification said; see the schema of each event's stored name for its facts."""


class EventLinksAnswer(Schema):
    notification = text()
    evidence = text()


class EventAnswer(_event_schema(Output.ANSWER, "EventFields")):  # type: ignore[misc]  # as above
    data = fields.Nested(DataAnswer, required=True)
    links = fields.Nested(EventLinksAnswer, required=True)


class HistoryEventAnswer(EventAnswer):
    changes = fields.List(fields.Nested(ChangeAnswer), required=True)


class HistoryAnswer(Schema):
    events = fields.List(fields.Nested(HistoryEventAnswer), required=True)


class FeedAnswer(Schema):
    items = fields.List(fields.Nested(EventAnswer), required=True)
    next_after = number("what to ask for next, as `after`")
    next_cursor = text("the same, as lists call it")


class EvidenceAnswer(Schema):
    position = number()
    type = text()
    notification = fields.Nested(NotificationAnswer, required=True)
    signature = text(
        "the signature, verified again for this answer",
        choices=("verified", "key-gone", "failed"),
    )
    key_fingerprint = text(none=True)
    digest = text("as noted on arrival")
    digest_now = text("of the body as it is stored now")
    is_digest_same = flag()
    is_linked = flag("the delivery names this event")
    body_base64 = text("the raw body, byte for byte")
    body_text = text("the same as text, where it is UTF-8")
