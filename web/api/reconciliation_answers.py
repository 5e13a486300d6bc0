"""What the query API answers about files of the platform, reports and completeness."""

from ledger.ipn.modes import PUBLIC_MODES
from ledger.reconciliation.completeness import DayState
from ledger.reconciliation.findings import Result
from ledger.reconciliation.journal_rows import JournalKind
from web.api.answer_fields import (
    Fields,
    answer_schema,
    day,
    flag,
    fraction,
    instant,
    many,
    nested,
    number,
    optional_day,
    text,
    texts,
)
from web.api.object_answers import CURSOR, NEWEST

_MODE = text(choices=PUBLIC_MODES)


FileAnswer = answer_schema(
    "FileAnswer",
    id=text(),
    recorded_at=instant("when it was put here"),
    by_whom=text("who put it here"),
    file_name=text(),
    shop_id=text(),
    mode=_MODE,
    kind=text("which journal it is", vocabulary=tuple(JournalKind)),
    version=text("of its format"),
    first_day=optional_day("the first UTC day that it lists; null when nobody said"),
    last_day=optional_day("the last one"),
    rows=number("detail rows"),
    bytes=number(),
)
FilePage = answer_schema(
    "FilePage", items=many(FileAnswer), next_cursor=CURSOR, newest_position=NEWEST
)
ImportAnswer = answer_schema(
    "ImportAnswer", is_new=flag("false when it was here already"), file=nested(FileAnswer)
)

SideAnswer = answer_schema(
    "SideAnswer",
    status=text(none=True),
    amount_minor=number("in minor units of `currency`", none=True),
    currency=text("ISO 4217 letters; null where the file says none", none=True),
    file_id=text("the file, of the side of the file", none=True),
    line=number("the line in the file, from 1", none=True),
    reference=text("uuid or reference, of the side of the ledger", none=True),
)
FindingAnswer = answer_schema(
    "FindingAnswer",
    result=text("what came of it", vocabulary=tuple(Result)),
    certainty=text("sure, likely or ambiguous; null where nothing was matched", none=True),
    day=optional_day("the UTC day of the payment"),
    uuid=text(none=True),
    trans_id=text("the platform's short number", none=True),
    order_id=text(none=True),
    direction=text("DEBIT, CREDIT or VERIFICATION", none=True),
    differences=texts("the names of what differs"),
    cause=text("why it is missing, where that can be seen", none=True),
    silence=text(
        "two instants between which no verified call came; null unless it is the cause", none=True
    ),
    delivery_id=text("the delivery that waits in quarantine or undecided, if one does", none=True),
    file=nested(SideAnswer, "what the file says; null when it lists no such payment", none=True),
    ledger=nested(SideAnswer, "what is known here; null when nothing is", none=True),
)
TotalAnswer = answer_schema(
    "TotalAnswer",
    result=text(vocabulary=tuple(Result)),
    currency=text(none=True),
    count=number(),
    amount_minor=number("debits less credits, in minor units of `currency`"),
)
DayAnswer = answer_schema(
    "DayAnswer",
    day=day("in UTC"),
    state=text("what is proven of it", choices=tuple(DayState)),
    listed=number("payments that files list"),
    confirmed=number("of them, known here as they are listed"),
    gaps=number("never told, behind or different"),
    report_id=text("the newest report of this day; null without one", none=True),
    score=fraction("confirmed by listed; null unless a file lists the whole day", none=True),
)
_REPORT_FIELDS: Fields = {
    "id": text(),
    "made_at": instant(),
    "digest": text("SHA-256 of what it says, as canonical JSON"),
    "replaces": text("the report of the same days before it", none=True),
    "shop_id": text(),
    "mode": _MODE,
    "first_day": day("the first UTC day"),
    "last_day": day("the last UTC day"),
    "position": number("the events up to here were compared"),
    "rules": number("the version of the rules"),
    "files": texts("ids of the files that were compared"),
}
ReportSummary = answer_schema("ReportSummary", **_REPORT_FIELDS)
ReportPage = answer_schema(
    "ReportPage", items=many(ReportSummary), next_cursor=CURSOR, newest_position=NEWEST
)
ReportAnswer = answer_schema(
    "ReportAnswer",
    **_REPORT_FIELDS,
    results=many(TotalAnswer, "counts and sums by result and currency"),
    days=many(DayAnswer),
    findings=many(FindingAnswer, "what is missing first"),
    left_out=number("findings that are counted and not listed"),
)
MissingFileAnswer = answer_schema(
    "MissingFileAnswer",
    kind=text(vocabulary=tuple(JournalKind)),
    first_day=day("that it would be of"),
    last_day=day(""),
    expected_at=instant("by when it should have come"),
)
CompletenessAnswer = answer_schema(
    "CompletenessAnswer",
    shop_id=text(),
    mode=_MODE,
    days=many(DayAnswer),
    missing=many(MissingFileAnswer, "files that came regularly and then did not"),
)
