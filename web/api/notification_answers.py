"""What the query API answers about notifications."""

from marshmallow import Schema, fields

from web.api.answer_fields import flag, number, text


class NotificationAnswer(Schema):
    id = text()
    received_at = text()
    recorded_at = text(none=True)
    format = text(none=True)
    shop_id = text(none=True)
    mode = text(none=True)
    source = text(none=True)
    outcome = text("recorded, repeated or quarantined")
    reason = text(none=True)
    digest = text("SHA-256 of the raw body")
    positions = fields.List(fields.Integer(), required=True)
    key_fingerprint = text("of the key that verified it", none=True)
    told_at = text(none=True)
    peer = text("who called; only the network for the role auditor")
    content_type = text()
    links = fields.Dict(keys=fields.String(), values=fields.String(), required=True)


class NotificationsAnswer(Schema):
    items = fields.List(fields.Nested(NotificationAnswer), required=True)
    next_cursor = text(none=True)


class ReadmittedAnswer(Schema):
    id = text()
    outcome = text("`gone` when somebody else took it meanwhile")
    reason = text(none=True)
    positions = fields.List(fields.Integer(), required=True)


class ReadmittedManyAnswer(Schema):
    dry_run = flag()
    matching = number("how many wait for this reason")
    readmitted = number()
    refused = number("how many were refused again")
    remaining = number("how many one call did not get to")
    items = fields.List(fields.Nested(ReadmittedAnswer), required=True)
