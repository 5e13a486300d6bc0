"""The export for accounting: what a search shows, as a file that an accountant opens and files."""

from flask import redirect, url_for
from flask.typing import ResponseReturnValue

from ledger.queries.accounting import AccountingExport
from ledger.queries.accounting_files import ACCOUNTING_TYPES
from ledger.queries.export_formats import CSV
from web.downloads import download_accounts
from web.pages.accounting_words import accounting_words
from web.pages.blueprint import bp
from web.pages.languages import language
from web.pages.request_parameters import choice, read_written, zone_of_days
from web.pages.search import SearchForm, filter_of_search


class AccountingForm(SearchForm):
    """A search as a file for accountants."""

    file_format = choice(*ACCOUNTING_TYPES, default=CSV)


@bp.get("/<mode:mode>/export/accounting")
def export_accounting(mode: str) -> ResponseReturnValue:
    """Send what the search shows as an accountant files it, in the reader's language and zone."""
    question = read_written(AccountingForm())
    if question.wrong:
        return redirect(question.address(url_for("pages.search", mode=mode), "file_format"), 303)
    form, zone = question.parameters, zone_of_days()
    export = AccountingExport(filter_of_search(form, mode), zone)
    return download_accounts(export, form["file_format"], accounting_words(language(), zone))
