"""What the query API answers to operators, about read models and the access log."""

from marshmallow import Schema, fields

from web.api.answer_fields import flag, number, text


class AccessAnswer(Schema):
    id = number()
    at = text()
    token_id = text()
    token_name = text()
    role = text()
    method = text()
    route = text()
    kind = text("what was read; `refused` for what the role did not allow")
    shop_id = text(none=True)
    mode = text(none=True)
    reference = text(none=True)
    status = number()
    peer = text()


class AccessLogAnswer(Schema):
    items = fields.List(fields.Nested(AccessAnswer), required=True)
    next_cursor = text(none=True)


class PoisonAnswer(Schema):
    position = number()
    topic = text()
    error = text()


class ProjectionAnswer(Schema):
    name = text()
    generation = number()
    state = text("building, built, live or retired")
    fingerprint = text("of the code it was made by")
    is_current = flag()
    is_followed = flag()
    position = number()
    lag = number("positions behind the log")
    lag_seconds = fields.Float(required=True)
    poison = fields.List(fields.Nested(PoisonAnswer), required=True)


class ProjectionsAnswer(Schema):
    items = fields.List(fields.Nested(ProjectionAnswer), required=True)
