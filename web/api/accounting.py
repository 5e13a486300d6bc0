"""The accountant's export over HTTP."""

from typing import Any

from flask import Response, abort
from marshmallow import fields

from ledger.queries.accounting import AccountingExport, transactions_in_days
from ledger.queries.accounting_files import ACCOUNTING_TYPES
from ledger.queries.export_formats import CSV
from ledger.queries.filter_declarations import TransactionFilter
from web.api.parameter_names import Pair, Query
from web.api.query_schemas import DayParameter, described, flag_parameter, one_of, schema_of
from web.api.responses import a_blueprint, serve
from web.authentication import caller, filter_of_caller, log_personal_read
from web.downloads import download_accounts
from web.pages.accounting_words import accounting_words
from web.pages.languages import LANGUAGES, UTC, ZONES

bp = a_blueprint("accounting", "Transactions as an accountant files them.")


class AccountingParameters(Query):
    """How the file is written, and the days that it is about."""

    file_format = fields.String(
        load_default=CSV,
        validate=one_of(ACCOUNTING_TYPES),
        metadata=described("`zip` is CSV beside a file of totals, `xlsx` a workbook with both"),
    )
    language = fields.String(
        load_default="en",
        validate=one_of(LANGUAGES),
        metadata=described("of headers and words; French has a decimal comma and semicolons"),
    )
    zone = fields.String(
        load_default=UTC,
        validate=one_of(ZONES),
        metadata=described("of all days and times; the command takes any other"),
    )
    first_day = DayParameter(
        load_default=None, metadata=described("on which it was recorded by the platform")
    )
    last_day = DayParameter(load_default=None, metadata=described("the last one, included"))
    personal = flag_parameter(
        "names that look like a person's unmasked, for those who may see it", load_default=False
    )

    def renamed(self, name: str, text: str) -> Pair:
        """Return a parameter under the name of its field."""
        return super().renamed("file_format" if name == "format" else name, text)


def export_accounting(parameters: dict[str, Any]) -> Response:
    has_personal, zone = parameters["personal"], parameters["zone"]
    if has_personal:
        if not caller().sees_personal:
            abort(403)
        log_personal_read("export for accounting")
    days = parameters["first_day"], parameters["last_day"]
    filter_ = transactions_in_days(filter_of_caller(TransactionFilter, parameters), *days, zone)
    export = AccountingExport(filter_, zone, has_personal)
    words = accounting_words(parameters["language"], zone)
    return download_accounts(export, parameters["file_format"], words)


_view = export_accounting
for _content_type in ACCOUNTING_TYPES.values():
    _media_type = _content_type.partition(";")[0]
    _view = bp.response(200, {"type": "string"}, content_type=_media_type)(_view)
serve(
    bp,
    "/exports/accounting",
    _view,
    "export_accounting",
    "Export transactions as an accountant files them, the first known first.",
    schema_of(TransactionFilter, AccountingParameters, name="export_accounting_query"),
)
