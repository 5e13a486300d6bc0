"""What the query API answers, field by field, for its documents."""

from marshmallow import fields

from ledger.access.log import Access
from ledger.access.readers import Reader
from ledger.aggregates.event_fields import Output
from ledger.ipn.modes import PUBLIC_MODES
from ledger.ipn.snapshots import (
    ALIAS_FACTS,
    INSTALMENT_FACTS,
    SUBSCRIPTION_FACTS,
    TRANSACTION_FACTS,
)
from ledger.projections.engine.folding import Poison
from ledger.projections.engine.status import Status
from ledger.queries.evidence import FAILED, KEY_GONE, VERIFIED
from ledger.recording.receipt import Receipt
from ledger.storage.inbox import InboxRecord
from web.api.answer_fields import (
    Fields,
    answer_schema,
    attributes,
    event_fields,
    facts,
    flag,
    many,
    number,
    text,
    texts,
    words,
)

_CURSOR = text(none=True)
NEWEST = number("position of the log up to which nothing can appear any more")
_UNDECIDED = texts("notifications that name it and are not decided yet, the newest first")

# -- objects: a transaction, alias, subscription or order ---------------------------------------

LinksAnswer = answer_schema("LinksAnswer", self=text(), history=text())
_KNOWN: Fields = {
    "kind": text(),
    "shop_id": text(),
    "mode": text(choices=PUBLIC_MODES),
    "position": number("of its newest event"),
    "newest_position": NEWEST,
    "first_seen_at": text("when this ledger first heard of it"),
    "last_changed_at": text("when this ledger last heard something new"),
    "undecided": _UNDECIDED,
    "links": fields.Nested(LinksAnswer, required=True),
}
_OBJECT: Fields = {
    **_KNOWN,
    "doubtful": flag("true while doubtful forms alone have reported it: it counts nowhere"),
    "version": number("how many events made it what it is"),
    "contradictions": number("events that contradict what was known"),
    "details": words("the platform's other fields, each as it last came"),
    "personal": words("fields about a person; masked for the role auditor"),
}
_TRANSACTION: Fields = {
    **_OBJECT,
    **facts(TRANSACTION_FACTS),
    "uuid": text("None when the platform gave none", none=True),
    "reference": text("the uuid, or what stands in for it"),
}
TransactionAnswer = answer_schema("TransactionAnswer", **_TRANSACTION)
AliasAnswer = answer_schema(
    "AliasAnswer",
    **_OBJECT,
    **facts(ALIAS_FACTS),
    alias=text(),
    status=text("CREATED, UPDATED or NOT_CREATED"),
)
SubscriptionAnswer = answer_schema(
    "SubscriptionAnswer",
    **_OBJECT,
    **facts(SUBSCRIPTION_FACTS),
    subscription_id=text(),
    alias=text(none=True),
    status=text("CREATED or NOT_CREATED"),
    instalments=many(answer_schema("InstalmentAnswer", **facts(INSTALMENT_FACTS))),
)
OriginalAnswer = answer_schema(
    "OriginalAnswer",
    uuid=text("of the debit that a refund gives back"),
    certainty=text(choices=("told", "inferred")),
)
_OF_A_WHOLE = ("undecided", "newest_position")
OrderTransactionAnswer = answer_schema(
    "OrderTransactionAnswer",
    **{name: field for name, field in _TRANSACTION.items() if name not in _OF_A_WHOLE},
    original=fields.Nested(
        OriginalAnswer,
        allow_none=True,
        metadata={"description": "of a refund only; null when none or several can be meant"},
    ),
)
BalanceAnswer = answer_schema(
    "BalanceAnswer",
    currency=text(none=True),
    transactions=number(),
    doubtful=number("how many of them are doubtful, and in no sum"),
    authorised_minor=number("debits authorised and not released"),
    captured_minor=number("debits captured"),
    refunded_minor=number("credits that count"),
    open_minor=number("debits authorised or waiting, not captured yet"),
    balance_minor=number("debits that count less credits that count"),
)
OrderAnswer = answer_schema(
    "OrderAnswer",
    **_KNOWN,
    order_id=text(),
    view_position=number("how far the view that names its transactions had followed the log"),
    version=number("how many events of its transactions made it what it is"),
    balances=fields.List(
        fields.Nested(BalanceAnswer),
        required=True,
        metadata={"description": "of all transactions, whichever page is shown"},
    ),
    transactions=many(OrderTransactionAnswer),
    next_cursor=_CURSOR,
)

# -- events and notifications -------------------------------------------------------------------

_EVENT = event_fields(Output.ANSWER) | {
    "data": fields.Nested(answer_schema("DataAnswer", **event_fields(Output.DATA)), required=True),
    "links": fields.Nested(
        answer_schema("EventLinksAnswer", notification=text(), evidence=text()), required=True
    ),
}
EventAnswer = answer_schema("EventAnswer", **_EVENT)
ChangeAnswer = answer_schema(
    "ChangeAnswer",
    name=text(),
    before=fields.Raw(required=True, allow_none=True),
    after=fields.Raw(required=True, allow_none=True),
)
HistoryEventAnswer = answer_schema("HistoryEventAnswer", **_EVENT, changes=many(ChangeAnswer))
HistoryAnswer = answer_schema(
    "HistoryAnswer",
    events=many(HistoryEventAnswer),
    next_cursor=_CURSOR,
    newest_position=NEWEST,
    undecided=_UNDECIDED,
)
FeedAnswer = answer_schema(
    "FeedAnswer",
    items=many(EventAnswer),
    next_after=number("what to ask for next, as `after`"),
    next_cursor=text("the same, as lists call it"),
    newest_position=NEWEST,
)
NotificationAnswer = answer_schema(
    "NotificationAnswer",
    **attributes(
        InboxRecord,
        "id received_at recorded_at format shop_id mode source outcome reason digest positions"
        " error_class code_version decided_at key_fingerprint told_at peer content_type"
        " is_imported",
        outcome="recorded, repeated, undecided or quarantined",
        error_class="of the error that our code stumbled with, when it is undecided",
        code_version="that stumbled, or that decided later",
        decided_at="when it was decided, if that was later than it was kept",
        digest="SHA-256 of the raw body",
        key_fingerprint="of the key that verified it",
        peer="who called; only the network for the role auditor",
        received_at="when it reached us; of an imported one, when it is said to have reached the"
        " endpoint before us",
        is_imported="taken from the files of an older endpoint, by an operator",
    ),
    links=fields.Dict(keys=fields.String(), values=fields.String(), required=True),
)
NotificationsAnswer = answer_schema(
    "NotificationsAnswer",
    items=many(NotificationAnswer),
    next_cursor=_CURSOR,
    newest_position=NEWEST,
)
EvidenceAnswer = answer_schema(
    "EvidenceAnswer",
    position=number(),
    type=text(),
    notification=fields.Nested(NotificationAnswer, required=True),
    signature=text(
        "the signature, verified again for this answer", choices=(VERIFIED, KEY_GONE, FAILED)
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

# -- for operators ------------------------------------------------------------------------------

ReadmittedAnswer = answer_schema(
    "ReadmittedAnswer",
    **attributes(
        Receipt,
        "id outcome reason positions",
        outcome="`gone` when somebody else took it meanwhile",
    ),
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
    facts=fields.Dict(keys=fields.String(), metadata={"description": "what is confirmed"}),
    positions=fields.List(fields.Integer(), metadata={"description": "of the new events"}),
)
AccessAnswer = answer_schema(
    "AccessAnswer",
    id=number(),
    **attributes(
        Access,
        "at token_id token_name role method route kind shop_id mode reference status peer",
        kind="what was read; `refused` for what the role did not allow",
    ),
)
AccessLogAnswer = answer_schema(
    "AccessLogAnswer", items=many(AccessAnswer), next_cursor=_CURSOR, newest_position=NEWEST
)
ShopAnswer = answer_schema(
    "ShopAnswer",
    shop_id=text(),
    name=text("as the shops file has it; null when it has the shop no more", none=True),
    modes=many(
        answer_schema(
            "ShopModeAnswer",
            mode=text(choices=PUBLIC_MODES),
            ipn_path=text("where the platform is to send notifications of this mode"),
        )
    ),
)
ShopsAnswer = answer_schema(
    "ShopsAnswer", items=many(ShopAnswer), next_cursor=_CURSOR, newest_position=NEWEST
)
MeAnswer = answer_schema(
    "MeAnswer",
    **attributes(Reader, "id name role"),
    shops=fields.List(
        fields.String(),
        required=True,
        allow_none=True,
        metadata={"description": "that it may see; null is every shop"},
    ),
    expires_at=text("null when it does not expire", none=True),
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
    state=text("building, built, live or retired"),
    fingerprint=text("of the code it was made by"),
    **attributes(
        Status, "is_current is_followed position lag lag_seconds", lag="positions behind the log"
    ),
    poison=many(answer_schema("PoisonAnswer", **attributes(Poison, "position topic error"))),
)
ProjectionsAnswer = answer_schema(
    "ProjectionsAnswer", items=many(ProjectionAnswer), newest_position=NEWEST
)
