"""What the query API answers about what a list of transactions adds up to."""

from web.api.answer_fields import answer_schema, flag, many, number, text
from web.api.fact_schemas import AMOUNTS
from web.api.object_answers import STANDING

CurrencySumAnswer = answer_schema(
    "CurrencySum",
    currency=text("ISO 4217 letters", none=True),
    operation_type=text("DEBIT, CREDIT or VERIFICATION", none=True),
    count=number("how many transactions"),
    amount_minor=number(f"their sum, also of refunds; in minor units of `currency`: {AMOUNTS}"),
    accepted_count=number("those that were authorised or captured; refunds that were made"),
    accepted_minor=number("the sum of these"),
)
ValueCount = answer_schema(
    "ValueCount", value=text("empty for transactions without one"), count=number()
)
TransactionSummary = answer_schema(
    "TransactionSummary",
    is_complete=flag("false when too many would have to be read; then nothing is added up"),
    count=number("how many transactions; null when not complete", none=True),
    sums=many(CurrencySumAnswer, "by currency and operation, the most used currency first"),
    statuses=many(ValueCount, "how many there are of each status, most frequent first"),
    shops=many(ValueCount, "of each shop"),
    currencies=many(ValueCount, "of each currency"),
    **STANDING,
)
