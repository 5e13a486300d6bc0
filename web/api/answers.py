"""What the query API answers, field by field, for its documents."""

from marshmallow import fields

from ledger.access.log import Access
from ledger.access.readers import Reader
from ledger.ipn.modes import PUBLIC_MODES
from ledger.projections.engine.folding import Poison
from ledger.projections.engine.status import Status
from ledger.queries.evidence import FAILED, KEY_GONE, NO_SIGNATURE, VERIFIED
from ledger.recording.receipt import Receipt
from ledger.storage.inbox import InboxRecord
from web.api.answer_fields import (
    answer_schema,
    attributes,
    by_schema,
    flag,
    instant,
    many,
    nested,
    number,
    text,
    texts,
    words,
)
from web.api.event_schemas import EVENT, reference_to
from web.api.object_answers import CURSOR, NEWEST, UNDECIDED
from web.api.vocabulary import CLOSED, KNOWN, READMISSION_OUTCOMES

# -- events and notifications -------------------------------------------------------------------

_EVENTS = fields.List(by_schema(reference_to(EVENT)), required=True)
HistoryAnswer = answer_schema(
    "HistoryAnswer",
    events=_EVENTS,
    next_cursor=CURSOR,
    newest_position=NEWEST,
    undecided=texts(UNDECIDED),
)
EventPage = answer_schema(
    "EventPage",
    items=_EVENTS,
    next_after=number("what to ask for next, as `after`"),
    next_cursor=text("the same as text, as lists call it"),
    newest_position=NEWEST,
)
NotificationLinks = answer_schema(
    "NotificationLinks",
    self=text(),
    raw=fields.String(metadata={"description": "of the body, for who may see personal data"}),
)
Notification = answer_schema(
    "Notification",
    **attributes(
        InboxRecord,
        "id received_at recorded_at shop_id digest positions"
        " error_class code_version decided_at key_fingerprint told_at peer content_type"
        " is_imported",
        error_class="of the error that our code stumbled with, when it is undecided",
        code_version="that stumbled, or that decided later",
        decided_at="when it was decided, if that was later than it was kept",
        digest="SHA-256 of the raw body",
        key_fingerprint="of the key that verified it",
        peer="who called; only the network for the role auditor",
        positions="of the events that it brought, or repeats",
        received_at="when it reached us; of an imported one, when it is said to have reached the"
        " endpoint before us",
        recorded_at="when it was kept in the inbox; null in quarantine",
        told_at="the platform's time of the message",
        is_imported="taken from the files of an older endpoint, by an operator",
    ),
    outcome=text("what became of it", choices=CLOSED["outcome"]),
    mode=text("as it says; null when that cannot be read", none=True, choices=PUBLIC_MODES),
    format=text("null when it has neither", none=True, vocabulary=KNOWN["format"]),
    source=text("the platform's word for what made it send", none=True, vocabulary=KNOWN["source"]),
    reason=text("why it is in quarantine or undecided", none=True, vocabulary=KNOWN["reason"]),
    links=nested(NotificationLinks),
)
NotificationPage = answer_schema(
    "NotificationPage", items=many(Notification), next_cursor=CURSOR, newest_position=NEWEST
)
EvidenceAnswer = answer_schema(
    "EvidenceAnswer",
    position=number(),
    type=text(vocabulary=KNOWN["type"]),
    notification=nested(Notification),
    signature=text(
        "the signature, verified again for this answer; asked: it is an answer to our own question,"
        " which has none",
        choices=(VERIFIED, KEY_GONE, FAILED, NO_SIGNATURE),
    ),
    key_fingerprint=text(none=True),
    digest=text("as noted on arrival"),
    digest_now=text("of the body as it is stored now"),
    is_digest_same=flag(),
    is_linked=flag("the delivery names this event"),
    body_base64=text(
        "the raw body, byte for byte; null when it holds card data, but for operators", none=True
    ),
    body_text=text("the same as text, where it is UTF-8, with card data masked"),
)

ConsistencyAnswer = answer_schema(
    "ConsistencyAnswer",
    **{"from": number(), "to": number()},
    hashes=texts("of the proof, in base64 (RFC 9162)"),
)

# -- for operators ------------------------------------------------------------------------------

ReadmittedAnswer = answer_schema(
    "ReadmittedAnswer",
    **attributes(Receipt, "id positions"),
    outcome=text("`gone` when somebody else took it meanwhile", choices=READMISSION_OUTCOMES),
    reason=text(none=True, vocabulary=KNOWN["reason"]),
)
ReadmittedManyAnswer = answer_schema(
    "ReadmittedManyAnswer",
    dry_run=flag(),
    matching=number("how many wait for this reason"),
    readmitted=number(),
    refused=number("how many were refused again"),
    undecided=number("how many were verified, but are still not decided"),
    remaining=number("how many one call did not get to"),
    items=many(ReadmittedAnswer),
)
ConfirmedAnswer = answer_schema(
    "ConfirmedAnswer",
    dry_run=flag(),
    version=number("of the transaction as it is confirmed"),
    doubtful=fields.List(fields.String(), metadata={"description": "why it was doubtful"}),
    facts=by_schema(reference_to("TransactionFacts")),
    positions=fields.List(fields.Integer(), metadata={"description": "of the new events"}),
)
AccessAnswer = answer_schema(
    "AccessAnswer",
    id=number(),
    **attributes(
        Access,
        "at token_id token_name method route kind shop_id reference status peer",
        kind="what was read; `refused` for what the role did not allow",
        status="of the answer",
    ),
    role=text(vocabulary=KNOWN["role"]),
    mode=text(none=True, choices=PUBLIC_MODES),
)
AccessLogPage = answer_schema(
    "AccessLogPage", items=many(AccessAnswer), next_cursor=CURSOR, newest_position=NEWEST
)
Shop = answer_schema(
    "Shop",
    shop_id=text(),
    name=text("as the shops file has it; null when it has the shop no more", none=True),
    modes=many(
        answer_schema(
            "ShopMode",
            mode=text(choices=PUBLIC_MODES),
            ipn_path=text("where the platform is to send notifications of this mode"),
        )
    ),
)
ShopPage = answer_schema("ShopPage", items=many(Shop), next_cursor=CURSOR, newest_position=NEWEST)
MeAnswer = answer_schema(
    "MeAnswer",
    **attributes(Reader, "id name"),
    role=text(vocabulary=KNOWN["role"]),
    shops=fields.List(
        fields.String(),
        required=True,
        allow_none=True,
        metadata={"description": "that it may see; null is every shop"},
    ),
    expires_at=instant("null when it does not expire", none=True),
    sees_personal=flag("it may see personal data and raw bodies"),
)
IndexAnswer = answer_schema(
    "IndexAnswer",
    version=text("of the software"),
    links=words("addresses by name: every collection, the document, the documentation"),
)
ProjectionAnswer = answer_schema(
    "ProjectionAnswer",
    name=text(),
    generation=number(),
    state=text(vocabulary=KNOWN["state"]),
    fingerprint=text("of the code it was made by"),
    **attributes(
        Status, "is_current is_followed position lag lag_seconds", lag="positions behind the log"
    ),
    poison=many(answer_schema("PoisonAnswer", **attributes(Poison, "position topic error"))),
)
ProjectionsAnswer = answer_schema("ProjectionsAnswer", items=many(ProjectionAnswer))
