"""Reads a page of a list for a page of ours, and says at the question what is wrong with it."""

from dataclasses import replace

from sqlalchemy import Connection

from ledger.errors import BadCursorError, BadFilterError
from ledger.queries.filter_conditions import Filter
from ledger.queries.lists import NEWEST_FIRST, Listing, Page, list_page
from web.authentication import redact_items
from web.pages.request_parameters import NO_SUCH_CHOICE, OTHER_QUESTION, Question


def read_list(
    connection: Connection,
    question: Question,
    listing: Listing,
    filters: Filter,
    *,
    sort: str = NEWEST_FIRST,
) -> Page | None:
    """Return a page as its reader may see it; None for the cursor of another question, or a
    currency that is none. Errors: ViewNotBuiltError."""
    cursor = question.parameters.get("cursor")
    try:
        page = list_page(connection, listing, filters, sort=sort, cursor=cursor)
    except BadCursorError:
        question.wrong["cursor"] = [OTHER_QUESTION]
        return None
    except BadFilterError:
        question.wrong["currency"] = [NO_SUCH_CHOICE]
        return None
    return replace(page, items=redact_items(page.items, filters))
