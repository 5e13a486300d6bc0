"""What the query API answers about remittances to the bank."""

from marshmallow import fields

from ledger.ipn.modes import PUBLIC_MODES
from web.api.answer_fields import answer_schema, day, many, number, text
from web.api.listed_answers import chargeback_fields, line_fields

RemittanceLineAnswer = answer_schema(
    "RemittanceLineAnswer",
    **line_fields(),
    chargebacks_minor=number("of it, that files list on these days"),
)
RemittanceAnswer = answer_schema(
    "RemittanceAnswer",
    remitted_on=day("in UTC; with contract and number it identifies a remittance"),
    contract=text("with the bank", none=True),
    number=text("of the platform; it comes again after some time", none=True),
    currency=text("ISO 4217 letters, of all amounts", none=True),
    rows=number("in files"),
    payments_minor=number("the sum of all that was paid"),
    refunds_minor=number("the sum of all that was given back"),
    gross_minor=number("payments less refunds"),
    fee_minor=number("of the bank"),
    net_minor=number("gross less fees; null while a row says no net", none=True),
    known_minor=number("what this ledger knows of these payments, less refunds"),
    difference_minor=number("what the rows say more than this ledger knows"),
    chargebacks_minor=number("of these payments, that files list on these days"),
    results=fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        required=True,
        metadata={"description": "how many rows came to what"},
    ),
    lines=many(RemittanceLineAnswer),
)
ListedChargeback = answer_schema(
    "ListedChargeback",
    **chargeback_fields(),
    trans_id=text("the platform's short number", none=True),
    contract=text(none=True),
)
SettlementAnswer = answer_schema(
    "SettlementAnswer",
    shop_id=text(),
    mode=text(choices=PUBLIC_MODES),
    first_day=day("the first UTC day"),
    last_day=day("the last UTC day"),
    remittances=many(RemittanceAnswer, "by day, contract and number"),
    chargebacks=many(ListedChargeback, "that files list on these days"),
    left_out=number("rows that are in the sums and not listed"),
)
